/**
 * Short JSON keys of one body in which nothing was found: a list of records brings the same ones again and again, and
 * they are half of its strings. Compared byte by byte, so that no other key is taken for one of them. 3.5 KiB.
 */
export class CleanKeys {
  readonly #bytes: Uint8Array = new Uint8Array(SLOTS * KEY_BYTES_MAX);
  readonly #lengths: Uint8Array = new Uint8Array(SLOTS);
  /** The number of the body that a slot belongs to. */
  readonly #bodies: Uint32Array = new Uint32Array(SLOTS);
  #body = 1;

  /** Another body, perhaps with other rules. */
  clear(): void {
    this.#body = (this.#body + 1) >>> 0;
    // A slot that was not written for 2^32 bodies is not taken for this one's.
    if (this.#body === 0) {
      this.#bodies.fill(0);
      this.#body = 1;
    }
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (length === 0 || length > KEY_BYTES_MAX) return false;
    const slot = slotOf(bytes, start, end);
    if (this.#lengths[slot] !== length || this.#bodies[slot] !== this.#body) return false;
    const held = this.#bytes;
    let other = slot * KEY_BYTES_MAX;
    for (let at = start; at < end; at++) if (held[other++] !== bytes[at]) return false;
    return true;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length === 0 || length > KEY_BYTES_MAX) return;
    const slot = slotOf(bytes, start, end);
    this.#bodies[slot] = this.#body;
    this.#lengths[slot] = length;
    let to = slot * KEY_BYTES_MAX;
    for (let at = start; at < end; at++) this.#bytes[to++] = bytes[at]!;
  }
}

const SLOTS = 128;
const KEY_BYTES_MAX = 24;

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const middle = bytes[(start + end) >> 1]!;
  return (bytes[start]! * 5 + middle * 17 + bytes[end - 1]! * 29 + (end - start) * 3) & (SLOTS - 1);
}
