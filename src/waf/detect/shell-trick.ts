import type { Detection } from "../detection.ts";
import { commandClass } from "./shell-commands.ts";
import { globPathEnd } from "./shell-glob.ts";
import { readCommand } from "./shell-place.ts";
import { isManyLines } from "./shell-script.ts";
import { readWord } from "./shell-word.ts";

/** Spellings that only a shell understands and that no text uses: each looks at one place of the value. */

/** Programs set these variables; to cut one letter out of them has one purpose. */
const SLICE =
  /\$\{(?:path|home|pwd|oldpwd|ls_colors|shell|ifs|lang|term|user|logname|hostname|bash\w{0,12}|ps\d):[\d-]{1,3}(?::\d{1,2})?\}/y;
const FILE_READ = /\$\(<\s{0,2}[\w/.~*?-]{2,80}\s?\)/y;

const IFS_ATTACHED =
  /\$(?:ifs(?:\$\d|[/"'{$%\\-]|[a-z\d])|\{ifs(?:[:%#}][^}\s]{0,12})?\}?[\w/"'{$%\\.~<>-])/y;
const PRODUCT = /\$\[\s{0,4}\d{1,9}\s{0,4}[*+%/-]\s{0,4}\d{1,9}\s{0,4}\]/y;
const ARITHMETIC = /\$\(\(\s{0,4}\d{1,9}(?:\s{0,4}(?:[*+%^/-]|<<|>>)\s{0,4}\d{1,9}){0,4}\s{0,4}\)\)/y;

/** `$IFS` attached to a word, `$[2*3]`, `$((2*3))` in a short value, `$CMD` after `CMD=…`. */
export function atDollar(lower: string, at: number, found: Detection[]): void {
  const next = lower.charCodeAt(at + 1);
  // Templates are full of `${`: of its spellings few matter here.
  if (next === 0x7b && !lower.startsWith("ifs", at + 2)) {
    const end = match(SLICE, lower, at);
    if (end > 0) found.push({ kind: "shell.variable_slice", start: at, end });
    return;
  }
  if (next !== 0x28 && next !== 0x5b && next !== 0x7b && next !== 0x69 && !isBehindSeparator(lower, at))
    return;
  const end =
    match(IFS_ATTACHED, lower, at) ||
    match(PRODUCT, lower, at) ||
    (lower.length < 300 ? match(ARITHMETIC, lower, at) : 0);
  if (end > 0) {
    // `"$IFS"`: a script looks at the variable.
    if (lower.charCodeAt(at - 1) === 0x22 && lower.charCodeAt(end - 1) === 0x22) return;
    const kind =
      lower.charCodeAt(at + 1) === 0x69 || lower.charCodeAt(at + 2) === 0x69 ? "ifs_expansion" : "arithmetic";
    found.push({ kind: `shell.${kind}`, start: at, end });
  } else if (isSetBefore(lower, at) && !isManyLines(lower))
    found.push({ kind: "shell.variable_command", start: at, end: at + 2 });
}

function match(pattern: RegExp, lower: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(lower) ? pattern.lastIndex : 0;
}

/** The variable was set earlier in the value, and a separator stands in front of its use. */
function isSetBefore(lower: string, at: number): boolean {
  if (!isBehindSeparator(lower, at)) return false;
  const name = /^\$(\w{1,20})(?:\$\w{1,8}){0,4}\s{0,4}(?:[;|&/-]|$)/.exec(lower.slice(at, at + 28));
  if (name === null) return false;
  const set = lower.slice(Math.max(0, at - 300), at).lastIndexOf(`${name[1]}=`);
  return set >= 0;
}

function isBehindSeparator(lower: string, at: number): boolean {
  let before = at - 1;
  while (before > at - 5 && isBlank(lower.charCodeAt(before))) before--;
  const code = lower.charCodeAt(before);
  return code === 0x3b || code === 0x7c || code === 0x26;
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** `$(</etc/hosts)`. */
export function atFileRead(lower: string, at: number, found: Detection[]): boolean {
  if (lower.charCodeAt(at + 2) !== 0x3c) return false;
  const end = match(FILE_READ, lower, at);
  if (end > 0) found.push({ kind: "shell.file_read", start: at, end });
  return end > 0;
}

/** Shellshock: `() {` where a value begins. JavaScript has a name, a parameter list or an arrow before or behind it. */
export function atFunction(lower: string, at: number, found: Detection[]): void {
  let brace = at + 2;
  while (brace < at + 10 && isBlank(lower.charCodeAt(brace))) brace++;
  if (lower.charCodeAt(brace) !== 0x7b || lower.slice(0, Math.min(at, 40)).trim().length > 24) return;
  if (at > 0 && !/[\s"'=:,`]/.test(lower[at - 1]!)) return;
  // `function file () {`, `clear () {`
  if (/[\w$]\s{1,8}$/.test(lower.slice(Math.max(0, at - 12), at))) return;
  const head = /^\(\)\s{0,8}\{\s{0,8}(?::\s{0,8};|_;|[a-z]\w{0,20}\s{0,4};|$|[;:>])/.exec(
    lower.slice(at, at + 48),
  );
  if (head !== null) found.push({ kind: "shell.function_definition", start: at, end: at + head[0].length });
}

/**
 * A slash at the beginning of a word: is it a path with wildcards to a known file? Returns the last offset that was
 * read for it.
 */
export function atSlash(lower: string, at: number, found: Detection[]): number {
  if (at > 0 && isInsideWord(lower.charCodeAt(at - 1))) return at;
  const end = globPathEnd(lower, at);
  if (end > 0) found.push({ kind: "shell.glob_path", start: at, end });
  return Math.abs(end) - 1;
}

/** A letter, a dot, a slash, or what hides a letter. */
function mayStartWord(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || code === 0x2e || code === 0x2f || code === 0x5c;
}

/** Letters, digits and the punctuation of addresses and paths. */
function isInsideWord(code: number): boolean {
  return (
    (code >= 0x2d && code <= 0x3a) ||
    (code >= 0x5b && code <= 0x5f) ||
    (code >= 0x61 && code <= 0x7a) ||
    code >= 0x7e ||
    code === 0x3f ||
    code === 0x25 ||
    code === 0x40
  );
}

const FILE_ARGUMENT = /^["']?(?:-{1,2}[a-z]|\/|~|\.{1,2}\/|[a-z]:|https?:|\$|\*)[^{}]{0,70}\}/;

/** `{cat,/etc/passwd}`, and the template `{cmd}` between separators. */
export function atBrace(lower: string, at: number, found: Detection[]): void {
  if (!mayStartWord(lower.charCodeAt(at + 1))) return;
  const word = readWord(lower, at + 1);
  const after = lower.charCodeAt(word.end);
  if (after === 0x2c) {
    const known = commandClass(word.name);
    if (known === undefined) return;
    const rest = lower.slice(word.end + 1, word.end + 80);
    if (FILE_ARGUMENT.test(rest) || (known === "rare" && /^[^{}\s"':]{1,70}\}/.test(rest))) {
      found.push({ kind: "shell.brace_list", start: at, end: word.end });
    }
  } else if (after === 0x7d && /^(?:cmd|command|payload|exec|shell)$/.test(word.name)) {
    const before = /[;|&\n\r`'"]\s{0,2}$/.test(lower.slice(Math.max(0, at - 3), at));
    if (before && /^[;|&\n\r`'"\s]*(?:$|[;|&])/.test(lower.slice(word.end + 1, word.end + 6))) {
      found.push({ kind: "shell.brace_list", start: at, end: word.end + 1 });
    }
  }
}

/** `cat<<<text`. */
export function atHereString(lower: string, at: number, found: Detection[]): void {
  let start = at;
  while (start > 0 && at - start < 24 && /[\w./ -]/.test(lower[start - 1]!)) start--;
  const command = readCommand(lower, start);
  if (command !== undefined && command.end <= at) {
    found.push({ kind: "shell.here_string", start, end: at + 3 });
  }
}
