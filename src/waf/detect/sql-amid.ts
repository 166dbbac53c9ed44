import type { Subject } from "../detection.ts";
import { wordEnd } from "./sql-char.ts";
import { tokenise } from "./sql-lexer.ts";
import { amidOrigin, cutOrigin, type Origin } from "./sql-origin.ts";
import type { Tokens } from "./sql-token.ts";
import { call, callKind, isCatalogue, lengthsOf, mayBeNamed, word, wordCode } from "./sql-word.ts";

/** Tokens read from a word that prose seldom has. */
const WINDOW_TOKENS = 48;

/**
 * Looks through the rest of a text that began as prose for what is worth reading as SQL: operators and words of queries,
 * calls of a server's functions, and new parameters. What a window has read is not read again, so the cost is that of
 * reading the text once.
 */
export function readAmid(
  { text, lower }: Subject,
  from: number,
  read: (window: Tokens, origin: Origin) => void,
): void {
  const { length } = lower;
  let at = from;
  let wordStart = from;
  while (at < length) {
    const role = roles[lower.charCodeAt(at)]!;
    if (role === NOTHING) {
      at += 1;
      continue;
    }
    let start = -1;
    if (role === LETTER) {
      wordStart = at;
      do at += 1;
      while (at < length && roles[lower.charCodeAt(at)] === LETTER);
      if (mayBeNamed(lengths, lower, wordStart, at) && isTelling(lower, wordStart, at)) start = wordStart;
    } else {
      start = readSign(lower, at, wordStart);
      at += 1;
    }
    if (start < 0) continue;
    const window = tokenise(text, lower, start, WINDOW_TOKENS);
    const isParameter = lower.charCodeAt(start) === 0x26 && lower.charCodeAt(start + 1) !== 0x26;
    read(window, isParameter ? cutOrigin : amidOrigin);
    at = Math.max(at, window.next);
  }
}

const NOTHING = 0;
const LETTER = 1;
const SIGN = 2;

/** By character: whether it is part of a word, or a sign to look at. */
const roles: Uint8Array = Uint8Array.from({ length: 256 }, (_, char) => {
  if ((char >= 0x61 && char <= 0x7a) || char === 0x5f) return LETTER;
  return "&|(;/".includes(String.fromCharCode(char)) ? SIGN : NOTHING;
});

/** Where to start reading because of the sign at `at`, or -1. */
function readSign(lower: string, at: number, wordStart: number): number {
  const char = lower.charCodeAt(at);
  const next = lower.charCodeAt(at + 1);
  switch (char) {
    case 0x26:
      return (next === char ? opensComparison(lower, at + 2) : isParameter(lower, at + 1)) ? at : -1;
    case 0x7c:
      return next === char && opensComparison(lower, at + 2) ? at : -1;
    case 0x28:
      if (opensQuery(lower, at)) return at;
      return isServerCall(lower, wordStart, at) ? wordStart : -1;
    case 0x3b:
      return startsStatement(lower, at + 1) ? at : -1;
    default:
      return lower.startsWith("/*!", at) ? at : -1;
  }
}

/** Words that may begin what a query amid prose is known by. */
const telling: ReadonlySet<string> = new Set(
  "union except waitfor declare exec execute into or and xor having from join".split(" "),
);

const lengths: Int32Array = lengthsOf(telling);

/** Whether the word at `start` is one of them and what follows does not show it to be prose. */
function isTelling(lower: string, start: number, end: number): boolean {
  const name = lower.slice(start, end);
  if (!telling.has(name)) return false;
  const next = skipBlank(lower, end);
  switch (name) {
    case "or":
    case "and":
    case "xor":
    case "having":
      return opensComparison(lower, end);
    case "from":
    case "join":
      return isCatalogueAt(lower, next);
    case "into":
      return lower.startsWith("outfile", next) || lower.startsWith("dumpfile", next);
    case "union":
    case "except":
      return ["select", "all", "distinct", "("].some((word) => lower.startsWith(word, next));
    case "waitfor":
      return lower.startsWith("delay", next) || lower.startsWith("time", next);
    case "declare":
      return lower.charCodeAt(next) === 0x40;
    default:
      return true;
  }
}

/** A number or text and, soon, a sign of comparison. */
function opensComparison(lower: string, from: number): boolean {
  let at = from;
  while (isBlank(lower.charCodeAt(at)) || lower.charCodeAt(at) === 0x28) at += 1;
  const char = lower.charCodeAt(at);
  if (!(char >= 0x30 && char <= 0x39) && char !== 0x27 && char !== 0x22) return false;
  const stop = at + 24;
  for (; at < stop; at += 1) {
    const sign = lower.charCodeAt(at);
    if (sign === 0x3c || sign === 0x3d || sign === 0x3e) return true;
  }
  return false;
}

function opensQuery(lower: string, paren: number): boolean {
  return lower.startsWith("select", skipBlank(lower, paren + 1));
}

/** `name(` where only a database server has a function of this name, or one that waits. */
function isServerCall(lower: string, wordStart: number, paren: number): boolean {
  const length = paren - wordStart;
  if (length < 3 || length > 32) return false;
  const kind = callKind(lower.slice(wordStart, paren).trimEnd());
  return kind === call.delay || kind === call.sleep || kind === call.system;
}

function startsStatement(lower: string, from: number): boolean {
  const start = skipBlank(lower, from);
  const code = wordCode(lower, start, lettersEnd(lower, start));
  return code === word.select || (code >= word.insert && code <= word.begin);
}

/** Also of `schema.table`, as far as the first name says it. */
function isCatalogueAt(lower: string, start: number): boolean {
  const end = lettersEnd(lower, start);
  return end - start > 5 && end - start < 40 && isCatalogue(lower.slice(start, end));
}

/** `name=` starts at `from`: what comes is a value of its own. */
function isParameter(lower: string, from: number): boolean {
  const end = wordEnd(lower, from);
  return end > from && lower.charCodeAt(end) === 0x3d;
}

function skipBlank(lower: string, from: number): number {
  let at = from;
  while (isBlank(lower.charCodeAt(at))) at += 1;
  return at;
}

function isBlank(char: number): boolean {
  return char === 0x20 || (char >= 0x09 && char <= 0x0d);
}

/** The offset after a run of letters and underscores. */
function lettersEnd(lower: string, from: number): number {
  let at = from;
  for (;;) {
    const char = lower.charCodeAt(at);
    if (!(char >= 0x61 && char <= 0x7a) && char !== 0x5f) return at;
    at += 1;
  }
}
