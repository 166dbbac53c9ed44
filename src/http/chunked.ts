import { type Reason, reasons } from "../reason.ts";
import { TRAILER_FIELDS_MAX, type Trailers, takeTrailer } from "./trailer.ts";

/**
 * Decoder of the chunked coding (RFC 9112 §7.1), fed with any split of the bytes. Strict: CRLF only, sizes of plain
 * hex digits, extensions skipped and bounded, trailers checked for syntax and kept in `trailers`. The same decoder
 * serves both sides; the caller maps a refusal to its own side's reason.
 *
 * Usage: `next()` until it returns `CHUNK_MORE` or `CHUNK_END`; after `CHUNK_DATA` the decoded bytes are
 * `[dataStart, dataEnd)` of the input.
 */
export const CHUNK_MORE = 0;
export const CHUNK_DATA = 1;
export const CHUNK_END = 2;
export const CHUNK_BAD = -1;

export class ChunkDecoder {
  /** Where the decoder stands in the input after `next()`. */
  position = 0;
  dataStart = 0;
  dataEnd = 0;
  refusal: Reason = reasons.chunk;
  #state = SIZE_FIRST;
  /** Of the current chunk still to come. */
  #remaining = 0;
  #digits = 0;
  /** Digits of the size without its leading zeros. */
  #significant = 0;
  #chunks = 0;
  #bytes = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailerLine: number[] = [];
  #trailerCount = 0;
  #trailers: string[] = noTrailers;

  readonly #fromClient: boolean;

  /**
   * `fromClient`: many chunks of a few bytes are an attack when they come from a client, and an ordinary event or
   * token stream when they come from an upstream.
   */
  constructor(fromClient: boolean) {
    this.#fromClient = fromClient;
  }

  /** After `CHUNK_END`: the trailers that may travel on. */
  get trailers(): Trailers {
    return this.#trailers;
  }

