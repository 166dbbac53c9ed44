import { foldByte, type Literal } from "./automaton.ts";

/**
 * What one look at every byte of a value says: nothing (0) when all are harmless, else which decoders could have something
 * to do. Flags of a range are the OR of its bytes' flags.
 */
export const OTHER = 1;
export const PERCENT = 1 << 1;
export const AMPERSAND = 1 << 2;
export const BACKSLASH = 1 << 3;
export const PLUS = 1 << 4;
/** 0x80 and above. */
export const HIGH = 1 << 5;
/** Control characters but tab, line feed and carriage return. */
export const CONTROL = 1 << 6;
export const BREAK = 1 << 7;
export const SLASH = 1 << 8;
export const QUOTE = 1 << 9;
export const DOLLAR = 1 << 10;
export const CARET = 1 << 11;
export const STAR = 1 << 12;
export const SPACE = 1 << 13;
export const COLON = 1 << 14;
export const DOT = 1 << 15;

/** What tags, attributes and references need: `<`, `=`, `&`. */
export const MARKUP = 1 << 16;
/** `!` and `-`. */
export const DASH = 1 << 18;
/** What calls, compares, quotes or ends something in most languages, and stands neither in sentences nor in JSON. */
export const SIGN = 1 << 17;
/** `{` and `;`, which begin a declaration of a style. */
export const BLOCK = 1 << 19;

export type ByteFlags = Int32Array;

/**
 * The flags of every byte for a set of literals. Harmless are digits and a little punctuation: numbers, dates, times,
 * addresses. A literal made of nothing else takes one of its bytes out of the class, so a harmless value has no literal,
 * no decoder has anything to do with it, and as base64 it never has two ASCII characters in a row (every group of three
 * bytes starts above 0xcf), so no attack.
 */
export function buildByteFlags(literals: readonly Literal[]): ByteFlags {
  const harmless = new Set<number>([...CANDIDATES].map((character) => character.charCodeAt(0)));
  for (const { text } of literals) {
    const bytes = [...text].map((character) => foldByte(character.charCodeAt(0)));
    if (!bytes.every((byte) => harmless.has(byte))) continue;
    harmless.delete(bytes.reduce((rarest, byte) => (rank(byte) > rank(rarest) ? byte : rarest)));
  }
  const flags = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) flags[byte] = marks(byte) | (harmless.has(byte) ? 0 : OTHER);
  return flags;
}

/** From the most to the least frequent in real values, so that the class loses the byte it misses least. */
const CANDIDATES = "0123456789 -.:,_@~";

function rank(byte: number): number {
  return CANDIDATES.indexOf(String.fromCharCode(byte));
}

/** The flags of `bytes[start, end)`; OTHER only is "scan it, nothing to decode"; 0 is "done". */
export function flagsOf(table: ByteFlags, bytes: Uint8Array, start: number, end: number): number {
  let flags = 0;
  for (let at = start; at < end; at++) flags |= table[bytes[at]!]!;
  // A space, a dot or a dash alone is a mark of harmless bytes, not a reason to look closer.
  return (flags & ~(SPACE | COLON | DOT | DASH)) === 0 ? 0 : flags;
}

function marks(byte: number): number {
  if (byte >= 0x80) return HIGH;
  if (byte === 0x09 || byte === 0x0a || byte === 0x0d) return BREAK;
  if (byte < 0x20 || byte === 0x7f) return CONTROL;
  const char = String.fromCharCode(byte);
  const kinds =
    ("<=&".includes(char) ? MARKUP : 0) |
    ("{;".includes(char) ? BLOCK : 0) |
    ("`()<=>;|&#*@^~$\\".includes(char) ? SIGN : 0);
  return kinds | (punctuation[char] ?? 0);
}

const punctuation: Readonly<Record<string, number>> = {
  "!": DASH,
  "-": DASH,
  "%": PERCENT,
  "&": AMPERSAND,
  "\\": BACKSLASH,
  "+": PLUS,
  "/": SLASH,
  "'": QUOTE,
  '"': QUOTE,
  "`": QUOTE,
  $: DOLLAR,
  "^": CARET,
  "*": STAR,
  " ": SPACE,
  ":": COLON,
  ".": DOT,
};
