import { Transform, type TransformCallback } from "node:stream";
import type { CodingReason } from "./coding.ts";

/**
 * Undoes one block of snappy (format_description.txt of google/snappy), as Prometheus sends it; not the
 * framing format, which is another coding. A stream, as zlib's are, but it works in this thread: a slice takes 20 us, and
 * between two slices the event loop runs.
 *
 * Memory: what came out so far, since a copy may reach back to its first byte; while it grows three times that.
 */
export class SnappyStream extends Transform {
  /** Of the input; name and meaning are zlib's. */
  bytesWritten = 0;
  readonly #block: SnappyBlock;
  readonly #sliceBytes: number;
  /** The next step, while nobody reads. */
  #waiting: (() => void) | undefined = undefined;

  constructor(sliceBytes: number, outputBytesMax: number) {
    // One byte that nobody reads is enough to wait for.
    super({ readableHighWaterMark: 1 });
    this.#block = new SnappyBlock(outputBytesMax);
    this.#sliceBytes = sliceBytes;
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    setImmediate(() => this.#step(bytes, 0, done));
  }

  override _flush(done: TransformCallback): void {
    done(this.#block.isWhole ? null : new SnappyError("decompress"));
  }

  override _read(size: number): void {
    const next = this.#waiting;
    this.#waiting = undefined;
    if (next === undefined) super._read(size);
    else setImmediate(next);
  }

  #step(bytes: Buffer, at: number, done: TransformCallback): void {
    if (this.destroyed) return;
    const block = this.#block;
    // The last bytes of the input may be a copy of which a part is still to come out.
    if (at === bytes.length && !block.hasMore) {
      done();
      return;
    }
    const from = block.end;
    const read = block.read(bytes, at, bytes.length, this.#sliceBytes);
    if (typeof read === "string") {
      this.destroy(new SnappyError(read));
      return;
    }
    this.bytesWritten += read - at;
    const next = (): void => this.#step(bytes, read, done);
    if (block.end === from || this.push(block.output.subarray(from, block.end))) setImmediate(next);
    else this.#waiting = next;
  }
}

/** Why a stream ended early. */
export class SnappyError extends Error {
  readonly reason: CodingReason;

  constructor(reason: CodingReason) {
    super(reason);
    this.reason = reason;
  }
}

/** The decoder itself: takes input in any pieces, and gives no more output at a time than is asked for. */
export class SnappyBlock {
  /** What came out so far is `output[0, end)`. Another array after `read`. */
  output: Buffer = Buffer.alloc(0);
  end = 0;
  readonly #outputBytesMax: number;
  #state = LENGTH;
  /** Of the whole output, as the block says. */
  #length = 0;
  /** Number that is being read, and how many bits of it are here. */
  #number = 0;
  #shift = 0;
  /** Bytes of it that are still to come. */
  #missing = 0;
  /** Bytes of the present literal or copy that are still to come out. */
  #left = 0;
  /** Of the present copy, back from `end`. */
  #offset = 0;

  constructor(outputBytesMax: number) {
    this.#outputBytesMax = outputBytesMax;
  }

  /** The block may end here. */
  get isWhole(): boolean {
    return this.#state === TAG && this.end === this.#length;
  }

  /** More comes out without more input. */
  get hasMore(): boolean {
    return this.#state === COPY;
  }

  /**
   * Reads `bytes[start, end)` until at most `count` bytes have come out; gives where it stopped, or why this is no such
   * block. Nothing may be read after that.
   */
  read(bytes: Uint8Array, start: number, end: number, count: number): number | CodingReason {
    const until = this.end + count;
    let at = start;
    while (this.end < until) {
      if (this.#state === COPY) {
        this.#copy(Math.min(this.#left, until - this.end));
        continue;
      }
      if (at >= end) break;
      if (this.#state === LITERAL) {
        const taken = Math.min(this.#left, until - this.end, end - at);
        this.#take(bytes, at, taken);
        at += taken;
        continue;
      }
      const reason = this.#byte(bytes[at++]!);
      if (reason !== undefined) return reason;
    }
    return at;
  }

  /** One byte of what stands between literals. */
  #byte(byte: number): CodingReason | undefined {
    if (this.#state === LENGTH) return this.#lengthByte(byte);
    if (this.#state === TAG) return this.#tag(byte);
    // Multiplied, not shifted: four bytes are more than 31 bits.
    this.#number += byte * 2 ** this.#shift;
    this.#shift += 8;
    if (--this.#missing > 0) return undefined;
    return this.#state === LITERAL_LENGTH ? this.#open(LITERAL, this.#number + 1) : this.#openCopy();
  }

  /** A varint of 32 bits (section 1). It takes no memory: anybody can claim 4 GiB in five bytes. */
  #lengthByte(byte: number): CodingReason | undefined {
    if (this.#shift === 28 && byte > 0x0f) return "decompress";
    this.#length += (byte & 0x7f) * 2 ** this.#shift;
    this.#shift += 7;
    if (byte >= 0x80) return undefined;
    this.#state = TAG;
    return this.#length > this.#outputBytesMax ? "decompress_cap" : undefined;
  }

  /** Section 2: the low two bits say what follows. */
  #tag(byte: number): CodingReason | undefined {
    const upper = byte >> 2;
    const kind = byte & 3;
    this.#number = 0;
    this.#shift = 0;
    if (kind === 0) {
      if (upper < LONG_LITERAL) return this.#open(LITERAL, upper + 1);
      this.#missing = upper - LONG_LITERAL + 1;
      this.#state = LITERAL_LENGTH;
      return undefined;
    }
    this.#state = OFFSET;
    if (kind === 1) {
      // Its offset has three bits more, which are the upper ones.
      this.#left = 4 + (upper & 7);
      this.#number = (upper >> 3) * 256;
      this.#missing = 1;
    } else {
      this.#left = upper + 1;
      this.#missing = kind === 2 ? 2 : 4;
    }
    return undefined;
  }

  #openCopy(): CodingReason | undefined {
    this.#offset = this.#number;
    if (this.#offset === 0 || this.#offset > this.end) return "decompress";
    return this.#open(COPY, this.#left);
  }

  /** Also refuses whatever stands behind the end: there is nothing that puts nothing out. */
  #open(state: number, length: number): CodingReason | undefined {
    if (length > this.#length - this.end) return "decompress";
    this.#state = state;
    this.#left = length;
    return undefined;
  }

  #take(bytes: Uint8Array, at: number, count: number): void {
    this.#reserve(count);
    this.output.set(bytes.subarray(at, at + count), this.end);
    this.#put(count);
  }

  /** A copy may reach into itself: then it repeats what it began with, and only byte by byte is that. */
  #copy(count: number): void {
    this.#reserve(count);
    const { output, end } = this;
    for (let to = end; to < end + count; to++) output[to] = output[to - this.#offset]!;
    this.#put(count);
  }

  #put(count: number): void {
    this.end += count;
    this.#left -= count;
    if (this.#left === 0) this.#state = TAG;
  }

  /** Doubles, for what is here: whoever sends little gets little, whatever length the block says. */
  #reserve(count: number): void {
    const needed = this.end + count;
    if (needed <= this.output.length) return;
    const wanted = Math.max(needed, this.output.length * 2, BYTES_AT_FIRST);
    const grown = Buffer.allocUnsafeSlow(Math.min(wanted, this.#length));
    this.output.copy(grown, 0, 0, this.end);
    this.output = grown;
  }
}

const LENGTH = 0;
const TAG = 1;
const LITERAL_LENGTH = 2;
const OFFSET = 3;
const LITERAL = 4;
const COPY = 5;

/** From here on the length of a literal is a number of its own (section 2.1). */
const LONG_LITERAL = 60;
const BYTES_AT_FIRST = 1024;
