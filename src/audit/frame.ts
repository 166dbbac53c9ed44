/**
 * What processes and the writer tell each other over the Unix socket: length (u32), type (u8), payload.
 */
export const frameTypes = {
  /** To the writer: `Hello` as JSON. */
  hello: 1,
  /** The event's number (f64) and the event as JSON. `must`: somebody waits for it. */
  event: 2,
  must: 3,
  /** The last number of a range that was dropped (f64), and how many. */
  drop: 4,
  /** From the writer: `Welcome` as JSON. */
  welcome: 10,
  /** Everything up to this number (f64) is durable. */
  acknowledged: 11,
  /** One byte: 1 = the writer takes nothing, the disk is full. */
  state: 12,
} as const;

export interface Hello {
  readonly token: string;
  readonly b: string;
  readonly id: number;
}

export interface Welcome {
  /** Last number of this source that is durable. */
  readonly n: number;
  /** Events that may be on the way at once. */
  readonly credit: number;
  /** The log had not heard of this source. */
  readonly isNew: boolean;
}

export const FRAME_BYTES_MAX = 65_536;
const HEAD_BYTES = 5;

/** A frame with an optional number before its text. */
export function frame(type: number, text: string, n?: number): Buffer {
  const numberBytes = n === undefined ? 0 : 8;
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + numberBytes + Buffer.byteLength(text));
  bytes.writeUInt32LE(bytes.length - HEAD_BYTES, 0);
  bytes[4] = type;
  if (n !== undefined) bytes.writeDoubleLE(n, HEAD_BYTES);
  bytes.write(text, HEAD_BYTES + numberBytes);
  return bytes;
}

export interface Frame {
  readonly type: number;
  /** Valid until more is pushed. */
  readonly payload: Buffer;
}

/** Takes a stream of bytes apart into frames. What is not taken waits; a peer may not send more than it has credit for. */
export class FrameReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  push(chunk: Buffer): void {
    this.#bytes =
      this.#at === this.#bytes.length ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** Undefined: no whole frame is there. "too_long": this is no peer of ours. */
  next(): Frame | undefined | "too_long" {
    const left = this.#bytes.length - this.#at;
    if (left < HEAD_BYTES) return undefined;
    const length = this.#bytes.readUInt32LE(this.#at);
    if (length > FRAME_BYTES_MAX) return "too_long";
    if (left < HEAD_BYTES + length) return undefined;
    const start = this.#at + HEAD_BYTES;
    this.#at = start + length;
    return { type: this.#bytes[start - 1]!, payload: this.#bytes.subarray(start, start + length) };
  }
}
