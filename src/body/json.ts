import type { JsonLimits, JsonReason } from "./json-limit.ts";
import { JsonString, plainInJson } from "./json-string.ts";
import { NameSet } from "./name-set.ts";
import { JSON_KEY, JSON_STRING, Place, type PlaceNamer, type ValueSink } from "./place.ts";

/**
 * Strict JSON (RFC 8259) read byte by byte as it arrives, without building anything: checks the grammar and the
 * limits, and reports every key and every string to the sink, escapes resolved, in document order. Any cutting of the
 * body into chunks gives the same values and the same verdict. Nothing recurses, and work per byte is constant.
 *
 * Memory: a piece, 136 bytes per level, and the NameSet of the open objects' keys; 130 KiB with the default limits.
 *
 * Usage: `write` for each chunk, then `end`; the first reason returned is final. `reset` before the next body.
 */
export class JsonReader implements PlaceNamer {
  readonly #sink: ValueSink;
  readonly #limits: JsonLimits;
  readonly #place: Place = new Place(this);
  #state = VALUE;
  #reason: JsonReason | undefined = undefined;
  /** Body offset of byte 0 of the current chunk's array. */
  #base = 0;
  #consumed = 0;

  // Open containers, outermost first.
  #depth = 0;
  /** OBJECT, or the index of the current item of an array. */
  readonly #items: Int32Array;
  /** How many keys were held when the container was opened. */
  readonly #firstKeys: Int32Array;
  readonly #keys: NameSet;
  /** For paths, by level: the beginning of the key that was read last, and its length. */
  #shown: Buffer = Buffer.allocUnsafeSlow(SHOWN_LEVELS_AT_FIRST * KEY_SHOWN_BYTES);
  readonly #shownLengths: Uint8Array;
  #keyCount = 0;
  #nodeCount = 0;

  // The token being read.
  readonly #string: JsonString;
  readonly #spanBytesMax: number;
  #isKey = false;
  #numberStart = 0;
  #literal: Uint8Array = literalTrue;
  #literalAt = 0;

