import { decodeForm, RepeatedNames } from "./form-repeat.ts";
import { HeldBytes } from "./held-bytes.ts";
import { Piece } from "./piece.ts";
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
  /** The values of repeated names are joined at the end of each window of so many bytes: what the reader holds whole. */
  readonly windowBytes: number;
  /** Longer pairs are reported in pieces of at most so many bytes, each beginning with an overlap. */
  readonly pieceBytes: number;
  readonly overlapBytes: number;
}

export const defaultFormLimits: FormLimits = {
  pairsMax: 10_000,
  // As much as a value: `curl -d` calls any text a form, and text without `=` is one name.
  nameBytesMax: 1_048_576,
  valueBytesMax: 1_048_576,
  windowBytes: 32_768,
  pieceBytes: 8192,
  overlapBytes: 1024,
};

/**
 * `application/x-www-form-urlencoded`, of a body or a query (without its `?`), read as it arrives. Each name and each
 * value that is not empty is reported raw: decoding is the views' business. A pair without `=` is reported as a value
 * without a name. Two more readings that some servers have are reported as further values:
 *
 *   - a pair with `;` in it, split there too (Java, older PHP and Python);
 *   - the values of a repeated name, joined with `,` (ASP, Express): a payload cut in two is whole only there.
 *
 * Of a pair longer than a piece only its name and the ends of its value are held, to join them. What stands before its
 * `=` is a name up to the length of a piece, beyond that a value.
 *
 * Memory: a window, a pair, two pieces, the offsets of a window's pairs: 100 KiB with the default limits. Of a form longer
 * than a window also the hashes of its names and the ends of their values: 250 KiB at most.
 *
 * Any cutting into chunks gives the same values and the same verdict. Usage: `write` for each chunk, `end`; the first
 * reason is final. `reset` before the next.
 */
export class FormReader implements PlaceNamer {
  readonly #sink: ValueSink;
  readonly #limits: FormLimits;
  readonly #nameKind: number;
  readonly #valueKind: number;
  readonly #place: Place = new Place(this);
  #reason: FormReason | undefined = undefined;

  /** The pairs of the current window, one after the other; the last one is being read. */
  readonly #held: HeldBytes;
  readonly #repeated: RepeatedNames;
  readonly #joined: Piece;

  // The pair being read: where it starts, in the window and in the form, its first `=` or -1, what was in it.
  #pairStart = 0;
  #pairSource = 0;
  #equals = -1;
  #hasSemicolon = false;
  #pairCount = 0;
  #partCount = 0;

  // A pair that is too long to hold. Its value begins at `#valueStart` of the window, when it has a name.
  #isLong = false;
  #isNamed = false;
  /** Still before the `=`. */
  #isBefore = false;
  #valueStart = 0;
  /** Bytes of the name or value so far. */
  #length = 0;
  /** Offset in the form of what is read next. */
  #source = 0;
  readonly #piece: Piece;

  // The name of the value being reported.
  #nameBytes: Uint8Array;
  #nameStart = 0;
  #nameEnd = 0;

