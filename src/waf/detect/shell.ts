import { DETECTIONS_MAX, type Detection, type Detector } from "../detection.ts";
import { isBareCommand, isUnmistakable, TELLING_PARTS, TELLING_WORDS } from "./shell-commands.ts";
import { evidence, evidenceAt } from "./shell-evidence.ts";
import { mayStartCommand } from "./shell-gate.ts";
import {
  HARD,
  isHostArgument,
  isInterpreterPipe,
  isProven,
  isQuotedWord,
  LINE,
  type Place,
  readCommand,
  SOFT,
  STRONG,
  SUBSTITUTION,
} from "./shell-place.ts";
import {
  beginsAsScript,
  isImageStep,
  isInScriptLine,
  isManyLines,
  isOrdinaryUse,
  namesSecret,
} from "./shell-script.ts";
import { atBrace, atDollar, atFileRead, atFunction, atHereString, atSlash } from "./shell-trick.ts";

/** Commands where a shell would start one: behind a separator, in a substitution, at the start of the value. */
export const shell: Detector = {
  name: "shell",
  kinds: {
    "shell.chained_command": "a command behind a separator (; | || &&) with arguments or at the end",
    "shell.background_command": "a command behind a single & with arguments",
    "shell.line_command": "a command on a line of its own in a short value",
    "shell.substituted_command": "a command in $(…), `…` or <(…)",
    "shell.leading_command":
      "the value is a command line that reads a system file or goes on with another command",
    "shell.bare_command": "the value is exactly the name of a rarely mentioned command",
    "shell.hidden_word": "quotes, escapes or empty variables inside the name of a command",
    "shell.piped_interpreter": "output piped into an interpreter",
    "shell.ifs_expansion": "$IFS in place of blanks",
    "shell.glob_path": "a path to a program or system file spelled with wildcards",
    "shell.brace_list": "a command spelled as {name,argument}",
    "shell.here_string": "a command fed by <<<",
    "shell.function_definition": "a function definition in an environment value (Shellshock)",
    "shell.history_expansion": "references to earlier commands as the whole value",
    "shell.variable_command": "a variable is set and then run as a command",
    "shell.variable_slice": "characters cut out of a variable of the system to spell a path or command",
    "shell.file_read": "$(<file), </etc/shadow: a file read without a command",
    "shell.arithmetic": "an arithmetic expansion, as testers use it to see whether a shell runs",
  },
  triggers: [
    ";",
    "|",
    "&",
    "`",
    "\n",
    "\r",
    "$(",
    "<(",
    ">(",
    "$i",
    "${i",
    "$[",
    "=$",
    "() {",
    "(){",
    "()  {",
    "!-",
    "!1",
    "<<<",
    "/?",
    "/etc/",
    "/usr/",
    "/bin/",
    "/b?",
    "/e?",
    "/u?",
    "/d?",
    "/b*",
    "/e*",
    "/u*",
    "/b[",
    "/e[",
    "/u[",
    "/*",
    "/[",
    "?/",
    "*/",
    "]/",
    "{",
    "^",
    ":~",
    "/proc",
    "/var/",
    "/root",
    "/dev/",
    ":\\",
    ":/",
    "%system",
    "%windir%",
    ...TELLING_PARTS,
  ],
  words: [...TELLING_WORDS, "eval", "exec", "command"],
  detect({ text, lower }, found) {
    atStart(lower, found);
    wholeValue(text, lower, found);
    scan(lower, found, found.length);
  },
};

/** Values with more lines are texts: their lines are no injected commands. */
const LINES_MAX = 4;
const LINE_VALUE_MAX = 400;

/**
 * Every place that `look` knows, as one character. The regex engine skips the rest of a text four times as fast as a
 * loop over its characters does. Line ends and slashes are places in few values.
 */
/** A slash at the beginning of a word. */
const PATH_BEGIN = "|(?<![-./0-9:[\\]^_a-z~-\\xff?%@])/(?=[a-z0-9_.!^-]{0,24}[/?*[])";
const PLACES = placesOf(";|&`");
const PLACES_AND_LINES = placesOf(";|&`\\n\\r");
const PLACES_AND_PATHS = placesOf(";|&`", PATH_BEGIN);
const ALL_PLACES = placesOf(";|&`\\n\\r", PATH_BEGIN);

function placesOf(always: string, more = ""): RegExp {
  return new RegExp(
    `[${always}]${more}|\\$(?=[\\w({[])|\\((?=\\))|[<>](?=\\()|\\{(?=[a-z./\\\\])|<(?=<<)`,
    "g",
  );
}

