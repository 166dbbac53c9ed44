import type { Row } from "./results.ts";
import { pairedRatios, type Spread, spread } from "./statistics.ts";

/** More than this beyond the worst committed round is a loss. */
export const LOSS = 1.15;
/** Worst round by best round. Beyond it the machine is measured, not the gateway. */
const SPREAD_MAX = 1.35;
/** Share of a window that somebody else may take of the CPU under test, percent: caches are shared, too. */
const FOREIGN_PCT_MAX = 25;
const ROUNDS_MIN = 2;

/** What ratios mean nothing across. */
export interface Surroundings {
  readonly cpu: string;
  readonly node: string;
  readonly nginx: string;
}

/** The committed figures. */
export interface Baseline extends Surroundings {
  /** By scenario: lowest, middle and highest ratio of CPU per request to nginx's, over the rounds. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

export type Verdict = "met" | "lost" | "undecidable";

/** CPU per request by nginx's, round for round; rounds that were disturbed are left out. Undefined: too few are left. */
export function ratioOf(ours: Row, peer: Row): Spread | undefined {
  const figures = (row: Row) =>
    row.samples.map((one) =>
      one.invalid === undefined && one.foreignPct <= FOREIGN_PCT_MAX ? one.cpuUs : undefined,
    );
  const ratios = pairedRatios(figures(ours), figures(peer));
  return ratios.length < ROUNDS_MIN ? undefined : spread(ratios);
}

/**
 * A loss is what even the best round shows: what a neighbour on the machine does is in some rounds, what the code does is
 * in all. A good best round decides whatever the others are.
 */
export function judge(found: Spread | undefined, committed: Spread): Verdict {
  if (found === undefined) return "undecidable";
  if (found.min <= committed.max * LOSS) return "met";
  return found.max > found.min * SPREAD_MAX ? "undecidable" : "lost";
}

/** What of the machine is another than where the baseline was measured; undefined = nothing. */
export function difference(here: Surroundings, baseline: Surroundings): string | undefined {
  const names = ["cpu", "node", "nginx"] as const;
  const name = names.find((one) => here[one] !== baseline[one]);
  return name && `${name} is ${here[name]}, the baseline's ${baseline[name]}`;
}
