import type { StepFigure } from "../micro/figure.ts";
import type { CandidateName } from "./candidate.ts";
import type { Machine } from "./machine.ts";
import type { Options } from "./options.ts";
import type { ScenarioName } from "./scenarios.ts";
import { pairedRatios, type Spread, spread } from "./statistics.ts";
import type { WafState } from "./waf-check.ts";
import type { Sample } from "./window.ts";

/** Everything one run found: the content of `bench/results/*.json`. */
export interface Results {
  readonly schema: 1;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly machine: Machine;
  readonly options: Options;
  /** Single steps of a request, in-process. */
  readonly steps: readonly StepFigure[];
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** One candidate in one scenario. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly candidate: CandidateName;
  readonly log: boolean;
  /** By round, so that index n of two rows was taken side by side. Empty for `idle-tls`. */
  readonly samples: readonly Sample[];
  /** `idle-tls` only: kB per connection, one value per fresh process. */
  readonly idleKb: readonly number[];
  /** What became of attacks that were sent first; undefined where nobody is to inspect. */
  readonly waf: WafState | undefined;
  /** All processes together before any load, MB. */
  readonly idleRssMb: number;
  /** Access log lines written per request, warm-up included: a log that drops lines is not a log that is on. */
  readonly logLinesPerRequest: number | undefined;
  /** Why there are no samples: what the check before the timing found. */
  readonly failed: string | undefined;
}

/** A number in a sample that can be compared. */
export type Figure =
  | "cpuUs"
  | "busyPct"
  | "rps"
  | "p50Ms"
  | "p99Ms"
  | "p999Ms"
  | "holdMs"
  | "workerRssMb"
  | "treeRssMb";

/** The figure over all rounds that count. */
export function figureOf(row: Row, figure: Figure): Spread | undefined {
  return spread(row.samples.filter((one) => one.invalid === undefined).flatMap((one) => one[figure] ?? []));
}

/** The figure against another candidate, by default nginx, in the same state of the access log, paired by round. */
export function against(
  rows: readonly Row[],
  row: Row,
  figure: Figure,
  name: CandidateName = "nginx",
): Spread | undefined {
  const peer = rows.find(
    (one) => one.candidate === name && one.scenario === row.scenario && one.log === row.log,
  );
  if (peer === undefined) return undefined;
  const valid = (one: Row) => one.samples.map((s) => (s.invalid === undefined ? s[figure] : undefined));
  return spread(pairedRatios(valid(row), valid(peer)));
}
