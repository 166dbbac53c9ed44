/** Reading one word of a command line the way sh and cmd.exe do: quotes, escapes and empty expansions fall away. */

export interface ShellWord {
  /** What the shell would run, lower case, without directory. */
  readonly name: string;
  /** As written before the last slash, with it; empty without a path. */
  readonly directory: string;
  /** Quotes, escapes or expansions stood inside the word, where no text has them. */
  readonly tricked: boolean;
  /** Offset behind the word. */
  readonly end: number;
}

/** Longer words are no commands. */
export const WORD_MAX = 80;

/** Reads the word at `start` in lower-case text; the word may be empty. */
export function readWord(lower: string, start: number): ShellWord {
  const limit = Math.min(lower.length, start + WORD_MAX);
  let plain = start;
  while (plain < limit && WORD_CHARACTERS[lower.charCodeAt(plain)] === 1) plain++;
  if (plain === limit || TRICKS[lower.charCodeAt(plain)] !== 1)
    return wordOf(lower.slice(start, plain), false, plain);
  let word = "";
  let tricked = false;
  let at = start;
  let quote = 0;
  for (; at < limit; at++) {
    const code = lower.charCodeAt(at);
    if (code === 0x27 || code === 0x22) {
      if (quote === 0 && isQuoteInside(lower, at, code, limit, word !== "")) quote = code;
      else if (quote === code) {
        quote = 0;
        tricked ||= isWordChar(lower.charCodeAt(at + 1)) && word !== "";
        continue;
      } else if (quote === 0) break;
      if (word !== "") tricked = true;
      continue;
    }
    if (quote !== 0) {
      // A blank inside quotes: the word is text, not a command.
      if (code === 0x20 || code === 0x0a || code === 0x0d)
        return { name: "", directory: "", tricked: false, end: at };
      word += lower[at];
      continue;
    }
    if (code === 0x5c || code === 0x5e) {
      const next = lower.charCodeAt(at + 1);
      // A backslash of a Windows path separates directories; before a letter inside a word it only hides it.
      if (isWrittenLineEnd(lower, at, next)) break;
      if (code === 0x5c && isWindowsPath(word)) word += "\\";
      else if (isWordChar(next)) tricked ||= word !== "" || code === 0x5e;
      else break;
      continue;
    }
    if (code === 0x24) {
      // $'…' and $"…" are quotes.
      const next = lower.charCodeAt(at + 1);
      if (next === 0x27 || next === 0x22) {
        tricked = true;
        continue;
      }
      const given = DEFAULT_VALUE.exec(lower.slice(at, at + 48));
      if (given !== null) {
        tricked = true;
        word += given[1];
        at += given[0].length - 1;
        continue;
      }
      const skipped = emptyExpansion(lower, at);
      if (skipped === 0) break;
      tricked = true;
      at += skipped - 1;
      continue;
    }
    if (code === 0x60) {
      // Two are an empty substitution; three are a fence of Markdown.
      const run = backquotes(lower, at, limit);
      if (run % 2 === 1) break;
      // Two around a word are the literal of reStructuredText.
      if (word !== "" && isWordChar(lower.charCodeAt(at + run))) tricked = true;
      at += run - 1;
      continue;
    }
    if (!isWordChar(code)) break;
    word += lower[at];
  }
  return wordOf(word, tricked, at);
}

function wordOf(word: string, tricked: boolean, end: number): ShellWord {
  const slash = Math.max(word.lastIndexOf("/"), word.lastIndexOf("\\"));
  return { name: word.slice(slash + 1), directory: word.slice(0, slash + 1), tricked, end };
}

/** What command words and their paths are written with. */
const WORD_CHARACTERS = tableOf("abcdefghijklmnopqrstuvwxyz0123456789-./_:~?*[]@");
/** What may stand inside a word to hide it. */
const TRICKS = tableOf("'\"\\^$`");

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

export function isWordChar(code: number): boolean {
  return WORD_CHARACTERS[code] === 1;
}

/** A quote, an escape or an expansion. */
export function mayHideLetters(code: number): boolean {
  return TRICKS[code] === 1;
}

/** `\n` or `\r` at the end of a word stands for a line end, as fuzzers write it. */
function isWrittenLineEnd(lower: string, at: number, next: number): boolean {
  return (next === 0x6e || next === 0x72) && !isWordChar(lower.charCodeAt(at + 2));
}

function isWindowsPath(word: string): boolean {
  return /^(?:[a-z]:|\.{1,2}[\\/]|\.{1,2}$)/.test(word) || word.includes("\\");
}

/** How many backquotes stand at `at`. */
function backquotes(lower: string, at: number, limit: number): number {
  let end = at;
  while (end < limit && lower.charCodeAt(end) === 0x60) end++;
  return end - at;
}

/** A quote opens a part of the word when its partner follows within it; otherwise it ends the word. */
function isQuoteInside(lower: string, at: number, code: number, limit: number, inside: boolean): boolean {
  for (let end = at + 1; end < limit; end++) {
    const next = lower.charCodeAt(end);
    if (next === code) return inside ? true : end > at + 1 || isWordChar(lower.charCodeAt(end + 1));
    if (next === 0x0a || next === 0x0d) return false;
  }
  return false;
}

/** `${x:-id}`: what a variable that is not set stands for. */
const DEFAULT_VALUE = /^\$\{[a-z_]\w{0,15}:?[-=]([\w./-]{1,24})\}/;

/** Length of `$@`, `$*`, `$1`, `${x}`, `$()`, expansions that give nothing inside a word; 0 for others and for IFS. */
function emptyExpansion(lower: string, at: number): number {
  const rest = lower.slice(at, at + 24);
  if (/^\$\{?ifs/.test(rest)) return 0;
  const match = /^\$(?:[@*!#?_\d]|\{[@*!_\d\w]{1,16}\}|\(\))(?=[a-z\d/.'"\\$-])/.exec(rest);
  return match === null ? 0 : match[0].length;
}
