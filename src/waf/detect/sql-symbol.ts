import { isQuote, wordEnd } from "./sql-char.ts";
import { comment, push, type Tokens, token } from "./sql-token.ts";
import { word, wordCode } from "./sql-word.ts";

/** Reads the sign at `at`, which starts neither word, number, string nor closed comment; returns the offset after it. */
export function symbol(tokens: Tokens, text: string, at: number, char: number): number {
  const next = text.charCodeAt(at + 1);
  switch (char) {
    case 0x28:
      return push(tokens, token.leftParen, 0, at, at + 1);
    case 0x29:
      return push(tokens, token.rightParen, 0, at, at + 1);
    case 0x2c:
      return push(tokens, token.comma, 0, at, at + 1);
    case 0x2e:
      return push(tokens, token.dot, 0, at, at + 1);
    case 0x3b:
      if (next === 0) return push(tokens, token.comment, comment.dashes, at, at + 2);
      return push(tokens, token.semicolon, 0, at, at + 1);
    case 0x23:
      return push(tokens, token.comment, comment.hash, at, at + 1);
    case 0x2d:
      if (next === 0x2d) {
        const after = text.charCodeAt(at + 2);
        const loose =
          Number.isNaN(after) || after <= 0x20 || after === 0x2b || after === 0x2d || after === 0xa0;
        return push(tokens, token.comment, loose ? comment.dashes : comment.tightDashes, at, at + 2);
      }
      // An arrow leads to a member, in programs and in JSON columns.
      if (next === 0x3e)
        return push(tokens, token.dot, 0, at, text.charCodeAt(at + 2) === 0x3e ? at + 3 : at + 2);
      return push(tokens, token.arithmetic, 0, at, at + 1);
    case 0x40: {
      let end = at + 1;
      while (text.charCodeAt(end) === 0x40) end += 1;
      const stop = wordEnd(text, end);
      if (stop > end) return push(tokens, token.variable, 0, at, stop);
      // `@>`, `@?` and `@@` compare documents.
      const compares = (next === 0x3e || next === 0x3f || next === 0x40) && isBehindDocument(tokens);
      return push(tokens, compares ? token.compare : token.other, 0, at, compares ? at + 2 : end);
    }
    case 0x3f: {
      // `?`, `?|` and `?&` ask a document for its keys; behind a text alone it is a question or a choice.
      if (!isCast(tokens)) return push(tokens, token.other, 0, at, at + 1);
      return push(tokens, token.compare, 0, at, next === 0x7c || next === 0x26 ? at + 2 : at + 1);
    }
    case 0x5c: {
      // MySQL's `\N` is null, and a word of the grammar may follow at once.
      const stop = next === 0x4e ? wordEnd(text, at + 2) : at;
      const isNull = stop === at + 2 || (stop > at && wordCode(tokens.lower, at + 2, stop) !== word.plain);
      return push(tokens, isNull ? token.number : token.other, 0, at, isNull ? at + 2 : at + 1);
    }
    case 0x24: {
      const end = tokens.from > 0 && isQuote(text.charCodeAt(tokens.from - 1)) ? dollarEnd(text, at) : -1;
      if (end > 0) return push(tokens, token.string, 0, at, end);
      return push(tokens, token.other, 0, at, at + 1);
    }
    case 0x5b: {
      // A cast to a list: `::int[]`.
      if (next === 0x5d && isCast(tokens)) return at + 2;
      if (isArray(tokens, at)) return push(tokens, token.other, 0, at, at + 1);
      const stop = wordEnd(text, at + 1);
      if (stop > at + 1 && text.charCodeAt(stop) === 0x5d)
        return push(tokens, token.word, word.plain, at + 1, stop) + 1;
      return push(tokens, token.other, 0, at, at + 1);
    }
    case 0x7b: {
      const stop = wordEnd(text, at + 1);
      // ODBC escapes such as {fn now()} and {d '2000-01-01'}: the braces mean nothing.
      if (
        stop > at + 1 &&
        stop <= at + 3 &&
        (text.charCodeAt(stop) === 0x20 || isQuote(text.charCodeAt(stop)))
      )
        return stop;
      return push(tokens, token.other, 0, at, at + 1);
    }
    case 0x7d:
      return at + 1;
    case 0x3a:
      if (next === 0x3a) return push(tokens, token.cast, 0, at, at + 2);
      return push(
        tokens,
        next === 0x3d ? token.compare : token.other,
        0,
        at,
        next === 0x3d ? at + 2 : at + 1,
      );
    case 0x3d:
    case 0x3c:
    case 0x3e:
    case 0x21: {
      let end = at + 1;
      while (end < at + 4 && isCompare(text.charCodeAt(end))) end += 1;
      if (char === 0x3c && next === 0x40 && isBehindDocument(tokens))
        return push(tokens, token.compare, 0, at, at + 2);
      if (char === 0x21 && end === at + 1) {
        if (next === 0x7e) return push(tokens, token.compare, 0, at, at + 2);
        return push(tokens, token.arithmetic, 1, at, end);
      }
      // === and !== are not SQL's; <=> is.
      if (end === at + 3 && text.charCodeAt(at + 2) === 0x3d) return push(tokens, token.other, 0, at, end);
      const shift = end === at + 2 && char !== 0x3d && next === char;
      return push(tokens, shift ? token.arithmetic : token.compare, 0, at, end);
    }
    case 0x7c:
    case 0x26:
      if (next === char) return push(tokens, token.logic, 0, at, at + 2);
      return push(tokens, token.arithmetic, 0, at, at + 1);
    case 0x7e: {
      // `~`, `~*`, `~~` and `~~*` match a pattern.
      let end = at + 1;
      while (end < at + 3 && (text.charCodeAt(end) === 0x7e || text.charCodeAt(end) === 0x2a)) end += 1;
      // A pattern is no number: "'about' ~ 12".
      if (isBehindDocument(tokens) && !/^\s{0,8}[\d.+-]/.test(text.slice(end, end + 9)))
        return push(tokens, token.compare, 0, at, end);
      return push(tokens, token.arithmetic, 1, at, at + 1);
    }
    case 0x5e:
      if (next === 0x40 && isBehindDocument(tokens)) return push(tokens, token.compare, 0, at, at + 2);
      return push(tokens, token.arithmetic, 0, at, at + 1);
    case 0x2b:
    case 0x2a:
    case 0x2f:
    case 0x25:
      return push(tokens, token.arithmetic, 0, at, at + 1);
    default:
      return push(tokens, token.other, 0, at, at + 1);
  }
}

