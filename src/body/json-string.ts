import { hexValue, NOT_HEX } from "../std/hex.ts";

export type JsonStringReason = "json_syntax" | "json_string" | "json_utf8";

/**
 * Reads one JSON string at a time, from after its opening quote to its closing one, over any number of chunks. A string
 * without escapes that lies in one chunk is a span of that chunk; any other is put together, escapes resolved, in a
 * buffer that is used again for the next one. A string longer than a piece comes in pieces, each beginning with the end
 * of the one before; where they are cut depends on the string alone.
 */
export class JsonString {
  /** True once `read` has passed the closing quote; then the string, or its last piece, is `bytes[start, end)`. */
  isClosed = false;
  bytes: Uint8Array = empty;
  start = 0;
  end = 0;
  /** How many bytes of a piece the one before it had too. */
  repeated = 0;
  /** Where the piece begins in the source; after the first about so, when escapes were resolved in it. */
  sourceStart = 0;
  /** Offset in the source of byte 0 of the array given to `read`. */
  base = 0;
  /** The string holds `\u0000`. */
  hasNul = false;
  /** Why `read` returned -1. */
  reason: JsonStringReason = "json_syntax";

  readonly #bytesMax: number;
  readonly #pieceBytes: number;
  readonly #overlapBytes: number;
  readonly #report: (sourceEnd: number) => void;
  /** Bytes so far that were copied: all but those of a string that is a span. */
  #length = 0;
  #text: Uint8Array = new Uint8Array(TEXT_BYTES_AT_FIRST);
  #textEnd = 0;
  #isEscape = false;
  // The UTF-8 sequence being read: continuation bytes to come, and the range of the next one.
  #utf8Left = 0;
  #utf8Low = 0;
  #utf8High = 0;
  // The escape being read: hex digits to come, their value, and the high surrogate before it.
  #hexLeft = 0;
  #unit = 0;
  #highSurrogate = 0;

  /**
   * `bytesMax`: of one string, escapes resolved. `report` is called with every piece but the last in `bytes[start, end)`.
   */
  constructor(
    bytesMax: number,
    pieceBytes: number,
    overlapBytes: number,
    report: (sourceEnd: number) => void,
  ) {
    this.#bytesMax = bytesMax;
    this.#pieceBytes = pieceBytes;
    this.#overlapBytes = overlapBytes;
    this.#report = report;
  }

  /** `source`: of the first byte. */
  open(source: number): void {
    this.isClosed = false;
    this.hasNul = false;
    this.#textEnd = 0;
    this.#length = 0;
    this.repeated = 0;
    this.sourceStart = source;
  }

