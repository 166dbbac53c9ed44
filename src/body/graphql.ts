import { hexValue, NOT_HEX } from "../std/hex.ts";
import { Piece } from "./piece.ts";
import { GRAPHQL_STRING, Place, type PlaceNamer, type ValueSink } from "./place.ts";

/** Why a GraphQL text is refused: limits that keep one request from costing the server a thousand. */
export type GraphqlReason =
  | "graphql_depth" // brackets nested deeper than `depthMax`
  | "graphql_aliases"
  | "graphql_directives"
  | "graphql_tokens"
  | "graphql_batch" // more documents in one body than `documentsMax`
  | "graphql_introspection"; // asks for the schema where that is not allowed

export interface GraphqlLimits {
  /** Selections, lists and input objects that are open together. */
  readonly depthMax: number;
  readonly aliasesMax: number;
  readonly directivesMax: number;
  readonly tokensMax: number;
  /** Documents in one body: a JSON array of queries. */
  readonly documentsMax: number;
  readonly introspection: "allow" | "refuse";
  /** Strings are reported in pieces of at most so many bytes, each beginning with an overlap. */
  readonly pieceBytes: number;
  readonly overlapBytes: number;
}

/** GraphiQL's schema query is 13 to 16 deep. Sites that build queries from parts use some dozens of aliases. */
export const defaultGraphqlLimits: GraphqlLimits = {
  depthMax: 32,
  aliasesMax: 200,
  directivesMax: 200,
  tokensMax: 20_000,
  documentsMax: 50,
  introspection: "allow",
  pieceBytes: 8192,
  overlapBytes: 1024,
};

/**
 * Reads the tokens of GraphQL query text (spec October 2021 §2.1) as it arrives: from the `query` member of a JSON
 * body, an `application/graphql` body or a query parameter. Counts what costs the server and reports every string,
 * escapes resolved. Any cutting into chunks gives the same values and the same verdict.
 *
 * It does not parse: a text that cannot be a query is only said not to be one (`isGraphql`), because a member named
 * `query` can hold anything. Limits therefore hold for texts that are broken further on as well.
 *
 * Usage: `reset` before each body; `startDocument`, then `write` for each chunk, then `end`, for each document. The
 * first reason returned is final for the body.
 */
export class GraphqlReader implements PlaceNamer {
  readonly #sink: ValueSink;
  readonly #limits: GraphqlLimits;
  readonly #place: Place = new Place(this);
  readonly #string: Piece;
  #reason: GraphqlReason | undefined = undefined;
  #documents = 0;
  #introspects = false;

  #state = BETWEEN;
  #isPossible = true;
  #hasSelection = false;
  #consumed = 0;
  #tokens = 0;
  #aliases = 0;
  #directives = 0;
  /** Open brackets, outermost first, and how many of them are round: fields stand in no round one. */
  readonly #open: Uint8Array;
  #depth = 0;
  #rounds = 0;
  /** The name being read or read last, cut at NAME_CHARS_KEPT. */
  #name = "";
  /** Dots, quotes or hex digits seen of the token being read. */
  #seen = 0;
  #code = 0;
  #highSurrogate = 0;

