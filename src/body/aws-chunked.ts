import { Transform, type TransformCallback } from "node:stream";

/**
 * Undoes `aws-chunked`, in which clients of S3 send what they sign or sum piece by piece: sizes in hexadecimal, each with a
 * signature or without, then lines of checksums (Amazon S3 API, "Signature calculations: transferring a payload in multiple
 * chunks"). It is stricter than chunks of HTTP: nothing but digits, signatures and checksums stands between the pieces, or
 * whoever ignores the coding would read what was not looked at.
 */
export class AwsChunkedStream extends Transform {
  /** Of the input; name and meaning are zlib's. */
  bytesWritten = 0;
  readonly #sliceBytes: number;
  #state = SIZE;
  #line = "";
  /** Of the chunk, still to come. */
  #left = 0;
  #lines = 0;

  constructor(sliceBytes: number) {
    super();
    this.#sliceBytes = sliceBytes;
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#state === DATA) {
        const end = Math.min(bytes.length, at + Math.min(this.#left, this.#sliceBytes));
        this.push(bytes.subarray(at, end));
        this.#left -= end - at;
        if (this.#left === 0) this.#state = DATA_END;
        at = end;
      } else if (!this.#take(bytes[at++]!)) {
        done(new Error("no aws-chunked"));
        return;
      }
    }
    this.bytesWritten += bytes.length;
    done();
  }

  override _flush(done: TransformCallback): void {
    done(this.#state === OVER ? null : new Error("no end of aws-chunked"));
  }

  /** A byte of a line. False: no such line. */
  #take(byte: number): boolean {
    if (byte !== LF) {
      this.#line += String.fromCharCode(byte);
      return this.#state !== OVER && this.#line.length <= LINE_CHARS_MAX;
    }
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    switch (this.#state) {
      case SIZE:
        return this.#size(line);
      case DATA_END:
        this.#state = SIZE;
        return line === "";
      case TRAILER:
        // The end, or the empty line that some put behind each checksum.
        if (line === "") this.#state = OVER;
        return line === "" || (++this.#lines <= LINES_MAX && CHECKSUM.test(line));
      default:
        return false;
    }
  }

  #size(line: string): boolean {
    const match = CHUNK.exec(line);
    if (match === null) return false;
    this.#left = Number.parseInt(match[1]!, 16);
    this.#state = this.#left === 0 ? TRAILER : DATA;
    return true;
  }
}

const SIZE = 0;
const DATA = 1;
const DATA_END = 2;
const TRAILER = 3;
const OVER = 4;

const LF = 0x0a;
const LINE_CHARS_MAX = 256;
const LINES_MAX = 8;
/** Signatures are HMAC-SHA256 in hexadecimal, or of ECDSA, which is longer. */
const CHUNK = /^([0-9a-f]{1,8})(?:;chunk-signature=[0-9a-f]{64,152}\**)?$/i;
const CHECKSUM =
  /^x-amz-(?:checksum-[a-z0-9]{3,12}:[A-Za-z0-9+/=]{4,100}|trailer-signature:[0-9a-f]{64,152}\**)$/i;