  /** Forgets a string left in the middle, and gives back what a long one took. */
  clear(): void {
    this.bytes = empty;
    this.#isEscape = false;
    this.#utf8Left = 0;
    this.#hexLeft = 0;
    this.#highSurrogate = 0;
    if (this.#text.length > TEXT_BYTES_KEPT) this.#text = new Uint8Array(TEXT_BYTES_AT_FIRST);
  }

  /** Position after the closing quote; `end` when the string goes on in the next chunk; -1 when refused. */
  read(bytes: Uint8Array, at: number, end: number): number {
    while (at < end && at >= 0) {
      at = this.#isEscape ? this.#readEscape(bytes, at, end) : this.#readText(bytes, at, end);
      if (this.isClosed) return at;
    }
    return at;
  }

  /** Reads up to an escape, the closing quote or the end of the chunk. */
  #readText(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#utf8Left > 0 && (at = this.#readUtf8(bytes, start, at, end)) < 0) return at;
    while (at < end) {
      const byte = bytes[at]!;
      if (plainInJson[byte] === 1) {
        at++;
      } else if (byte === QUOTE) {
        return this.#close(bytes, start, at);
      } else if (byte === BACKSLASH) {
        if (!this.#keep(bytes, start, at)) return -1;
        this.#isEscape = true;
        return at + 1;
      } else if (byte < 0x80) {
        return this.#failAfter(bytes, start, at, "json_syntax");
      } else {
        at = this.#readUtf8(bytes, start, at, end);
        if (at < 0) return at;
      }
    }
    return this.#keep(bytes, start, end) ? end : -1;
  }

  /**
   * Reads bytes outside ASCII, up to the next ASCII byte or the end (Unicode 15, table 3-7: no overlong forms, no
   * surrogates, nothing above U+10FFFF). `start` is where the bytes not yet copied start.
   */
  #readUtf8(bytes: Uint8Array, start: number, at: number, end: number): number {
    let left = this.#utf8Left;
    let low = this.#utf8Low;
    let high = this.#utf8High;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (left > 0) {
        if (byte < low || byte > high) return this.#failAfter(bytes, start, at, "json_utf8");
        left--;
        low = 0x80;
        high = 0xbf;
        continue;
      }
      if (byte < 0x80) break;
      if (byte < 0xc2 || byte > 0xf4) return this.#failAfter(bytes, start, at, "json_utf8");
      left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
      high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    }
    this.#utf8Left = left;
    this.#utf8Low = low;
    this.#utf8High = high;
    return at;
  }

  #close(bytes: Uint8Array, start: number, at: number): number {
    const count = at - start;
    if (this.#length === 0 && count <= this.#pieceBytes && count <= this.#bytesMax) {
      this.bytes = bytes;
      this.start = start;
      this.end = at;
    } else {
      if (!this.#keep(bytes, start, at)) return -1;
      this.bytes = this.#text;
      this.start = 0;
      this.end = this.#textEnd;
    }
    this.isClosed = true;
    return at + 1;
  }

  /** Reads what follows a backslash; a surrogate pair is one escape. */
  #readEscape(bytes: Uint8Array, at: number, end: number): number {
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (this.#hexLeft > 0) {
        const digit = hexValue[byte]!;
        if (digit === NOT_HEX) return this.#fail("json_syntax");
        this.#unit = (this.#unit << 4) | digit;
        if (--this.#hexLeft > 0) continue;
        if ((this.#unit & 0xfc00) === 0xd800 && this.#highSurrogate === 0) {
          this.#highSurrogate = this.#unit;
          this.#hexLeft = BEFORE_BACKSLASH;
          continue;
        }
        if (!this.#appendUnit(this.#unit, at)) return -1;
        break;
      }
      if (this.#hexLeft === BEFORE_BACKSLASH) {
        if (byte !== BACKSLASH) return this.#fail("json_utf8");
        this.#hexLeft = 0;
      } else if (byte === LOWER_U) {
        this.#hexLeft = 4;
        this.#unit = 0;
      } else if (this.#highSurrogate !== 0) {
        return this.#fail("json_utf8");
      } else {
        const value = escaped[byte]!;
        if (value === 0) return this.#fail("json_syntax");
        if (!this.#append(value, at)) return -1;
        break;
      }
    }
    if (at === end) return end;
    this.#isEscape = false;
    return at + 1;
  }

  /** One UTF-16 code unit; after a high surrogate, the low one. Written as UTF-8. */
  #appendUnit(unit: number, at: number): boolean {
    const high = this.#highSurrogate;
    const isLow = (unit & 0xfc00) === 0xdc00;
    if (isLow !== (high !== 0)) {
      // A lone surrogate has no UTF-8 form; servers replace, drop or keep it.
      this.reason = "json_utf8";
      return false;
    }
    if (high !== 0) {
      this.#highSurrogate = 0;
      const point = 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff);
      return (
        this.#append(0xf0 | (point >> 18), at) &&
        this.#append(0x80 | ((point >> 12) & 0x3f), at) &&
        this.#append(0x80 | ((point >> 6) & 0x3f), at) &&
        this.#append(0x80 | (point & 0x3f), at)
      );
    }
    if (unit === 0) this.hasNul = true;
    if (unit < 0x80) return this.#append(unit, at);
    if (unit < 0x800) return this.#append(0xc0 | (unit >> 6), at) && this.#append(0x80 | (unit & 0x3f), at);
    return (
      this.#append(0xe0 | (unit >> 12), at) &&
      this.#append(0x80 | ((unit >> 6) & 0x3f), at) &&
      this.#append(0x80 | (unit & 0x3f), at)
    );
  }

  /** `at` is where its escape ends. */
  #append(byte: number, at: number): boolean {
    if (this.#length === this.#bytesMax) return this.#tooLong();
    if (this.#textEnd === this.#pieceBytes) this.#cut(at);
    const to = this.#textEnd;
    if (to === this.#text.length) this.#grow(to + 1);
    this.#text[to] = byte;
    this.#textEnd = to + 1;
    this.#length++;
    return true;
  }

  #keep(bytes: Uint8Array, start: number, end: number): boolean {
    for (let from = start; from < end; ) {
      if (this.#length === this.#bytesMax) return this.#tooLong();
      if (this.#textEnd === this.#pieceBytes) this.#cut(from);
      const to = this.#textEnd;
      const count = Math.min(end - from, this.#pieceBytes - to, this.#bytesMax - this.#length);
      if (to + count > this.#text.length) this.#grow(to + count);
      if (count > COPY_BYTES) this.#text.set(bytes.subarray(from, from + count), to);
      else for (let at = 0; at < count; at++) this.#text[to + at] = bytes[from + at]!;
      this.#textEnd = to + count;
      this.#length += count;
      from += count;
    }
    return true;
  }

  /** A whole piece is here, and more of the string: at `at` of the chunk. */
  #cut(at: number): void {
    this.bytes = this.#text;
    this.start = 0;
    this.end = this.#textEnd;
    this.#report(this.base + at);
    const kept = Math.min(this.#overlapBytes, this.#textEnd - 1);
    this.#text.copyWithin(0, this.#textEnd - kept, this.#textEnd);
    this.#textEnd = kept;
    this.repeated = kept;
    this.sourceStart = this.base + at - kept;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.min(this.#pieceBytes, Math.max(needed, this.#text.length * 2)));
    grown.set(this.#text.subarray(0, this.#textEnd));
    this.#text = grown;
  }

  #tooLong(): false {
    this.reason = "json_string";
    return false;
  }

  /** What stands before the fault counts first, wherever chunks end. */
  #failAfter(bytes: Uint8Array, start: number, at: number, reason: JsonStringReason): number {
    return this.#keep(bytes, start, at) ? this.#fail(reason) : -1;
  }

  #fail(reason: JsonStringReason): number {
    this.reason = reason;
    return -1;
  }
}

const TEXT_BYTES_AT_FIRST = 256;
const TEXT_BYTES_KEPT = 2048;
/** Below this a loop copies faster than a view is made. */
const COPY_BYTES = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** `#hexLeft` between the two halves of a surrogate pair. */
const BEFORE_BACKSLASH = -1;

const empty = new Uint8Array(0);

/** What a backslash and this byte stand for. */
const escaped = buildEscaped();
/** 1 for the bytes that stand for themselves in a string: ASCII but for controls, `"` and backslash. */
export const plainInJson: Uint8Array = buildPlain();

function buildEscaped(): Uint8Array {
  const table = new Uint8Array(256);
  "bfnrt".split("").forEach((char, index) => {
    table[char.charCodeAt(0)] = [8, 12, 10, 13, 9][index]!;
  });
  for (const char of '"\\/') table[char.charCodeAt(0)] = char.charCodeAt(0);
  return table;
}

function buildPlain(): Uint8Array {
  const table = new Uint8Array(256).fill(1, 0x20, 0x80);
  table[QUOTE] = 0;
  table[BACKSLASH] = 0;
  return table;
}
