/**
 * Bytes that come in pieces, kept as one run. A piece of its own for each of them would cost a hundred bytes: who sends a
 * body byte by byte would take a hundred times what limits allow.
 */
export class GrowingBytes {
  #room: Buffer = NONE;
  #length = 0;
  readonly #bytesMax: number;

  /** No more than `bytesMax` will be taken: room beyond is never made. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of `[start, end)`. */
  take(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytesMax) throw new RangeError(`${length} bytes of ${this.#bytesMax} that may come`);
    if (length > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(Math.min(Math.max(length, 2 * this.#room.length), this.#bytesMax));
      this.#room.copy(room, 0, 0, this.#length);
      this.#room = room;
    }
    this.#room.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** What came so far. Not to be changed, nor used behind another `take`. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  forget(): void {
    this.#room = NONE;
    this.#length = 0;
  }
}

const NONE = Buffer.alloc(0);