  reset(): void {
    this.#state = SIZE_FIRST;
    this.#remaining = 0;
    this.#digits = 0;
    this.#significant = 0;
    this.#chunks = 0;
    this.#bytes = 0;
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
    this.#trailerCount = 0;
    if (this.#trailerLine.length > 0) this.#trailerLine = [];
    this.#trailers = noTrailers;
  }

  next(input: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const byte = input[at]!;
      switch (this.#state) {
        case SIZE_FIRST:
        case SIZE: {
          const digit = hexValue[byte]!;
          if (digit !== 255) {
            // More digits than 64 bits hold have been read as a small number (overflow): no size at all.
            if (++this.#digits > 32) return this.#refuse(reasons.chunk);
            if ((digit !== 0 || this.#significant > 0) && ++this.#significant > 16)
              return this.#refuse(reasons.chunk);
            if (this.#remaining < BEYOND_ANY_BODY) this.#remaining = this.#remaining * 16 + digit;
            this.#state = SIZE;
            at++;
            break;
          }
          if (this.#state === SIZE_FIRST) return this.#refuse(reasons.chunk);
          if (this.#remaining >= BEYOND_ANY_BODY) return this.#refuse(reasons.bodyTooLarge);
          if (byte === CR) this.#state = SIZE_LF;
          else if (byte === SEMICOLON) this.#state = EXTENSION;
          else return this.#refuse(reasons.chunk);
          at++;
          break;
        }
        case EXTENSION:
          if (byte === CR) this.#state = SIZE_LF;
          // Quoted CR or LF in an extension has hidden requests from lenient parsers: no control bytes at all.
          else if ((byte < 32 && byte !== TAB) || byte === 0x7f) return this.#refuse(reasons.chunk);
          else if (++this.#extensionBytes > EXTENSION_BYTES_MAX) return this.#refuse(reasons.chunkExtension);
          at++;
          break;
        case SIZE_LF:
          if (byte !== LF) return this.#refuse(reasons.chunk);
          at++;
          this.#digits = 0;
          this.#significant = 0;
          if (this.#remaining === 0) {
            this.#state = TRAILER;
            break;
          }
          this.#chunks++;
          this.#bytes += this.#remaining;
          // A few bytes per chunk make us work a thousand times harder than the sender (reliability.md CH14).
          if (this.#fromClient && this.#chunks >= TINY_CHUNKS && this.#bytes < this.#chunks * TINY_BYTES)
            return this.#refuse(reasons.chunkTiny);
          this.#state = DATA;
          break;
        case DATA: {
          const available = end - at;
          const taken = available < this.#remaining ? available : this.#remaining;
          this.dataStart = at;
          this.dataEnd = at + taken;
          this.#remaining -= taken;
          if (this.#remaining === 0) this.#state = DATA_CR;
          this.position = this.dataEnd;
          return CHUNK_DATA;
        }
        case DATA_CR:
          if (byte !== CR) return this.#refuse(reasons.chunk);
          this.#state = DATA_LF;
          at++;
          break;
        case DATA_LF:
          if (byte !== LF) return this.#refuse(reasons.chunk);
          this.#state = SIZE_FIRST;
          at++;
          break;
        case TRAILER:
          // At the start of a line: CR ends the section, anything else is a trailer field.
          this.#state = byte === CR ? END_LF : TRAILER_LINE;
          if (byte === CR) at++;
          break;
        case TRAILER_LINE:
          if (byte === CR) this.#state = TRAILER_LF;
          else if ((byte < 32 && byte !== TAB) || byte === 0x7f) return this.#refuse(reasons.trailerSyntax);
          else if (++this.#trailerBytes > TRAILER_BYTES_MAX) return this.#refuse(reasons.trailerBytes);
          else this.#trailerLine.push(byte);
          at++;
          break;
        case TRAILER_LF: {
          if (byte !== LF || !this.#takeTrailer()) return this.#refuse(reasons.trailerSyntax);
          if (++this.#trailerCount > TRAILER_FIELDS_MAX) return this.#refuse(reasons.trailerBytes);
          this.#trailerLine = [];
          this.#state = TRAILER;
          at++;
          break;
        }
        default: // END_LF
          if (byte !== LF) return this.#refuse(reasons.chunk);
          this.position = at + 1;
          return CHUNK_END;
      }
    }
    this.position = at;
    return CHUNK_MORE;
  }

  /** False: not a field, or one that frames the message. */
  #takeTrailer(): boolean {
    const text = String.fromCharCode(...this.#trailerLine);
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(text);
    if (match === null) return false;
    const name = match[1]!;
    if (/^(content-length|transfer-encoding)$/i.test(name.replaceAll("_", "-"))) return false;
    if (this.#trailers === noTrailers) this.#trailers = [];
    takeTrailer(this.#trailers, name, match[2]!, this.#fromClient);
    return true;
  }

  #refuse(reason: Reason): typeof CHUNK_BAD {
    this.refusal = reason;
    return CHUNK_BAD;
  }
}

/** Shared by all bodies without trailers: nothing is ever pushed to it. */
const noTrailers: string[] = [];

const CR = 13;
const LF = 10;
const TAB = 9;
const SEMICOLON = 59;

const SIZE_FIRST = 0;
const SIZE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER = 7;
const TRAILER_LINE = 8;
const TRAILER_LF = 9;
const END_LF = 10;

/** All extensions of one body together. */
const EXTENSION_BYTES_MAX = 256;
/** The whole trailer section. */
const TRAILER_BYTES_MAX = 8192;
/** 2^48: larger sizes are refused without being counted further. */
const BEYOND_ANY_BODY = 0x1000000000000;
const TINY_CHUNKS = 1000;
const TINY_BYTES = 16;

const hexValue: Uint8Array = buildHexValues();

function buildHexValues(): Uint8Array {
  const values = new Uint8Array(256).fill(255);
  for (let digit = 0; digit < 10; digit++) values[48 + digit] = digit;
  for (let digit = 10; digit < 16; digit++) values[87 + digit] = values[55 + digit] = digit;
  return values;
}

/** Writes `size` in hex and CRLF at `at`; returns the offset after it. At most 16 bytes. */
export function writeChunkSize(out: Uint8Array, at: number, size: number): number {
  let shift = 0;
  while (size >>> (shift + 4) !== 0 && shift < 28) shift += 4;
  for (; shift >= 0; shift -= 4) out[at++] = HEX_DIGITS[(size >>> shift) & 15]!;
  out[at++] = CR;
  out[at++] = LF;
  return at;
}

/** Prints the last chunk and `trailers`, as text. */
export function printTrailers(trailers: Trailers): string {
  let text = "0\r\n";
  for (let at = 0; at < trailers.length; at += 2) text += `${trailers[at]}: ${trailers[at + 1]}\r\n`;
  return `${text}\r\n`;
}

const HEX_DIGITS = Buffer.from("0123456789abcdef", "latin1");
