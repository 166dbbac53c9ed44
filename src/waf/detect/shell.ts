import { DETECTIONS_MAX, type Detection, type Detector } from "../detection.ts";
import {
  COMMAND_NAMES,
  type CommandClass,
  commandClass,
  isBareCommand,
  isUnmistakable,
  PROGRAM_DIRECTORY,
} from "./shell-commands.ts";
import { type Evidence, evidence, evidenceAt } from "./shell-evidence.ts";
import { globPathEnd } from "./shell-glob.ts";
import { readWord } from "./shell-word.ts";

/**
 * Commands where a shell would start one: behind a separator, in a substitution, at the start of the value. A name
 * alone is no proof (`; time flies`): what is asked for behind it depends on how ordinary the name is and how clearly
 * the place starts a command.
 */

/** Places where a command may start; more in one value are repetition. */
const PLACES_MAX = 200;

/** Values with more lines are texts: their lines are no injected commands. */
const LINES_MAX = 4;
const LINE_VALUE_MAX = 400;

export const shell: Detector = {
  name: "shell",
  kinds: {
    "shell.chained_command": "a command behind a separator (; | || &&) with arguments or at the end",
    "shell.background_command": "a command behind a single & with arguments",
    "shell.line_command": "a command on a line of its own in a short value",
    "shell.substituted_command": "a command in $(…), `…` or <(…)",
    "shell.leading_command":
      "the value is a command line that reads a system file or pipes into another command",
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
    "shell.arithmetic": "an arithmetic expansion, as testers use it to see whether a shell runs",
  },
  triggers: [
    ";",
    "|",
    "&",
    "`",
    "$(",
    "<(",
    ">(",
    "\n",
    "\r",
    "$i",
    "${i",
    "() {",
    "(){",
    "!-",
    "<<<",
    "?",
    "[",
    "*",
    "$[",
    "=$",
    "{",
    ...COMMAND_NAMES,
  ],
  detect({ lower }, found) {
    const from = found.length;
    atStart(lower, found);
    wholeValue(lower, found);
    const lines = lower.length <= LINE_VALUE_MAX && countLines(lower) <= LINES_MAX;
    let places = 0;
    for (let at = 0; at < lower.length && places < PLACES_MAX; at++) {
      const code = lower.charCodeAt(at);
      if (!isPlace(code)) continue;
      if (found.length - from >= DETECTIONS_MAX) return;
      places++;
      const next = lower.charCodeAt(at + 1);
      if (code === 0x3b) afterSeparator(lower, at, at + 1, isEntityEnd(lower, at) ? SOFT : HARD, found);
      else if (code === 0x7c) {
        if (next === 0x7c) at++;
        afterSeparator(lower, at, at + 1, HARD, found);
      } else if (code === 0x26) {
        if (next === 0x26) afterSeparator(lower, at, ++at + 1, HARD, found);
        else if (next !== 0x23) afterSeparator(lower, at, at + 1, SOFT, found);
      } else if (code === 0x0a || code === 0x0d) {
        if (lines && next !== 0x0a) afterSeparator(lower, at, at + 1, LINE, found);
      } else if (code === 0x60) at = backticks(lower, at, found);
      else if (code === 0x24) dollar(lower, at, next, found);
      else if (code === 0x28) {
        const before = lower.charCodeAt(at - 1);
        if (before === 0x3c || before === 0x3e) substitution(lower, at - 1, at + 1, found);
        else if (next === 0x29) functionDefinition(lower, at, found);
      } else if (code === 0x2f) glob(lower, at, found);
      else if (code === 0x7b) braces(lower, at, found);
      else if (code === 0x3c && next === 0x3c && lower.charCodeAt(at + 2) === 0x3c)
        hereString(lower, at, found);
    }
  },
};

/** `; | & \n \r backtick $ ( / { <` */
function isPlace(code: number): boolean {
  return (
    code === 0x3b ||
    code === 0x7c ||
    code === 0x26 ||
    code === 0x0a ||
    code === 0x0d ||
    code === 0x60 ||
    code === 0x24 ||
    code === 0x28 ||
    code === 0x2f ||
    code === 0x7b ||
    code === 0x3c
  );
}

const HARD = 0;
const SOFT = 1;
const LINE = 2;
const START = 3;
const SUBSTITUTION = 4;
type Place = 0 | 1 | 2 | 3 | 4;

