import { SIGN } from "../harmless.ts";
import { catalogueNames, lengthsOf, word, wordNames } from "./sql-word.ts";

/**
 * Whether a text is too plain for the SQL detector to say anything about it, told by one look at its bytes: no sign that
 * a query needs, and no word or pair of words that is one without signs. Words such as `and`, `or`, `like`, `order`,
 * `user` stand in most sentences; reading those as SQL, to find that they are none, is most of what the detector costs.
 * False says nothing. test/waf/detect/idle.test.ts holds it against the detector.
 */
export function isIdleText(bytes: Uint8Array, start: number, end: number, flags: number): boolean {
  if (end - start === 1) return true;
  if ((flags & SIGN) !== 0) return false;
  let seen = 0;
  /** The next letters stand behind an apostrophe: a word of the grammar there would go on from a closed string. */
  let isQuoted = false;
  for (let at = start; at < end; at++) {
    const role = roles[bytes[at]!]!;
    if (role === PLAIN) continue;
    if (role === LETTER) {
      const from = at;
      // The tokeniser ends a hexadecimal number inside the letters: 0x1fjoin.
      if ((bytes[at]! | 0x20) === LOWER_X && at > start && bytes[at - 1] === DIGIT_0) return false;
      do at++;
      while (at < end && roles[bytes[at]!] === LETTER);
      if (at - from >= PACKAGE_MIN && beginsPackage(bytes, from)) seen |= LITERAL;
      const meaning = meaningOf(bytes, from, at);
      if (meaning !== 0) {
        if (isQuoted) return false;
        if ((meaning & QUERY) !== 0) return false;
        seen |= meaning;
      }
      isQuoted = false;
      if (at === end) break;
      if (bytes[at] === APOSTROPHE) {
        // Only in a word, as in "don't"; the tokeniser takes any other for the start of a string.
        if (meaning !== 0 || !isInWord(bytes, start, from, at, end)) return false;
        isQuoted = true;
      } else at--;
    } else if (role === STRING) {
      // A string is a literal; what follows it must not be able to go on from one that the value closed.
      seen |= LITERAL;
      const next = nextSign(bytes, at + 1, end);
      if (isArithmetic(next) || next >= 0x80) return false;
      isQuoted = roles[next] === LETTER;
    } else if (role === DIGIT) seen |= LITERAL;
    else if (role === UNDERSCORE) seen |= LITERAL | CATALOGUE;
    else if (role === TWICE) {
      if (at + 1 < end && bytes[at + 1] === bytes[at]) return false;
    } else return false;
  }
  if ((seen & LITERAL) !== 0) {
    if ((seen & CONDITION) !== 0 || has(seen, ORDER | BY) || isNumber(bytes, start, end)) return false;
  }
  return !has(seen, SOURCE | CATALOGUE) && !has(seen, CASE | WHEN);
}

/** What a word of the grammar does in a text without signs; several at once. GRAMMAR: nothing. */
const GRAMMAR = 1;
/** May be a statement, or the middle of one. */
const QUERY = 1 << 1;
/** `from`, `join`: of a catalogue, when one is named. */
const SOURCE = 1 << 2;
/** Its condition is constant with a literal only. */
const CONDITION = 1 << 3;
/** A literal, or a name that may stand for one. */
const LITERAL = 1 << 4;
const ORDER = 1 << 5;
const BY = 1 << 6;
const CASE = 1 << 7;
const WHEN = 1 << 8;
/** A catalogue of a database product, or the beginning of its name. */
const CATALOGUE = 1 << 9;

const queryCodes: ReadonlySet<number> = new Set([
  ...[word.select, word.union, word.except, word.insert, word.delete, word.drop, word.create, word.alter],
  ...[word.truncate, word.replace, word.exec, word.shutdown, word.waitfor, word.grant, word.load],
  ...[word.backup, word.declare, word.copy],
]);

function meaningBy(code: number): number {
  if (queryCodes.has(code)) return QUERY;
  switch (code) {
    case word.from:
    case word.join:
      return SOURCE;
    case word.logic:
    case word.having:
      return CONDITION;
    case word.when:
      return CONDITION | WHEN;
    case word.case:
      return CASE;
    case word.nullish:
    case word.truth:
      return LITERAL;
    case word.order:
      return ORDER;
    case word.by:
      return BY;
    default:
      return GRAMMAR;
  }
}

/** Hash and meaning by the hash's slot or those behind it. */
const SLOTS = 1024;
const hashes = new Int32Array(SLOTS);
const meanings = new Int32Array(SLOTS);
/** By the first two letters: a bit for each length that one of the words has. */
const lengths: Int32Array = lengthsOf(addWords());

