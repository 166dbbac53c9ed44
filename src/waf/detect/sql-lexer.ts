import { isDash, isDigit, isQuote, isSpace, isWordStart, wordEnd } from "./sql-char.ts";
import { expectsMore, lineCommentEnd, wordedCommentEnd } from "./sql-line-comment.ts";
import { gluedLogicEnd, numberEnd } from "./sql-numeral.ts";
import { isBehindDocument, symbol } from "./sql-symbol.ts";
import { comment, noFacts, push, type Tokens, token } from "./sql-token.ts";
import { word, wordCode } from "./sql-word.ts";

/** Cuts `text` into SQL tokens from `from` on, at most `max` of them. */
export function tokenise(text: string, lower: string, from: number, max: number): Tokens {
  const tokens: Tokens = {
    text,
    lower,
    kinds: [],
    codes: [],
    starts: [],
    ends: [],
    count: 0,
    executable: -1,
    next: from,
    from,
    blockEnd: 0,
    facts: noFacts,
  };
  readTokens(tokens, max);
  return tokens;
}

/**
 * Goes on cutting until there are `max` tokens. Closed comments separate tokens and vanish; what follows a line comment
 * or an unclosed comment is still read, because one dialect's comment is another's operator. One pass; a string without
 * its end costs one scan per kind of quote.
 */
export function readTokens(tokens: Tokens, max: number): void {
  const { text, lower, from } = tokens;
  const { length } = text;
  let at = tokens.next;
  let { blockEnd } = tokens;
  /** The next line end behind a line comment; -1 when there is none any more. */
  let lineEnd = 0;
  while (at < length && tokens.count < max) {
    const char = text.charCodeAt(at);
    if (char <= 0x20 || char === 0xa0) {
      at += 1;
    } else if (isWordStart(char)) {
      if (char >= 0x80) {
        if (isDash(text, at)) {
          push(tokens, token.comment, comment.longDash, at, at + 3);
          at += 3;
          continue;
        }
        if (isSpace(text, at)) {
          at += 2;
          continue;
        }
      }
      // "1or1=1": a lexer that ends the number at the letter reads three tokens.
      let end = at > from && endsNumber(tokens, at) ? gluedLogicEnd(lower, at) : -1;
      if (end < 0) end = wordEnd(text, at + 1);
      if (end - at === 1 && isQuote(text.charCodeAt(end)) && isStringPrefix(lower.charCodeAt(at))) at = end;
      else {
        const code = wordCode(lower, at, end);
        if (code === word.logic) push(tokens, token.logic, 1, at, end);
        else push(tokens, token.word, code !== word.plain && followsDot(tokens) ? word.plain : code, at, end);
        at = end;
      }
    } else if (isDigit(char) || (char === 0x2e && isDigit(text.charCodeAt(at + 1)))) {
      const end = numberEnd(lower, at);
      push(tokens, token.number, 0, at, end);
      at = end;
    } else if (char === 0x27 && isApostrophe(tokens, at)) {
      at += 1;
    } else if (char === 0x27 || char === 0x22 || char === 0x60) {
      const end = stringEnd(text, at + 1, char);
      if (end < 0) {
        push(tokens, token.open, 0, at, length);
        at = length;
      } else {
        if (char === 0x60) push(tokens, token.word, word.plain, at + 1, end - 1);
        else push(tokens, token.string, 0, at, end);
        at = end;
      }
    } else if (char === 0x2f && text.charCodeAt(at + 1) === 0x2a) {
      const inner = text.charCodeAt(at + 2);
      const mariadb = (inner === 0x4d || inner === 0x6d) && text.charCodeAt(at + 3) === 0x21;
      if (inner === 0x21 || mariadb) {
        if (tokens.executable < 0) tokens.executable = at;
        at += mariadb ? 4 : 3;
        const versionEnd = at + 6;
        while (at < versionEnd && isDigit(text.charCodeAt(at))) at += 1;
      } else {
        if (blockEnd >= 0) {
          const close = text.indexOf("*/", at + 2);
          blockEnd = close < 0 ? -1 : close + 2;
        }
        if (blockEnd < 0) {
          push(tokens, token.comment, comment.block, at, at + 2);
          at += 2;
        } else at = blockEnd;
      }
    } else if (char === 0x2a && text.charCodeAt(at + 1) === 0x2f && !isStarAndComment(tokens, at)) {
      at += 2;
    } else if (char === 0x23 && text.charCodeAt(at + 1) === 0x3e && isBehindDocument(tokens)) {
      // `#>` and `#>>` lead to a member along a path.
      at = push(tokens, token.dot, 0, at, text.charCodeAt(at + 2) === 0x3e ? at + 3 : at + 2);
    } else if (char === 0x23 || (char === 0x2d && text.charCodeAt(at + 1) === 0x2d)) {
      const from = at + (char === 0x23 ? 1 : 2);
      let end = lineCommentEnd(lower, from);
      if (end < 0 && expectsMore(tokens)) {
        if (lineEnd >= 0 && lineEnd < from) lineEnd = text.indexOf("\n", from);
        end = wordedCommentEnd(tokens, from, lineEnd);
      }
      at = end < 0 ? symbol(tokens, text, at, char) : end;
    } else at = symbol(tokens, text, at, char);
  }
  tokens.next = at;
  tokens.blockEnd = blockEnd;
  push(tokens, token.end, 0, at, at);
  tokens.count -= 1;
}

/** The sign in "I've" and "O'Brien": behind a name and before a letter no string starts, but for one with a `_charset`. */
function isApostrophe({ kinds, codes, starts, ends, count, text }: Tokens, at: number): boolean {
  const last = count - 1;
  if (last < 0 || ends[last] !== at || kinds[last] !== token.word || codes[last] !== word.plain) return false;
  const char = text.charCodeAt(at + 1);
  return isWordStart(char) && char < 0x80 && text.charCodeAt(starts[last]!) !== 0x5f;
}

/** In "*" and a comment the star is an operator, unless an executable comment is still open. */
function isStarAndComment(tokens: Tokens, at: number): boolean {
  return tokens.executable < 0 && tokens.text.charCodeAt(at + 2) === 0x2a;
}

/** `x.select` is a name of somebody's, not a word of the grammar. */
function followsDot(tokens: Tokens): boolean {
  return tokens.count > 0 && tokens.kinds[tokens.count - 1] === token.dot;
}

function endsNumber(tokens: Tokens, at: number): boolean {
  return (
    tokens.count > 0 &&
    tokens.kinds[tokens.count - 1] === token.number &&
    tokens.ends[tokens.count - 1] === at
  );
}

/** The offset after the string's closing quote, or -1. Doubled and backslashed quotes do not close. */
function stringEnd(text: string, from: number, quote: number): number {
  const sign = String.fromCharCode(quote);
  let at = from;
  for (;;) {
    at = text.indexOf(sign, at);
    if (at < 0) return -1;
    let slashes = 0;
    while (at - slashes > from && text.charCodeAt(at - slashes - 1) === 0x5c) slashes += 1;
    if (slashes % 2 === 1) {
      at += 1;
      from = at;
    } else if (text.charCodeAt(at + 1) === quote) {
      at += 2;
      from = at;
    } else return at + 1;
  }
}

/** n'…', x'…', b'…', e'…', u'…', q'…', r'…'. */
function isStringPrefix(char: number): boolean {
  return (
    char === 0x6e ||
    char === 0x78 ||
    char === 0x62 ||
    char === 0x65 ||
    char === 0x75 ||
    char === 0x71 ||
    char === 0x72
  );
}
