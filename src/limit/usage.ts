import type { KeyTable } from "./key-table.ts";
import type { StoreState } from "./limits.ts";
import type { Rate } from "./rate.ts";

/** What a request is counted by: a limit, and both lanes of its key. */
export interface LimitKey {
  readonly limit: string;
  readonly lo: number;
  readonly hi: number;
}

/** How far the key has used its limit up, as rate.ts `level` says it. */
export interface LimitLevel extends LimitKey {
  readonly level: number;
}

/** Hears by which keys a request is counted: `zion explain` does. Nobody listens while serving. */
export interface LimitWitness {
  onLimit(limit: string, lo: number, hi: number): void;
}

/** Limits of a gateway that runs, for those who ask about them and spend nothing. */
export interface RunningLimits {
  /** 8 bytes; keys are hashed with it. */
  readonly seed: Buffer;
  readonly store: StoreState;
  levels(keys: readonly LimitKey[]): Promise<readonly LimitLevel[]>;
}

/** A key that the table does not know is used up so far. */
export function startAt(table: KeyTable, rate: Rate, { lo, hi, level }: LimitLevel, nowMs: number): void {
  rate.raise(table, table.touch(lo, hi), level, rate.window(nowMs), nowMs);
}