/**
 * Behind a text, one that is cast to a type, or a bracket: where the operators for JSON, arrays and patterns stand, whose
 * signs mean other things elsewhere.
 */
export function isBehindDocument(tokens: Tokens): boolean {
  const last = tokens.count - 1;
  const kind = tokens.kinds[last];
  if (kind === token.string || kind === token.rightParen) return true;
  return isCast(tokens) || (kind === token.other && tokens.text.charCodeAt(tokens.starts[last]!) === 0x5d);
}

/** Whether the word that ends at `at` is `array`, of `array[1]`; `[1]` alone is a name. */
function isArray({ ends, lower, count }: Tokens, at: number): boolean {
  return count > 0 && ends[count - 1] === at && lower.endsWith("array", at);
}

function isCast({ kinds, count }: Tokens): boolean {
  return kinds[count - 1] === token.word && kinds[count - 2] === token.cast;
}

/** PostgreSQL's `$$a$$` and `$tag$a$tag$`: the offset after it, or -1. Read behind a closed string only: formulas have it too. */
function dollarEnd(text: string, at: number): number {
  const opener = /^\$[a-z_]{0,16}\$/i.exec(text.slice(at, at + 18));
  if (opener === null) return -1;
  const from = at + opener[0].length;
  const close = text.slice(from, from + DOLLAR_MAX).indexOf(opener[0]);
  return close < 0 ? -1 : from + close + opener[0].length;
}

const DOLLAR_MAX = 64;

function isCompare(char: number): boolean {
  return char === 0x3d || char === 0x3c || char === 0x3e;
}
