/**
 * Whether a text may hold anything that the token reader reports: one scan over its marks, so that prose, Markdown and
 * JSON with a word like "function" or "top" in it are not read as programs (11 us a kilobyte).
 */
export function mayRun(lower: string): boolean {
  for (let at = 0; at < lower.length; at += 1) {
    const code = lower.charCodeAt(at);
    if (code > 0x60 || marks[code] === 0) continue;
    if (isTelling(lower, at, code)) return true;
  }
  return false;
}

function isTelling(lower: string, at: number, code: number): boolean {
  const before = lower.charCodeAt(at - 1);
  const after = lower.charCodeAt(at + 1);
  switch (code) {
    case 0x28: // (
      if (before === 0x29 || before === 0x24 || before === 0x2e) return true;
      return (
        CALLED.has(wordBefore(lower, at)) || isLooseCall(lower, at) || SINKS.has(wordAfter(lower, at + 1))
      );
    case 0x60: // `
      return CALLED.has(wordBefore(lower, at)) || SINKS.has(wordBefore(lower, skipBack(lower, at)));
    case 0x5b: // [
      return before === 0x29 || before === 0x2e || GLOBALS.has(wordBefore(lower, skipBack(lower, at)));
    case 0x3d: // =
      return isTarget(lower, skipBack(lower, at)) || SINKS.has(wordAfter(lower, at + 1));
    case 0x2e: // .
      if (before === 0x3f) return true;
      if (!isWord(after) && after !== 0x2f) return false;
      return before === 0x29 || before === 0x24 || OWNERS.has(wordBefore(lower, at));
    default: // `/*` hides names from this scan.
      return after === 0x2a;
  }
}

/** By character: 1 = a mark that `isTelling` knows. */
const marks: Uint8Array = Uint8Array.from({ length: 0x61 }, (_, code) =>
  "(`[=./".includes(String.fromCharCode(code)) ? 1 : 0,
);

/** Functions that show or run something. */
const SINKS = new Set(["alert", "confirm", "prompt", "eval", "function", "execscript", "settimeout", "setinterval", "setimmediate"]); // biome-ignore format: a list

/** Functions that are called with nothing between the name and the bracket. */
const CALLED = new Set([
  ...SINKS, "fetch", "import", "print", "atob", "unescape", "xmlhttprequest", "websocket", "eventsource", "importscripts",
  "require", "jquery", "getscript", "globaleval", "image", "open", "write", "writeln", "sendbeacon", "postmessage", "msgbox", "btoa",
  "constructor", "fromcharcode", "with",
]); // biome-ignore format: a list

const GLOBALS = new Set(["window", "self", "top", "parent", "globalthis", "frames", "this", "document", "opener", "constructor"]); // biome-ignore format: a list

/** What `=` after it makes an attack. */
const TARGETS = new Set(["location", "onerror"]);

/** Not `?location=`: a parameter of a URL. */
function isTarget(lower: string, end: number): boolean {
  const word = wordBefore(lower, end);
  if (!TARGETS.has(word)) return false;
  const before = lower.charCodeAt(end - word.length - 1);
  return before !== 0x3f && (before !== 0x26 || lower.charCodeAt(end - word.length - 2) === 0x26);
}

/** Objects whose members are telling. */
const OWNERS = new Set([...GLOBALS, ...SINKS, "location"]);

/** `alert (1)`: with white space before the bracket, and for words of prose with a string in it. */
function isLooseCall(lower: string, at: number): boolean {
  const end = skipBack(lower, at);
  if (end === at) return false;
  const word = wordBefore(lower, end);
  if (SINKS.has(word) && word !== "function") return true;
  if (!CALLED.has(word)) return false;
  const next = lower.charCodeAt(skipOn(lower, at + 1));
  return next === 0x22 || next === 0x27 || next === 0x60;
}

const GAP_CHARS_MAX = 8;
const WORD_CHARS_MAX = 16;

function skipBack(lower: string, at: number): number {
  let end = at;
  while (end > 0 && at - end < GAP_CHARS_MAX && lower.charCodeAt(end - 1) <= 0x20) end -= 1;
  return end;
}

function skipOn(lower: string, at: number): number {
  let next = at;
  while (next - at < GAP_CHARS_MAX && lower.charCodeAt(next) <= 0x20) next += 1;
  return next;
}

/** The word that ends at `end`; "" when it is longer than any that counts. */
function wordBefore(lower: string, end: number): string {
  let start = end;
  while (start > 0 && isWord(lower.charCodeAt(start - 1))) {
    start -= 1;
    if (end - start > WORD_CHARS_MAX) return "";
  }
  return end - start < 3 ? "" : lower.slice(start, end);
}

function wordAfter(lower: string, at: number): string {
  const start = skipOn(lower, at);
  let end = start;
  while (end - start <= WORD_CHARS_MAX && isWord(lower.charCodeAt(end))) end += 1;
  return end - start < 4 || end - start > WORD_CHARS_MAX ? "" : lower.slice(start, end);
}

function isWord(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x24;
}
