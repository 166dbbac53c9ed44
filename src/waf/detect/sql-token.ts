import { word, wordCode } from "./sql-word.ts";

/** Kinds of SQL token. */
export const token = {
  end: 0,
  word: 1,
  number: 2,
  string: 3,
  /** A string whose closing quote the application would add. */
  open: 4,
  variable: 5,
  /** `--`, `#`, an unclosed `/*`, `;` followed by NUL: what hides the rest of the application's query. */
  comment: 6,
  leftParen: 7,
  rightParen: 8,
  comma: 9,
  semicolon: 10,
  dot: 11,
  compare: 12,
  logic: 13,
  arithmetic: 14,
  cast: 15,
  other: 16,
} as const;

/** Codes of comment tokens. */
export const comment = { dashes: 1, tightDashes: 2, hash: 3, block: 4, longDash: 5 } as const;

/** A run of tokens as parallel arrays; index `count` is a token of kind `end`. */
export interface Tokens {
  readonly text: string;
  readonly lower: string;
  readonly kinds: number[];
  /** A word's or comment's code; for `logic` 1 when spelled as a word; for the others 0. */
  readonly codes: number[];
  readonly starts: number[];
  readonly ends: number[];
  count: number;
  /** Offset of the first executable comment (MySQL `/*!`), or -1. */
  executable: number;
  /** Offset where the next token is looked for. */
  next: number;
  readonly from: number;
  /** Offset behind the last closed comment; -1 when no comment is closed any more. */
  blockEnd: number;
  /** What has been found out about the tokens: each question costs once, however often it is asked. */
  facts: Facts;
}

/** By token index; of the run as it was when `pairParens` was called. */
export interface Facts {
  /** Index of the partner of each parenthesis, or -1. */
  partners: number[];
  /** Of a parenthesis that opens a sub-select: index of its `select`; else 0. */
  selects: number[];
  /** Index after the expression that starts here, plus 2: 1 = no expression, 0 = not asked yet. */
  ends: number[];
  /** The same of operands. */
  operands: number[];
  /** Kind of call, plus 2; 0 = not asked yet. */
  calls: number[];
  /** Line feeds among the first 2,000 characters, or -1 when not asked yet. */
  lines: number;
}

/** A table that nobody has asked for yet. */
export const unasked: number[] = [];
/** Before `pairParens`: no token is anything. */
const noTable: number[] = [1];
const noFacts: Facts = {
  partners: [],
  selects: [],
  ends: noTable,
  operands: noTable,
  calls: [],
  lines: -1,
};

/** The lower-case spelling of token `index`. */
export function spelling(tokens: Tokens, index: number): string {
  return tokens.lower.slice(tokens.starts[index], tokens.ends[index]);
}

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

/**
 * Behind a text, one that is cast to a type, or a bracket: where the operators for JSON, arrays and patterns stand, whose
 * signs mean other things elsewhere.
 */
