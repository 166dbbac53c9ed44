import type { Subject } from "../detection.ts";
import { commandClass } from "./shell-commands.ts";

/**
 * Texts about commands: scripts, crontabs, build files, logs. There a separator stands in a line that is a command line
 * already; an injected one stands behind a value or a break-out, and its value has few lines.
 */

/** Values with fewer lines are no scripts, unless they begin with `#!`. */
const SCRIPT_LINES = 3;
/** How far before a separator its line is looked at. Characters. */
const PREFIX_MAX = 240;

/** Ends of lines: as they are, as HTML writes them, as the text of a JSON string does. */
const LINE_END = /[\r\n]+|<br ?\/?>|<(?:code|pre)\b[^<>]{0,80}>|\\r\\n|\\n/g;
/** As the reading that turns backslashes into slashes leaves those of JSON in a form. */
const TURNED_LINE_END = /[\r\n]+|<br ?\/?>|[\\/]{1,3}n/g;

function lineEndsOf(lower: string): RegExp {
  const first = lower.charCodeAt(0);
  const nested = (first === 0x7b || first === 0x5b) && /^(?:\{|\[\{?)\s{0,4}["\\/]/.test(lower);
  return nested ? TURNED_LINE_END : LINE_END;
}

/** Three lines or more that are not empty, or the first line of a script. */
export function isManyLines(lower: string): boolean {
  if (isShebang(lower)) return true;
  let lines = 0;
  let at = 0;
  for (let tries = 0; tries < ENDS_MAX && lines < SCRIPT_LINES; tries++) {
    const end = lower.indexOf("\n", at);
    if (end < 0) break;
    if (end - at > 3) lines++;
    at = end + 1;
  }
  if (lines >= SCRIPT_LINES || (lines === SCRIPT_LINES - 1 && lower.length - at > 1)) return true;
  return isManyWrittenLines(lower.slice(0, WRITTEN_MAX));
}

/** Empty lines that are passed: it is asked for each finding of a value. */
const ENDS_MAX = 200;
/** Ends of lines that only a search by pattern finds are looked for this far. Characters. */
const WRITTEN_MAX = 640;

function isManyWrittenLines(lower: string): boolean {
  const ends = lineEndsOf(lower);
  ends.lastIndex = 0;
  let lines = 0;
  for (let at = 0; lines < SCRIPT_LINES; ) {
    const end = ends.test(lower) ? ends.lastIndex : 0;
    if (end === 0) return lines === SCRIPT_LINES - 1 && lower.length - at > 1;
    if (end - at > 3) lines++;
    at = end;
  }
  return true;
}

function isShebang(lower: string): boolean {
  return lower.charCodeAt(0) === 0x23 && lower.startsWith("#!/");
}

/**
 * What may stand before the first command of a line: a prompt, the mark of a list, a diff or a quotation, a key of YAML or
 * JSON, an instruction of a build file, the times of a crontab, the opening of a block.
 */
const LEAD =
  /^(?:[\s>$#%@+*({|&!-]|gt;|amp;){0,40}(?:"?[a-z_][\w.-]{0,30}"?\s?:\s{1,8}["']?[|>]?|(?:run|cmd|entrypoint|healthcheck|onbuild|if|elif|then|else|do|while|until|case|return|export|local|readonly|declare|sudo|exec|time|env)\s{1,8}(?:--?[\w=,:./-]{1,60}\s{1,4})?|for\s\w{1,20}\sin\s|(?:[\d*,/-]{1,20}\s{1,12}){5}(?:[a-z_][\w-]{0,20}\s{1,12})?|\w{1,20}\s\(\s{0,8}|[\s"'`$>*#!-]){0,6}/;

/** Files that a script has no reason to read, but an attack has. */
const SECRET =
  /\/etc\/(?:passwd|shadow|group|issue|hosts|sudoers)\b|\/dev\/(?:tcp|udp)\/|\/proc\/(?:self|version|\d)|\.ssh\/|boot\.ini|win\.ini|\s\/root\//;

/** Names a secret in the part of the text that a finding shows. */
export function namesSecret(lower: string, from: number, to: number): boolean {
  return SECRET.test(lower.slice(from, Math.min(to, from + 200)));
}

/** Is what stands before `lower[at]` on its line a command line of its own, in a text of several lines or of a log? */
export function isInScriptLine(lower: string, at: number): boolean {
  const prefix = linePrefix(lower, at);
  // `\` at the end of the line before: this one goes on with it.
  if (prefix.trim() === "") return CONTINUED.test(lower.slice(Math.max(0, at - 40), at)) && isScript(lower);
  if (isLogged(prefix) || isImageStep(lower)) return true;
  if (isInCode(lower, at)) return OPENING.test(prefix) || beginsWithCommand(prefix);
  if (!isScript(lower)) return false;
  // A sign at the end of a line: what follows is a line of its own, which is no finding either.
  return (
    beginsWithCommand(prefix) ||
    /^[;|&]{1,2}\\?[ \t]{0,4}(?:#[^\n]{0,80})?\r?\n/.test(lower.slice(at, at + 96))
  );
}

/** Between the tags of HTML's `code` or `pre`. */
function isInCode(lower: string, at: number): boolean {
  const before = lower.slice(Math.max(0, at - CODE_MAX), at);
  const open = Math.max(before.lastIndexOf("<code"), before.lastIndexOf("<pre"));
  // Somebody says something before code; an injected value is nothing but it.
  if (
    open < 0 ||
    !/[a-z]{2}\W{1,8}[a-z]{2}/.test(before.slice(0, open)) ||
    open < Math.max(before.lastIndexOf("</code>"), before.lastIndexOf("</pre>"))
  )
    return false;
  return /<\/(?:code|pre)>/.test(lower.slice(at, at + CODE_MAX));
}

/** Code of a page is looked at this far around a separator. Characters. */
const CODE_MAX = 2000;

function isScript(lower: string): boolean {
  return (
    isManyLines(lower) ||
    (lower.length > 20 && /\S[\r\n]\s{0,20}\S/.test(lower.slice(0, 240)) && beginsAsScript(lower))
  );
}

/** Is the place the beginning of a line in a text of several lines? */
export function beginsScriptLine(lower: string, at: number): boolean {
  if (!isManyLines(lower)) return false;
  const prefix = linePrefix(lower, at);
  return LEAD.exec(prefix)![0].length === prefix.length;
}

/** For patterns of whole command lines: is it one line of a script, and no secret in it? */
export function isOutsideScript(match: RegExpExecArray, { lower }: Subject): boolean {
  const at = match.index + match[0].length - match[0].replace(/^[\s;|&`("'>]+/, "").length;
  if (!beginsScriptLine(lower, at) && !isInScriptLine(lower, at)) return true;
  return namesSecret(lower, match.index, match.index + match[0].length + 80);
}

/** In a script's text: an ordinary word as a command, or a substitution amid the words of a line. */
export function isOrdinaryUse(lower: string, at: number, word: boolean, substitution: boolean): boolean {
  if (!isManyLines(lower)) return false;
  const prefix = linePrefix(lower, at);
  // `8.8.8.8; sleep 5`: one word before the sign is a value.
  if (word) return /\S\s+\S/.test(prefix) || (prefix.trim() === "" && lower.charCodeAt(at) !== 0x3b);
  if (!substitution) return false;
  return /^\s*[^\s<"{]/.test(prefix) && !/:\s{0,4}["']?$/.test(prefix) && /[\s"'=({]$/.test(prefix);
}

function linePrefix(lower: string, at: number): string {
  const part = lower.slice(Math.max(0, at - PREFIX_MAX), at);
  const ends = lineEndsOf(lower);
  ends.lastIndex = 0;
  let start = 0;
  while (ends.test(part)) start = ends.lastIndex;
  return part.slice(start);
}

/** `CRON[1240]: (root) CMD (   cd / && …)`: several words and a bracket, which no shell reads, around a command line. */
const LOGGED = /^(?:\S{1,60}\s{1,4}){3,16}\(\s{0,8}([a-z][\w./-]{0,40})(?=\s)/;

function isLogged(prefix: string): boolean {
  const match = LOGGED.exec(prefix);
  return match !== null && commandClass(match[1]!.slice(match[1]!.lastIndexOf("/") + 1)) !== undefined;
}

/** The end of a line that the next one continues. */
const CONTINUED = /[\\`]\s{0,2}[\r\n]{1,2}\s{0,30}$/;

/** A step in the history of an image: `/bin/sh -c apt-get update && …`. */
const IMAGE_STEP =
  /^(?:run )?(?:\|\d{1,2} [^|;&]{0,200} )?\/bin\/(?:ba)?sh (?:-[a-z]{1,4} (?:pipefail )?){0,2}-c (?:#\(nop\)|set -[a-z]{1,4}\b|(?:apt-get|apt|apk|yum|dnf|microdnf|zypper|npm|pip3?|yarn|corepack|groupadd|addgroup|useradd|adduser|mkdir -p|arch=)\s)/;

/** What the first line of a shell script is, when it is no command: a keyword, a function, a comment. */
const OPENING =
  /^(?:#\s|(?:if|for|while|until|case|function|export|local|declare|readonly|set|unset|trap|source)\s|\w{1,40}\s?\(\)\s?\{?\s*$|\[{1,2}\s)/;

export function isImageStep(lower: string): boolean {
  return IMAGE_STEP.test(lower.slice(0, 300));
}

/** A command, a program named by its path, an assignment, a test, or a name with options. */
function beginsWithCommand(prefix: string): boolean {
  const lead = LEAD.exec(prefix)![0];
  const rest = prefix.slice(lead.length);
  // The whole line is a key or a prompt: what follows is its first command.
  if (rest === "")
    return /[:>]\s{0,8}["']?$|^\s{0,40}(?:if|elif|while|until|case|for|return|export|exec)\s/.test(lead);
  if (/^(?:\.{0,2}\/|~\/|\[{1,2}\s|[a-z_]\w{0,40}\+?=)/.test(rest)) return true;
  const name = /^[a-z][\w.+-]{0,40}(?=[\s;]|$)/.exec(rest);
  if (name === null) return false;
  return (
    commandClass(name[0]) !== undefined ||
    /^\s{1,8}(?:-{1,2}[a-z]|["'$~]|\.{0,2}\/)/.test(rest.slice(name[0].length))
  );
}

/** Is the first line of a value of few lines a command with arguments? Then the others are the rest of a script. */
export function beginsAsScript(lower: string): boolean {
  if (isShebang(lower)) return true;
  const first = /^\s{0,20}([^\r\n]{4,200})/.exec(lower)?.[1];
  if (first === undefined) return false;
  // Sentences and lines of code; an injected line end stands behind a short value.
  if (/\S\s\S/.test(first) && first.length > 8 && isManyLines(lower)) return true;
  return OPENING.test(first) || (beginsWithCommand(first) && /\S\s\S{1,80}\s\S/.test(first));
}
