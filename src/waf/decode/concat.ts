import { copySpan, type Decode, isWordByte, UNCHANGED } from "./decoder.ts";

/**
 * Joins literal strings that are concatenated: `'al'+'ert'`, `"sys"."tem"`, `'un'||'ion'`; and two in words that only
 * white space parts: `'un' 'ion'`, as SQL, C and Python join them, and as a `+` looks where a form was decoded.
 */
export const joinStrings: Decode = (source, start, end, out) => {
  let to = 0;
  // Copied up to here: most texts have no joint, and are only looked at.
  let copied = start;
  for (let at = start; at < end; at++) {
    if (isQuote[source[at]!] === 0) continue;
    const used = joint(source, at, start, end);
    if (used === 0) continue;
    to = copySpan(source, copied, at, out, to);
    at += used - 1;
    copied = at + 1;
  }
  return copied === start ? UNCHANGED : copySpan(source, copied, end, out, to);
};

/** 1 for `'`, `"` and the backtick. */
const isQuote: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x27 || byte === 0x22 || byte === 0x60 ? 1 : 0,
);

/** Most spaces on either side of the operator. */
const GAP_MAX = 8;

/** Length from a closing quote over the operator to the next opening one; 0 = no concatenation. */
function joint(source: Uint8Array, at: number, start: number, end: number): number {
  let next = skipSpace(source, at + 1, end);
  if (next > at + 1 && next + 1 < end && source[next] === source[at])
    return at > start && isWordByte(source[at - 1]) && isWordByte(source[next + 1]) ? next + 1 - at : 0;
  const operator = source[next];
  if (operator === 0x7c && source[next + 1] === 0x7c) next += 2;
  else if (operator === 0x2b || operator === 0x2e) next++;
  else return 0;
  next = skipSpace(source, next, end);
  return next < end && source[next] === source[at] ? next + 1 - at : 0;
}

function skipSpace(source: Uint8Array, at: number, end: number): number {
  const until = Math.min(end, at + GAP_MAX);
  while (at < until && (source[at] === 0x20 || (source[at]! >= 0x09 && source[at]! <= 0x0d))) at++;
  return at;
}