function isBehindDocument(tokens: Tokens): boolean {
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

/** In "*" and a comment the star is an operator, unless an executable comment is still open. */
function isStarAndComment(tokens: Tokens, at: number): boolean {
  return tokens.executable < 0 && tokens.text.charCodeAt(at + 2) === 0x2a;
}

/**
 * Where the query goes on behind a line comment that is in the place of a space (at most a word long, then a line feed
 * and what a query goes on with), or -1: a comment that ends the query.
 */
function lineCommentEnd(lower: string, from: number): number {
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

/** Whether a query is in the middle of something: behind its words, signs and literals, and right behind a closed string. */
function expectsMore({ kinds, codes, count, from, text }: Tokens): boolean {
  if (count === 0) return from > 0 && isQuote(text.charCodeAt(from - 1));
  const kind = kinds[count - 1]!;
  // A name is in the middle only behind a word of the grammar.
  if (kind === token.word && codes[count - 1] === word.plain)
    return (
      kinds[count - 2] === token.logic || (kinds[count - 2] === token.word && codes[count - 2] !== word.plain)
    );
  return kind !== token.other && kind !== token.dot && kind !== token.comment && kind !== token.open;
}

/** The same of a comment with any text in it, where the next line goes on as a query does; a sentence there hides it else. */
function wordedCommentEnd({ lower, kinds, codes, count }: Tokens, from: number, lineEnd: number): number {
  if (lineEnd < 0 || lineEnd - from > WORDED_COMMENT_MAX) return -1;
  let at = lineEnd + 1;
  while (at < lineEnd + 16 && lower.charCodeAt(at) <= 0x20) at += 1;
  const next = lower.charCodeAt(at);
  if (next < 0x61 || next > 0x7a) return next > 0x20 && next < 0x80 ? lineEnd + 1 : -1;
  const code = wordCode(lower, at, wordEnd(lower, at));
  const asked = count > 0 && (kinds[count - 1] === token.logic || codes[count - 1] !== word.plain);
  return code !== word.plain || asked ? lineEnd + 1 : -1;
}

const WORDED_COMMENT_MAX = 400;

/** Tools put a random word of a dozen letters there. */
const LINE_COMMENT_MAX = 24;

function symbol(tokens: Tokens, text: string, at: number, char: number): number {
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

/** PostgreSQL's `$$a$$` and `$tag$a$tag$`: the offset after it, or -1. Read behind a closed string only: formulas have it too. */
function dollarEnd(text: string, at: number): number {
  const opener = /^\$[a-z_]{0,16}\$/i.exec(text.slice(at, at + 18));
  if (opener === null) return -1;
  const from = at + opener[0].length;
  const close = text.slice(from, from + DOLLAR_MAX).indexOf(opener[0]);
  return close < 0 ? -1 : from + close + opener[0].length;
}

const DOLLAR_MAX = 64;

function push(tokens: Tokens, kind: number, code: number, start: number, end: number): number {
  const { count } = tokens;
  tokens.kinds[count] = kind;
  tokens.codes[count] = code;
  tokens.starts[count] = start;
  tokens.ends[count] = end;
  tokens.count = count + 1;
  return end;
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

function numberEnd(lower: string, from: number): number {
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

function gluedLogicEnd(lower: string, at: number): number {
  for (let size = 2; size <= 3; size += 1)
    if (wordCode(lower, at, at + size) === word.logic && isDigit(lower.charCodeAt(at + size)))
      return at + size;
  return -1;
}

/** The offset after the name that starts at `from`. */
export function wordEnd(text: string, from: number): number {
  const { length } = text;
  for (let at = from; at < length; at += 1) {
    const char = text.charCodeAt(at);
    const part = nameParts[char];
    if (part === 1) continue;
    if (part === 0) return at;
    if (char === 0xe2 && isDash(text, at)) return at;
    if (char === 0xc2 && isSpace(text, at)) return at;
    // A lone 0xa0 is Latin-1's no-break space, which MySQL skips; behind another high byte it is part of a letter.
    if (char === 0xa0 && at > 0 && text.charCodeAt(at - 1) < 0x80) return at;
  }
  return length;
}

/** 1 for ASCII signs of a name, 2 for high bytes, which need a closer look. */
const nameParts: Uint8Array = Uint8Array.from({ length: 256 }, (_, char) => {
  if (char >= 0x80) return 2;
  return isWordStart(char) || isDigit(char) || char === 0x24 ? 1 : 0;
});

function isWordStart(char: number): boolean {
  return (char >= 0x61 && char <= 0x7a) || (char >= 0x41 && char <= 0x5a) || char === 0x5f || char >= 0x80;
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

function isHex(char: number): boolean {
  return isDigit(char) || (char >= 0x61 && char <= 0x66);
}

function isQuote(char: number): boolean {
  return char === 0x27 || char === 0x22;
}

function isCompare(char: number): boolean {
  return char === 0x3d || char === 0x3c || char === 0x3e;
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

/** UTF-8 of an en dash or em dash: what an editor makes of `--`. */
function isDash(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== 0xe2 || text.charCodeAt(at + 1) !== 0x80) return false;
  const last = text.charCodeAt(at + 2);
  return last === 0x93 || last === 0x94;
}

/** UTF-8 of a no-break space. */
function isSpace(text: string, at: number): boolean {
  return text.charCodeAt(at) === 0xc2 && text.charCodeAt(at + 1) === 0xa0;
}
