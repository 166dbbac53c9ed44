import type { EvalCase } from "./case.ts";
import type { Judged } from "./verdict.ts";

/** What cases are given to. */
export interface Target {
  /** As in `profile` of the report. */
  readonly name: string;
  /** Judges all cases; the results are in their order. */
  judgeAll(cases: readonly EvalCase[]): Promise<Judged[]>;
}
