/**
 * What limits remember of their keys: two Float64 values a key, in typed arrays, found by a 64-bit hash. There are two
 * generations: keys in use move to the young one; when that is full, the old one is forgotten as a whole and the young
 * one is the old one. So a key that is used stays, a million random keys cost the same memory as a thousand, and
 * nothing is ever swept: forgetting a generation is one number that changes (reliability.md C31).
 */
export class KeyTable {
  /** Two values of each slot; what they mean is the limiter's business. */
  readonly level: Float64Array;
  readonly window: Float64Array;
  /** What was spent here and no other worker has heard of yet. */
  readonly unshared: Float64Array;
  /** Keys that were forgotten because there were too many. */
  evicted = 0;
  readonly #lo: Uint32Array;
  readonly #hi: Uint32Array;
  /** A slot is in use when this is its generation's number. 32 bits are enough for 10^14 keys. */
  readonly #epoch: Uint32Array;
  readonly #capacity: number;
  readonly #mask: number;
  readonly #perGeneration: number;
  /** First slot of each generation: 0 or the capacity. */
  #youngBase = 0;
  #youngEpoch = 2;
  #oldEpoch = 1;
  #youngCount = 0;
  /** Keys of the old generation that did not move. */
  #oldCount = 0;

  /** Holds at most `keysMax` keys; the last half of them always, the others as long as nobody needs their place. */
  constructor(keysMax: number) {
    this.#perGeneration = Math.max(1, Math.floor(keysMax / 2));
    // At most half full, which keeps probes short.
    this.#capacity = 2 ** Math.ceil(Math.log2(this.#perGeneration * 2));
    this.#mask = this.#capacity - 1;
    const slots = this.#capacity * 2;
    this.level = new Float64Array(slots);
    this.window = new Float64Array(slots);
    this.unshared = new Float64Array(slots);
    this.#lo = new Uint32Array(slots);
    this.#hi = new Uint32Array(slots);
    this.#epoch = new Uint32Array(slots);
  }

  /** Keys held now. */
  get size(): number {
    return this.#youngCount + this.#oldCount;
  }

  /** Slot of a key, which is there and young from now on; values of a new one are 0. Valid until the next `touch`. */
  touch(lo: number, hi: number): number {
    const young = this.#probe(this.#youngBase, this.#youngEpoch, lo, hi);
    if (this.#epoch[young] === this.#youngEpoch) return young;
    const old = this.#probe(this.#capacity - this.#youngBase, this.#oldEpoch, lo, hi);
    if (this.#epoch[old] !== this.#oldEpoch) return this.#insert(young, lo, hi, 0, 0, 0);
    // Its own slot stays behind, so that probes past it still work; a second look never gets that far.
    this.#oldCount--;
    return this.#insert(young, lo, hi, this.level[old]!, this.window[old]!, this.unshared[old]!);
  }

  /** Slot of a key, or -1. Changes nothing. */
  find(lo: number, hi: number): number {
    const young = this.#probe(this.#youngBase, this.#youngEpoch, lo, hi);
    if (this.#epoch[young] === this.#youngEpoch) return young;
    const old = this.#probe(this.#capacity - this.#youngBase, this.#oldEpoch, lo, hi);
    return this.#epoch[old] === this.#oldEpoch ? old : -1;
  }

  /** Forgets all keys. */
  clear(): void {
    this.#oldEpoch = (this.#youngEpoch + 1) >>> 0;
    this.#youngEpoch = (this.#youngEpoch + 2) >>> 0;
    this.#youngCount = this.#oldCount = 0;
  }

  /** The key's slot in a generation, or the free one where it would go. */
  #probe(base: number, epoch: number, lo: number, hi: number): number {
    for (let at = lo & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = base + at;
      if (this.#epoch[slot] !== epoch || (this.#lo[slot] === lo && this.#hi[slot] === hi)) return slot;
    }
  }

  #insert(free: number, lo: number, hi: number, level: number, window: number, unshared: number): number {
    let slot = free;
    if (this.#youngCount >= this.#perGeneration) {
      this.#turn();
      slot = this.#youngBase + (lo & this.#mask);
    }
    this.#youngCount++;
    this.#epoch[slot] = this.#youngEpoch;
    this.#lo[slot] = lo;
    this.#hi[slot] = hi;
    this.level[slot] = level;
    this.window[slot] = window;
    this.unshared[slot] = unshared;
    return slot;
  }

  /** The old generation is forgotten, the young one is the old one, and an empty one is young. */
  #turn(): void {
    this.evicted += this.#oldCount;
    this.#oldCount = this.#youngCount;
    this.#youngCount = 0;
    this.#oldEpoch = this.#youngEpoch;
    this.#youngEpoch = (this.#youngEpoch + 1) >>> 0;
    this.#youngBase = this.#capacity - this.#youngBase;
  }
}
