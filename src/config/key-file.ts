import { relative } from "node:path";
import type { Path } from "./finding.ts";
import { keyLabel, printable } from "./label.ts";
import { resolvePath, type SectionContext } from "./section.ts";

/**
 * Whether a private key is kept as one: reports a file that others may read or write, that belongs to somebody else, or
 * that a symbolic link in the config's directory leads out to (reliability.md C8). Links within it are how Kubernetes
 * replaces secrets (`..data`).
 */
export function checkKeyFile(path: Path, file: string, context: SectionContext): boolean {
  const refuse = (problem: string, label: string): false => {
    context.findings.add({ code: "Z1314", path, message: `${keyLabel(path)}: ${problem}`, label });
    return false;
  };
  const named = resolvePath(file, context);
  let facts: KeyFacts | undefined;
  let target: string | undefined;
  let root = context.directory;
  try {
    facts = context.files.stat?.(named);
    target = context.files.realPath?.(named);
    root = context.files.realPath?.(root) ?? root;
  } catch {
    return true; // what cannot be read is reported by whoever reads it
  }
  if (target !== undefined && isWithin(context.directory, named) && !isWithin(root, target))
    return refuse(`a link leads out of the config's directory, to ${printable(target)}`, "link");
  if (facts === undefined) return true;
  const problem = exposedKey(facts);
  if (problem === undefined) return true;
  return refuse(problem, isOpen(facts) ? `mode ${octalOf(facts)}` : "owner");
}

/** What is wrong with a private key's file: others can use it, or belong to who made it. Undefined = nothing is. */
export function exposedKey(facts: KeyFacts): string | undefined {
  if (isOpen(facts))
    return `others can read the private key, or its group can write it (mode ${octalOf(facts)})`;
  const own = process.getuid?.();
  if (facts.uid === undefined || facts.uid === 0 || own === undefined || facts.uid === own) return undefined;
  return `the private key belongs to user ${facts.uid}, neither to us nor to root`;
}

interface KeyFacts {
  readonly mode: number;
  readonly uid?: number;
}

function isOpen({ mode }: KeyFacts): boolean {
  return (mode & 0o027) !== 0;
}

function octalOf({ mode }: KeyFacts): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}

function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== ".." && !way.startsWith("../");
}
