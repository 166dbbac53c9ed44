import { copySpan, type Decode, isWordByte, UNCHANGED } from "./decoder.ts";

/**
 * A command line without what shells drop inside words: paired quotes (`c'a't`), backslashes and carets (`c\at`, `c^md`),
 * empty and unset parameters (`ca$@t`, `cat$u`), `$IFS` as space. Only where it stands in a word, so that prose with
 * apostrophes and JSON stay as they are.
 */
export const unquoteShell: Decode = (source, start, end, out) => {
  let to = 0;
  // Copied up to here: most texts have no such trick, and are only looked at.
  let copied = start;
  const json = isJson(source, start, end);
  for (let at = start; at < end; at++) {
    const mark = marks[source[at]!]!;
    if (mark === 0) continue;
    if (mark === QUOTE) {
      const used = quoteInWord(source, at, start, end);
      if (used === 0) continue;
      // The inner text of a pair is copied, the quotes are not.
      to = copySpan(source, copied, at, out, to);
      to = copySpan(source, at + 1, at + used - 1, out, to);
      at += used - 1;
    } else if (mark === ESCAPE) {
      if (at + 1 >= end || !isCommandByte(source[at + 1]!)) continue;
      if (at > start && source[at - 1] === source[at]) continue;
      if (json && isLetterOfJson(source[at + 1]!)) continue;
      to = copySpan(source, copied, at, out, to);
    } else {
      const used = expansion(source, at, start, end);
      if (used === 0) continue;
      to = copySpan(source, copied, at, out, to);
      if (used < 0) out[to++] = 0x20;
      at += Math.abs(used) - 1;
    }
    copied = at + 1;
  }
  return copied === start ? UNCHANGED : copySpan(source, copied, end, out, to);
};

/** `{"`, `["`, `[{`: the backslashes of a document are its own. */
function isJson(source: Uint8Array, start: number, end: number): boolean {
  if (end - start < 8 || (source[start] !== 0x7b && source[start] !== 0x5b)) return false;
  return source[start + 1] === 0x22 || (source[start] === 0x5b && source[start + 1] === 0x7b);
}

/** `\n`, `\r`, `\t`. */
function isLetterOfJson(code: number): boolean {
  return code === 0x6e || code === 0x72 || code === 0x74;
}

const QUOTE = 1;
const ESCAPE = 2;
const PARAMETER = 3;
const marks: Uint8Array = buildMarks();

function buildMarks(): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of "'\"`") table[character.charCodeAt(0)] = QUOTE;
  for (const character of "\\^") table[character.charCodeAt(0)] = ESCAPE;
  table[0x24] = PARAMETER;
  return table;
}

/** Longest text between two quotes of one word. */
const QUOTED_MAX = 32;

/** Length of a quoted part that continues a word on at least one side; 0 = none. */
function quoteInWord(source: Uint8Array, at: number, start: number, end: number): number {
  const quote = source[at];
  const until = Math.min(end, at + QUOTED_MAX + 2);
  let close = at + 1;
  while (close < until && isCommandByte(source[close]!)) close++;
  if (close >= until || source[close] !== quote) return 0;
  // The fence of a block of code, "```bash", is no empty word.
  if (close === at + 1 && at > start && source[at - 1] === quote) return 0;
  const before = at > start && isCommandByte(source[at - 1]!);
  const after = close + 1 < end && isCommandByte(source[close + 1]!);
  // `a''b`, `c'a't`, `'c'at`, `ca't'`. A quoted word of its own is plain text.
  return before || after ? close + 1 - at : 0;
}

/** What names of commands, options and files are made of. */
function isCommandByte(byte: number): boolean {
  return isWordByte(byte) || byte === 0x2f || byte === 0x2d || byte === 0x2e;
}

/** Length of a parameter that expands to nothing; negative when it expands to white space; 0 = neither. */
function expansion(source: Uint8Array, at: number, start: number, end: number): number {
  if (matches(source, at, end, "${IFS")) {
    for (let next = at + 5; next < end && next < at + 24; next++)
      if (source[next] === 0x7d) return at - next - 1;
    return 0;
  }
  if (matches(source, at, end, "$IFS")) {
    // `$IFS$9` is the usual form: the unset parameter ends the name.
    const digit = source[at + 4] === 0x24 && at + 5 < end && isDigit(source[at + 5]!);
    return digit ? -6 : -4;
  }
  const next = source[at + 1];
  if (next === undefined || at + 1 >= end) return 0;
  const inWord = at > start && isCommandByte(source[at - 1]!);
  if (next === 0x40 || next === 0x2a || next === 0x21)
    return inWord || (at + 2 < end && isCommandByte(source[at + 2]!)) ? 2 : 0;
  if (!inWord) return 0;
  if (isDigit(next)) return 2;
  // An empty substitution, `wh$()oami`.
  if (next === 0x28 && source[at + 2] === 0x29) return at + 3 < end && isCommandByte(source[at + 3]!) ? 3 : 0;
  if (next === 0x7b) return bracedLength(source, at, end);
  const letter = next | 0x20;
  if (letter < 0x61 || letter > 0x7a) return 0;
  let after = at + 2;
  while (after < end && after < at + 24 && isWordByte(source[after]!)) after++;
  return after - at;
}

/** Length of `${x}` in front of more of the word; 0 = it may be the place of something in a template. */
function bracedLength(source: Uint8Array, at: number, end: number): number {
  let close = at + 2;
  while (close < end && close < at + 12 && isWordByte(source[close]!)) close++;
  if (close === at + 2 || source[close] !== 0x7d || close + 1 >= end) return 0;
  return isCommandByte(source[close + 1]!) ? close + 1 - at : 0;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function matches(source: Uint8Array, at: number, end: number, text: string): boolean {
  if (at + text.length > end) return false;
  for (let next = 0; next < text.length; next++)
    if (source[at + next] !== text.charCodeAt(next)) return false;
  return true;
}
