/**
 * Names that were seen, found again by hash: the keys of the open JSON objects, the names of a form. The names
 * themselves are not held, only 64 bits of each: two different names are taken for one once in 10^11 bodies of 10,000
 * names. Entries are a stack: taking back the last ones also takes them out of the table, exactly, because linear
 * probing undone in reverse order is what it was before.
 *
 * Collisions cannot be made to cost (CVE-2026-21717 and its kind): the hash starts from a seed the client does not
 * know, and were it guessed, the steps of all look-ups together are bounded by a multiple of the names.
 *
 * Memory: 8 bytes a name and 2 bytes for each of at least 1.5 slots a name; 112 KiB for 10,240 names.
 *
 * Usage: `begin`, `feed` the name's bytes in any pieces, `add`.
 */
export class NameSet {
  /** Names held now. */
  count = 0;
  readonly #seed: number;
  readonly #namesMax: number;
  #low: number = 0;
  #high: number = 0;
  #lows = new Int32Array(NAMES_AT_FIRST);
  #highs = new Int32Array(NAMES_AT_FIRST);
  /** Entry + 1 by hash; 0 is free. */
  #slots = new Uint16Array(NAMES_AT_FIRST * 2);
  #stepsLeft = STEPS_FREE;

  /** `seed`: 32 random bits that no client can learn. `namesMax`: at most 65,535. */
  constructor(seed: number, namesMax: number) {
    this.#seed = seed | 0;
    this.#namesMax = Math.min(namesMax, 65_535);
  }

  /** Begins a name. `scope` keeps the equal keys of nested objects apart: the entry that the scope begins with. */
  begin(scope: number): void {
    this.#low = this.#seed ^ Math.imul(scope + 1, 0x9e3779b1);
    this.#high = Math.imul(this.#seed ^ 0x6a09e667, 0x2c1b3c6d) + scope;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high + byte, 0x5bd1e995) ^ (high >>> 15);
    }
    this.#low = low;
    this.#high = high;
  }

  /**
   * Entry of the name that was fed, among the entries from `scope` on. When it is new it is held, and the entry is the
   * old `count`. Only the last scope may grow. CROWDED, FULL: it is not held.
   */
  add(scope: number): number {
    const high = this.#high;
    let low = Math.imul(this.#low ^ (this.#low >>> 16) ^ (high >>> 3), 0x85ebca6b);
    low ^= low >>> 13;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = low & mask;
    let steps = STEPS_PER_NAME;
    for (let held = slots[slot]!; held !== 0; held = slots[slot]!) {
      const entry = held - 1;
      if (entry >= scope && this.#lows[entry] === low && this.#highs[entry] === high) {
        this.#stepsLeft += steps;
        return entry;
      }
      steps--;
      if (this.#stepsLeft + steps < 0) return CROWDED;
      slot = (slot + 1) & mask;
    }
    this.#stepsLeft += steps;
    if (this.count === this.#namesMax) return FULL;
    const entry = this.count++;
    if (entry === this.#lows.length) this.#growEntries();
    this.#lows[entry] = low;
    this.#highs[entry] = high;
    slots[slot] = entry + 1;
    if (this.count * 2 > slots.length && slots.length * 2 < this.#namesMax * 3) this.#growSlots();
    return entry;
  }

  /** Takes back the entries from `count` on. */
  cut(count: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let entry = this.count - 1; entry >= count; entry--) {
      let slot = this.#lows[entry]! & mask;
      while (slots[slot] !== entry + 1) slot = (slot + 1) & mask;
      slots[slot] = 0;
    }
    if (count < this.count) this.count = count;
  }

  /** Empty again, for the next body. */
  clear(): void {
    this.#stepsLeft = STEPS_FREE;
    if (this.#lows.length <= NAMES_KEPT) {
      this.cut(0);
      return;
    }
    this.count = 0;
    this.#slots = new Uint16Array(NAMES_AT_FIRST * 2);
    this.#lows = new Int32Array(NAMES_AT_FIRST);
    this.#highs = new Int32Array(NAMES_AT_FIRST);
  }

  #growEntries(): void {
    const length = Math.min(this.#namesMax, this.#lows.length * 2);
    this.#lows = grown(this.#lows, length);
    this.#highs = grown(this.#highs, length);
  }

  /** Entries go in again in their order, so that `cut` stays exact. */
  #growSlots(): void {
    const slots = new Uint16Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.count; entry++) {
      let slot = this.#lows[entry]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

/** `add` refuses: the names collide more than names do. */
export const CROWDED = -1;
/** `add` refuses: `namesMax` are held. */
export const FULL = -2;

const NAMES_AT_FIRST = 32;
/** A table that grew beyond this is given back by `clear`. */
const NAMES_KEPT = 512;
/** Steps allowed per name, and at the start. Linear probing takes 1.5 on average half full, 4 when 62 % full. */
const STEPS_PER_NAME = 16;
const STEPS_FREE = 4096;

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}
