import type { KeyTable } from "./key-table.ts";

/**
 * How often something may happen. Both algorithms keep their state in one slot of a KeyTable, take whole costs, and
 * can be told what other workers spent; both are plain arithmetic on the clock that they are given.
 */
export interface Rate {
  /** It counts windows of the clock, which all that count together must share. */
  readonly isWindowed: boolean;
  /** Spends `cost` and returns 0, or spends nothing and returns the milliseconds until it would pass (more than 0). */
  take(table: KeyTable, slot: number, cost: number, nowMs: number): number;
  /** Milliseconds until a cost of 1 would pass; 0 = now. Spends nothing. */
  wait(table: KeyTable, slot: number, nowMs: number): number;
  /** How far it is used up, as `raise` takes it: milliseconds to come (gcra) or spent (windows). Spends nothing. */
  level(table: KeyTable, slot: number, nowMs: number): number;
  /** Number of the present window; 0 where there are none. */
  window(nowMs: number): number;
  /** Spends what was admitted already; the level may go beyond the limit. */
  absorb(table: KeyTable, slot: number, cost: number, window: number, nowMs: number): void;
  /** Takes back what was spent in that window; nothing once it has ended. */
  giveBack(table: KeyTable, slot: number, cost: number, window: number): void;
  /** What others count, all together: the level is at least this, in milliseconds to come (gcra) or spent (windows). */
  raise(table: KeyTable, slot: number, level: number, window: number, nowMs: number): void;
}

/**
 * GCRA (ITU-T I.371): `burst` at once, then one every `windowMs / rate`. The slot's level is the theoretical arrival
 * time: when the key has its whole burst again. Costs are added there, whoever admitted them, so the sustained rate
 * holds over any number of workers; only what they admit before they hear of each other comes on top of the burst.
 */
export function gcra(rate: number, windowMs: number, burst: number): Rate {
  const intervalMs = windowMs / rate;
  // A thousandth of a request for the rounding of sums, or the last one of a burst would be refused.
  const toleranceMs = (burst - 1 + 1e-3) * intervalMs;
  return {
    isWindowed: false,
    take(table, slot, cost, nowMs) {
      const arrivalMs = Math.max(table.level[slot]!, nowMs) + (cost - 1) * intervalMs;
      if (arrivalMs - nowMs > toleranceMs) return arrivalMs - nowMs - toleranceMs;
      table.level[slot] = arrivalMs + intervalMs;
      return 0;
    },
    wait: (table, slot, nowMs) => Math.max(0, table.level[slot]! - nowMs - toleranceMs),
    level: (table, slot, nowMs) => Math.max(0, table.level[slot]! - nowMs),
    window: () => 0,
    absorb(table, slot, cost, _window, nowMs) {
      table.level[slot] = Math.max(table.level[slot]!, nowMs) + cost * intervalMs;
    },
    giveBack(table, slot, cost) {
      table.level[slot]! -= cost * intervalMs;
    },
    raise(table, slot, level, _window, nowMs) {
      table.level[slot] = Math.max(table.level[slot]!, nowMs + level);
    },
  };
}

/**
 * At most `limit` in each window; windows begin at multiples of `windowMs` on the given clock, which must be the same
 * in all workers. Twice the limit can pass around the boundary of two windows: that is what the algorithm is.
 */
export function fixedWindow(limit: number, windowMs: number): Rate {
  // A key that was counted by a clock a little ahead is in its next window already: it does not begin that one twice.
  const present = (table: KeyTable, slot: number, nowMs: number): number => {
    const window = Math.floor(nowMs / windowMs);
    return table.window[slot] === window + 1 ? window + 1 : window;
  };
  return {
    isWindowed: true,
    take(table, slot, cost, nowMs) {
      const window = present(table, slot, nowMs);
      // A new key's window is 0, with nothing spent.
      if (table.window[slot] !== window) {
        table.window[slot] = window;
        table.level[slot] = 0;
        table.unshared[slot] = 0;
      }
      if (table.level[slot]! + cost > limit) return Math.max(1e-3, (window + 1) * windowMs - nowMs);
      table.level[slot]! += cost;
      return 0;
    },
    wait(table, slot, nowMs) {
      const window = present(table, slot, nowMs);
      if (table.window[slot] !== window || table.level[slot]! < limit) return 0;
      return Math.max(1e-3, (window + 1) * windowMs - nowMs);
    },
    level: (table, slot, nowMs) =>
      table.window[slot] === present(table, slot, nowMs) ? table.level[slot]! : 0,
    window: (nowMs) => Math.floor(nowMs / windowMs),
    absorb(table, slot, cost, window, nowMs) {
      if (window < table.window[slot]! || window < Math.floor(nowMs / windowMs)) return;
      if (table.window[slot] === window) table.level[slot]! += cost;
      else {
        table.window[slot] = window;
        table.level[slot] = cost;
        table.unshared[slot] = 0;
      }
    },
    giveBack(table, slot, cost, window) {
      if (table.window[slot] === window) table.level[slot]! -= cost;
    },
    raise(table, slot, level, window, nowMs) {
      if (window < table.window[slot]! || window < Math.floor(nowMs / windowMs)) return;
      if (table.window[slot] === window) table.level[slot] = Math.max(table.level[slot]!, level);
      else {
        table.window[slot] = window;
        table.level[slot] = level;
        table.unshared[slot] = 0;
      }
    },
  };
}
