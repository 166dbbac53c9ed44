import { isQuote, nameParts, wordEnd } from "./sql-char.ts";
import { type Tokens, token } from "./sql-token.ts";
import { word, wordCode } from "./sql-word.ts";

/**
 * Where the query goes on behind a line comment that is in the place of a space (at most a word long, then a line feed
 * and what a query goes on with), or -1: a comment that ends the query.
 */
export function lineCommentEnd(lower: string, from: number): number {
  let at = from;
  while (at < from + LINE_COMMENT_MAX && nameParts[lower.charCodeAt(at)] === 1) at += 1;
  if (lower.charCodeAt(at) === 0x0d) at += 1;
  if (lower.charCodeAt(at) !== 0x0a) return -1;
  const next = lower.charCodeAt(at + 1);
  const isLetter = next >= 0x61 && next <= 0x7a;
  if (isLetter) {
    const end = wordEnd(lower, at + 1);
    const code = wordCode(lower, at + 1, end);
    // A name only in front of what makes it an operand.
    if (code === word.plain && !"(=.,)<>-#+*/'".includes(lower.charAt(end) || "(")) return -1;
  }
  return isLetter || (next > 0x20 && next < 0x80 && next !== 0x23) ? at + 1 : -1;
}

/** The same of a comment with any text in it, where the next line goes on as a query does; a sentence there hides it else. */
export function wordedCommentEnd(
  { lower, kinds, codes, count }: Tokens,
  from: number,
  lineEnd: number,
): number {
  if (lineEnd < 0 || lineEnd - from > WORDED_COMMENT_MAX) return -1;
  let at = lineEnd + 1;
  while (at < lineEnd + 16 && lower.charCodeAt(at) <= 0x20) at += 1;
  const next = lower.charCodeAt(at);
  if (next < 0x61 || next > 0x7a) return next > 0x20 && next < 0x80 ? lineEnd + 1 : -1;
  const code = wordCode(lower, at, wordEnd(lower, at));
  const asked = count > 0 && (kinds[count - 1] === token.logic || codes[count - 1] !== word.plain);
  return code !== word.plain || asked ? lineEnd + 1 : -1;
}

/** Whether a query is in the middle of something: behind its words, signs and literals, and right behind a closed string. */
export function expectsMore({ kinds, codes, count, from, text }: Tokens): boolean {
  if (count === 0) return from > 0 && isQuote(text.charCodeAt(from - 1));
  const kind = kinds[count - 1]!;
  // A name is in the middle only behind a word of the grammar.
  if (kind === token.word && codes[count - 1] === word.plain)
    return (
      kinds[count - 2] === token.logic || (kinds[count - 2] === token.word && codes[count - 2] !== word.plain)
    );
  return kind !== token.other && kind !== token.dot && kind !== token.comment && kind !== token.open;
}

const WORDED_COMMENT_MAX = 400;

/** Tools put a random word of a dozen letters there. */
const LINE_COMMENT_MAX = 24;
