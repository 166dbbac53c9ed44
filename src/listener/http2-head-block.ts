import { HEAD_FRAMES_MAX } from "./http2-limits.ts";

/** A compressed head that comes in several frames (RFC 9113 §4.3, §6.10), put together. */
export class Http2HeadBlock {
  /** Whose head it is; 0 = none is under way. */
  stream = 0;
  /** Those of its first frame. */
  flags = 0;
  #frames = 0;
  #bytes: Buffer = EMPTY;
  #length = 0;

  begin(stream: number, flags: number): void {
    this.stream = stream;
    this.flags = flags;
    this.#frames = this.#length = 0;
  }

  /** Copies the next piece. False: it has more frames or bytes than a head may have. */
  add(source: Buffer, start: number, end: number, bytesMax: number): boolean {
    const length = this.#length + end - start;
    if (++this.#frames > HEAD_FRAMES_MAX || length > bytesMax) return false;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    source.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
    return true;
  }

  /** All of it; nothing is kept. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.stream = this.#length = 0;
    this.#bytes = EMPTY;
    return bytes;
  }
}

const EMPTY = Buffer.alloc(0);
