import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";
import { EXECUTION, INTROSPECTION, judgeExpression } from "./template-expression.ts";

/** Opening and closing delimiters of template engines by the opening one's second character, the longer ones first. */
const DELIMITERS: ReadonlyMap<number, readonly Delimiters[]> = groupDelimiters([
  ["${{", "}}"],
  ["{{", "}}"],
  ["{%", "%}"],
  ["${", "}"],
  ["#{", "}"],
  ["*{", "}"],
  ["~{", "}"],
  ["%{", "}"],
  ["@{", "}"],
  ["@(", ")"],
  ["<%", "%>"],
  ["[[", "]]"],
  ["[(", ")]"],
  ["<#", ">"],
  ["[#", "]"],
  ["{$", "}"],
  ["{php", "/php}"],
]);

type Delimiters = readonly [open: string, close: string];

function groupDelimiters(all: readonly Delimiters[]): ReadonlyMap<number, readonly Delimiters[]> {
  const groups = new Map<number, Delimiters[]>();
  for (const pair of all) {
    const code = pair[0].charCodeAt(1);
    groups.set(code, [...(groups.get(code) ?? []), pair]);
  }
  return groups;
}

/** Expressions that a template engine would evaluate on the server, told from placeholders by what they do. */
export const template: Detector = {
  name: "template",
  kinds: {
    "template.arithmetic": "a calculation with numbers only, as probes for template engines use it",
    "template.introspection":
      "attributes that lead from any object to the interpreter: __class__, __globals__, getClass",
    "template.call": "a call that runs commands, code or files, or that makes an object of a named class",
    "template.object": "an engine's or framework's own object, given out or called",
    "template.literal": "a method or filter on a literal, as probes use it to see which engine answers",
    "template.velocity": "a Velocity directive or reference that reaches classes",
    "template.smarty": "Smarty: {php}, {$smarty…}, a PHP function in braces",
    "template.directive": "a template engine's directive: {% … %}, <% … %>, <#…>, #set(",
    "template.placeholder": "an expression in template delimiters, whatever it does",
  },
  triggers: [
    "{{",
    "{%",
    "${",
    "#{",
    "*{",
    "~{",
    "%{",
    "@{",
    "@(",
    "<%",
    "[[",
    "[(",
    "<#",
    "[#",
    "{$",
    "{php",
    "#set",
    "#include",
    "#evaluate",
    "$class",
    "{system",
    "{passthru",
    "{exec",
    "{phpinfo",
    "{if ",
    "__${",
    "{include",
    "{fetch",
    "{smarty_",
    "|system",
    "|passthru",
    "|shell_exec",
    "|exec",
    "@system.",
  ],
  detect,
};