const KIND_OF_PLACE = [
  "shell.chained_command",
  "shell.background_command",
  "shell.line_command",
  "shell.leading_command",
  "shell.substituted_command",
] as const;

interface Command {
  readonly name: string;
  readonly class: CommandClass;
  readonly tricked: boolean;
  readonly pathed: boolean;
  /** sudo, nohup, time, …: a command in front of it. */
  readonly wrapped: boolean;
  readonly start: number;
  readonly end: number;
}

const WRAPPERS = new Set([
  "sudo",
  "doas",
  "env",
  "nohup",
  "time",
  "exec",
  "command",
  "nice",
  "eval",
  "xargs",
  "strace",
  "timeout",
  "busybox",
  "builtin",
  "setsid",
  "ionice",
  "stdbuf",
  "start",
  "watch",
  "call",
  "then",
  "do",
  "else",
]);

/** Reads the command that starts at `at`, through wrappers and assignments. */
function readCommand(lower: string, at: number): Command | undefined {
  let wrapped = false;
  let first: Command | undefined;
  for (let words = 0; words < 4; words++) {
    at = skipLead(lower, at);
    const start = at;
    const word = readWord(lower, at);
    if (word.name === "") return first;
    const kind = commandClass(word.name);
    // A word may not go on with what no command name is followed by: `top:`, `time=`, `find(`.
    if (kind !== undefined) {
      first = {
        name: word.name,
        class: kind,
        tricked: word.tricked,
        pathed:
          word.directory !== "" &&
          (PROGRAM_DIRECTORY.test(word.directory) || word.directory.includes("bin/")),
        wrapped,
        start,
        end: word.end,
      };
    } else if (!WRAPPERS.has(word.name) && !/^(?:-{1,2}[a-z]\w*|\d{1,5}[smh]?|\w{1,20}=\S*)$/.test(word.name))
      return first;
    if (!WRAPPERS.has(word.name) && kind !== undefined) return first;
    const blank = lower.charCodeAt(word.end);
    if (blank !== 0x20 && blank !== 0x09) return first;
    wrapped = wrapped || WRAPPERS.has(word.name);
    at = word.end;
  }
  return first;
}

/** Blanks, opening brackets and quotes before a command. */
function skipLead(lower: string, at: number): number {
  for (let end = at + 24; at < end; at++) {
    const code = lower.charCodeAt(at);
    if (code === 0x24 && /^\$\{?ifs\}?(?:\$?\d)?/.test(lower.slice(at, at + 9))) {
      at += /^\$\{?ifs\}?(?:\$\d)?/.exec(lower.slice(at, at + 9))![0].length - 1;
    } else if (
      code !== 0x20 &&
      code !== 0x09 &&
      code !== 0x2b &&
      code !== 0x28 &&
      code !== 0x21 &&
      code !== 0x00 &&
      code !== 0x0a &&
      code !== 0x0d
    )
      break;
  }
  // `{ cat x; }`: a group; `{cat,x}` is read elsewhere.
  return lower.charCodeAt(at) === 0x7b && lower.charCodeAt(at + 1) === 0x20 ? at + 2 : at;
}

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
  if (command.tricked && (proof.bits !== 0 || command.pathed) && !isProseQuote(lower, command)) {
    found.push({ kind: "shell.hidden_word", start: separator, end: command.end });
    return;
  }
  if (place === HARD && isInterpreterPipe(lower, separator, command, proof)) {
    found.push({ kind: "shell.piped_interpreter", start: separator, end: command.end });
    return;
  }
  if (accepts(lower, separator, at, place, command, proof)) {
    found.push({ kind: KIND_OF_PLACE[place], start: separator, end: Math.max(command.end, proof.end) });
  }
}

const STRONG = evidence.option | evidence.path | evidence.address | evidence.redirect | evidence.expansion;

