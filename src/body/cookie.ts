import { COOKIE_NAME, COOKIE_VALUE, Place, type PlaceNamer, type ValueSink } from "./place.ts";

/** Why cookies are refused: more of them than `cookiesMax`. Their bytes are bounded with the fields'. */
export type CookieReason = "cookie_count";

/**
 * Names and values of Cookie fields, as leniently as servers read what browsers store: pieces between `;`, trimmed,
 * cut at the first `=`; any byte passes. A piece without `=` is a value without a name. A quoted value with `;` in it
 * is reported as a whole too, because some servers (RFC 2965) do not split there. Places count from the field's value.
 *
 * Usage: `read` each Cookie field of a request, then `reset`.
 */
export class CookieReader implements PlaceNamer {
  readonly #sink: ValueSink;
  readonly #cookiesMax: number;
  readonly #place: Place = new Place(this);
  #count = 0;
  /** The field value being read, and the name in it of the cookie being reported. */
  #bytes: Uint8Array = empty;
  #base = 0;
  #nameStart = 0;
  #nameEnd = 0;

  constructor(sink: ValueSink, cookiesMax: number) {
    this.#sink = sink;
    this.#cookiesMax = cookiesMax;
  }

  reset(): void {
    this.#count = 0;
    this.#bytes = empty;
  }

  /** Reads one field value, `bytes[start, end)`. */
  read(bytes: Uint8Array, start: number, end: number): CookieReason | undefined {
    this.#bytes = bytes;
    this.#base = start;
    /** End of the last quoted value: a quote inside it opens no other, or the work were quadratic. */
    let wholeEnd = start;
    for (let from = start; from < end; ) {
      let equals = -1;
      let to = from;
      for (; to < end && bytes[to] !== SEMICOLON; to++) {
        if (equals < 0 && bytes[to] === EQUALS) equals = to;
      }
      const pieceStart = skipSpace(bytes, from, to);
      const pieceEnd = trimSpace(bytes, pieceStart, to);
      if (pieceStart < pieceEnd) {
        if (++this.#count > this.#cookiesMax) return "cookie_count";
        const valueStart = equals < 0 ? pieceStart : skipSpace(bytes, equals + 1, pieceEnd);
        this.#nameStart = pieceStart;
        this.#nameEnd = equals < 0 ? pieceStart : trimSpace(bytes, pieceStart, equals);
        this.#report(COOKIE_NAME, this.#nameStart, this.#nameEnd);
        this.#report(COOKIE_VALUE, valueStart, pieceEnd);
        if (bytes[valueStart] === QUOTE && to < end && valueStart >= wholeEnd) {
          wholeEnd = quotedEnd(bytes, valueStart, end);
          if (wholeEnd > pieceEnd) this.#report(COOKIE_VALUE, valueStart, wholeEnd);
        }
      }
      from = to + 1;
    }
    return undefined;
  }

  placeName(): string {
    return Buffer.from(this.#bytes.subarray(this.#nameStart, this.#nameEnd)).toString("latin1");
  }

  #report(kind: number, start: number, end: number): void {
    if (start >= end) return;
    const place = this.#place;
    place.kind = kind;
    place.start = start - this.#base;
    place.end = end - this.#base;
    this.#sink.value(this.#bytes, start, end, place);
  }
}

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const empty = new Uint8Array(0);

function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
  return at;
}

function trimSpace(bytes: Uint8Array, start: number, end: number): number {
  while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
  return end;
}

/** After the quote that closes the one at `start`; `end` when none does. */
function quotedEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at + 1;
  }
  return end;
}
