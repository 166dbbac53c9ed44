/**
 * Names that were seen, found again by hash and byte comparison: the keys of the open JSON objects, the names of a
 * form. Entries are a stack: taking back the last ones also takes them out of the hash table, exactly, because linear
 * probing undone in reverse order is what it was before.
 *
 * Collisions cannot be made to cost (CVE-2026-21717 and its kind): the hash starts from a seed the client does not
 * know, and were it guessed, the steps of all look-ups together are bounded by a multiple of the names.
 */

/** `add` refuses: the names collide more than names do. */
export const CROWDED = -1;

/** Steps allowed per name, and at the start. Half-full linear probing takes 1.5 on average. */
const STEPS_PER_NAME = 16;
const STEPS_FREE = 4096;
/** What comparing two different names of one 32-bit hash costs: by chance it happens once in billions. */
const COLLISION_STEPS = 256;

/** A table that grew beyond these is given back by `clear`. */
const SLOTS_KEPT = 4096;
const ARENA_BYTES_KEPT = 65_536;

export class NameTable {
  /** Names held now. Entry `i` is `arena[starts[i], endOf(i))`. */
  count = 0;
  arena: Uint8Array = new Uint8Array(512);
  #arenaEnd = 0;
  #starts = new Int32Array(32);
  #hashes = new Int32Array(32);
  /** Slot of each entry. */
  #places = new Int32Array(32);
  /** Entry + 1 by hash; 0 is free. At most half full. */
  #slots = new Int32Array(64);
  #stepsLeft = STEPS_FREE;
  readonly #seed: number;

  /** `seed`: 32 random bits that no client can learn. */
  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  /** Bytes of all names held. */
  get bytes(): number {
    return this.#arenaEnd;
  }

  startOf(entry: number): number {
    return this.#starts[entry]!;
  }

  endOf(entry: number): number {
    return entry + 1 < this.count ? this.#starts[entry + 1]! : this.#arenaEnd;
  }

  /**
   * Entry of the name `bytes[start, end)` among the entries from `first` on. When it is new it is held, and the entry
   * is the old `count`. `first` is the same for all names of one scope; only the last scope may grow.
   */
  add(bytes: Uint8Array, start: number, end: number, first: number): number {
    const arenaEnd = this.#arenaEnd;
    if (arenaEnd + (end - start) > this.arena.length) this.#growArena(arenaEnd + (end - start));
    const arena = this.arena;
    // Mixing `first` in keeps the equal keys of nested objects apart.
    let hash = this.#seed ^ Math.imul(first + 1, 0x9e3779b1);
    let to = arenaEnd;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      arena[to++] = byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash ^= hash >>> 13;

    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    let steps = STEPS_PER_NAME;
    for (let held = slots[slot]!; held !== 0; held = slots[slot]!) {
      const entry = held - 1;
      if (entry >= first && this.#hashes[entry] === hash) {
        if (this.#equal(entry, arenaEnd, to)) {
          this.#stepsLeft += steps;
          return entry;
        }
        steps -= COLLISION_STEPS;
      }
      steps--;
      if (this.#stepsLeft + steps < 0) return CROWDED;
      slot = (slot + 1) & mask;
    }
    this.#stepsLeft += steps;

    const entry = this.count++;
    if (entry === this.#starts.length) this.#growEntries();
    this.#starts[entry] = arenaEnd;
    this.#hashes[entry] = hash;
    this.#places[entry] = slot;
    slots[slot] = entry + 1;
    this.#arenaEnd = to;
    if (this.count * 2 > slots.length) this.#growSlots();
    return entry;
  }

  /** Takes back the entries from `count` on. */
  cut(count: number): void {
    if (count >= this.count) return;
    for (let entry = this.count - 1; entry >= count; entry--) this.#slots[this.#places[entry]!] = 0;
    this.#arenaEnd = this.#starts[count]!;
    this.count = count;
  }

  /** Empty again, for the next body. */
  clear(): void {
    this.cut(0);
    this.#stepsLeft = STEPS_FREE;
    if (this.#slots.length > SLOTS_KEPT) {
      this.#slots = new Int32Array(64);
      this.#starts = new Int32Array(32);
      this.#hashes = new Int32Array(32);
      this.#places = new Int32Array(32);
    }
    if (this.arena.length > ARENA_BYTES_KEPT) this.arena = new Uint8Array(512);
  }

  #equal(entry: number, start: number, end: number): boolean {
    const from = this.#starts[entry]!;
    if (this.endOf(entry) - from !== end - start) return false;
    const arena = this.arena;
    for (let at = start, other = from; at < end; at++, other++) {
      if (arena[at] !== arena[other]) return false;
    }
    return true;
  }

  #growArena(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.arena.length * 2));
    grown.set(this.arena.subarray(0, this.#arenaEnd));
    this.arena = grown;
  }

  #growEntries(): void {
    this.#starts = doubled(this.#starts);
    this.#hashes = doubled(this.#hashes);
    this.#places = doubled(this.#places);
  }

  /** Entries go in again in their order, so that `cut` stays exact. */
  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.count; entry++) {
      let slot = this.#hashes[entry]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
      this.#places[entry] = slot;
    }
    this.#slots = slots;
  }
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}
