import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Progress } from "./search.ts";

/** What a search of one target came to. */
export interface TargetResult extends Progress {
  readonly seed: number;
  readonly seconds: number;
  /** Reached by the corpus before the search. */
  readonly blocksBefore: number;
  readonly growth: readonly Growth[];
  readonly finding: { readonly error: string; readonly base64: string } | undefined;
}

/** Where a search was after so many seconds. */
export interface Growth extends Progress {
  readonly seconds: number;
}

/** The last search of each target, by name. */
type Results = Readonly<Record<string, TargetResult & { readonly date: string }>>;

const file = path.join(import.meta.dirname, "../../bench/results/fuzz.json");

/** Replaces what is on record of this target. */
export function saveResult(name: string, result: TargetResult): void {
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : {};
  const all: Results = { ...known, [name]: { date: new Date().toISOString(), ...result } };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(sorted, null, 1)}\n`);
}