  /** `nameKind`, `valueKind`: the places of a query or of a form. `seed`: 32 random bits, see NameSet. */
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
    const { windowBytes, pieceBytes, overlapBytes } = limits;
    this.#held = new HeldBytes(HELD_BYTES_KEPT, windowBytes + pieceBytes + 2 * END_BYTES);
    this.#nameBytes = this.#held.bytes;
    const piece = (report: (piece: Piece, goesOn: boolean) => void): Piece => {
      const made: Piece = new Piece(pieceBytes, overlapBytes, (goesOn) => report(made, goesOn));
      return made;
    };
    this.#piece = piece((made, goesOn) => {
      this.#nameLong();
      this.#report(
        made.bytes,
        0,
        made.end,
        this.#valueKind,
        made.sourceStart,
        made.sourceEnd,
        made.repeated,
        goesOn,
      );
      this.#reportParts(made.bytes, 0, made.end, made.sourceStart, false);
    });
    this.#joined = piece((made, goesOn) =>
      this.#report(
        made.bytes,
        0,
        made.end,
        this.#valueKind,
        made.sourceStart,
        made.sourceEnd,
        made.repeated,
        goesOn,
      ),
    );
  }

  reset(): void {
    this.#reason = undefined;
    this.#held.clear();
    this.#nameBytes = this.#held.bytes;
    this.#repeated.clear();
    this.#pairCount = 0;
    this.#partCount = 0;
    this.#isLong = false;
    this.#piece.begin(0);
    this.#joined.begin(0);
    this.#source = 0;
    this.#openPair();
  }

  write(bytes: Uint8Array, start: number, end: number): FormReason | undefined {
    for (let at = start; at < end && this.#reason === undefined; )
      at = this.#isLong ? this.#readLong(bytes, at, end) : this.#readPair(bytes, at, end);
    return this.#reason;
  }

  end(): FormReason | undefined {
    if (this.#reason !== undefined) return this.#reason;
    // Nothing at all is no pair; `a&` ends with an empty one.
    if (this.#source > 0 && (this.#isLong ? this.#closeLong() : this.#closePair())) this.#joinRepeated();
    return this.#reason;
  }

  /** The name of the value being reported, decoded; cut when it is long. */
  placeName(): string {
    const name = new Uint8Array(NAME_SHOWN_BYTES);
    const end = Math.min(this.#nameEnd, this.#nameStart + NAME_SHOWN_BYTES);
    const length = decodeForm(this.#nameBytes, this.#nameStart, end, name);
    return Buffer.from(name.buffer, 0, length).toString("utf8");
  }

  /** Reads to the end of the pair or of the chunk, or until the pair is too long. */
  #readPair(bytes: Uint8Array, start: number, end: number): number {
    const room = this.#limits.pieceBytes + 1 - (this.#held.end - this.#pairStart);
    const until = Math.min(end, start + room);
    let at = start;
    let kind = PLAIN;
    for (; at < until; at++) {
      kind = delimiter[bytes[at]!]!;
      if (kind === PLAIN) continue;
      if (kind === AMPERSAND) break;
      if (kind === SEMICOLON) this.#hasSemicolon = true;
      else if (this.#equals < 0) this.#equals = this.#held.end + at - start;
    }
    this.#held.add(bytes, start, at);
    this.#source += at - start;
    if (at < until) {
      if (this.#closePair()) this.#nextPair();
      return at + 1;
    }
    if (this.#checkLengths() && at - start === room) this.#openLong();
    return at;
  }

  #openPair(): void {
    this.#pairStart = this.#held.end;
    this.#pairSource = this.#source;
    this.#equals = -1;
    this.#hasSemicolon = false;
  }

  /** After a `&`. */
  #nextPair(): void {
    this.#source++;
    if (this.#held.end >= this.#limits.windowBytes || this.#repeated.isFull) {
      this.#joinRepeated();
      this.#repeated.nextWindow(this.#held.bytes);
      this.#held.end = 0;
    }
    this.#openPair();
  }

  /** The pair is whole. False when the form is refused. */
  #closePair(): boolean {
    if (!this.#checkLengths() || !this.#countPair()) return false;
    const held = this.#held.bytes;
    const start = this.#pairStart;
    const end = this.#held.end;
    const equals = this.#equals;
    const source = this.#pairSource - start;
    if (equals < 0) this.#reportValue(held, start, start, start, end, source);
    else {
      this.#reportName(held, start, equals, source);
      this.#reportValue(held, start, equals, equals + 1, end, source);
      if (equals + 1 < end && !this.#addRepeated(equals, source + equals + 1, source + end)) return false;
    }
    if (this.#hasSemicolon) this.#reportParts(held, start, end, this.#pairSource, true);
    return true;
  }

  #countPair(): boolean {
    return ++this.#pairCount <= this.#limits.pairsMax || this.#refuse("form_count");
  }

  #addRepeated(equals: number, sourceStart: number, sourceEnd: number): boolean {
    return (
      this.#repeated.add(this.#held.bytes, this.#pairStart, equals, this.#held.end, sourceStart, sourceEnd) ||
      this.#refuse("form_count")
    );
  }

  /** A pair that is too long by now is refused for that, wherever chunks end. */
  #checkLengths(): boolean {
    const end = this.#held.end;
    const nameEnd = this.#equals < 0 ? end : this.#equals;
    if (nameEnd - this.#pairStart > this.#limits.nameBytesMax) return this.#refuse("form_name");
    return end - nameEnd - 1 <= this.#limits.valueBytesMax || this.#refuse("form_value");
  }

  /** The pair is one byte longer than a piece. */
  #openLong(): void {
    if (!this.#countPair()) return;
    const start = this.#pairStart;
    const end = this.#held.end;
    const equals = this.#equals;
    this.#isLong = true;
    this.#isNamed = equals >= 0;
    this.#isBefore = !this.#isNamed;
    const from = this.#isNamed ? equals + 1 : start;
    this.#valueStart = from;
    this.#length = end - from;
    if (this.#isNamed) this.#reportName(this.#held.bytes, start, equals, this.#pairSource - start);
    this.#piece.begin(this.#source - (end - from));
    this.#piece.add(this.#held.bytes, from, end, this.#source);
    this.#held.end = this.#isNamed ? Math.min(end, from + END_BYTES) : start;
  }

  #readLong(bytes: Uint8Array, start: number, end: number): number {
    const stop = this.#isBefore ? EQUALS_CHAR : AMPERSAND_CHAR;
    let at = start;
    while (at < end && bytes[at] !== AMPERSAND_CHAR && bytes[at] !== stop) at++;
    this.#addLong(bytes, start, at);
    if (at === end || this.#reason !== undefined) return at;
    if (bytes[at] === EQUALS_CHAR) {
      this.#piece.finish();
      this.#isBefore = false;
      this.#length = 0;
      this.#piece.begin(++this.#source);
    } else if (this.#closeLong()) this.#nextPair();
    return at + 1;
  }

  #addLong(bytes: Uint8Array, start: number, end: number): void {
    const max = this.#isBefore ? this.#limits.nameBytesMax : this.#limits.valueBytesMax;
    const to = Math.min(end, start + max - this.#length);
    if (this.#isNamed) {
      const missing = END_BYTES - (this.#held.end - this.#valueStart);
      if (missing > 0) this.#held.add(bytes, start, Math.min(to, start + missing));
    }
    this.#length += to - start;
    this.#source += to - start;
    this.#piece.add(bytes, start, to, this.#source);
    if (to < end) this.#refuse(this.#isBefore ? "form_name" : "form_value");
  }

  /** What is joined of the value of a long pair is both its ends: a payload that was cut in two lies at the cut. */
  #closeLong(): boolean {
    const { bytes, end } = this.#piece;
    this.#isLong = false;
    if (this.#isNamed) {
      const missing = this.#length - (this.#held.end - this.#valueStart);
      const count = Math.min(missing, END_BYTES, end);
      if (missing > count) this.#held.add(lineEnd, 0, 1);
      this.#held.add(bytes, end - count, end);
    }
    this.#piece.finish();
    return (
      !this.#isNamed ||
      this.#length === 0 ||
      this.#addRepeated(this.#valueStart - 1, this.#source - this.#length, this.#source)
    );
  }

  /**
   * A pair as a server reads it that splits at `;` too; of a long one, a piece (`isPair` false), whose first part has
   * the pair's name. There are at most `pairsMax` of these readings: what is beyond was still seen in the whole.
   */
  #reportParts(bytes: Uint8Array, start: number, end: number, sourceStart: number, isPair: boolean): void {
    const source = sourceStart - start;
    let equals = -1;
    let from = start;
    for (let at = start; at <= end; at++) {
      const byte = at === end ? SEMICOLON_CHAR : bytes[at]!;
      if (byte === EQUALS_CHAR && equals < 0) equals = at;
      if (byte !== SEMICOLON_CHAR || (at === end && from === start)) continue;
      if (at > from) {
        if (++this.#partCount > this.#limits.pairsMax) return;
        if (!isPair && from === start) {
          this.#nameLong();
          this.#report(bytes, from, at, this.#valueKind, source + from, source + at, 0, false);
        } else if (equals < 0) this.#reportValue(bytes, from, from, from, at, source);
        else {
          // The first part's name is the pair's.
          if (from > start) this.#reportName(bytes, from, equals, source);
          this.#reportValue(bytes, from, equals, equals + 1, at, source);
        }
      }
      from = at + 1;
      equals = -1;
    }
  }

  /** Names of values in pieces are those of the long pair. */
  #nameLong(): void {
    this.#nameBytes = this.#held.bytes;
    this.#nameStart = this.#pairStart;
    this.#nameEnd = this.#isNamed ? this.#valueStart - 1 : this.#pairStart;
  }

  /** Offsets in `bytes`; with `source` added, those in the form. */
  #reportName(bytes: Uint8Array, start: number, end: number, source: number): void {
    if (start === end) return;
    this.#nameBytes = bytes;
    this.#nameStart = start;
    this.#nameEnd = end;
    this.#report(bytes, start, end, this.#nameKind, source + start, source + end, 0, false);
  }

  #reportValue(
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    start: number,
    end: number,
    source: number,
  ): void {
    if (start === end) return;
    this.#nameBytes = bytes;
    this.#nameStart = nameStart;
    this.#nameEnd = nameEnd;
    this.#report(bytes, start, end, this.#valueKind, source + start, source + end, 0, false);
  }

  #joinRepeated(): void {
    this.#nameBytes = this.#held.bytes;
    this.#repeated.report(this.#held.bytes, this.#joined, this.#nameJoined);
  }

  readonly #nameJoined = (start: number, end: number): void => {
    this.#nameStart = start;
    this.#nameEnd = end;
  };

  #report(
    bytes: Uint8Array,
    start: number,
    end: number,
    kind: number,
    sourceStart: number,
    sourceEnd: number,
    repeated: number,
    goesOn: boolean,
  ): void {
    const place = this.#place;
    place.kind = kind;
    place.start = sourceStart;
    place.end = sourceEnd;
    place.repeated = repeated;
    place.goesOn = goesOn;
    this.#sink.value(bytes, start, end, place);
  }

  #refuse(reason: FormReason): false {
    this.#reason = reason;
    return false;
  }
}

const HELD_BYTES_KEPT = 2048;
/** Of the value of a long pair, from each end: as long as an overlap. */
const END_BYTES = 1024;
const NAME_SHOWN_BYTES = 256;
const lineEnd: Uint8Array = Uint8Array.of(0x0a);

const AMPERSAND_CHAR = 0x26;
const SEMICOLON_CHAR = 0x3b;
const EQUALS_CHAR = 0x3d;

const PLAIN = 0;
const AMPERSAND = 1;
const EQUALS = 2;
const SEMICOLON = 3;
const delimiter = buildDelimiters();

function buildDelimiters(): Uint8Array {
  const kinds = new Uint8Array(256);
  kinds[AMPERSAND_CHAR] = AMPERSAND;
  kinds[EQUALS_CHAR] = EQUALS;
  kinds[SEMICOLON_CHAR] = SEMICOLON;
  return kinds;
}
