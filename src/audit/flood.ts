/** What became too much to record one by one. */
export interface Flood {
  readonly kind: string;
  readonly rule: string;
  /** Whoever came first. */
  readonly ip: string;
  readonly firstMs: number;
  count: number;
  /** Of those that have no record of their own, the first hundred. */
  readonly ids: string[];
}

/**
 * Lets the first refusals of each address prefix and rule through and counts the rest: a thousand refusals a second
 * would be 34 GB a day, and the thousandth says no more than the twentieth. Bounded: more prefixes and rules than
 * `keysMax` in one window share one count for each rule.
 */
export class FloodCounter {
  readonly #floods = new Map<string, Flood>();
  readonly #keysMax: number;
  readonly #ownMax: number;

  /** `ownMax`: refusals of one prefix and rule with a record of their own in one window. */
  constructor(ownMax = 20, keysMax = 4096) {
    this.#ownMax = ownMax;
    this.#keysMax = keysMax;
  }

  /** Whether this one is to be recorded by itself. `prefix` stands for the addresses that are counted together. */
  admit(prefix: string, kind: string, rule: string, ip: string, rid: string, nowMs: number): boolean {
    let key = `${prefix} ${rule}`;
    let flood = this.#floods.get(key);
    if (flood === undefined) {
      if (this.#floods.size >= this.#keysMax) {
        key = `* ${rule}`;
        flood = this.#floods.get(key);
      }
      if (flood === undefined) {
        flood = { kind, rule, ip: key.startsWith("*") ? "*" : ip, firstMs: nowMs, count: 0, ids: [] };
        this.#floods.set(key, flood);
      }
    }
    flood.count++;
    if (flood.count <= this.#ownMax) return true;
    if (flood.ids.length < IDS_MAX) flood.ids.push(rid);
    return false;
  }

  /** Windows that are over. Those with nothing left out are forgotten without a word. */
  *ended(nowMs: number): Generator<Flood, void, void> {
    for (const [key, flood] of this.#floods) {
      if (nowMs - flood.firstMs < FLOOD_WINDOW_MS) continue;
      this.#floods.delete(key);
      if (flood.count <= this.#ownMax) continue;
      yield { ...flood, count: flood.count - this.#ownMax };
    }
  }
}

export const FLOOD_WINDOW_MS = 10_000;
const IDS_MAX = 100;
