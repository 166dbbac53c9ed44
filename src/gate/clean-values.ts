/**
 * Values in which no detector saw anything, wherever they stand: those that come again and again. Compared byte by byte,
 * so that no other value is taken for one of them. Each may stand in two places by its hash; where both are taken, a new
 * one takes the second. For one kind of place and one profile. Not for secrets: how long a look takes says whether a
 * value was seen.
 */
export class CleanValues {
  readonly #bytesMax: number;
  readonly #bytes: Uint8Array;
  readonly #lengths: Uint16Array;
  readonly #units: Uint32Array;
  /** How often `clear` was called before the slot was written. */
  readonly #ages: Uint32Array;
  /** By hash: that of the value that `addSecond` was given last. */
  readonly #firsts: Uint32Array;
  readonly #mask: number;
  #age = 1;

  /** `slots`: a power of two. Memory: `slots` times `bytesMax` and 14. Longer values are never held. */
  constructor(slots: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = new Uint8Array(slots * bytesMax);
    this.#lengths = new Uint16Array(slots);
    this.#units = new Uint32Array(slots);
    this.#ages = new Uint32Array(slots);
    this.#firsts = new Uint32Array(slots);
    this.#mask = slots - 1;
  }

  clear(): void {
    this.#firsts.fill(0);
    this.#age = (this.#age + 1) >>> 0;
    if (this.#age !== 0) return;
    this.#ages.fill(0);
    this.#age = 1;
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    return this.unitsOf(bytes, start, end) >= 0;
  }

  /** The work units that came with the value, -1 when it is not known. */
  unitsOf(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0 || length > this.#bytesMax) return -1;
    const slot = (hashOf(bytes, start, end) >>> SLOT_SHIFT) & this.#mask;
    if (this.#isAt(slot, bytes, start, length)) return this.#units[slot]!;
    return this.#isAt(slot ^ 1, bytes, start, length) ? this.#units[slot ^ 1]! : -1;
  }

  add(bytes: Uint8Array, start: number, end: number, units = 0): void {
    const length = end - start;
    if (length === 0 || length > this.#bytesMax) return;
    let slot = (hashOf(bytes, start, end) >>> SLOT_SHIFT) & this.#mask;
    if (this.#ages[slot] === this.#age) slot ^= 1;
    this.#ages[slot] = this.#age;
    this.#lengths[slot] = length;
    this.#units[slot] = units;
    let to = slot * this.#bytesMax;
    for (let at = start; at < end; at++) this.#bytes[to++] = bytes[at]!;
  }

  /** As `add`, but most values only when they are given a second time: those that come once push out none. */
  addSecond(bytes: Uint8Array, start: number, end: number, units: number): void {
    const hash = hashOf(bytes, start, end);
    const slot = (hash >>> SLOT_SHIFT) & this.#mask;
    if (this.#firsts[slot] === hash) this.add(bytes, start, end, units);
    this.#firsts[slot] = hash;
  }

  #isAt(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#lengths[slot] !== length || this.#ages[slot] !== this.#age) return false;
    const held = this.#bytes;
    const from = slot * this.#bytesMax;
    for (let at = 0; at < length; at++) if (held[from + at] !== bytes[start + at]) return false;
    return true;
  }
}

/** The upper bits of a hash depend on all that went into it. Tables have up to 4,096 slots. */
const SLOT_SHIFT = 20;

/** Of some bytes: values of one kind differ where they begin, or in the figures at their end. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const last = end - 1;
  const low =
    bytes[start]! |
    (bytes[start + (length >> 2)]! << 8) |
    (bytes[start + (length >> 1)]! << 16) |
    (bytes[last]! << 24);
  const high =
    bytes[length > 1 ? start + 1 : start]! |
    (bytes[start + ((length * 3) >> 2)]! << 8) |
    (bytes[last - (length >> 3)]! << 16) |
    (length << 24);
  return Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> 0;
}
