import { KeyTable } from "./key-table.ts";
import type { LimitFacts } from "./limits.ts";
import type { Rate } from "./rate.ts";
import { type LimitKey, type LimitLevel, startAt } from "./usage.ts";

/**
 * Strict limits: one process, the primary, counts them for all workers, who ask it for every request. So they admit
 * never more than they say, and a worker that dies forgets nothing (docs/decisions/0018-strict-limits.md).
 */
export interface StrictAsk {
  /** The asking worker's number for it. */
  readonly id: number;
  readonly limit: string;
  readonly lo: number;
  readonly hi: number;
}

export interface StrictAnswer {
  readonly id: number;
  /** 0 = one was spent; else milliseconds until it would pass. */
  readonly waitMs: number;
  /** In which window; for `StrictReturn`. */
  readonly window: number;
}

/** What was spent and turned out not to count. */
export interface StrictReturn {
  readonly limit: string;
  readonly lo: number;
  readonly hi: number;
  readonly window: number;
}

export interface StrictBatch {
  readonly asks: readonly StrictAsk[];
  readonly returns: readonly StrictReturn[];
}

/** One strict limit: what it remembers, and the rate that judges now. */
export interface StrictLimit {
  readonly name: string;
  readonly identity: string;
  readonly table: KeyTable;
  readonly rate: Rate;
}

/** Decides over strict limits. */
export class StrictJudge {
  #limits: ReadonlyMap<string, StrictLimit> = new Map();

  get limits(): Iterable<StrictLimit> {
    return this.#limits.values();
  }

  /** From now on these are the limits; what was counted stays where it still means the same. */
  adopt(facts: readonly LimitFacts[]): void {
    const next = new Map<string, StrictLimit>();
    for (const { name, identity, keysMax, rate } of facts) {
      const present = this.#limits.get(name);
      const table = present?.identity === identity ? present.table : new KeyTable(keysMax);
      next.set(name, { name, identity, table, rate });
    }
    this.#limits = next;
  }

  /** How far the key is used up; undefined = no strict limit is called so. Spends nothing. */
  level({ limit, lo, hi }: LimitKey, nowMs: number): number | undefined {
    const held = this.#limits.get(limit);
    if (held === undefined) return undefined;
    const slot = held.table.find(lo, hi);
    return slot < 0 ? 0 : held.rate.level(held.table, slot, nowMs);
  }

  /** Forgets what was counted, and begins with these. */
  restart(levels: readonly LimitLevel[], nowMs: number): void {
    for (const { table } of this.limits) table.clear();
    for (const key of levels) {
      const held = this.#limits.get(key.limit);
      if (held !== undefined) startAt(held.table, held.rate, key, nowMs);
    }
  }

  judge({ asks, returns }: StrictBatch, nowMs: number): readonly StrictAnswer[] {
    for (const { limit, lo, hi, window } of returns) {
      const held = this.#limits.get(limit);
      const slot = held?.table.find(lo, hi) ?? -1;
      if (slot >= 0) held!.rate.giveBack(held!.table, slot, 1, window);
    }
    return asks.map(({ id, limit, lo, hi }) => {
      const held = this.#limits.get(limit);
      // Gone with a reload that this worker is about to hear of: nothing limits any more.
      if (held === undefined) return { id, waitMs: 0, window: 0 };
      const { table, rate } = held;
      return { id, waitMs: rate.take(table, table.touch(lo, hi), 1, nowMs), window: rate.window(nowMs) };
    });
  }
}