function scan(lower: string, found: Detection[], from: number): void {
  const wild = lower.includes("/") && /[?*[]/.test(lower);
  const lines = lower.length <= LINE_VALUE_MAX && countLines(lower) <= LINES_MAX;
  const places = wild ? (lines ? ALL_PLACES : PLACES_AND_PATHS) : lines ? PLACES_AND_LINES : PLACES;
  places.lastIndex = 0;
  // Every one is read: with a limit, harmless commands could hide another behind it.
  while (places.test(lower)) {
    if (found.length - from >= DETECTIONS_MAX) return;
    const at = places.lastIndex - 1;
    const code = lower.charCodeAt(at);
    const begin = commandBegin(lower, at, code);
    if (begin < 0) places.lastIndex = lookAside(lower, at, code, found) + 1;
    else {
      // The second of two signs is no place of its own.
      if (begin - at === 2) places.lastIndex++;
      if (code === 0x24 && atFileRead(lower, at, found)) continue;
      if (!mayStartCommand(lower, begin)) continue;
      afterSeparator(lower, at, begin, placeOf(lower, at, code), found);
    }
  }
}

/** Where a command may start behind this sign; -1 = it is none that starts commands everywhere. */
function commandBegin(lower: string, at: number, code: number): number {
  const next = lower.charCodeAt(at + 1);
  switch (code) {
    case 0x3b:
    case 0x0a:
    case 0x0d:
      return at + 1;
    case 0x7c:
    case 0x26:
      return next === code ? at + 2 : at + 1;
    case 0x24:
      return next === 0x28 && lower.charCodeAt(at + 2) !== 0x28 ? at + 2 : -1;
    case 0x3c:
    case 0x3e:
      return next === 0x28 ? at + 2 : -1;
    default:
      return -1;
  }
}

function placeOf(lower: string, at: number, code: number): Place {
  switch (code) {
    case 0x3b:
      return isReferenceEnd(lower, at) ? SOFT : HARD;
    case 0x26:
      return lower.charCodeAt(at + 1) === 0x26 ? HARD : SOFT;
    case 0x0a:
    case 0x0d:
      return LINE;
    case 0x7c:
      return HARD;
    default:
      return SUBSTITUTION;
  }
}

/** Looks at the places that have a grammar of their own and returns the last offset that is done with. */
function lookAside(lower: string, at: number, code: number, found: Detection[]): number {
  switch (code) {
    case 0x60:
      return atBacktick(lower, at, found);
    case 0x2f:
      return atSlash(lower, at, found);
    case 0x24:
      atDollar(lower, at, found);
      return at;
    case 0x28:
      atFunction(lower, at, found);
      return at;
    case 0x7b:
      atBrace(lower, at, found);
      return at;
    default:
      atHereString(lower, at, found);
      return at + 2;
  }
}

const KIND_OF_PLACE = [
  "shell.chained_command",
  "shell.background_command",
  "shell.line_command",
  "shell.leading_command",
  "shell.substituted_command",
] as const;

function afterSeparator(
  lower: string,
  separator: number,
  at: number,
  place: Place,
  found: Detection[],
): void {
  const command = readCommand(lower, at);
  if (command === undefined) return;
  const proof = evidenceAt(lower, command.end);
  let kind: string | undefined;
  // `\w+` of a regular expression.
  const tricked = command.tricked && command.name.length > 1;
  if (tricked && (proof.bits !== 0 || command.pathed) && !isQuotedWord(lower, command)) {
    kind = "shell.hidden_word";
  } else if (place === HARD && isInterpreterPipe(lower, separator, command, proof)) {
    kind = "shell.piped_interpreter";
  } else if (isProven(lower, separator, at, place, command, proof)) kind = KIND_OF_PLACE[place];
  if (kind === undefined || (place === HARD && isAlternative(lower, separator, command.end))) return;
  const end = Math.max(command.end, proof.end);
  if (place === SOFT && isQuoteReference(lower, separator) && !namesSecret(lower, separator, end)) return;
  if (kind !== "shell.hidden_word" && !namesSecret(lower, separator, end)) {
    if (place === LINE ? beginsAsScript(lower) : isInScriptLine(lower, separator)) return;
    if (isOrdinaryUse(lower, separator, command.class === "word", place === SUBSTITUTION)) return;
  }
  found.push({ kind, start: separator, end });
}

/** `;` behind a named reference: `&nbsp;more`, `caf&eacute;`. */
function isReferenceEnd(lower: string, at: number): boolean {
  for (let start = at - 1; start >= 0 && at - start <= 9; start--) {
    const code = lower.charCodeAt(start);
    if (code === 0x26) return at - start >= 3;
    if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x23)) return false;
  }
  return false;
}

/** Characters of a list of alternatives to either side of a sign. */
const LIST_MAX = 300;

