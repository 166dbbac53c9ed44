/** Bytes that are put one after the other, and forgotten together: a window of a body. */
export class HeldBytes {
  /** What is held is `bytes[0, end)`; another array after `add`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  end = 0;
  readonly #bytesKept: number;
  readonly #doubledMax: number;

  /** What grew beyond `bytesKept` is given back by `clear`. Memory is doubled up to `doubledMax`, then it is as much as needed. */
  constructor(bytesKept: number, doubledMax: number) {
    this.#bytesKept = bytesKept;
    this.#doubledMax = doubledMax;
  }

  clear(): void {
    this.end = 0;
    if (this.bytes.length > this.#bytesKept) this.bytes = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  }

  /** Puts `from[start, end)` behind what is held. */
  add(from: Uint8Array, start: number, end: number): void {
    const to = this.end;
    const needed = to + end - start;
    if (needed > this.bytes.length) this.#grow(needed);
    const held = this.bytes;
    if (end - start > COPY_BYTES) held.set(from.subarray(start, end), to);
    else for (let at = start; at < end; at++) held[to + at - start] = from[at]!;
    this.end = needed;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#doubledMax, this.bytes.length * 2)));
    this.bytes.copy(grown, 0, 0, this.end);
    this.bytes = grown;
  }
}

const BYTES_AT_FIRST = 1024;
/** Below this a loop is faster than a view and a copy. */
const COPY_BYTES = 24;
