import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Progress } from "./search.ts";

/** What a search of one target came to. */
export interface TargetResult extends Progress {
  readonly seed: number;
  readonly seconds: number;
  /** When the last new block was reached; 0 = none was. */
  readonly lastNewSeconds: number;
  /** Reached by the corpus before the search. */
  readonly blocksBefore: number;
  readonly growth: readonly Growth[];
  readonly finding: { readonly error: string; readonly base64: string } | undefined;
}

/** Where a search was after so many seconds. */
export interface Growth extends Progress {
  readonly seconds: number;
}

/** The last search of each target, by name, and what all searches on record come to. */
export type FuzzResults = Readonly<
  Record<
    string,
    TargetResult & {
      readonly date: string;
      readonly all: { readonly searches: number; readonly seconds: number; readonly executions: number };
    }
  >
>;

const file = path.join(import.meta.dirname, "../../bench/results/fuzz.json");

/** Replaces what is on record of this target, and adds to its sums. */
export function saveResult(name: string, result: TargetResult): void {
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as FuzzResults) : {};
  const before = known[name]?.all ?? { searches: 0, seconds: 0, executions: 0 };
  const all = {
    searches: before.searches + 1,
    seconds: before.seconds + result.seconds,
    executions: before.executions + result.executions,
  };
  const next: FuzzResults = { ...known, [name]: { date: new Date().toISOString(), ...result, all } };
  const sorted = Object.fromEntries(Object.entries(next).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(sorted, null, 1)}\n`);
}
