import {
  type CommandClass,
  commandClass,
  INTERPRETERS,
  isCmdlet,
  PROGRAM_DIRECTORY,
  WRAPPERS,
} from "./shell-commands.ts";
import { type Evidence, evidence, evidenceAt } from "./shell-evidence.ts";
import { assignmentEnd, isLead, LEAD_MAX } from "./shell-gate.ts";
import { readWord } from "./shell-word.ts";

/**
 * Where a command may start, and how much proof it needs there. A name alone proves little (`; time flies`): the more
 * ordinary it is and the less the place starts commands only, the more must follow it.
 */

/** `;`, `|`, `||`, `&&`: what starts a command in a shell and little else. */
export const HARD = 0;
/** A single `&`, or the `;` of a character reference. */
export const SOFT = 1;
/** A line of its own in a short value. */
export const LINE = 2;
/** The beginning of the value. */
export const START = 3;
/** `$(…)`, backticks, `<(…)`. */
export const SUBSTITUTION = 4;
export type Place = 0 | 1 | 2 | 3 | 4;

export interface Command {
  readonly name: string;
  readonly class: CommandClass;
  /** Quotes, escapes or empty variables stood inside the word. */
  readonly tricked: boolean;
  /** It was named with the directory of a program. */
  readonly pathed: boolean;
  /** sudo, nohup, time, …: a command in front of it. */
  readonly wrapped: boolean;
  readonly start: number;
  readonly end: number;
}

/** Reads the command that starts at `at`, through wrappers and assignments. */
export function readCommand(lower: string, at: number): Command | undefined {
  let wrapped = false;
  let command: Command | undefined;
  for (let words = 0; words < 4; words++) {
    at = skipLead(lower, at);
    const word = readWord(lower, at);
    // A dot is a command only before the path of a file.
    if (word.name === "" || (word.name === "." && !/^ [./~$]/.test(lower.slice(word.end, word.end + 2))))
      return command;
    const known = lower.charCodeAt(word.end) === 0x3d ? undefined : commandClass(word.name);
    const wrapper = WRAPPERS.has(word.name);
    if (known !== undefined) {
      const { name, tricked, end, directory } = word;
      const pathed = directory !== "" && (PROGRAM_DIRECTORY.test(directory) || directory.includes("bin/"));
      command = { name, class: known, tricked, pathed, wrapped, start: at, end };
      if (!wrapper) return command;
    } else if (lower.charCodeAt(word.end) === 0x3d) {
      // `X=1 command`: an assignment for it alone.
      at = assignmentEnd(lower, word.end);
      if (at < 0) return command;
      continue;
    } else if (!wrapper && !(wrapped && isWrapperArgument(word.name))) return command;
    const blank = lower.charCodeAt(word.end);
    if (blank !== 0x20 && blank !== 0x09 && blank !== 0x2b) return command;
    wrapped ||= wrapper;
    at = word.end;
  }
  return command;
}

/** Options, and the number of seconds of `timeout`. */
function isWrapperArgument(name: string): boolean {
  return /^(?:-{1,2}[a-z][\w-]*|\d{1,5}[smh]?)$/.test(name);
}

const IFS = /\$\{?ifs\}?(?:\$\d)?/y;

/** Blanks, opening brackets and `$IFS` before a command. */
function skipLead(lower: string, at: number): number {
  for (const end = at + LEAD_MAX; at < end; at++) {
    const code = lower.charCodeAt(at);
    if (code === 0x24) {
      IFS.lastIndex = at;
      if (!IFS.test(lower)) break;
      at = IFS.lastIndex - 1;
    } else if (!isLead(code)) break;
  }
  // `{ cat x; }` is a group; `{cat,x}` is read elsewhere.
  return lower.charCodeAt(at) === 0x7b && lower.charCodeAt(at + 1) === 0x20 ? at + 2 : at;
}

export const STRONG =
  evidence.option | evidence.path | evidence.address | evidence.redirect | evidence.expansion;