/** `^(ext4|debugfs)$`, `(error|halt|reboot)`: words between the brackets of a regular expression. */
function isAlternative(lower: string, at: number, end: number): boolean {
  if (lower.charCodeAt(at) !== 0x7c) return false;
  // No farther than a list of words goes, or a text of signs would be read once for each of them.
  const start = Math.max(0, at - LIST_MAX);
  const list = lower.slice(start, end + LIST_MAX);
  const open = list.lastIndexOf("(", at - start);
  const close = list.indexOf(")", end - start);
  if (open < 0 || close < 0 || /[;&|`$\n\r]/.test(list[open - 1] ?? "")) return false;
  return /^(?:\?:)?[\w.\\*+-]{1,40}(?:\|[\w.\\*+-]{1,40}){1,60}$/.test(list.slice(open + 1, close));
}

/** A quote or blank as HTML writes it: `Use &quot;ls -la /tmp&quot; to list files`. As a quote it is read in another view. */
function isQuoteReference(lower: string, at: number): boolean {
  return (
    lower.charCodeAt(at) === 0x3b &&
    /&(?:quot|apos|[lr][sd]quo|[lr]aquo|nbsp|#0{0,3}(?:3[49]|160)|#x0{0,3}(?:2[27]|a0))$/.test(
      lower.slice(Math.max(0, at - 9), at),
    )
  );
}

/** Inline code of Markdown stands between blanks or brackets; attached to a word, or alone, it is a substitution. */
function atBacktick(lower: string, at: number, found: Detection[]): number {
  const close = lower.indexOf("`", at + 1);
  if (close < 0 || close - at > 300) {
    // The fence of a block of code may be cut off before its end.
    const fenced = lower.startsWith("``", at - 2);
    if (close < 0 && at > 0 && !fenced && !isManyLines(lower)) afterSeparator(lower, at, at + 1, HARD, found);
    return at;
  }
  if (close === at + 1) return close;
  if (!mayStartCommand(lower, at + 1)) return at;
  if (isQuotedName(lower, at, close)) return close;
  const attached =
    isNameBehind(lower, close) ||
    (at > 0 && (!/[\s([:,`*>/|]/.test(lower[at - 1]!) || isInAddress(lower, at)));
  if (attached || isAlone(lower, at, close)) afterSeparator(lower, at, at + 1, SUBSTITUTION, found);
  return close;
}

/**
 * Names of MySQL: `` `users`.`id` ``, `` u.`id` = 5 ``, `` ORDER BY `id` DESC ``. Behind another quoted name and a dot, or with what SQL
 * has behind a column's name.
 */
function isQuotedName(lower: string, at: number, close: number): boolean {
  if (close - at > 65 || !/^[\w$-]{1,64}$/.test(lower.slice(at + 1, close))) return false;
  // `` `whoami`.x.example ``: the name of a host goes on behind it.
  if (/^\.[a-z0-9-]/.test(lower.slice(close + 1, close + 3))) return false;
  if (/^\.`[\w$-]{1,64}`\.[a-z0-9-]/.test(lower.slice(close + 1, close + 72))) return false;
  if (lower.startsWith("`.", at - 2) && lower.lastIndexOf("`", at - 3) >= at - 68) return true;
  if (lower.startsWith(".`", close + 1)) return true;
  const before = lower.slice(Math.max(0, at - 40), at);
  if (!/(?:^|[\s,(.=<>])$/.test(before)) return false;
  return /^ {0,2}(?:[<>]?=|<>|!=|[<>] |(?:is|in|like|between|asc|desc|and|or|not|as)\b)/.test(
    lower.slice(close + 1, close + 14),
  );
}

/** `http://x.example/`id``: inside an address there is no inline code. */
function isInAddress(lower: string, at: number): boolean {
  return lower[at - 1] === "/" && /:\/\/[^\s`"'<>]{1,60}\/$/.test(lower.slice(Math.max(0, at - 66), at));
}

/** `` `whoami`.x.example ``: a name goes on behind it. */
function isNameBehind(lower: string, close: number): boolean {
  return /^\.[a-z0-9-]{1,63}\.[a-z]/.test(lower.slice(close + 1, close + 68));
}

/** Nothing but separators and quotes around the backticks. */
function isAlone(lower: string, at: number, close: number): boolean {
  if (at > 12 || lower.length - close > 12) return false;
  return /^[\s;|&"'$(]*$/.test(lower.slice(0, at)) && /^[\s;|&"'`)]*$/.test(lower.slice(close + 1));
}

const SYSTEM_FILE =
  /(?:^|[\s"'<=,])(?:\/(?:etc|proc|var\/(?:log|www|lib|mail|spool)|root|dev\/(?:tcp|udp))(?:\/|$|\s)|[a-z]:[\\/]|%(?:systemroot|windir|systemdrive)%)/;

/** The value as a command line of its own. */
function atStart(lower: string, found: Detection[]): void {
  if (lower.length > 600) return;
  const command = readCommand(lower, /^[\s"'`(]{0,4}/.exec(lower)![0].length);
  if (command === undefined || command.start > 60) return;
  const proof = evidenceAt(lower, command.end);
  const { bits } = proof;
  if (command.tricked && bits & (STRONG | evidence.end) && !isQuotedWord(lower, command)) {
    if (command.class !== "word" || bits & STRONG) {
      found.push({ kind: "shell.hidden_word", start: 0, end: command.end });
      return;
    }
  }
  const line = lower.slice(command.end, command.end + 300);
  // Four words in a row, or a sentence that ends: somebody explains the command.
  if (
    / [a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z.]{2,}/.test(line) ||
    / and [a-z]{3,} /.test(line) ||
    /[.!?]\s[a-z]/.test(line)
  )
    return;
  if (lower.charCodeAt(0) === 0x28 && isAlternative(lower, lower.indexOf("|"), command.end)) return;
  const rare = command.class === "rare";
  const proven =
    (rare && (bits & STRONG) !== 0) ||
    (rare && (bits & evidence.number) !== 0 && /^ \d{1,6}\s*$/.test(line)) ||
    (command.class !== "word" &&
      (bits & evidence.end) !== 0 &&
      /^["'`(]?(?:eval|exec|command)\s/.test(lower)) ||
    (rare && command.wrapped && (bits & evidence.end) !== 0) ||
    (rare && (bits & evidence.end) !== 0 && /[;|&]/.test(lower[proof.end] ?? "")) ||
    (command.class === "short" && (bits & evidence.expansion) !== 0) ||
    ((bits & ~(evidence.end | evidence.word | evidence.number | evidence.quoted)) !== 0 &&
      command.name !== "cd" &&
      SYSTEM_FILE.test(line)) ||
    (isHostArgument(lower, command) && /[;|&]\s{0,4}\S/.test(line)) ||
    (isUnmistakable(command.name) && /^ \S{1,40}(?: \S{1,40}){0,2}\s*$/.test(line)) ||
    (command.class !== "word" && /^\s{1,4}\/[\w/.]{0,20}\[/.test(line)) ||
    isCommandList(lower);
  if (proven && (!(isManyLines(lower) || isImageStep(lower)) || namesSecret(lower, command.start, proof.end)))
    found.push({ kind: "shell.leading_command", start: command.start, end: proof.end });
}

/** `cd /;cd etc;column passwd`: every part is a command, and one of them has a path. */
function isCommandList(lower: string): boolean {
  if (lower.length > 200) return false;
  // People write `cd x && make`, with blanks.
  if (!/\S(?:;|&&|\|\|)\S/.test(lower)) return false;
  const parts = lower.trim().split(/;|&&|\|\|/, 8);
  if (parts.length < 2) return false;
  let paths = 0;
  for (const part of parts) {
    if (part.trim() === "") continue;
    const command = readCommand(part, 0);
    const bits = command === undefined ? 0 : evidenceAt(part, command.end).bits;
    if (bits === 0) return false;
    if (bits & evidence.path && command!.class !== "word") paths++;
  }
  return paths > 0;
}

/** Values that are nothing but the name of a command or references into the history. */
function wholeValue(text: string, lower: string, found: Detection[]): void {
  if (lower.length <= SECRET_INPUT_MAX && lower.includes("<")) {
    const input = SECRET_INPUT.exec(lower);
    if (input !== null)
      found.push({ kind: "shell.file_read", start: input.index, end: input.index + input[0].length });
  }
  if (lower.length > 40) return;
  if (/^\s{0,4}(?:!-?\d{1,4}){2,8}\s{0,4}$/.test(lower)) {
    found.push({ kind: "shell.history_expansion", start: 0, end: lower.length });
  } else if (!isIdentifier(text) && isBareCommand(lower.trim())) {
    found.push({ kind: "shell.bare_command", start: 0, end: lower.length });
  }
}

/** A secret of the system as the input of any command: `</etc/shadow`. Closing tags have their slash before the name. */
const SECRET_INPUT = /<\s{0,2}\/(?:etc\/(?:passwd|shadow|group|sudoers|ssh\/)|proc\/self\/|root\/\.)/;
const SECRET_INPUT_MAX = 200;

/** `ListUsers`, `domainName`: capitals inside one word are names of a program. */
function isIdentifier(text: string): boolean {
  return /^\s{0,8}[A-Za-z]{0,40}[a-z][A-Z][a-z]{1,40}\s{0,8}$/.test(text);
}

function countLines(lower: string): number {
  let lines = 1;
  for (let at = lower.indexOf("\n"); at >= 0 && lines <= LINES_MAX; at = lower.indexOf("\n", at + 1)) {
    if (at < lower.length - 1) lines++;
  }
  return lines;
}