const FORMAT = /^[-+#0 ]?\d{0,3}[sdirufx](?![\w('"=.])/;

/** Also nested arrays, intervals, mentions: no placeholders by their form alone. */
const LOOSE = new Set(["[[", "[(", "@("]);

const EXPRESSION_CHARS_MAX = 2048;
const OPEN_CHARS_MAX = 256;

function detect(subject: Subject, found: Detection[]): void {
  const from = found.length;
  const { text, lower } = subject;
  const size = Math.max(1, text.trim().length);
  let closes: Map<string, number> | undefined;
  let reaches: Finder | undefined;
  let executes: Finder | undefined;
  for (let at = 0; at < text.length - 2; at += 1) {
    const code = text.charCodeAt(at + 1);
    // Second characters of all openers: { % ( [ # $ p
    if (
      code !== 0x7b &&
      code !== 0x25 &&
      code !== 0x28 &&
      code !== 0x5b &&
      code !== 0x23 &&
      code !== 0x24 &&
      code !== 0x70
    )
      continue;
    const pair = DELIMITERS.get(code)!.find(([open]) => lower.startsWith(open, at));
    if (pair === undefined) continue;
    const [open, close] = pair;
    const start = at + open.length;
    closes ??= new Map();
    reaches ??= openFinder(INTROSPECTION, text);
    executes ??= openFinder(EXECUTION, text);
    const stop = nextClose(lower, close, start, closes);
    const closed = stop >= 0 && stop - start < EXPRESSION_CHARS_MAX;
    // `"<%s at %#x>" % (…)`: a format of Python's or C's.
    if (!closed && open === "<%" && FORMAT.test(text.slice(start, start + 8))) continue;
    const inner = closed ? stop : Math.min(text.length, start + OPEN_CHARS_MAX);
    const end = closed ? inner + close.length : inner;
    const expression = text.slice(start, inner);
    const kind = judgeExpression({
      text: expression,
      open,
      closed,
      share: (end - at) / size,
      reaches: reaches(start, inner),
      executes: executes(start, inner),
    });
    if (kind !== undefined) reportOnce(found, from, kind, at, end);
    if (closed && expression.length < 400 && !LOOSE.has(open) && /\S/.test(expression)) {
      const directive = open === "{%" || open === "<%" || open === "<#";
      reportOnce(found, from, directive ? "template.directive" : "template.placeholder", at, end);
    }
    at += open.length - 1;
  }
  detectVelocity(lower, found, from);
  detectSmarty(lower, found, from);
  const razor = lower.includes("@system.") ? RAZOR.exec(lower) : null;
  if (razor !== null) reportOnce(found, from, "template.call", razor.index, razor.index + razor[0].length);
}

/** Where the closing delimiter stands next, -1 = nowhere. Each is searched once through the text. */
function nextClose(lower: string, close: string, from: number, known: Map<string, number>): number {
  let at = known.get(close) ?? 0;
  if (at < 0 || (at >= from && known.has(close))) return at;
  at = lower.indexOf(close, from);
  known.set(close, at);
  return at;
}

type Finder = (from: number, to: number) => boolean;

/** Tells whether a pattern has a match within a span; spans come in order, so the text is searched once. */
function openFinder(pattern: RegExp, text: string): Finder {
  let start = -1;
  let end = -1;
  return (from, to) => {
    for (let tries = 0; tries < 3; tries += 1) {
      if (start < from) {
        pattern.lastIndex = from;
        const match = pattern.exec(text);
        start = match === null ? Infinity : match.index;
        end = match === null ? Infinity : match.index + match[0].length;
      }
      if (start >= to) return false;
      if (end <= to) return true;
      start = -1;
      from += 1;
    }
    return false;
  };
}

function detectVelocity(lower: string, found: Detection[], from: number): void {
  for (const word of ["#set", "#include", "#evaluate", "#parse", "$class"]) {
    const at = lower.indexOf(word);
    if (at < 0) continue;
    const rest = lower.slice(at + word.length, at + word.length + 160);
    if (word === "$class") {
      if (/^\.(?:inspect|type|for)/.test(rest)) reportOnce(found, from, "template.velocity", at, at + 12);
    } else if (/^\s{0,4}\(\s{0,4}[$"'\w]/.test(rest)) {
      reportOnce(found, from, "template.directive", at, at + word.length);
      const reaches =
        /\.(?:class|getclass|forname|getruntime|type)\b|=\s{0,4}\d{1,6}\s{0,4}[*%]\s{0,4}\d|\/etc\/|runtime|processbuilder/.test(
          rest,
        );
      if (reaches) reportOnce(found, from, "template.velocity", at, at + 24);
    }
  }
}

/** `{system('id')}`, `{include file='/etc/passwd'}`, `{if phpinfo()}{/if}`. */
const SMARTY =
  /^\{(?:(?:if |eval var=|assign var=[\w'"]{1,30} value=)\s{0,4})?['"`]?(?:system|passthru|shell_exec|popen|phpinfo|file_get_contents|readfile|show_source|call_user_func)\s{0,4}\(|^\{(?:include|fetch|include_php)\s{1,4}(?:file|src|php)\s{0,2}=\s{0,2}["']?(?:\/|\.\.|https?:|php:|data:|file:|string:|eval:)|^\{smarty_\w{1,40}::\w{1,40}\s{0,4}\(|^\{['"][^'"{}]{0,80}['"]\|(?:system|passthru|shell_exec|exec)\s{0,4}[}|:]/;

/** Razor: `@System.Diagnostics.Process.Start(…)`. */
const RAZOR =
  /(?<![\w.])@system\.(?:diagnostics\.process|io\.(?:file|directory)|reflection\.\w{1,40}|environment)\.\w{1,40}\s{0,2}\(/;

function detectSmarty(lower: string, found: Detection[], from: number): void {
  for (let at = lower.indexOf("{"); at >= 0; at = lower.indexOf("{", at + 1)) {
    const code = lower.charCodeAt(at + 1);
    // A letter or a quote.
    if ((code < 0x61 || code > 0x7a) && code !== 0x22 && code !== 0x27 && code !== 0x60) continue;
    if (SMARTY.test(lower.slice(at, at + 100))) {
      reportOnce(found, from, "template.smarty", at, at + 16);
      return;
    }
  }
}