/** Does what follows the command prove it, given its class and its place behind `lower[separator]`? */
export function isProven(
  lower: string,
  separator: number,
  at: number,
  place: Place,
  command: Command,
  proof: Evidence,
): boolean {
  const { bits } = proof;
  const ends = (bits & evidence.end) !== 0;
  if (bits === 0 || (ends && isTableCell(lower, separator, proof.end))) return false;
  if (isBuildStep(lower, separator, command)) return false;
  if (isOpening(lower, separator, at, place) && isWholeLine(lower, separator, at, command, proof))
    return true;
  if (isInSentence(lower, separator, at, place) && !isSentenceProof(lower, at, command, proof)) return false;
  if (command.pathed) return place !== START && (bits & ~evidence.word) !== 0;
  if (command.wrapped && command.class !== "word" && place !== START) {
    return (bits & (STRONG | evidence.end | evidence.number)) !== 0;
  }
  // `$(cat flag.txt)`: programs that print a file, whatever its name.
  if (
    place === SUBSTITUTION &&
    lower.length < 120 &&
    READERS.test(command.name) &&
    (bits & evidence.word) !== 0
  )
    return /^ \S{0,60}[./*?]/.test(lower.slice(command.end, command.end + 62));
  // `x&ping -n 5 127.0.0.1&`: an option and a number, which no sentence has.
  if (place === SOFT && (bits & evidence.option) !== 0 && /^(?:ping|timeout|sleep)$/.test(command.name))
    return true;
  const loose = place === SOFT && !touchesBlank(lower, separator, at);
  switch (command.class) {
    case "rare":
      if (loose && !(bits & STRONG)) return false;
      if (place === SOFT) return (bits & (STRONG | evidence.number)) !== 0 || (ends && lower.length < 80);
      return place !== LINE || (bits & ~(evidence.word | evidence.quoted)) !== 0 || separator < 40;
    case "short":
      if (ends) return endsCleanly(lower, separator, place, command, proof);
      if (place === HARD || place === SUBSTITUTION) return (bits & (STRONG & ~evidence.address)) !== 0;
      return (bits & (evidence.path | evidence.option | evidence.expansion)) !== 0;
    case "tool":
      return isToolProven(lower, place, loose, command, proof);
    case "word":
      return loose ? (bits & evidence.path) !== 0 : isWordProven(lower, place, command, bits);
  }
}

/**
 * `eslint . && node ./scripts/x.mjs` of a package: an interpreter runs a file of the project, behind a tool's name. A value
 * that a page puts into a command line is no bare word that is followed by `&&` between blanks.
 */
function isBuildStep(lower: string, separator: number, command: Command): boolean {
  if (!INTERPRETERS.has(command.name) || lower.charCodeAt(separator) !== 0x26) return false;
  if (!/^[a-z][\w./:@ -]{2,80} $/.test(lower.slice(Math.max(0, separator - 84), separator))) return false;
  return /^ (?:\.\/)?(?:[\w-]{1,30}\/){0,4}[\w.-]{1,40}\.(?:[cm]?js|ts|py|rb|pl)(?: |$)/.test(
    lower.slice(command.end, command.end + 180),
  );
}

/** Nothing, an address, a number, a letter or closing quotes and brackets: what an injected separator stands behind. */
const OPENING =
  /^[\s"'`)\]}]{0,6}$|^(?:\d{1,9}|[a-z]|[\w+-]{1,40}[.@][\w.@+-]{1,60}|-{1,2}[a-z][\w-]{0,20})\s?$/;

/** Does the value begin with the separator, as values do that continue somebody else's command line? */
function isOpening(lower: string, separator: number, at: number, place: Place): boolean {
  if (place !== HARD || separator > 64 || lower.length > 200) return false;
  // `| More`, `; to be continued`: a single sign and a blank also begin the rest of a text.
  if (lower.charCodeAt(at) === 0x20 && at - separator === 1) return false;
  return OPENING.test(lower.slice(0, separator));
}

/** The rest of the value is this one command: its name alone, or with a few arguments that are no sentence. */
function isWholeLine(
  lower: string,
  separator: number,
  at: number,
  command: Command,
  proof: Evidence,
): boolean {
  const rest = lower.slice(command.end);
  if (command.end - at > 40 || /[.!?,]\s|[.!?,:]$/.test(rest)) return false;
  // `5;date` and `file.txt;sort` may be lists, `&& true` a piece of code.
  const listed =
    command.class === "word" && (lower.charCodeAt(at) === 0x20 || /\w/.test(lower.slice(0, separator)));
  if (proof.bits & evidence.end) return !listed && /^[\s"'`#;)}-]{0,6}$/.test(rest);
  if (command.class === "word" && !/ -{1,2}\w/.test(rest))
    return /^ [\w./@:+$-]{1,40}(?: [\w./@:+$-]{1,40})?[\s;#]{0,3}$/.test(rest);
  return /^ [^\s;|&]{1,60}(?: [^\s;|&]{1,60}){0,6}[\s;#]{0,3}$/.test(rest);
}

/**
 * A separator between blanks, or behind a word and before a blank, with a sentence or command line in front of it; also one
 * that is written as a character reference.
 */
function isInSentence(lower: string, separator: number, at: number, place: Place): boolean {
  const isReference = place === SOFT && lower.charCodeAt(separator) === 0x3b;
  if ((place !== HARD && !isReference) || lower.charCodeAt(at) !== 0x20) return false;
  let blanks = 0;
  for (let before = separator - 2; before >= 0 && before > separator - 100 && blanks < 2; before--)
    if (lower.charCodeAt(before) === 0x20) blanks++;
  return blanks === 2;
}

const SYSTEM_OPERAND =
  /[\s"'=<>@](?:\/(?:etc|proc|root|dev|sys|boot|tmp|bin|usr\/bin|var\/(?:www|log|run|lib))(?:[/\s"';|&)]|$)|[a-z]:[\\/]|\\\\\w|~[\w-]{0,32}\/\.ssh)/;

/** There a name with options is an example (`… | grep -v x`): it must touch the system, the network or the shell. */
function isSentenceProof(lower: string, at: number, command: Command, proof: Evidence): boolean {
  if (command.class === "word" && /^\s(?:do|then|else)\s/.test(lower.slice(at, at + 6)))
    return SYSTEM_OPERAND.test(lower.slice(command.end, command.end + 120));
  if (
    command.wrapped &&
    command.class !== "word" &&
    /;\s?(?:done|fi)\b/.test(lower.slice(command.end, command.end + 60))
  )
    return true;
  if (proof.bits & (evidence.expansion | evidence.address | evidence.redirect)) return true;
  if (command.tricked || command.class === "rare" || isHostArgument(lower, command))
    return !isCmdlet(command.name);
  if (proof.bits & evidence.number) return true;
  const end = Math.min(lower.length, command.end + 120);
  return SYSTEM_OPERAND.test(lower.slice(command.end, end));
}

function isToolProven(
  lower: string,
  place: Place,
  loose: boolean,
  command: Command,
  proof: Evidence,
): boolean {
  const { bits } = proof;
  if (place !== START && isHostArgument(lower, command)) return true;
  if (loose) return (bits & (evidence.path | evidence.address | evidence.option)) !== 0;
  if (bits & evidence.end) {
    // jQuery(name).method() has a dot behind the bracket.
    if (place === SUBSTITUTION) return lower.charCodeAt(proof.end + 1) !== 0x2e;
    return place === HARD && /^(?:cmd|powershell)/.test(command.name) && lower.length < 60;
  }
  if (bits & STRONG || (bits & evidence.number && command.name === "expr")) return true;
  if (bits & evidence.quoted) return (bits & evidence.later) !== 0;
  return (bits & evidence.later) !== 0 && place !== LINE;
}

const READERS = /^(?:cat|tac|nl|head|tail|more|less|strings|xxd|od|base64)$/;
const PROBES = /^(?:ping|dig|host|telnet|ftp)$/;
const TAKES_WORDS = /^(?:net|reg|sc|echo|find|ping|dig)$/;

/** Ordinary words need a system path, an option, or what belongs to just them. */
function isWordProven(lower: string, place: Place, command: Command, bits: number): boolean {
  if (bits & evidence.path) return true;
  if (bits & (evidence.option | evidence.expansion) && !(bits & evidence.word)) return true;
  if (bits & evidence.redirect) return place !== SOFT;
  const { name } = command;
  if (bits & evidence.number && /^(?:sleep|ping|kill|timeout)$/.test(name)) {
    return endsAfterNumber(lower, command.end) || (bits & evidence.later) !== 0;
  }
  if (bits & evidence.address) return PROBES.test(name);
  if (bits & evidence.quoted && (name === "echo" || name === "printf")) {
    return (bits & evidence.later) !== 0 || place === SUBSTITUTION;
  }
  if (PROBES.test(name) && isHostArgument(lower, command)) return true;
  if (bits & evidence.later) return TAKES_WORDS.test(name);
  return name === "echo" && place === SUBSTITUTION && (bits & evidence.word) !== 0;
}

const NETWORK_TOOL = /^(?:nslookup|dig|host|wget|curl|ping6?|telnet|nc|ncat|ftp|tftp)(?:\.exe)?$/;

/** `nslookup probe.example`: a tool of the network and the name of a host. */
export function isHostArgument(lower: string, command: Command): boolean {
  if (!NETWORK_TOOL.test(command.name)) return false;
  // `curl 7.88.1` is a version.
  const host =
    /^[ \t+]{1,8}(?:\d{1,3}(?:\.\d{1,3}){3}|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,8}\.[a-z][a-z0-9-]{0,62})(?:[\s;|&`)'"/:#]|\.?$)/;
  return host.test(lower.slice(command.end, command.end + 260));
}

/** `sleep 5` and then an end. */
function endsAfterNumber(lower: string, at: number): boolean {
  return /^[\s+]{1,8}\d{1,4}[smhd]?(?:\s{0,4}(?:[;|&`)"'#\n\r\0]|$))/.test(lower.slice(at, at + 24));
}

/** A single & joins parameters and words; between blanks or at an edge it may join commands. */
function touchesBlank(lower: string, separator: number, at: number): boolean {
  const before = lower.charCodeAt(separator - 1);
  return (
    separator === 0 || before === 0x20 || before === 0x27 || before === 0x22 || lower.charCodeAt(at) === 0x20
  );
}

/** `;id`, `| ls`, `'; pwd;'` are commands, `name;id` and `Order | ID` are headings. */
function endsCleanly(
  lower: string,
  separator: number,
  place: Place,
  command: Command,
  proof: Evidence,
): boolean {
  if (place === SUBSTITUTION) return lower.charCodeAt(proof.end + 1) !== 0x2e;
  if (lower.length > 120) return false;
  const left = lower.slice(Math.max(0, separator - 12), separator).trimEnd();
  if (/[|&;]$/.test(left)) return true;
  if (place === SOFT && separator > 0 && !/["')]$/.test(left)) return false;
  if (left === "" || /["')\]}`(]$/.test(left)) return true;
  if (separator === 1 && lower.charCodeAt(1) !== 0x26) return true;
  if (command.name === "ls" || command.name === "pwd") return !/\s{2,}$/.test(left);
  if (/\d$/.test(left)) return place !== SOFT;
  if (command.name === "id" && place === LINE) return true;
  const closes = lower.charCodeAt(proof.end) === 0x3b && proof.end >= lower.length - 2;
  return place === HARD && closes && lower[separator] === ";";
}

/** Cells of a table in Markdown: `| ls | lists files |`. */
function isTableCell(lower: string, separator: number, end: number): boolean {
  return (
    lower.charCodeAt(separator) === 0x7c &&
    lower.charCodeAt(end) === 0x7c &&
    lower.charCodeAt(end - 1) === 0x20 &&
    lower.charCodeAt(separator + 1) === 0x20
  );
}

/** `printf … | base64 -d | sh`: the part before the pipe is a command line as well. */
export function isInterpreterPipe(
  lower: string,
  separator: number,
  command: Command,
  proof: Evidence,
): boolean {
  if (lower.charCodeAt(separator) !== 0x7c || !INTERPRETERS.has(command.name) || lower.length > 600)
    return false;
  if (!(proof.bits & (evidence.end | evidence.option))) return false;
  let start = separator;
  while (start > 0 && separator - start < 300 && !isBorder(lower.charCodeAt(start - 1))) start--;
  let before = readCommand(lower, start);
  // A filter without arguments (`rev`, `xxd`) passes on what the command in front of it writes.
  for (let pipes = 0; pipes < 3 && before !== undefined && isFilter(lower, start, before.end); pipes++) {
    let begin = start - 1;
    while (begin > 0 && separator - begin < 300 && !isBorder(lower.charCodeAt(begin - 1))) begin--;
    start = begin;
    before = readCommand(lower, start);
  }
  const { bits } = before === undefined ? { bits: 0 } : evidenceAt(lower, before.end);
  // `php|python|ruby` is a list.
  if (before === undefined || bits === 0 || (bits & evidence.end && lower.charCodeAt(before.end) !== 0x20))
    return false;
  return before.class !== "word" || /^(?:echo|printf|cat|rev)$/.test(before.name);
}

/** Nothing but the command stands between the pipe before `start` and the next one. */
function isFilter(lower: string, start: number, end: number): boolean {
  return (
    start > 1 &&
    lower.charCodeAt(start - 1) === 0x7c &&
    lower.charCodeAt(start - 2) !== 0x7c &&
    /^ ?\|(?!\|)/.test(lower.slice(end, end + 3))
  );
}

function isBorder(code: number): boolean {
  return code === 0x3b || code === 0x7c || code === 0x26 || code === 0x0a || code === 0x60 || code === 0x28;
}

/** Quotes around an ordinary word: `;'time'`. */
export function isQuotedWord(lower: string, command: Command): boolean {
  if (command.class !== "word" && command.class !== "short") return false;
  return /^["'][\w]+["']$/.test(lower.slice(command.start, command.end));
}
