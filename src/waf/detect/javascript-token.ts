/**
 * Reads text as JavaScript tokens (ECMA-262 12), starting in code or, as an injected value may, inside a string. Wrong
 * programs are read as far as they go: what matters is what stands in code and what in strings and comments.
 */

export type TokenType = "name" | "number" | "string" | "template" | "regex" | "mark";

export interface Token {
  readonly type: TokenType;
  readonly start: number;
  readonly end: number;
  /** Names: the name. Strings and templates: what is between the quotes. Marks: one character, or `?.`, `=>`. */
  readonly value: string;
  /** Whether a comment stands before it. */
  readonly commented: boolean;
  /** Whether white space or a comment stands before it. */
  readonly spaced: boolean;
  /** Strings: whether the closing quote is there. */
  readonly closed: boolean;
}

export const TOKENS_MAX = 400;

/** At most 400 tokens of the text from `from` on. Linear: no character is read twice but the rest after a quote. */
export function readTokens(text: string, from: number): Token[] {
  const tokens: Token[] = [];
  let index = from;
  let commented = false;
  let blank = from;
  const push = (type: TokenType, end: number, value: string, closed = true): void => {
    tokens.push({ type, start: index, end, value, commented, spaced: index > blank, closed });
    index = end;
    blank = end;
    commented = false;
  };
  while (index < text.length && tokens.length < TOKENS_MAX) {
    const code = text.charCodeAt(index);
    if (code <= 0x20) {
      index += 1;
    } else if (code === 0x2f && text.charCodeAt(index + 1) === 0x2a) {
      const close = text.indexOf("*/", index + 2);
      commented = true;
      index = close < 0 ? text.length : close + 2;
    } else if (code === 0x2f && text.charCodeAt(index + 1) === 0x2f) {
      const line = endOfLine(text, index);
      commented = true;
      index = line;
    } else if (isNameStart(code)) {
      let end = index + 1;
      while (end < text.length && isNamePart(text.charCodeAt(end))) end += 1;
      push("name", end, text.slice(index, end));
    } else if (code >= 0x30 && code <= 0x39) {
      let end = index + 1;
      while (end < text.length && (isNamePart(text.charCodeAt(end)) || text.charCodeAt(end) === 0x2e))
        end += 1;
      push("number", end, text.slice(index, end));
    } else if (code === 0x22 || code === 0x27 || code === 0x60) {
      const end = endOfString(text, index + 1, code);
      const closed = text.charCodeAt(end - 1) === code && end > index + 1;
      push(code === 0x60 ? "template" : "string", end, text.slice(index + 1, closed ? end - 1 : end), closed);
    } else if (code === 0x2f && mayStartRegex(tokens.at(-1), index)) {
      const end = endOfRegex(text, index + 1);
      if (end < 0) push("mark", index + 1, "/");
      else push("regex", end, text.slice(index + 1, end - 1));
    } else {
      const next = text.charCodeAt(index + 1);
      const pair = (code === 0x3f && next === 0x2e) || (code === 0x3d && next === 0x3e);
      push("mark", index + (pair ? 2 : 1), pair ? text.slice(index, index + 2) : text[index]!);
    }
  }
  return tokens;
}

function endOfString(text: string, from: number, quote: number): number {
  for (let index = from; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x5c) index += 1;
    else if (code === quote) return index + 1;
    else if (code === 0x0a && quote !== 0x60) return index;
  }
  return text.length;
}

function endOfLine(text: string, from: number): number {
  for (let index = from; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x0a || code === 0x0d) return index;
  }
  return text.length;
}

const REGEX_CHARS_MAX = 200;

/** After the closing `/` on the same line, or -1. Flags are left to be read as a name. */
function endOfRegex(text: string, from: number): number {
  const limit = Math.min(text.length, from + REGEX_CHARS_MAX);
  let inClass = false;
  for (let index = from; index < limit; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x0a) return -1;
    if (code === 0x5c) index += 1;
    else if (code === 0x5b) inClass = true;
    else if (code === 0x5d) inClass = false;
    else if (code === 0x2f && !inClass) return index + 1;
  }
  return -1;
}

function mayStartRegex(before: Token | undefined, at: number): boolean {
  if (before === undefined) return true;
  if (before.type !== "mark") return false;
  // `*/` ends a comment of the page that the value breaks out of.
  if (before.value === "*" && before.end === at) return false;
  return before.value !== ")" && before.value !== "]" && before.value !== "}";
}

/** Letters, `$`, `_`, and bytes of letters that are not ASCII. */
function isNameStart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x24 ||
    code === 0x5f ||
    code >= 0xc0
  );
}

function isNamePart(code: number): boolean {
  return isNameStart(code) || (code >= 0x30 && code <= 0x39) || code >= 0x80;
}