function addWords(): string[] {
  const words: [string, number][] = [
    ["outfile", QUERY],
    ["dumpfile", QUERY],
  ];
  for (const [name, code] of wordNames) if (code !== word.plain) words.push([name, meaningBy(code)]);
  // Names with `_` have that; of the others the letters that they begin with.
  for (const name of catalogueNames)
    if (!name.includes("_")) words.push([/^[a-z]+/.exec(name)![0], CATALOGUE]);
  for (const [name, meaning] of words) {
    const hash = hashOf(Buffer.from(name), 0, name.length);
    let slot = hash & (SLOTS - 1);
    while (meanings[slot] !== 0 && hashes[slot] !== hash) slot = (slot + 1) & (SLOTS - 1);
    hashes[slot] = hash;
    meanings[slot]! |= meaning;
  }
  return words.map(([name]) => name);
}

/** A word with the hash of one of these is taken for it: that is only slower. */
function meaningOf(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length < 2 || length > 31) return 0;
  const pair = ((bytes[from]! | 0x20) - 0x61) * 26 + (bytes[from + 1]! | 0x20) - 0x61;
  if ((lengths[pair]! & (1 << length)) === 0) return 0;
  const hash = hashOf(bytes, from, to);
  for (let slot = hash & (SLOTS - 1); meanings[slot] !== 0; slot = (slot + 1) & (SLOTS - 1))
    if (hashes[slot] === hash) return meanings[slot]!;
  return 0;
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0;
  for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + (bytes[at]! | 0x20)) | 0;
  return hash;
}

/** White space, other letters, and signs that neither compare, call, quote nor end anything. */
const PLAIN = 1;
const LETTER = 2;
const DIGIT = 3;
/** With it names of a server's functions and schemas are made. */
const UNDERSCORE = 4;
/** Means something only twice: a comment, a cast. */
const TWICE = 5;
/** `"`, of JSON and of quoted words. */
const STRING = 6;

const roles: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = byte | 0x20;
  if (letter >= 0x61 && letter <= 0x7a && byte < 0x80) return LETTER;
  if (byte >= 0x30 && byte <= 0x39) return DIGIT;
  if (byte === 0x5f) return UNDERSCORE;
  if (byte === 0x22) return STRING;
  if (byte === 0x2d || byte === 0x3a) return TWICE;
  if (byte <= 0x20 || ".,?!/+%{}[]".includes(String.fromCharCode(byte))) return PLAIN;
  // Dashes and spaces of UTF-8 begin with these, and 0xa0 is one in Latin-1.
  return byte >= 0x80 && byte !== 0xe2 && byte !== 0xc2 && byte !== 0xa0 ? PLAIN : 0;
});

/** `or master.x` asks the server like a literal does; see tellsByMember. */
function beginsPackage(bytes: Uint8Array, from: number): boolean {
  const first = bytes[from]! | 0x20;
  if (first !== 0x6d && first !== 0x63 && first !== 0x6f) return false;
  return packages.some((name) => {
    for (let at = 0; at < PACKAGE_MIN; at++)
      if ((bytes[from + at]! | 0x20) !== name.charCodeAt(at)) return false;
    return true;
  });
}

const packages = ["master", "ctxsys", "ordsys"] as const;
const PACKAGE_MIN = 6;

const APOSTROPHE = 0x27;
const DIGIT_0 = 0x30;
const LOWER_X = 0x78;

/** The first byte that the tokeniser does not pass over, 0 at the end. */
function nextSign(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at]! <= 0x20 || bytes[at] === 0x7d)) at++;
  return at < end ? bytes[at]! : 0;
}

/** Operators, and the brace that ODBC's escapes begin with. */
function isArithmetic(byte: number): boolean {
  return byte === 0x21 || byte === 0x25 || byte === 0x2b || byte === 0x2d || byte === 0x2f || byte === 0x7b;
}

/** An apostrophe at `at` behind the letters from `from` on: no digit or sign before them, a letter behind, no `n'…'`. */
function isInWord(bytes: Uint8Array, start: number, from: number, at: number, end: number): boolean {
  if (at + 1 >= end || roles[bytes[at + 1]!] !== LETTER) return false;
  if (from > start && (roles[bytes[from - 1]!]! >= DIGIT || bytes[from - 1]! >= 0x80)) return false;
  return at - from > 1 || !"nxbeuqr".includes(String.fromCharCode(bytes[from]! | 0x20));
}

/**
 * Whether the text begins like a path, which may end with one of the numbers beyond a type, or like one of them: the
 * shortest has 18 digits and dots (`overflows` of sql-name.ts). Fewer begin an address.
 */
function isNumber(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === 0x2f) return true;
  let at = start;
  while (at < end && bytes[at]! <= 0x20) at++;
  if (end - at > NUMBER_MAX) return false;
  const from = at;
  while (at < end && (roles[bytes[at]!] === DIGIT || bytes[at] === 0x2e)) at++;
  return at - from >= NUMBER_MIN;
}

const NUMBER_MAX = 40;
const NUMBER_MIN = 18;

function has(seen: number, all: number): boolean {
  return (seen & all) === all;
}
