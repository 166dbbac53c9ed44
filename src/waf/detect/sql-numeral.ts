import { isDigit, isHex, nameParts, wordEnd } from "./sql-char.ts";
import { word, wordCode } from "./sql-word.ts";

/** The offset after the number that starts at `from`, with the letter behind it where a clause is glued to that. */
export function numberEnd(lower: string, from: number): number {
  const second = lower.charCodeAt(from + 1);
  let at = from;
  if (lower.charCodeAt(from) === 0x30 && second === 0x78) {
    at = from + 2;
    while (isHex(lower.charCodeAt(at))) at += 1;
    return at;
  }
  while (isDigit(lower.charCodeAt(at))) at += 1;
  if (lower.charCodeAt(at) === 0x2e) {
    at += 1;
    while (isDigit(lower.charCodeAt(at))) at += 1;
  }
  if (lower.charCodeAt(at) === 0x65) {
    let exponent = at + 1;
    const sign = lower.charCodeAt(exponent);
    if (sign === 0x2b || sign === 0x2d) exponent += 1;
    if (lower.charCodeAt(at - 1) === 0x2e && nameParts[lower.charCodeAt(exponent)] === 0) at = exponent;
    else if (isDigit(lower.charCodeAt(exponent))) {
      at = exponent;
      while (isDigit(lower.charCodeAt(at))) at += 1;
    }
  }
  return isSuffix(lower.charCodeAt(at)) && startsClause(lower, at + 1) ? at + 1 : at;
}

/** The offset after `or` in "1or1", or -1. */
export function gluedLogicEnd(lower: string, at: number): number {
  for (let size = 2; size <= 3; size += 1)
    if (wordCode(lower, at, at + size) === word.logic && isDigit(lower.charCodeAt(at + size)))
      return at + size;
  return -1;
}

/** Oracle's `1d` and `1f`, SQL Server's `1e`: their lexers end the number there, so that `1dunion` is two tokens. */
function isSuffix(char: number): boolean {
  return char >= 0x64 && char <= 0x66;
}

/** A word that goes on after a value: what an injection glues to it. `3din` and `1fas` are names. */
function startsClause(lower: string, at: number): boolean {
  if (gluedLogicEnd(lower, at) >= 0) return true;
  const code = wordCode(lower, at, wordEnd(lower, at));
  return (
    code === word.logic ||
    code === word.union ||
    code === word.having ||
    code === word.order ||
    code === word.group
  );
}
