import { hexValue, NOT_HEX } from "../std/hex.ts";
import { decodeForm, type JoinedReport, RepeatedNames } from "./form-repeat.ts";
import { FORM_NAME, FORM_VALUE, Place, type PlaceNamer, type ValueSink } from "./place.ts";

/** Why a form or query is refused. */
export type FormReason =
  | "form_count" // more pairs than `pairsMax`, or names made to collide
  | "form_name" // a name longer than `nameBytesMax`
  | "form_value"; // a value longer than `valueBytesMax`

export interface FormLimits {
  /** Pairs, empty ones (`a&&b`) too. */
  readonly pairsMax: number;
  /** Raw bytes of one name. */
  readonly nameBytesMax: number;
  /** Raw bytes of one value. */
  readonly valueBytesMax: number;
  /** The values of repeated names are joined within windows of this many bytes: what the reader holds of a form. */
  readonly windowBytes: number;
}

export const defaultFormLimits: FormLimits = {
  pairsMax: 10_000,
  // As much as a value: `curl -d` calls any text a form, and text without `=` is one name.
  nameBytesMax: 1_048_576,
  valueBytesMax: 1_048_576,
  windowBytes: 1_048_576,
};

/**
 * `application/x-www-form-urlencoded`, of a body or a query (without its `?`), read as it arrives. Each name and each
 * value that is not empty is reported raw: decoding is the views' business. A pair without `=` is reported as a value
 * without a name. Two more readings that some servers have are reported as further values:
 *
 *   - a pair with `;` in it, split there too (Java, older PHP and Python);
 *   - the values of a repeated name, joined with `,` (ASP, Express): a payload cut in two is whole only there.
 *
 * Any cutting into chunks gives the same values and the same verdict. Usage: `write` for each chunk, `end`; the first
 * reason is final. `reset` before the next.
 */
export class FormReader implements PlaceNamer {
  /** Pairs with a `%` that no two hex digits follow. Hand-written queries have them: a hint, not a fault. */
  malformedCount = 0;

  readonly #sink: ValueSink;
  readonly #limits: FormLimits;
  readonly #nameKind: number;
  readonly #valueKind: number;
  readonly #place: Place = new Place(this);
  #reason: FormReason | undefined = undefined;

  /** Bytes of the current window, from its first pair on; `#base` is the offset of the first in the form. */
  #held: Uint8Array = new Uint8Array(HELD_BYTES);
  #heldEnd = 0;
  #base = 0;
  readonly #repeated: RepeatedNames;

  // The pair being read: where it starts, its first `=` or -1, what was read of it, what was in it.
  #pairStart = 0;
  #equals = -1;
  #scanned = 0;
  #hasSemicolon = false;
  #hasPercent = false;
  #pairCount = 0;
  #pieceCount = 0;

  // The name of the value being reported.
  #nameStart = 0;
  #nameEnd = 0;

  /** `nameKind`, `valueKind`: the places of a query or of a form. `seed`: 32 random bits, see NameTable. */
  constructor(
    sink: ValueSink,
    limits: FormLimits,
    seed: number,
    nameKind: number = FORM_NAME,
    valueKind: number = FORM_VALUE,
  ) {
    this.#sink = sink;
    this.#limits = limits;
    this.#nameKind = nameKind;
    this.#valueKind = valueKind;
    this.#repeated = new RepeatedNames(seed);
  }

