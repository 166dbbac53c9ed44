import { KeyTable } from "./key-table.ts";
import type { Rate } from "./rate.ts";

/** What a worker admitted of one limit since it last told, by key. Typed arrays: it travels by structured clone. */
export interface SpentShare {
  readonly limit: string;
  /** Both lanes of each key. */
  readonly keys: Uint32Array;
  readonly costs: Float64Array;
  /** Windows that the costs belong to; fixed windows only look at them. */
  readonly windows: Float64Array;
}

/** What all machines together spent of one limit, by key, as the store that they share has it. */
export interface StoreLevels {
  readonly limit: string;
  /** Both lanes of each key. */
  readonly keys: Uint32Array;
  /** See rate.ts `raise`. */
  readonly values: Float64Array;
  readonly windows: Float64Array;
}

/** Keys that are told of at once; more are admitted and counted as untold, which takes 300,000 of them in a second. */
const SHARED_KEYS_MAX = 8192;

/**
 * One limit in one worker: its keys, its figures, and what the other workers are still to hear of. Kept across
 * reloads, while the rate that judges comes from the snapshot of each exchange.
 */
export class Limiter {
  readonly name: string;
  readonly table: KeyTable;
  /** Added to monotonic time: all that count together must see the same windows. */
  offsetMs: number;
  allowed = 0;
  limited = 0;
  shadowed = 0;
  /** Decided without counting, because whoever counts could not be asked. */
  undecided = 0;
  /** Admissions that could not be told to the other workers. */
  untold = 0;
  readonly #untold = new Uint32Array(SHARED_KEYS_MAX * 2);
  #untoldKeys = 0;
  /** Alone there is nobody to tell. */
  isShared: boolean;

  constructor(name: string, keysMax: number, isShared: boolean, offsetMs = 0) {
    this.name = name;
    this.table = new KeyTable(keysMax);
    this.offsetMs = offsetMs;
    this.isShared = isShared;
  }

  /** Spends one for a key: 0, or the milliseconds until it would pass. */
  take(lo: number, hi: number, rate: Rate, nowMs: number): number {
    const { table } = this;
    const slot = table.touch(lo, hi);
    const waitMs = rate.take(table, slot, 1, nowMs);
    if (waitMs === 0) this.#note(lo, hi, slot, 1);
    return waitMs;
  }

  /** What `take` would return, without spending. */
  wait(lo: number, hi: number, rate: Rate, nowMs: number): number {
    const slot = this.table.find(lo, hi);
    return slot < 0 ? 0 : rate.wait(this.table, slot, nowMs);
  }

  /** See rate.ts. Spends nothing. */
  level(lo: number, hi: number, rate: Rate, nowMs: number): number {
    const slot = this.table.find(lo, hi);
    return slot < 0 ? 0 : rate.level(this.table, slot, nowMs);
  }

  /** Spends, also beyond the limit: what it is for has happened. */
  spend(lo: number, hi: number, rate: Rate, cost: number, nowMs: number): void {
    const slot = this.table.touch(lo, hi);
    rate.absorb(this.table, slot, cost, rate.window(nowMs), nowMs);
    this.#note(lo, hi, slot, cost);
  }

  /** For the other workers. */
  #note(lo: number, hi: number, slot: number, cost: number): void {
    if (!this.isShared) return;
    const { table } = this;
    if (table.unshared[slot] === 0) {
      if (this.#untoldKeys === SHARED_KEYS_MAX) {
        this.untold++;
        return;
      }
      this.#untold[this.#untoldKeys * 2] = lo;
      this.#untold[this.#untoldKeys * 2 + 1] = hi;
      this.#untoldKeys++;
    }
    table.unshared[slot]! += cost;
  }

  /** What there is to tell, which counts as told from now on. */
  tell(): SpentShare | undefined {
    if (this.#untoldKeys === 0) return undefined;
    const { table } = this;
    const keys = this.#untold.slice(0, this.#untoldKeys * 2);
    const costs = new Float64Array(this.#untoldKeys);
    const windows = new Float64Array(this.#untoldKeys);
    for (let index = 0; index < costs.length; index++) {
      const slot = table.find(keys[index * 2]!, keys[index * 2 + 1]!);
      // Forgotten meanwhile, or listed twice because a window ended between.
      if (slot < 0) continue;
      costs[index] = table.unshared[slot]!;
      windows[index] = table.window[slot]!;
      table.unshared[slot] = 0;
    }
    this.#untoldKeys = 0;
    return { limit: this.name, keys, costs, windows };
  }

  /** Takes in what another worker told. */
  hear(share: SpentShare, rate: Rate, nowMs: number): void {
    for (let index = 0; index < share.costs.length; index++) {
      const cost = share.costs[index]!;
      if (cost === 0) continue;
      const slot = this.table.touch(share.keys[index * 2]!, share.keys[index * 2 + 1]!);
      rate.absorb(this.table, slot, cost, share.windows[index]!, nowMs);
    }
  }

  /** Takes in what all machines spent, as their store has it. */
  raise(levels: StoreLevels, rate: Rate, nowMs: number): void {
    const { keys, values, windows } = levels;
    for (let index = 0; index < values.length; index++) {
      const slot = this.table.touch(keys[index * 2]!, keys[index * 2 + 1]!);
      rate.raise(this.table, slot, values[index]!, windows[index]!, nowMs);
    }
  }
}