/** Does what follows the command prove it, given its class and the place? */
function accepts(
  lower: string,
  separator: number,
  at: number,
  place: Place,
  command: Command,
  proof: Evidence,
): boolean {
  const { bits } = proof;
  if (bits === 0) return false;
  if (command.pathed) return place !== START && (bits & ~evidence.word) !== 0;
  if (command.wrapped && command.class !== "word" && place !== START)
    return (bits & (STRONG | evidence.end | evidence.number)) !== 0;
  const ends = (bits & evidence.end) !== 0;
  switch (command.class) {
    case "rare":
      if (place === SOFT && !touchesBlank(lower, separator, at) && !(bits & STRONG)) return false;
      if (ends && isTableCell(lower, separator, proof.end)) return false;
      if (place === SOFT) return (bits & (STRONG | evidence.number)) !== 0 || (ends && lower.length < 80);
      return place === LINE ? (bits & ~(evidence.word | evidence.quoted)) !== 0 || separator < 40 : true;
    case "short":
      if (ends) return endsCleanly(lower, separator, place, command, proof);
      return (
        (bits & (STRONG & ~evidence.address)) !== 0 &&
        (place === HARD ||
          place === SUBSTITUTION ||
          (bits & (evidence.path | evidence.option | evidence.expansion)) !== 0)
      );
    case "tool":
      if (place !== START && isHostArgument(lower, command)) return true;
      if (place === SUBSTITUTION && ends) return lower.charCodeAt(proof.end + 1) !== 0x2e;
      if (place === SOFT && !touchesBlank(lower, separator, at))
        return (bits & (evidence.path | evidence.address | evidence.option)) !== 0;
      if (ends)
        return command.name === "cmd" || command.name === "cmd.exe" || command.name.startsWith("powershell")
          ? lower.length < 60 && place === HARD
          : false;
      return (
        (bits & (STRONG | evidence.number)) !== 0 ||
        (bits & evidence.quoted && bits & evidence.later
          ? true
          : bits === (evidence.word | evidence.later) && place !== LINE)
      );
    case "word":
      return acceptsWord(lower, separator, at, place, command, bits);
  }
}

const NETWORK_TOOL = /^(?:nslookup|dig|host|wget|curl|ping6?|telnet|nc|ncat|ftp|tftp)(?:\.exe)?$/;