  constructor(sink: ValueSink, limits: GraphqlLimits = defaultGraphqlLimits) {
    this.#sink = sink;
    this.#limits = limits;
    this.#open = new Uint8Array(limits.depthMax);
    this.#string = new Piece(limits.pieceBytes, limits.overlapBytes, (goesOn) => {
      this.#place.repeated = this.#string.repeated;
      this.#place.goesOn = goesOn;
      this.#place.start = this.#string.sourceStart;
      this.#place.end = this.#string.sourceEnd;
      this.#sink.value(this.#string.bytes, 0, this.#string.end, this.#place);
    });
    this.#place.kind = GRAPHQL_STRING;
  }

  /** After `end`: the text is a whole query, mutation, subscription or fragment, as far as its tokens tell. */
  get isGraphql(): boolean {
    return this.#isPossible && this.#hasSelection && this.#state === BETWEEN && this.#depth === 0;
  }

  /** A field `__schema` or `__type` was seen in one of the body's documents. */
  get introspects(): boolean {
    return this.#introspects;
  }

  /** The argument or field that a string belongs to. */
  placeName(): string {
    return this.#name;
  }

  reset(): void {
    this.#reason = undefined;
    this.#documents = 0;
    this.#introspects = false;
    this.#string.begin(0);
  }

  startDocument(): GraphqlReason | undefined {
    if (++this.#documents > this.#limits.documentsMax) this.#refuse("graphql_batch");
    this.#state = BETWEEN;
    this.#isPossible = true;
    this.#hasSelection = false;
    this.#consumed = 0;
    this.#tokens = 0;
    this.#aliases = 0;
    this.#directives = 0;
    this.#depth = 0;
    this.#rounds = 0;
    this.#name = "";
    return this.#reason;
  }

  write(bytes: Uint8Array, start: number, end: number): GraphqlReason | undefined {
    const base = this.#consumed - start;
    for (let at = start; at < end && this.#isPossible && this.#reason === undefined; at++)
      this.#step(bytes[at]!, base + at);
    this.#consumed = base + end;
    return this.#reason;
  }

  end(): GraphqlReason | undefined {
    // The end of the text ends a name, a number, a comment and an empty string like any separator does.
    if (this.#reason !== undefined || !this.#isPossible) return this.#reason;
    if (this.#state < STRING || this.#state > BLOCK_ESCAPE) this.#step(LINE_FEED, this.#consumed);
    else this.#string.finish(); // not closed, but seen
    return this.#reason;
  }

  /** `at` is the byte's offset in the document. */
  #step(byte: number, at: number): void {
    switch (this.#state) {
      case BETWEEN:
        this.#startToken(byte);
        return;
      case NAME:
        if ((byteClass[byte]! & NAME_CHAR) === 0) this.#endName(byte);
        else if (this.#name.length < NAME_CHARS_KEPT) this.#name += String.fromCharCode(byte);
        return;
      case NUMBER:
        if ((byteClass[byte]! & NUMBER_CHAR) === 0) this.#goOn(byte);
        return;
      case COMMENT:
        if (byte === LINE_FEED || byte === CARRIAGE_RETURN) this.#state = BETWEEN;
        return;
      case DOTS:
        if (byte !== DOT) this.#isPossible = false;
        else if (++this.#seen === 3) this.#state = BETWEEN;
        return;
      case MARK:
        if (byte !== BYTE_ORDER_MARK[++this.#seen]) this.#isPossible = false;
        else if (this.#seen === 2) this.#state = BETWEEN;
        return;
      case QUOTE_1:
        this.#string.begin(at);
        this.#state = byte === QUOTE ? QUOTE_2 : STRING;
        if (byte !== QUOTE) this.#stepString(byte, at);
        return;
      case QUOTE_2:
        if (byte !== QUOTE)
          this.#goOn(byte); // the empty string
        else {
          this.#string.begin(at + 1);
          this.#seen = 0;
          this.#state = BLOCK;
        }
        return;
      case STRING:
        this.#stepString(byte, at);
        return;
      case ESCAPE:
        this.#stepEscape(byte, at);
        return;
      case HEX:
        this.#stepHex(byte, at);
        return;
      case BRACED_HEX:
        this.#stepBracedHex(byte, at);
        return;
      case BARE_WORD:
        this.#stepBareWord(byte);
        return;
      default:
        this.#stepBlock(byte, at);
    }
  }

  #goOn(byte: number): void {
    this.#state = BETWEEN;
    this.#startToken(byte);
  }

  #startToken(byte: number): void {
    const what = byteClass[byte]!;
    if ((what & IGNORED) !== 0) return;
    if (byte === HASH) {
      this.#state = COMMENT;
      return;
    }
    if (byte === BYTE_ORDER_MARK[0] && this.#tokens === 0) {
      this.#seen = 0;
      this.#state = MARK;
      return;
    }
    if (++this.#tokens > this.#limits.tokensMax) this.#refuse("graphql_tokens");
    // A document begins with a selection or a word (`Name { … }` without its keyword is sent to probe servers).
    if (this.#tokens === 1 && byte !== CURLY_OPEN && (what & NAME_START) === 0) this.#isPossible = false;
    else if ((what & NAME_START) !== 0) {
      this.#name = String.fromCharCode(byte);
      this.#state = NAME;
    } else if ((what & NUMBER_START) !== 0) this.#state = NUMBER;
    else if ((what & OPENS) !== 0) this.#openBracket(byte);
    else if ((what & CLOSES) !== 0) this.#closeBracket(byte);
    else if (byte === QUOTE) this.#startString();
    else if (byte === COLON) this.#countAlias();
    else if (byte === AT) {
      if (++this.#directives > this.#limits.directivesMax) this.#refuse("graphql_directives");
    } else if (byte === DOT) {
      this.#seen = 1;
      this.#state = DOTS;
    } else if ((what & PUNCTUATOR) === 0) this.#isPossible = false;
  }

  #endName(byte: number): void {
    if (this.#depth > 0 && this.#rounds === 0 && (this.#name === "__schema" || this.#name === "__type")) {
      this.#introspects = true;
      if (this.#limits.introspection === "refuse") this.#refuse("graphql_introspection");
    }
    if (this.#tokens > 1 || keywords.has(this.#name)) this.#goOn(byte);
    else {
      this.#state = BARE_WORD;
      this.#stepBareWord(byte);
    }
  }

  /** After a first word that is no keyword: only its selection may follow, or the text is prose. */
  #stepBareWord(byte: number): void {
    if ((byteClass[byte]! & IGNORED) !== 0) return;
    if (byte === CURLY_OPEN) this.#goOn(byte);
    else this.#isPossible = false;
  }

  #openBracket(byte: number): void {
    if (this.#depth === this.#limits.depthMax) {
      this.#refuse("graphql_depth");
      return;
    }
    if (byte === CURLY_OPEN && this.#rounds === 0) this.#hasSelection = true;
    if (byte === ROUND_OPEN) this.#rounds++;
    this.#open[this.#depth++] = byte;
  }

  #closeBracket(byte: number): void {
    const open = byte === ROUND_CLOSE ? ROUND_OPEN : byte - 2; // `[` `]` and `{` `}` are two apart
    if (this.#depth === 0 || this.#open[--this.#depth] !== open) this.#isPossible = false;
    else if (byte === ROUND_CLOSE) this.#rounds--;
  }

  /** Strings are arguments or default values: in a selection there is none. */
  #startString(): void {
    this.#highSurrogate = 0;
    if (this.#depth > 0 && this.#rounds === 0) this.#isPossible = false;
    this.#state = QUOTE_1;
  }

  #countAlias(): void {
    if (this.#rounds > 0 || this.#depth === 0) return;
    if (++this.#aliases > this.#limits.aliasesMax) this.#refuse("graphql_aliases");
  }

  #stepString(byte: number, at: number): void {
    if (byte === BACKSLASH) this.#state = ESCAPE;
    else if (this.#highSurrogate !== 0 || byte < 0x20) {
      this.#isPossible = byte === TAB && this.#highSurrogate === 0; // or half a character, or a line end
      if (this.#isPossible) this.#string.addByte(byte, at + 1);
    } else if (byte === QUOTE) {
      this.#string.finish();
      this.#state = BETWEEN;
    } else this.#string.addByte(byte, at + 1);
  }

  #stepEscape(byte: number, at: number): void {
    this.#code = 0;
    this.#seen = 0;
    if (byte === LOWER_U) {
      this.#state = HEX;
      return;
    }
    const plain = escapes.get(byte);
    if (plain === undefined || this.#highSurrogate !== 0) this.#isPossible = false;
    else this.#string.addByte(plain, at + 1);
    this.#state = STRING;
  }

  #stepHex(byte: number, at: number): void {
    if (this.#seen === 0 && byte === CURLY_OPEN) {
      this.#state = BRACED_HEX;
      return;
    }
    const digit = hexValue[byte]!;
    if (digit === NOT_HEX) this.#isPossible = false;
    this.#code = this.#code * 16 + digit;
    if (++this.#seen === 4) this.#endCode(at);
  }

  #stepBracedHex(byte: number, at: number): void {
    if (byte === CURLY_CLOSE) {
      if (this.#seen === 0 || this.#code >= 0x110000) this.#isPossible = false;
      else this.#endCode(at);
      return;
    }
    const digit = hexValue[byte]!;
    if (digit === NOT_HEX || ++this.#seen > 8) this.#isPossible = false;
    this.#code = this.#code * 16 + digit;
  }

  #endCode(at: number): void {
    const code = this.#code;
    const high = this.#highSurrogate;
    const isLow = code >= 0xdc00 && code < 0xe000;
    this.#state = STRING;
    this.#highSurrogate = 0;
    if (isLow !== high > 0) this.#isPossible = false;
    else if (isLow) this.#string.addCodePoint(0x10000 + (high - 0xd800) * 0x400 + (code - 0xdc00), at + 1);
    else if (code >= 0xd800 && code < 0xdc00) this.#highSurrogate = code;
    else this.#string.addCodePoint(code, at + 1);
  }

  /** Between `"""`; the only escape is `\"""`. */
  #stepBlock(byte: number, at: number): void {
    if (byte === QUOTE) {
      if (++this.#seen < 3) return;
      this.#seen = 0;
      if (this.#state === BLOCK) {
        this.#string.finish();
        this.#state = BETWEEN;
        return;
      }
      for (let count = 0; count < 3; count++) this.#string.addByte(QUOTE, at + 1);
      this.#state = BLOCK;
      return;
    }
    if (this.#state === BLOCK_ESCAPE) this.#string.addByte(BACKSLASH, at);
    for (; this.#seen > 0; this.#seen--) this.#string.addByte(QUOTE, at);
    this.#state = byte === BACKSLASH ? BLOCK_ESCAPE : BLOCK;
    if (byte !== BACKSLASH) this.#string.addByte(byte, at + 1);
  }

  #refuse(reason: GraphqlReason): void {
    this.#reason ??= reason;
  }
}

const keywords: ReadonlySet<string> = new Set(["query", "mutation", "subscription", "fragment"]);
const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];
const NAME_CHARS_KEPT = 64;

const BETWEEN = 0;
const NAME = 1;
const NUMBER = 2;
const COMMENT = 3;
const DOTS = 4;
const MARK = 5;
const QUOTE_1 = 6;
const QUOTE_2 = 7;
const STRING = 8;
const ESCAPE = 9;
const HEX = 10;
const BRACED_HEX = 11;
const BLOCK = 12;
const BLOCK_ESCAPE = 13;
const BARE_WORD = 14;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const HASH = 0x23;
const ROUND_OPEN = 0x28;
const ROUND_CLOSE = 0x29;
const DOT = 0x2e;
const COLON = 0x3a;
const AT = 0x40;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const CURLY_OPEN = 0x7b;
const CURLY_CLOSE = 0x7d;

const escapes: ReadonlyMap<number, number> = new Map([
  [QUOTE, QUOTE],
  [BACKSLASH, BACKSLASH],
  [0x2f, 0x2f],
  [0x62, 0x08], // b
  [0x66, 0x0c], // f
  [0x6e, LINE_FEED],
  [0x72, CARRIAGE_RETURN],
  [0x74, TAB],
]);

const IGNORED = 1;
const NAME_START = 2;
const NAME_CHAR = 4;
const NUMBER_START = 8;
const NUMBER_CHAR = 16;
const OPENS = 32;
const CLOSES = 64;
const PUNCTUATOR = 128;
const byteClass: Uint8Array = buildClasses();

function buildClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  const mark = (chars: string, bits: number): void => {
    for (const char of chars) classes[char.charCodeAt(0)]! |= bits;
  };
  mark("\t\n\r ,", IGNORED);
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", NAME_START | NAME_CHAR);
  mark("0123456789", NAME_CHAR | NUMBER_START | NUMBER_CHAR);
  mark("-", NUMBER_START);
  mark("+-.eE", NUMBER_CHAR);
  mark("([{", OPENS);
  mark(")]}", CLOSES);
  mark("!$&=|", PUNCTUATOR);
  return classes;
}
