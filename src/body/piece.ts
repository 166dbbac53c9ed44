/**
 * A value that comes in bits and of any length: collected, and reported in pieces of bounded size. Each piece begins
 * with the last bytes of the one before, so that nothing hides where two of them meet. The pieces depend on the bytes
 * only, never on the chunks that they came in.
 */
export class Piece {
  /** What was collected and not reported yet, with the overlap before it: `bytes[0, end)`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  end = 0;
  /** Where it stands in the source; after an overlap about so, when escapes were resolved in it. */
  sourceStart = 0;
  sourceEnd = 0;
  /** How many bytes at its beginning the piece before had too. */
  repeated = 0;
  readonly #bytesMax: number;
  readonly #overlapBytes: number;
  readonly #report: (goesOn: boolean) => void;

  /** `report` is called with the piece in `bytes` and its place in the two source offsets; `goesOn`: more follow. */
  constructor(bytesMax: number, overlapBytes: number, report: (goesOn: boolean) => void) {
    this.#bytesMax = bytesMax;
    this.#overlapBytes = overlapBytes;
    this.#report = report;
  }

  /** Begins a new value at this offset of the source; what was collected is dropped. */
  begin(source: number): void {
    this.end = 0;
    this.repeated = 0;
    this.sourceStart = source;
    this.sourceEnd = source;
    if (this.bytes.length > BYTES_KEPT) this.bytes = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  }

  /** Adds `from[start, end)`, which ends at offset `sourceEnd` of the source. */
  add(from: Uint8Array, start: number, end: number, sourceEnd: number): void {
    while (start < end) {
      if (this.end === this.#bytesMax) this.#cut();
      const count = Math.min(end - start, this.#bytesMax - this.end);
      if (this.end + count > this.bytes.length) this.#grow(this.end + count);
      if (count < COPY_BY_HAND)
        for (let at = 0; at < count; at++) this.bytes[this.end + at] = from[start + at]!;
      else this.bytes.set(from.subarray(start, start + count), this.end);
      this.end += count;
      start += count;
      this.sourceEnd = sourceEnd - (end - start);
    }
  }

  addByte(byte: number, sourceEnd: number): void {
    if (this.end === this.#bytesMax) this.#cut();
    if (this.end === this.bytes.length) this.#grow(this.end + 1);
    this.bytes[this.end++] = byte;
    this.sourceEnd = sourceEnd;
  }

  /** Adds a code point as UTF-8. */
  addCodePoint(code: number, sourceEnd: number): void {
    if (code < 0x80) this.addByte(code, sourceEnd);
    else if (code < 0x800) {
      this.addByte(0xc0 | (code >> 6), sourceEnd);
      this.addByte(0x80 | (code & 63), sourceEnd);
    } else {
      if (code < 0x10000) this.addByte(0xe0 | (code >> 12), sourceEnd);
      else {
        this.addByte(0xf0 | (code >> 18), sourceEnd);
        this.addByte(0x80 | ((code >> 12) & 63), sourceEnd);
      }
      this.addByte(0x80 | ((code >> 6) & 63), sourceEnd);
      this.addByte(0x80 | (code & 63), sourceEnd);
    }
  }

  /** Reports what is left of the value, if anything. */
  finish(): void {
    if (this.end > 0) this.#report(false);
    this.end = 0;
  }

  #cut(): void {
    this.#report(true);
    const kept = Math.min(this.#overlapBytes, this.end - 1);
    this.bytes.copyWithin(0, this.end - kept, this.end);
    this.sourceStart = this.sourceEnd - kept;
    this.end = kept;
    this.repeated = kept;
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#bytesMax, Math.max(bytes, this.bytes.length * 2)));
    this.bytes.copy(grown, 0, 0, this.end);
    this.bytes = grown;
  }
}

const BYTES_AT_FIRST = 512;
const BYTES_KEPT = 2048;
/** Below this a loop is faster than a view and a copy. */
const COPY_BY_HAND = 24;
