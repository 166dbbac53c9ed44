/**
 * What a client sent and nobody has taken: the reader's buffer during a read event, afterwards a copy of what is left
 * of it. One read at most waits here, because reading pauses meanwhile.
 */
export class Http1Input {
  bytes: Buffer = EMPTY;
  /** What was not taken is `bytes[start, end)`. */
  start = 0;
  end = 0;
  /** `bytes` is our own copy rather than the reader's buffer. */
  isKept = false;
  /** Bytes of an incomplete head when it was last read; 0 = none is. */
  headBytes = 0;

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  /** What was read comes behind what waits. */
  add(buffer: Buffer, length: number): void {
    this.isKept = !this.isEmpty;
    if (this.isKept) {
      buffer = Buffer.concat([this.bytes.subarray(this.start, this.end), buffer.subarray(0, length)]);
      length = buffer.length;
    }
    this.bytes = buffer;
    this.start = 0;
    this.end = length;
  }

  /** What is left is copied before the reader's buffer is used again. */
  keep(): void {
    if (this.isKept) return;
    this.bytes = Buffer.from(this.bytes.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
    this.isKept = true;
  }

  /** Nobody will take what is left. */
  skip(): void {
    this.start = this.end;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.start = this.end = 0;
  }

  /**
   * Whether an incomplete head is worth another reading: at most one for each line of it. Without a line feed it is read
   * when it doubles, or passes the limit that refuses it.
   */
  hasMoreOfHead(headBytesMax: number): boolean {
    const size = this.end - this.start;
    if (size >= this.headBytes * 2 || size > headBytesMax) return true;
    return this.bytes.subarray(this.start + this.headBytes, this.end).includes(LF);
  }
}

const EMPTY = Buffer.alloc(0);
const LF = 10;
