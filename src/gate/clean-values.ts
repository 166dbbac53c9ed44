/**
 * Values in which no detector saw anything, wherever they stand: those that come again and again. Compared byte by byte,
 * so that no other value is taken for one of them; a new one takes the place of an older one with the same hash. For
 * one kind of place and one profile. Not for secrets: how long a look takes says whether a value was seen.
 */
export class CleanValues {
  readonly #bytesMax: number;
  readonly #bytes: Uint8Array;
  readonly #lengths: Uint16Array;
  /** How often `clear` was called before the slot was written. */
  readonly #ages: Uint32Array;
  readonly #mask: number;
  #age = 1;

  /** `slots`: a power of two. Memory: `slots` times `bytesMax` and 6. Longer values are never held. */
  constructor(slots: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = new Uint8Array(slots * bytesMax);
    this.#lengths = new Uint16Array(slots);
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
    const length = end - start;
    if (length === 0 || length > this.#bytesMax) return false;
    const slot = slotOf(bytes, start, end) & this.#mask;
    if (this.#lengths[slot] !== length || this.#ages[slot] !== this.#age) return false;
    const held = this.#bytes;
    let other = slot * this.#bytesMax;
    for (let at = start; at < end; at++) if (held[other++] !== bytes[at]) return false;
    return true;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length === 0 || length > this.#bytesMax) return;
    const slot = slotOf(bytes, start, end) & this.#mask;
    this.#ages[slot] = this.#age;
    this.#lengths[slot] = length;
    let to = slot * this.#bytesMax;
    for (let at = start; at < end; at++) this.#bytes[to++] = bytes[at]!;
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  return (
    bytes[start]! * 5 +
    bytes[(start + end) >> 1]! * 17 +
    bytes[start + ((length * 3) >> 2)]! * 11 +
    bytes[end - 1]! * 29 +
    length * 3
  );
}
