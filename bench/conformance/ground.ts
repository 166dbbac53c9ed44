import {
  type Candidate,
  type CandidateName,
  candidateNames,
  isSlow,
  type Setup,
  type Surroundings,
  startCandidate,
} from "../load/candidate.ts";
import { isNodeProxy, isNodeProxyInstalled } from "../load/node-proxy.ts";

/** What every part of the conformance run stands on. */
export interface Ground {
  readonly around: Surroundings;
  readonly cpu: number;
  /** Candidates to ask. Who cannot be started is told to `leaveOut`. */
  readonly names: readonly CandidateName[];
  say(text: string): void;
  leaveOut(text: string): void;
}

/** Those of `wanted` that can run here; all but the slow ones when nothing is wanted. */
export function chosen(wanted: readonly string[] | undefined): readonly CandidateName[] {
  return candidateNames.filter(
    (name) =>
      (wanted?.includes(name) ?? !isSlow(name)) &&
      name !== "before" &&
      (!isNodeProxy(name) || isNodeProxyInstalled(name)),
  );
}

/** Runs `use` for each candidate in front of an origin that it starts itself; one that fails is left out. */
export async function forEach<Line>(
  ground: Ground,
  names: readonly CandidateName[],
  use: (name: CandidateName) => Promise<Line>,
): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const name of names) {
    try {
      lines.push(await use(name));
    } catch (error) {
      ground.leaveOut(`${name}: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  return lines;
}

type Work = Pick<Setup, "originPort"> & Partial<Pick<Setup, "backend" | "ownTls">>;

/** A candidate without WAF. */
export function start({ around, cpu }: Ground, name: CandidateName, work: Work): Promise<Candidate> {
  return startCandidate(name, true, cpu, around, {
    waf: false,
    holdProbe: false,
    endless: true,
    backend: "origin",
    ...work,
  });
}

/** A candidate without WAF, while `use` lasts. */
export async function withCandidate<T>(
  ground: Ground,
  name: CandidateName,
  work: Work,
  use: (candidate: Candidate) => Promise<T>,
): Promise<T> {
  const candidate = await start(ground, name, work);
  try {
    return await use(candidate);
  } finally {
    await candidate.process.stop();
  }
}
