import { constants } from "node:fs";
import { printable } from "./label.ts";
import type { SectionContext } from "./section.ts";

/** What the system says of a path, without following a link at its end. */
export interface DirectoryFacts {
  /** With the bits for the kind of file. */
  readonly mode: number;
  readonly uid: number;
}

/**
 * What is wrong with a state directory that is there: others can enter it, or it is somebody else's. Undefined = nothing.
 * The start asks the same (state-lock.ts), for keys lie in it and whoever can connect to its socket is believed.
 */
export function stateDirProblem(
  directory: string,
  { mode, uid }: DirectoryFacts,
  ownUid: number,
): string | undefined {
  if ((mode & constants.S_IFMT) !== constants.S_IFDIR) return `${directory} is not a directory`;
  if (uid !== ownUid) return `${directory} belongs to user ${uid}, not ${ownUid}`;
  if ((mode & 0o077) !== 0) return `others can enter ${directory}: chmod 700 ${directory}`;
  return undefined;
}

/**
 * Reports a state directory that a start would refuse. One that is not there yet is made by the start. Root may check a
 * file for the user who will run it, so to root every owner is right.
 */
export function checkStateDir(directory: string, context: SectionContext): void {
  const ownUid = process.getuid?.() ?? 0;
  let facts: DirectoryFacts | undefined;
  try {
    facts = context.files.linkStat?.(directory);
  } catch {
    return; // a part of the path cannot be entered: the start says what the system says
  }
  if (facts === undefined) return;
  const problem = stateDirProblem(directory, facts, ownUid === 0 ? facts.uid : ownUid);
  if (problem === undefined) return;
  context.findings.add({
    code: "Z1316",
    path: ["server", "state_dir"],
    message: `\`state_dir\` in [server]: ${printable(problem)}`,
  });
}
