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
  readonly #mask: number;
  #age = 1;

  /** `slots`: a power of two. Memory: `slots` times `bytesMax` and 10. Longer values are never held. */
  constructor(slots: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = new Uint8Array(slots * bytesMax);
    this.#lengths = new Uint16Array(slots);
    this.#units = new Uint32Array(slots);
    this.#ages = new Uint32Array(slots);
    this.#mask = slots - 1;
  }

  clear(): void {
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
    const slot = slotOf(bytes, start, end) & this.#mask;
    if (this.#isAt(slot, bytes, start, length)) return this.#units[slot]!;
    return this.#isAt(slot ^ 1, bytes, start, length) ? this.#units[slot ^ 1]! : -1;
  }

  add(bytes: Uint8Array, start: number, end: number, units = 0): void {
    const length = end - start;
    if (length === 0 || length > this.#bytesMax) return;
    let slot = slotOf(bytes, start, end) & this.#mask;
    if (this.#ages[slot] === this.#age) slot ^= 1;
    this.#ages[slot] = this.#age;
    this.#lengths[slot] = length;
    this.#units[slot] = units;
    let to = slot * this.#bytesMax;
    for (let at = start; at < end; at++) this.#bytes[to++] = bytes[at]!;
  }

  #isAt(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#lengths[slot] !== length || this.#ages[slot] !== this.#age) return false;
    const held = this.#bytes;
    const from = slot * this.#bytesMax;
    for (let at = 0; at < length; at++) if (held[from + at] !== bytes[start + at]) return false;
    return true;
  }
}

/** Of some bytes: values of one kind differ where they begin, or in the figures at their end. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const last = end - 1;
  const sum =
    bytes[start]! * 5 +
    bytes[start + (length >> 3)]! * 43 +
    bytes[start + (length >> 2)]! * 71 +
    bytes[start + (length >> 1)]! * 17 +
    bytes[start + ((length * 3) >> 2)]! * 11 +
    bytes[last - (length >> 3)]! * 97 +
    bytes[last]! * 29 +
    length * 3;
  return sum ^ (sum >> 7);
}
