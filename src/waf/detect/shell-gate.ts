import { commandNames, phraseNames } from "./shell-commands.ts";
import { isWordChar, mayHideLetters, WORD_MAX } from "./shell-word.ts";

/**
 * May a command start at `at`? Says no to nearly every place of a text without making a string: lists, tables and code
 * are full of separators. Reading each of them took 0.2 us, which is 19 us for 1 kB of CSV.
 */
export function mayStartCommand(lower: string, at: number, assignments = ASSIGNMENTS_MAX): boolean {
  at = skipBlanks(lower, at);
  const start = at;
  const limit = Math.min(lower.length, at + WORD_MAX);
  let hash = 0;
  let hyphen = false;
  let pathed = false;
  let code = 0;
  for (; at < limit; at++) {
    code = lower.charCodeAt(at);
    if (!isWordChar(code)) break;
    if (code === 0x2f) {
      hash = 0;
      pathed = true;
    } else hash = (Math.imul(hash, 31) + code) | 0;
    hyphen ||= code === 0x2d;
  }
  // Tricks are read by the book.
  if (at < limit && mayHideLetters(code)) return true;
  if (at === start) return code === 0x7b;
  if (at < limit && code === 0x3d) return mayStartBehindAssignment(lower, at, assignments);
  const known = KNOWN[hash & MASK]!;
  if (known !== 0) return known === COMMAND || pathed || start <= OPENING_MAX || !isPhrase(lower, at);
  const first = lower.charCodeAt(start);
  if (first >= 0x30 && first <= 0x39) return false;
  return hyphen || hasEnding(lower, at);
}

/** Variables that are set for one command: `readCommand` reads no more words. */
const ASSIGNMENTS_MAX = 3;
/** Longest value of a variable that is set for one command. */
const ASSIGNMENT_MAX = 60;

/** `X=1 command`: nearly always it is `&sort=asc` of an address. */
function mayStartBehindAssignment(lower: string, at: number, assignments: number): boolean {
  const end = assignmentEnd(lower, at);
  return end >= 0 && assignments > 0 && mayStartCommand(lower, end + 1, assignments - 1);
}

/** The blank behind the value that is set at the `=` at `at`; -1 when something else ends it. */
export function assignmentEnd(lower: string, at: number): number {
  const limit = Math.min(lower.length, at + ASSIGNMENT_MAX);
  for (let end = at + 1; end < limit; end++) {
    const code = lower.charCodeAt(end);
    if (code === 0x20) return end;
    if (code === 0x26 || code === 0x3b || code === 0x0a) return -1;
  }
  return -1;
}

/** Blanks, line ends, NUL, `+`, `(` and `!`: as `readCommand` skips them. */
export function isLead(code: number): boolean {
  return (
    code === 0x20 ||
    code === 0x09 ||
    code === 0x0a ||
    code === 0x0d ||
    code === 0x00 ||
    code === 0x2b ||
    code === 0x28 ||
    code === 0x21
  );
}

/** What begins a value may be a command whatever follows. */
const OPENING_MAX = 20;

/** Longest run of blanks and brackets before a command. */
export const LEAD_MAX = 24;

function skipBlanks(lower: string, at: number): number {
  for (const end = at + LEAD_MAX; at < end && isLead(lower.charCodeAt(at)); ) at++;
  return at;
}

/** `python3.11`, `cmd.exe`: names that are not in the list as they stand. */
function hasEnding(lower: string, end: number): boolean {
  const last = lower.charCodeAt(end - 1);
  return (last >= 0x30 && last <= 0x39) || lower.charCodeAt(end - 4) === 0x2e;
}

/** `sort of`, `date;`: an ordinary word before another, or with nothing behind it, is no command. */
function isPhrase(lower: string, end: number): boolean {
  const code = lower.charCodeAt(end);
  if (code === 0x3b || code === 0x7c || code === 0x26 || code === 0x0a) return true;
  if (code !== 0x20) return false;
  const next = lower.charCodeAt(end + 1);
  return next >= 0x61 && next <= 0x7a && lower.charCodeAt(end + 2) !== 0x3a;
}

/** One byte for each value of the hash: one word in fourteen passes by chance. */
const MASK = 0x3fff;
const KNOWN = new Uint8Array(MASK + 1);
const COMMAND = 1;
const PHRASE = 2;
const phrases: ReadonlySet<string> = new Set(phraseNames);
for (const name of phraseNames) KNOWN[hashOf(name) & MASK] = PHRASE;
for (const name of commandNames) if (!phrases.has(name)) KNOWN[hashOf(name) & MASK] = COMMAND;

function hashOf(name: string): number {
  let hash = 0;
  for (let at = 0; at < name.length; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) | 0;
  return hash;
}