  /** `seed`: 32 random bits, for the key table; see NameSet. */
  constructor(sink: ValueSink, limits: JsonLimits, seed: number) {
    this.#sink = sink;
    this.#limits = limits;
    this.#items = new Int32Array(limits.depthMax);
    this.#firstKeys = new Int32Array(limits.depthMax);
    this.#shownLengths = new Uint8Array(limits.depthMax);
    this.#keys = new NameSet(seed, limits.openKeysMax);
    const { stringBytesMax, pieceBytes, overlapBytes } = limits;
    this.#spanBytesMax = Math.min(stringBytesMax, pieceBytes);
    this.#string = new JsonString(stringBytesMax, pieceBytes, overlapBytes, (sourceEnd) => {
      const { bytes, start, end, sourceStart, repeated } = this.#string;
      if (this.#isKey) this.#feedKey(bytes, start + repeated, end);
      this.#report(bytes, start, end, sourceStart, repeated, sourceEnd, true);
    });
  }

  /** Bytes read so far; after a refusal, up to the start of the chunk that was refused. */
  get consumed(): number {
    return this.#consumed;
  }

  reset(): void {
    this.#state = VALUE;
    this.#reason = undefined;
    this.#consumed = 0;
    this.#depth = 0;
    this.#keys.clear();
    this.#keyCount = 0;
    this.#nodeCount = 0;
    this.#string.clear();
  }

  write(bytes: Uint8Array, start: number, end: number): JsonReason | undefined {
    if (this.#reason !== undefined) return this.#reason;
    this.#base = this.#consumed - start;
    this.#string.base = this.#base;
    for (let at = start; at < end; ) {
      const byte = bytes[at]!;
      switch (this.#state) {
        case STRING:
          at = this.#readString(bytes, at, end);
          if (at < 0) return this.#reason;
          continue;
        case LITERAL:
          if (byte !== this.#literal[this.#literalAt]) return this.#refuse("json_syntax");
          if (++this.#literalAt === this.#literal.length) this.#state = AFTER_VALUE;
          at++;
          continue;
        case MINUS:
        case ZERO:
        case INTEGER:
        case DOT:
        case FRACTION:
        case EXPONENT:
        case EXPONENT_SIGN:
        case EXPONENT_DIGITS:
          at = this.#readNumber(bytes, at, end);
          if (at < 0) return this.#reason;
          continue;
      }
      if (byte === SPACE || byte === LF || byte === CR || byte === TAB) {
        at++;
        continue;
      }
      switch (this.#state) {
        case AFTER_VALUE:
          if (this.#depth === 0) {
            if (!this.#limits.sequences) return this.#refuse("json_trailing");
            this.#state = VALUE;
            continue;
          }
          if (byte === COMMA) {
            const item = this.#items[this.#depth - 1]!;
            if (item === OBJECT) this.#state = KEY;
            else {
              this.#items[this.#depth - 1] = item + 1;
              this.#state = VALUE;
            }
          } else if (!this.#close(byte)) return this.#refuse("json_syntax");
          at++;
          continue;
        case FIRST_KEY:
        case KEY:
          if (byte === BRACE_CLOSE && this.#state === FIRST_KEY) {
            this.#close(byte);
            at++;
            continue;
          }
          if (byte !== QUOTE) return this.#refuse("json_syntax");
          if (++this.#keyCount > this.#limits.keysMax) return this.#refuse("json_keys");
          at = this.#openString(true, bytes, at + 1, end);
          if (at < 0) return this.#reason;
          continue;
        case COLON:
          if (byte !== COLON_CHAR) return this.#refuse("json_syntax");
          this.#state = VALUE;
          at++;
          continue;
        default: {
          // VALUE, FIRST_VALUE
          if (byte === BRACKET_CLOSE && this.#state === FIRST_VALUE) {
            this.#close(byte);
            at++;
            continue;
          }
          if (++this.#nodeCount > this.#limits.nodesMax) return this.#refuse("json_nodes");
          const opens = opening[byte]!;
          if (opens === STRING) at = this.#openString(false, bytes, at + 1, end);
          else if (opens === INTEGER) {
            this.#numberStart = this.#base + at;
            this.#state = byte === MINUS_CHAR ? MINUS : byte === DIGIT_0 ? ZERO : INTEGER;
            at = this.#readNumber(bytes, at + 1, end);
          } else if (opens === LITERAL) {
            this.#literal = byte === LOWER_T ? literalTrue : byte === LOWER_F ? literalFalse : literalNull;
            this.#literalAt = 1;
            this.#state = LITERAL;
            at++;
          } else if (opens === NOTHING) {
            // A byte order mark, or UTF-16, which would hide everything from a reader of bytes.
            const isMark = this.#base + at === 0 && (byte === 0xef || byte >= 0xfe);
            return this.#refuse(isMark ? "json_utf8" : "json_syntax");
          } else {
            if (this.#depth === this.#limits.depthMax) return this.#refuse("json_depth");
            this.#items[this.#depth] = opens === FIRST_KEY ? OBJECT : 0;
            this.#firstKeys[this.#depth++] = this.#keys.count;
            this.#state = opens;
            at++;
          }
          if (at < 0) return this.#reason;
        }
      }
    }
    this.#consumed += end - start;
    return undefined;
  }

  /** The body is complete. */
  end(): JsonReason | undefined {
    if (this.#reason !== undefined) return this.#reason;
    const state = this.#state;
    const isWhole =
      state === AFTER_VALUE ||
      state === ZERO ||
      state === INTEGER ||
      state === FRACTION ||
      state === EXPONENT_DIGITS;
    if (!isWhole || this.#depth > 0) this.#refuse("json_syntax");
    return this.#reason;
  }

  /** JSONPath of the value being reported, or of the key with its own name: `$.user.q[2]`, `$["a b"]`. */
  placeName(): string {
    let path = "$";
    for (let level = 0; level < this.#depth && path.length < 256; level++) {
      const item = this.#items[level]!;
      if (item !== OBJECT) {
        path += `[${item}]`;
        continue;
      }
      const start = level * KEY_SHOWN_BYTES;
      const text = this.#shown.toString("utf8", start, start + this.#shownLengths[level]!);
      path += /^[A-Za-z_][\w-]*$/.test(text) ? `.${text}` : `[${JSON.stringify(text)}]`;
    }
    return path;
  }

  #close(byte: number): boolean {
    const isObject = this.#items[this.#depth - 1] === OBJECT;
    if (byte !== (isObject ? BRACE_CLOSE : BRACKET_CLOSE)) return false;
    this.#depth--;
    if (isObject) this.#keys.cut(this.#firstKeys[this.#depth]!);
    this.#state = AFTER_VALUE;
    return true;
  }

  #openString(isKey: boolean, bytes: Uint8Array, at: number, end: number): number {
    this.#isKey = isKey;
    if (isKey) {
      this.#keys.begin(this.#firstKeys[this.#depth - 1]!);
      this.#shownLengths[this.#depth - 1] = 0;
    }
    // Most strings are short ASCII without escapes, and lie in one chunk.
    const until = Math.min(end, at + this.#spanBytesMax + 1);
    let to = at;
    while (to < until && plainInJson[bytes[to]!] === 1) to++;
    if (to < until && bytes[to] === QUOTE)
      return this.#endString(bytes, at, to, this.#base + at, 0, this.#base + to) ? to + 1 : -1;
    this.#string.open(this.#base + at);
    this.#state = STRING;
    return this.#readString(bytes, at, end);
  }

  #readString(bytes: Uint8Array, at: number, end: number): number {
    const string = this.#string;
    at = string.read(bytes, at, end);
    if (at < 0) return this.#fail(string.reason);
    if (!string.isClosed) return at;
    // C strings end at a NUL: two readings of one key.
    if (this.#isKey && string.hasNul) return this.#fail("json_syntax");
    const { start, sourceStart, repeated } = string;
    return this.#endString(string.bytes, start, string.end, sourceStart, repeated, this.#base + at - 1)
      ? at
      : -1;
  }

  /** A string, or what is left of one that came in pieces. False when it is refused. */
  #endString(
    bytes: Uint8Array,
    start: number,
    end: number,
    sourceStart: number,
    repeated: number,
    sourceEnd: number,
  ): boolean {
    if (this.#isKey) {
      this.#feedKey(bytes, start + repeated, end);
      const reason = this.#addKey();
      if (reason !== undefined) {
        this.#reason = reason;
        return false;
      }
      this.#state = COLON;
    } else this.#state = AFTER_VALUE;
    this.#report(bytes, start, end, sourceStart, repeated, sourceEnd, false);
    return true;
  }

  #report(
    bytes: Uint8Array,
    start: number,
    end: number,
    sourceStart: number,
    repeated: number,
    sourceEnd: number,
    goesOn: boolean,
  ): void {
    const place = this.#place;
    place.kind = this.#isKey ? JSON_KEY : JSON_STRING;
    place.depth = this.#depth;
    place.start = sourceStart;
    place.end = sourceEnd;
    place.repeated = repeated;
    place.goesOn = goesOn;
    this.#sink.value(bytes, start, end, place);
  }

  /** Takes what a piece of a key brings that is new. */
  #feedKey(bytes: Uint8Array, from: number, end: number): void {
    this.#keys.feed(bytes, from, end);
    const level = this.#depth - 1;
    const first = level * KEY_SHOWN_BYTES;
    if (first === this.#shown.length) this.#growShown();
    const shown = this.#shown;
    let to = first + this.#shownLengths[level]!;
    const until = Math.min(end, from + first + KEY_SHOWN_BYTES - to);
    for (let at = from; at < until; at++) shown[to++] = bytes[at]!;
    this.#shownLengths[level] = to - first;
  }

  #growShown(): void {
    const grown = Buffer.allocUnsafeSlow(this.#shown.length * 2);
    this.#shown.copy(grown);
    this.#shown = grown;
  }

  #addKey(): JsonReason | undefined {
    const keys = this.#keys;
    const first = this.#firstKeys[this.#depth - 1]!;
    const before = keys.count;
    const entry = keys.add(first);
    if (entry >= 0 && entry < before) return this.#limits.duplicateKeys === "refuse" ? "json_dup" : undefined;
    return entry < 0 || before - first >= this.#limits.keysPerObjectMax ? "json_keys" : undefined;
  }

  /** Reads on in a number; what follows it is read as what follows a value. */
  #readNumber(bytes: Uint8Array, at: number, end: number): number {
    let state = this.#state;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte >= DIGIT_0 && byte <= DIGIT_9) {
        if (state === INTEGER || state === FRACTION || state === EXPONENT_DIGITS) continue;
        if (state === ZERO) break;
        if (state === MINUS) state = byte === DIGIT_0 ? ZERO : INTEGER;
        else state = state === DOT ? FRACTION : EXPONENT_DIGITS;
      } else if (byte === POINT && (state === ZERO || state === INTEGER)) state = DOT;
      else if ((byte | 0x20) === LOWER_E && (state === ZERO || state === INTEGER || state === FRACTION))
        state = EXPONENT;
      else if ((byte === PLUS || byte === MINUS_CHAR) && state === EXPONENT) state = EXPONENT_SIGN;
      else break;
    }
    if (this.#base + at - this.#numberStart > this.#limits.numberCharsMax) return this.#fail("json_number");
    if (at < end) {
      const isWhole = state === INTEGER || state === FRACTION || state === ZERO || state === EXPONENT_DIGITS;
      if (!isWhole || follows[bytes[at]!] === 0) return this.#fail("json_syntax");
      state = AFTER_VALUE;
    }
    this.#state = state;
    return at;
  }

  #refuse(reason: JsonReason): JsonReason {
    this.#reason = reason;
    return reason;
  }

  #fail(reason: JsonReason): number {
    this.#reason = reason;
    return -1;
  }
}

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS_CHAR = 0x2d;
const POINT = 0x2e;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON_CHAR = 0x3a;
const BRACKET_CLOSE = 0x5d;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_T = 0x74;
const BRACE_CLOSE = 0x7d;

/** Of a key, in paths. */
const KEY_SHOWN_BYTES = 128;
const SHOWN_LEVELS_AT_FIRST = 8;

/** `#items` of an object. */
const OBJECT = -1;

// States. Those of `opening` are what the first byte of a value leads to; NOTHING starts no value.
const NOTHING = 0;
const STRING = 1;
const LITERAL = 2;
const INTEGER = 3;
const FIRST_KEY = 4;
const FIRST_VALUE = 5;
const VALUE = 6;
const KEY = 7;
const COLON = 8;
const AFTER_VALUE = 9;
const MINUS = 11;
const ZERO = 12;
const DOT = 13;
const FRACTION = 14;
const EXPONENT = 15;
const EXPONENT_SIGN = 16;
const EXPONENT_DIGITS = 17;

const literalTrue: Uint8Array = Buffer.from("true", "latin1");
const literalFalse: Uint8Array = Buffer.from("false", "latin1");
const literalNull: Uint8Array = Buffer.from("null", "latin1");

const opening = byteTable({
  '"': STRING,
  "{": FIRST_KEY,
  "[": FIRST_VALUE,
  tfn: LITERAL,
  "-0123456789": INTEGER,
});
/** What may stand right after a number. */
const follows = byteTable({ ",]} \t\r\n": 1 });
function byteTable(values: Readonly<Record<string, number>>): Uint8Array {
  const table = new Uint8Array(256);
  for (const [chars, value] of Object.entries(values)) {
    for (const char of chars) table[char.charCodeAt(0)] = value;
  }
  return table;
}