/** `nslookup probe.example`: a tool of the network and the name of a host. */
function isHostArgument(lower: string, command: Command): boolean {
  if (!NETWORK_TOOL.test(command.name)) return false;
  return /^[ \t+]{1,8}[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}(?:[\s;|&`)'"/:#]|\.?$)/.test(
    lower.slice(command.end, command.end + 260),
  );
}

/** Ordinary words need a system path, an option, or what belongs to just them. */
function acceptsWord(
  lower: string,
  separator: number,
  at: number,
  place: Place,
  command: Command,
  bits: number,
): boolean {
  if (place === SOFT && !touchesBlank(lower, separator, at)) return (bits & evidence.path) !== 0;
  if (bits & evidence.path) return true;
  if (bits & (evidence.option | evidence.expansion) && !(bits & evidence.word)) return true;
  if (bits & evidence.redirect) return place !== SOFT;
  const { name } = command;
  if (
    bits & evidence.number &&
    (name === "sleep" || name === "ping" || name === "kill" || name === "timeout")
  ) {
    const after = evidenceAfterNumber(lower, command.end);
    return after || (bits & evidence.later) !== 0;
  }
  if (bits & evidence.address)
    return name === "ping" || name === "dig" || name === "host" || name === "telnet" || name === "ftp";
  if (bits & evidence.quoted && (name === "echo" || name === "printf"))
    return (bits & evidence.later) !== 0 || place === SUBSTITUTION;
  if (bits & evidence.later)
    return (
      name === "net" ||
      name === "reg" ||
      name === "sc" ||
      name === "echo" ||
      name === "find" ||
      name === "ping" ||
      name === "dig"
    );
  return name === "echo" && place === SUBSTITUTION && (bits & evidence.word) !== 0;
}

/** `sleep 5` and then an end. */
function evidenceAfterNumber(lower: string, at: number): boolean {
  return /^[\s+]{1,8}\d{1,4}[smhd]?(?:\s{0,4}(?:[;|&`)"'#\n\r\0]|$))/.test(lower.slice(at, at + 24));
}

/** A single & joins parameters and words; between blanks or at an edge it may join commands. */
function touchesBlank(lower: string, separator: number, at: number): boolean {
  const before = lower.charCodeAt(separator - 1);
  const after = lower.charCodeAt(at);
  return separator === 0 || before === 0x20 || after === 0x20 || before === 0x27 || before === 0x22;
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
  if (left.endsWith("|") || left.endsWith("&") || left.endsWith(";")) return true;
  if (place === SOFT && separator > 0 && !/["')]$/.test(left)) return false;
  const named = command.name !== "ls" && command.name !== "pwd";
  if (left === "" || /["')\]`(]$/.test(left))
    return !(named && /^\s{0,4}\|\s/.test(lower.slice(proof.end, proof.end + 6)));
  if (!named) return !/\s{2,}$/.test(left) && !isTableCell(lower, separator, proof.end);
  if (/\d$/.test(left)) return place !== SOFT;
  return command.name === "id" && place === LINE
    ? true
    : place === HARD &&
        lower.charCodeAt(proof.end) === 0x3b &&
        lower[separator] === ";" &&
        proof.end >= lower.length - 2;
}

/** Cells of a table in Markdown: `| ls | lists files |`. */
function isTableCell(lower: string, separator: number, end: number): boolean {
  return (
    lower.charCodeAt(separator) === 0x7c &&
    lower.charCodeAt(end) === 0x7c &&
    lower.charCodeAt(end - 1) === 0x20
  );
}

/** `;` behind a named reference: `&nbsp;more`, `caf&eacute;`. */
function isEntityEnd(lower: string, at: number): boolean {
  const amp = lower.lastIndexOf("&", at - 1);
  return amp >= 0 && at - amp <= 9 && at - amp >= 3 && /^&#?\w+$/.test(lower.slice(amp, at));
}

const INTERPRETERS = new Set([
  "sh",
  "bash",
  "zsh",
  "dash",
  "ksh",
  "python",
  "python3",
  "perl",
  "ruby",
  "node",
  "php",
  "iex",
  "cmd",
  "cmd.exe",
  "powershell",
]);

/** `printf … | base64 -d | sh`: the part before the pipe is a command line as well. */
function isInterpreterPipe(lower: string, separator: number, command: Command, proof: Evidence): boolean {
  if (
    lower.charCodeAt(separator) !== 0x7c ||
    !INTERPRETERS.has(command.name) ||
    !(proof.bits & (evidence.end | evidence.option))
  )
    return false;
  if (lower.length > 600 || countLines(lower) > LINES_MAX) return false;
  let start = separator;
  while (start > 0 && separator - start < 300 && !/[;|&\n`(]/.test(lower[start - 1]!)) start--;
  const before = readCommand(lower, start);
  return before !== undefined && before.class !== "word"
    ? true
    : before !== undefined && /^(?:echo|printf|cat|rev|curl|wget)$/.test(before.name);
}

/** Quotes around or inside an ordinary word: `;'time'`, `the 'cat's`. */
function isProseQuote(lower: string, command: Command): boolean {
  const written = lower.slice(command.start, command.end);
  return (command.class === "word" || command.class === "short") && /^["'][\w]+["']$/.test(written);
}

function backticks(lower: string, at: number, found: Detection[]): number {
  const close = lower.indexOf("`", at + 1);
  if (close < 0 || close - at > 300) {
    if (close < 0 && at > 0) afterSeparator(lower, at, at + 1, HARD, found);
    return at;
  }
  if (close === at + 1) return close;
  const before = at === 0 ? 0 : lower.charCodeAt(at - 1);
  const whole =
    /^[\s;|&"'$(]*$/.test(lower.slice(0, at)) &&
    /^[\s;|&"'`)]*$/.test(lower.slice(close + 1, close + 12)) &&
    lower.length - close <= 12;
  // Inline code of Markdown stands between blanks or brackets; attached to a word it is a substitution.
  const attached =
    before !== 0 &&
    before !== 0x20 &&
    before !== 0x28 &&
    before !== 0x5b &&
    before !== 0x0a &&
    before !== 0x0d &&
    before !== 0x3a &&
    before !== 0x2c &&
    before !== 0x60 &&
    before !== 0x2a &&
    before !== 0x3e &&
    before !== 0x2f;
  if (whole || attached) substitution(lower, at, at + 1, found);
  return close;
}

function dollar(lower: string, at: number, next: number, found: Detection[]): void {
  if (next === 0x28) {
    if (lower.charCodeAt(at + 2) === 0x28) arithmetic(lower, at, found);
    else substitution(lower, at, at + 2, found);
  } else if (next === 0x5b) {
    if (/^\$\[\s{0,4}\d{1,9}\s{0,4}[*+%/-]\s{0,4}\d{1,9}\s{0,4}\]/.test(lower.slice(at, at + 40))) {
      found.push({ kind: "shell.arithmetic", start: at, end: at + 2 });
    }
  } else if (
    /^\$(?:ifs(?:\$\d|[/"'{$%\\-]|[a-z\d])|\{ifs(?:[:%#}][^}\s]{0,12})?\}?[\w/"'{$%\\.~<>-])/.test(
      lower.slice(at, at + 24),
    )
  ) {
    found.push({ kind: "shell.ifs_expansion", start: at, end: at + 6 });
  } else if (isSetBefore(lower, at)) found.push({ kind: "shell.variable_command", start: at, end: at + 2 });
}

/** `$((7*7))` in front or in place of a value; `$((…))` inside a text is somebody's script. */
function arithmetic(lower: string, at: number, found: Detection[]): void {
  const expression = /^\$\(\(\s{0,4}\d{1,9}(?:\s{0,4}(?:[*+%^/-]|<<|>>)\s{0,4}\d{1,9}){0,4}\s{0,4}\)\)/.exec(
    lower.slice(at, at + 60),
  );
  if (expression !== null && lower.length < 300)
    found.push({ kind: "shell.arithmetic", start: at, end: at + expression[0].length });
}

/** `CMD=…;$CMD`: the variable was set earlier in the value, and a separator stands in front of its use. */
function isSetBefore(lower: string, at: number): boolean {
  const name = /^\$(\w{1,20})\s{0,4}(?:[;|&]|$)/.exec(lower.slice(at, at + 28));
  if (name === null || !/[;|&]\s{0,4}$/.test(lower.slice(Math.max(0, at - 6), at))) return false;
  const set = lower.lastIndexOf(`${name[1]}=`, at - 1);
  return set >= 0 && at - set < 300;
}

function substitution(lower: string, start: number, at: number, found: Detection[]): void {
  afterSeparator(lower, start, at, SUBSTITUTION, found);
}

function functionDefinition(lower: string, at: number, found: Detection[]): void {
  const head = /^\(\)\s{0,8}\{\s{0,8}(?::\s{0,8};|_;|[a-z]\w{0,20}\s{0,4};|$|[;:>])/.exec(
    lower.slice(at, at + 48),
  );
  // JavaScript has `() {` after a name or a parameter list; in Shellshock nothing stands before it.
  if (
    head !== null &&
    /(?:^|[\s"'=:,`])$/.test(lower.slice(Math.max(0, at - 1), at)) &&
    lower.slice(0, at).trim().length <= 24
  ) {
    found.push({ kind: "shell.function_definition", start: at, end: at + head[0].length });
  }
}

function glob(lower: string, at: number, found: Detection[]): void {
  const before = lower.charCodeAt(at - 1);
  const free =
    at === 0 ||
    before === 0x20 ||
    before === 0x3b ||
    before === 0x7c ||
    before === 0x26 ||
    before === 0x3d ||
    before === 0x22 ||
    before === 0x27 ||
    before === 0x60 ||
    before === 0x28 ||
    before === 0x2c ||
    before === 0x7d ||
    before === 0x3c ||
    before === 0x0a;
  if (!free) return;
  const end = globPathEnd(lower, at);
  if (end > 0) found.push({ kind: "shell.glob_path", start: at, end });
}

/** `{cat,/etc/passwd}`, and the template `{cmd}` between separators. */
function braces(lower: string, at: number, found: Detection[]): void {
  const word = readWord(lower, at + 1);
  const after = lower.charCodeAt(word.end);
  if (after === 0x2c && commandClass(word.name) !== undefined) {
    const rest = lower.slice(word.end + 1, word.end + 80);
    if (
      /^["']?(?:-{1,2}[a-z]|\/|~|\.{1,2}\/|[a-z]:|https?:|\$|\*)[^{}]{0,70}\}/.test(rest) ||
      (commandClass(word.name) === "rare" && /^[^{}\s"':]{1,70}\}/.test(rest))
    ) {
      found.push({ kind: "shell.brace_list", start: at, end: word.end });
    }
  } else if (after === 0x7d && /^(?:cmd|command|payload|exec|shell)$/.test(word.name)) {
    if (
      /[;|&\n\r`'"]\s{0,2}$/.test(lower.slice(Math.max(0, at - 3), at)) &&
      /^[;|&\n\r`'"\s]*(?:$|[;|&])/.test(lower.slice(word.end + 1, word.end + 6))
    ) {
      found.push({ kind: "shell.brace_list", start: at, end: word.end + 1 });
    }
  }
}

function hereString(lower: string, at: number, found: Detection[]): void {
  let start = at;
  while (start > 0 && at - start < 24 && /[\w./ -]/.test(lower[start - 1]!)) start--;
  const command = readCommand(lower, start);
  if (command !== undefined && command.end <= at)
    found.push({ kind: "shell.here_string", start, end: at + 3 });
}

/** The value as a command line of its own. */
function atStart(lower: string, found: Detection[]): void {
  if (lower.length > 600) return;
  const lead = /^[\s"'`(]{0,4}/.exec(lower)![0].length;
  const command = readCommand(lower, lead);
  if (command === undefined || command.start > 60) return;
  const proof = evidenceAt(lower, command.end);
  const { bits } = proof;
  if (
    command.tricked &&
    bits & (STRONG | evidence.end) &&
    !isProseQuote(lower, command) &&
    (command.class !== "word" || bits & STRONG)
  ) {
    found.push({ kind: "shell.hidden_word", start: 0, end: command.end });
    return;
  }
  const line = lower.slice(command.end, command.end + 300);
  const systemFile =
    /(?:^|[\s"'<=,])(?:\/(?:etc|proc|var\/(?:log|www|lib|mail|spool)|root|dev\/(?:tcp|udp))(?:\/|$|\s)|[a-z]:[\\/]|%(?:systemroot|windir|systemdrive)%)/.test(
      line,
    );
  const wrappedEnd = command.wrapped && command.class === "rare" && (bits & (evidence.end | STRONG)) !== 0;
  const prose = /[a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}/.test(line) || /[.!?]\s[a-z]/.test(line);
  if (prose) return;
  if (command.class === "rare" && (bits & STRONG) !== 0) report();
  else if (wrappedEnd) report();
  else if (
    systemFile &&
    bits & (evidence.path | evidence.option | evidence.redirect | evidence.later | evidence.expansion)
  )
    report();
  else if (command.class === "short" && bits & evidence.expansion) report();
  else if (command.class === "rare" && bits & evidence.end && /[;|&]/.test(lower[proof.end] ?? "")) report();
  else if (
    isUnmistakable(command.name) &&
    bits & evidence.word &&
    /^ \S{1,40}(?: \S{1,40}){0,2}\s*$/.test(line)
  )
    report();
  else if (bits & evidence.path && /^\s{1,4}\/[\w/.]{0,20}\[/.test(line)) report();
  else if (isCommandList(lower)) report();

  function report(): void {
    found.push({ kind: "shell.leading_command", start: command!.start, end: proof.end });
  }
}

/** `cd /;cd etc;column passwd`: every part is a command, and one of them has a path. */
function isCommandList(lower: string): boolean {
  if (lower.length > 200) return false;
  const parts = lower.trim().split(/;|&&|\|\|/, 8);
  if (parts.length < 2) return false;
  let paths = 0;
  for (const part of parts) {
    if (part.trim() === "") continue;
    const command = readCommand(part, 0);
    if (command === undefined) return false;
    const { bits } = evidenceAt(part, command.end);
    if (bits === 0) return false;
    if (bits & evidence.path && command.class !== "word") paths++;
  }
  return paths > 0;
}

/** Values that are nothing but a name of a command or references into the history. */
function wholeValue(lower: string, found: Detection[]): void {
  if (lower.length > 40) return;
  if (/^\s{0,4}(?:!-?\d{1,4}){2,8}\s{0,4}$/.test(lower)) {
    found.push({ kind: "shell.history_expansion", start: 0, end: lower.length });
  } else if (isBareCommand(lower.trim()))
    found.push({ kind: "shell.bare_command", start: 0, end: lower.length });
}

function countLines(lower: string): number {
  let lines = 1;
  for (let at = lower.indexOf("\n"); at >= 0 && lines <= LINES_MAX; at = lower.indexOf("\n", at + 1)) {
    if (at < lower.length - 1) lines++;
  }
  return lines;
}