  reset(): void {
    this.malformedCount = 0;
    this.#reason = undefined;
    if (this.#held.length > HELD_BYTES_KEPT) this.#held = new Uint8Array(HELD_BYTES);
    this.#heldEnd = 0;
    this.#base = 0;
    this.#repeated.clear();
    this.#pairCount = 0;
    this.#pieceCount = 0;
    this.#scanned = 0;
    this.#openPair(0);
  }

  write(bytes: Uint8Array, start: number, end: number): FormReason | undefined {
    // In steps, so that what is held stays below window, pair and one step, however long the chunk.
    for (let at = start; at < end && this.#reason === undefined; at += STEP_BYTES) {
      this.#hold(bytes, at, Math.min(end, at + STEP_BYTES));
      this.#scan();
    }
    return this.#reason;
  }

  end(): FormReason | undefined {
    if (this.#reason !== undefined) return this.#reason;
    // Nothing at all is no pair; `a&` ends with an empty one.
    const isEmpty = this.#pairCount === 0 && this.#heldEnd === 0;
    if (!isEmpty && this.#closePair(this.#heldEnd)) this.#repeated.report(this.#held, this.#reportJoined);
    return this.#reason;
  }

  /** The name of the value being reported, decoded; cut when it is long. */
  placeName(): string {
    const name = new Uint8Array(NAME_SHOWN_BYTES);
    const end = Math.min(this.#nameEnd, this.#nameStart + NAME_SHOWN_BYTES);
    const length = decodeForm(this.#held, this.#nameStart, end, name);
    return Buffer.from(name.buffer, 0, length).toString("utf8");
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#heldEnd + (end - start);
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(needed, this.#held.length * 2));
      grown.set(this.#held.subarray(0, this.#heldEnd));
      this.#held = grown;
    }
    this.#held.set(bytes.subarray(start, end), this.#heldEnd);
    this.#heldEnd = needed;
  }

  /** Reads what is held and not yet read. */
  #scan(): void {
    let at = this.#scanned;
    for (; at < this.#heldEnd; at++) {
      const kind = delimiter[this.#held[at]!]!;
      if (kind === PLAIN) continue;
      if (kind === EQUALS) {
        if (this.#equals < 0) this.#equals = at;
      } else if (kind === SEMICOLON) this.#hasSemicolon = true;
      else if (kind === PERCENT) this.#hasPercent = true;
      else {
        if (!this.#closePair(at)) return;
        if (at >= this.#limits.windowBytes) {
          this.#nextWindow(at + 1);
          at = -1;
        }
        this.#openPair(at + 1);
      }
    }
    this.#scanned = at;
    this.#checkLengths(at);
  }

  #openPair(at: number): void {
    this.#pairStart = at;
    this.#equals = -1;
    this.#hasSemicolon = false;
    this.#hasPercent = false;
  }

  /** The pair ends before `end`. False when the form is refused. */
  #closePair(end: number): boolean {
    if (!this.#checkLengths(end)) return false;
    if (++this.#pairCount > this.#limits.pairsMax) return this.#refuse("form_count");
    const start = this.#pairStart;
    const equals = this.#equals;
    if (this.#hasPercent && !isWellFormed(this.#held, start, end)) this.malformedCount++;
    if (equals < 0) this.#reportValue(start, start, start, end);
    else {
      this.#reportName(start, equals);
      this.#reportValue(start, equals, equals + 1, end);
      const isValue = equals + 1 < end;
      if (isValue && !this.#repeated.add(this.#held, start, equals, equals + 1, end)) {
        return this.#refuse("form_count");
      }
    }
    if (this.#hasSemicolon) this.#reportPieces(start, end);
    return true;
  }

  /** A pair that is too long by now is refused for that, wherever chunks end. */
  #checkLengths(end: number): boolean {
    const nameEnd = this.#equals < 0 ? end : this.#equals;
    if (nameEnd - this.#pairStart > this.#limits.nameBytesMax) return this.#refuse("form_name");
    return end - nameEnd - 1 <= this.#limits.valueBytesMax || this.#refuse("form_value");
  }

  /**
   * The pair as a server reads it that splits at `;` too. There are at most `pairsMax` of these readings: what is beyond
   * was still seen in the pair as a whole.
   */
  #reportPieces(start: number, end: number): void {
    let equals = -1;
    let from = start;
    for (let at = start; at <= end; at++) {
      const byte = at === end ? SEMICOLON_CHAR : this.#held[at]!;
      if (byte === EQUALS_CHAR && equals < 0) equals = at;
      if (byte !== SEMICOLON_CHAR) continue;
      if (at > from) {
        if (++this.#pieceCount > this.#limits.pairsMax) return;
        if (equals < 0) this.#reportValue(from, from, from, at);
        else {
          // The first piece's name is the pair's.
          if (from > start) this.#reportName(from, equals);
          this.#reportValue(from, equals, equals + 1, at);
        }
      }
      from = at + 1;
      equals = -1;
    }
  }

  #reportName(start: number, end: number): void {
    if (start === end) return;
    this.#nameStart = start;
    this.#nameEnd = end;
    this.#report(this.#held, start, end, this.#nameKind, start, end);
  }

  #reportValue(nameStart: number, nameEnd: number, start: number, end: number): void {
    if (start === end) return;
    this.#nameStart = nameStart;
    this.#nameEnd = nameEnd;
    this.#report(this.#held, start, end, this.#valueKind, start, end);
  }

  readonly #reportJoined: JoinedReport = (joined, length, nameStart, nameEnd, valuesStart, valuesEnd) => {
    this.#nameStart = nameStart;
    this.#nameEnd = nameEnd;
    this.#report(joined, 0, length, this.#valueKind, valuesStart, valuesEnd);
  };

  #report(
    bytes: Uint8Array,
    start: number,
    end: number,
    kind: number,
    placeStart: number,
    placeEnd: number,
  ): void {
    const place = this.#place;
    place.kind = kind;
    place.start = this.#base + placeStart;
    place.end = this.#base + placeEnd;
    this.#sink.value(bytes, start, end, place);
  }

  /** Joins what the window repeats, and forgets it up to `from`. */
  #nextWindow(from: number): void {
    this.#repeated.report(this.#held, this.#reportJoined);
    this.#repeated.clear();
    this.#held.copyWithin(0, from, this.#heldEnd);
    this.#heldEnd -= from;
    this.#base += from;
  }

  #refuse(reason: FormReason): false {
    this.#reason = reason;
    return false;
  }
}

const HELD_BYTES = 1024;
const HELD_BYTES_KEPT = 65_536;
const STEP_BYTES = 16_384;
const NAME_SHOWN_BYTES = 256;

const PERCENT_CHAR = 0x25;
const SEMICOLON_CHAR = 0x3b;
const EQUALS_CHAR = 0x3d;

const PLAIN = 0;
const AMPERSAND = 1;
const EQUALS = 2;
const SEMICOLON = 3;
const PERCENT = 4;
const delimiter = buildDelimiters();

function buildDelimiters(): Uint8Array {
  const kinds = new Uint8Array(256);
  kinds[0x26] = AMPERSAND;
  kinds[EQUALS_CHAR] = EQUALS;
  kinds[SEMICOLON_CHAR] = SEMICOLON;
  kinds[PERCENT_CHAR] = PERCENT;
  return kinds;
}

function isWellFormed(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] !== PERCENT_CHAR) continue;
    if (at + 2 >= end || hexValue[bytes[at + 1]!] === NOT_HEX || hexValue[bytes[at + 2]!] === NOT_HEX)
      return false;
    at += 2;
  }
  return true;
}
