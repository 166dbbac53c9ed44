import type { Detection, Detector, Subject } from "../detection.ts";
import { isEventName } from "./html-event.ts";
import { mayRun } from "./javascript-hint.ts";
import { findObfuscation } from "./javascript-obfuscation.ts";
import {
  computedMember,
  DIALOGS,
  HOT_MEMBERS,
  isCalled,
  isGlobal,
  isMark,
  isSunk,
  RUNNERS,
} from "./javascript-sink.ts";
import { readTokens, type Token } from "./javascript-token.ts";
import { reportOnce } from "./once.ts";

/** Script that a value brings into a page's own script, or that is the value itself. */
export const javascript: Detector = {
  name: "javascript",
  kinds: {
    "javascript.breakout":
      "a quote or bracket that ends the page's own string, then a call or a global object",
    "javascript.call":
      "the value starts with a call of alert, confirm, prompt or of something that runs text",
    "javascript.probe": "a dialog that shows the cookie, the domain or a test text",
    "javascript.computed":
      "a global object's member by a computed or interrupted name: window['alert'], document/**/.cookie",
    "javascript.constructor": "a function made from text through a constructor property",
    "javascript.alias":
      "another name for eval or alert, and its call; dialogs as callbacks and as error handlers",
    "javascript.decoded": "eval of decoded text, or text from character codes",
    "javascript.exfiltration": "the cookie or storage, joined into an address or sent",
    "javascript.symbols": "a program of brackets, plus and exclamation marks only",
    "javascript.polyglot":
      "comment openers after every kind of quote: text that runs in whatever string it lands",
    "javascript.template": "a template literal's placeholder with a call of alert and the like",
  },
  triggers: [
    "alert", "confirm", "prompt", "eval", "function", "settimeout", "setinterval", "document", "window", "self", "top", "parent",
    "globalthis", "frames", "constructor", "fromcharcode", "import", "fetch", "location", "[]", "execscript", "cookie", "$=~",
    "this[", "xmlhttprequest", "getscript", "onerror", "opener", "localstorage", "/*",
    "image", "websocket", "atob", "importscripts", "setimmediate", "sendbeacon", "postmessage", "msgbox", "$.", "jquery", ")//", ");//",
  ], // biome-ignore format: a list
  detect,
};

function detect(subject: Subject, found: Detection[]): void {
  const from = found.length;
  const { text, lower } = subject;
  if (mayRun(lower)) {
    findBreakouts(text, found, from);
    const tokens = readTokens(text, 0);
    findStart(text, tokens, found, from);
    for (let index = 0; index < tokens.length; index += 1) judgeToken(tokens, index, found, from);
    if (isPolyglot(text)) reportOnce(found, from, "javascript.polyglot", 0, text.length);
  }
  if (swallowsRest(lower)) reportOnce(found, from, "javascript.breakout", 0, lower.length);
  findObfuscation(subject, found, from);
}

/** `';anything(…)//`: a closed string, statements, and a comment for what the page has behind its string. */
function swallowsRest(lower: string): boolean {
  if (lower.length > SWALLOWING_MAX || !/\/\/\s{0,4}$/.test(lower.slice(-6))) return false;
  const opening = /^[\w .@+-]{0,40}['"`][\])}\s]{0,8};\s{0,8}(?=[a-z_$([{])/.exec(lower);
  return opening !== null && /\w\s?(?:\(.*\)|[.\]]?\s?=\s?\S.*)/.test(lower.slice(opening[0].length));
}

const SWALLOWING_MAX = 400;

/** `/*'/*"/*` + "`": no program or sentence has a comment opener next to each of the three quotes. */
function isPolyglot(text: string): boolean {
  return ["'", '"', "`"].every((quote) => text.includes(`/*${quote}`) || text.includes(`${quote}/*`));
}

/** An attack follows the quote; a call 50 tokens later belongs to a code sample that has a quote somewhere. */
const BREAKOUT_TOKENS_MAX = 48;

/** Reads the value as the rest of a string of the page: once for each quote, from its first occurrence. */
function findBreakouts(text: string, found: Detection[], from: number): void {
  for (const quote of ["'", '"', "`"]) {
    const at = text.indexOf(quote);
    if (at < 0) continue;
    // Behind a closed string a slash divides: it begins no pattern.
    const divides = /^\/[^/*]/.test(text.slice(at + 1, at + 3));
    let tokens = readTokens(text, divides ? at + 2 : at + 1);
    if (!divides && !continuesCode(text, tokens[0], at)) continue;
    const padded = paddingEnd(text, at + 1);
    if (padded - at > PADDING_CHARS) tokens = readTokens(text, padded);
    const limit = Math.min(tokens.length, BREAKOUT_TOKENS_MAX);
    for (let index = 0; index < limit && !isSentence(tokens, index); index += 1) {
      if (!isHot(tokens, index)) continue;
      // In Markdown a name before a backtick is a word before a code span.
      if (quote === "`" && tokens[index + 1]?.type === "template" && !DIALOGS.has(tokens[index]!.value))
        continue;
      reportOnce(found, from, "javascript.breakout", at, tokens[index]!.end);
      return;
    }
  }
  const placeholder = text.indexOf("${");
  if (placeholder >= 0) {
    const tokens = readTokens(text.slice(0, placeholder + 300), placeholder + 2);
    if (
      isDialogCall(tokens, 0) ||
      (RUNNERS.has(tokens[0]?.value ?? "") &&
        /^(?:eval|Function|setTimeout|fetch|import)$/.test(tokens[0]!.value) &&
        isCalled(tokens, 1))
    ) {
      reportOnce(found, from, "javascript.template", placeholder, tokens[0]!.end);
    }
  }
}

/** More than this is put there to hide what follows. */
const PADDING_CHARS = 64;
/** Operands that do nothing: `'+0+0-a+''+0`. */
const PADDING =
  /(?:\s{0,4}[-+*/,;|&]{1,2}\s{0,4}(?:\d{1,9}|'[^'"`]{0,4}'|"[^'"`]{0,4}"|[a-z_$]{1,2})(?![\w(.[]))*/giy;

function paddingEnd(text: string, from: number): number {
  PADDING.lastIndex = from;
  return PADDING.test(text) ? PADDING.lastIndex : from;
}

const KEYWORDS = new Set([
  "new", "typeof", "void", "in", "of", "function", "async", "await", "delete", "instanceof", "var", "let", "const", "return",
  "throw", "else", "case", "yield", "class", "if", "for", "while", "do", "try", "catch", "finally", "extends", "get", "set",
]); // biome-ignore format: a list

/** Two words side by side on a line that no operator joins: a sentence, not a program. */
function isSentence(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index]!;
  const next = tokens[index + 1];
  if (token.type !== "name" || next?.type !== "name" || next.start - token.end > 4) return false;
  return !KEYWORDS.has(token.value) && !KEYWORDS.has(next.value);
}

/** After a string's end a program goes on with an operator, a bracket, `;` or a new line: never with a word. */
function continuesCode(text: string, first: Token | undefined, quoteAt: number): boolean {
  if (first === undefined) return false;
  const between = text.slice(quoteAt + 1, first.start);
  // A block needs an end of the statement before it; `f"{self.name}"` and `"{}".format(…)` are texts.
  if (first.type === "mark" && first.value === "{") return /[\r\n]/.test(between);
  if (first.type === "mark") return !/[@#\\]/.test(first.value);
  if (first.type === "template") return false;
  return (first.type === "name" && /^(?:in|instanceof|of)$/.test(first.value)) || /[\r\n]|\/\*/.test(between);
}

/** A token after a break-out that shows an attack. */
function isHot(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index]!;
  if (token.type !== "name") return false;
  if (DIALOGS.has(token.value)) return isSunk(tokens, index);
  // `typeof import('./parser')`: a program's own file, as declarations of types name it.
  if (
    token.value === "import" &&
    isMark(tokens[index + 1], "(") &&
    /^['"`]?\.{1,2}\//.test(tokens[index + 2]?.value ?? "")
  )
    return false;
  if (RUNNERS.has(token.value))
    return /^[A-Z$]|^(?:open|print|write|require|atob|btoa|unescape)/.test(token.value)
      ? isHotRunner(tokens, index)
      : isSunk(tokens, index);
  const next = tokens[index + 1];
  if (token.value === "location") {
    return (
      (isMark(next, "=") && !isMark(tokens[index + 2], "=")) ||
      (isMark(next, ".") && HOT_MEMBERS.has(tokens[index + 2]?.value ?? ""))
    );
  }
  if (token.value === "onerror") return isMark(next, "=");
  if (token.value === "constructor") return isMark(tokens[index - 1], ".") && isCalled(tokens, index + 1);
  if (!isGlobal(token)) return false;
  if (isMark(next, "[")) return token.value !== "this" || computedMember(tokens, index + 1) !== undefined;
  if (token.value === "this") return false;
  return (isMark(next, ".") || isMark(next, "?.")) && HOT_MEMBERS.has(tokens[index + 2]?.value ?? "");
}

/** Names that are words or parts of other languages count when what they do is seen. */
function isHotRunner(tokens: readonly Token[], index: number): boolean {
  const name = tokens[index]!.value;
  const before = tokens[index - 1];
  if (name === "String") return tokens[index + 2]?.value === "fromCharCode";
  if (name === "Image" || name === "XMLHttpRequest" || name === "WebSocket")
    return before?.value === "new" || isMark(tokens[index + 1], ")");
  if (name === "Object" || name === "Reflect" || name === "Array") return false;
  if (name === "$" || name === "jQuery") return isMark(tokens[index + 1], ".") && isCalled(tokens, index + 3);
  return name === "Function" || name === "atob" ? isCalled(tokens, index + 1) : false;
}

/** The value itself is the program: its first statement, or what follows a number or closing brackets, calls a sink. */
function findStart(text: string, tokens: readonly Token[], found: Detection[], from: number): void {
  let index = skipLead(tokens);
  if (index < 0) return;
  if (isMark(tokens[index - 1], "/") && tokens[index]?.spaced) return;
  const token = tokens[index];
  if (token === undefined) return;
  if (
    token.type === "name" &&
    (token.value === "void" || token.value === "typeof" || token.value === "new" || token.value === "throw")
  )
    index += 1;
  if (isDialogCall(tokens, index) && isStatement(text, tokens, index)) {
    reportOnce(found, from, "javascript.call", tokens[index]!.start, tokens[index]!.end);
    return;
  }
  const name = tokens[index]?.value ?? "";
  const first = tokens[index + 2];
  const runs =
    /^(?:eval|Function|execScript|setTimeout|setInterval|import|setImmediate)$/.test(name) &&
    isMark(tokens[index + 1], "(");
  if (runs && (first?.type === "string" || first?.type === "template") && isTextRunner(name, first.value)) {
    reportOnce(found, from, "javascript.call", tokens[index]!.start, first.end);
  }
  const tagged = tokens[index + 1];
  if (tagged?.type === "template" && TAGS.has(name) && isTextRunner(name, tagged.value))
    reportOnce(found, from, "javascript.call", tokens[index]!.start, tagged.end);
  // `with(document)alert(cookie)`
  if (
    name === "with" &&
    isMark(tokens[index + 1], "(") &&
    isMark(tokens[index + 3], ")") &&
    isDialogCall(tokens, index + 4)
  )
    reportOnce(found, from, "javascript.call", tokens[index]!.start, tokens[index + 4]!.end);
}

const TAGS = new Set(["eval", "Function", "setTimeout", "setInterval", "setImmediate", "execScript"]);

/** Text that `eval("…")` gets is a program; `setTimeout("…")` too; `import("./x.js")` is ordinary. */
function isTextRunner(name: string, argument: string): boolean {
  if (name === "import") return /^(?:https?:|\/\/|data:)/i.test(argument);
  return /[(`=.\\+]/.test(argument);
}

/**
 * Index of the first token after what ends the page's own expression: brackets and operators, also after one number, or
 * one name that `;`, `)` or `}` follows. -1 when the value starts otherwise.
 */
function skipLead(tokens: readonly Token[]): number {
  let index = 0;
  const first = tokens[0];
  if (
    first?.type === "number" ||
    (first?.type === "name" &&
      tokens[1]?.type === "mark" &&
      /[;)}]/.test(tokens[1].value) &&
      !tokens[1].spaced)
  ) {
    index = 1;
  }
  const lead = index;
  while (
    index < tokens.length &&
    index < 24 &&
    tokens[index]!.type === "mark" &&
    !/[@#\\<>"']/.test(tokens[index]!.value)
  )
    index += 1;
  return lead === 1 && index === 1 ? -1 : index;
}

/** `alert(1)`, `(alert)(1)`, `alert?.(1)`, "alert`1`", `alert.call(…)`, `window.alert(1)`, `top.alert(1)`. */
function isDialogCall(tokens: readonly Token[], index: number): boolean {
  let at = index;
  if (isGlobal(tokens[at]) && (isMark(tokens[at + 1], ".") || isMark(tokens[at + 1], "?."))) at += 2;
  const token = tokens[at];
  return token?.type === "name" && DIALOGS.has(token.value) && isCalled(tokens, at + 1);
}

/** Tells `alert(1)` from `alert(1).pdf`, `alert (see below)` and `confirm(s) the order`. */
function isStatement(text: string, tokens: readonly Token[], index: number): boolean {
  let open = index;
  while (open < tokens.length && !isMark(tokens[open], "(") && tokens[open]!.type !== "template") open += 1;
  const bracket = tokens[open];
  if (bracket === undefined || bracket.type === "template") return bracket !== undefined;
  const argument = tokens[open + 1];
  if (bracket.spaced && !bracket.commented && argument?.type === "name")
    return isGlobal(argument) || isMark(tokens[open + 2], "(");
  let depth = 0;
  let close = open;
  for (; close < tokens.length; close += 1) {
    if (isMark(tokens[close], "(")) depth += 1;
    else if (isMark(tokens[close], ")")) depth -= 1;
    if (depth === 0) break;
    const inner = tokens[close]!;
    if (inner.type === "name" && isSentence(tokens, close)) return false;
  }
  const after = tokens[close + 1];
  if (after === undefined || close >= tokens.length) return true;
  if (after.type === "name") return /[\r\n]/.test(text.slice(tokens[close]!.end, after.start));
  if (isMark(after, ".")) return tokens[close + 3] !== undefined && !tokens[close + 3]!.spaced;
  return true;
}

/** Constructs that are telling wherever they stand in code. */
function judgeToken(tokens: readonly Token[], index: number, found: Detection[], from: number): void {
  const token = tokens[index]!;
  if (token.type !== "name") return;
  const next = tokens[index + 1];
  if (isGlobal(token)) judgeGlobal(tokens, index, found, from);
  if (DIALOGS.has(token.value)) {
    if (isProbe(tokens, index))
      reportOnce(
        found,
        from,
        "javascript.probe",
        token.start,
        tokens[Math.min(index + 3, tokens.length - 1)]!.end,
      );
    if (isCallback(tokens, index))
      reportOnce(found, from, "javascript.alias", tokens[index - 2]!.start, token.end);
  }
  if (isAlias(tokens, index))
    reportOnce(found, from, "javascript.alias", token.start, tokens[index + 2]!.end);
  if (
    isMark(next, "=") &&
    isMark(tokens[index - 1], ".") &&
    isEventName(token.value) &&
    isDialogCall(tokens, index + 2)
  )
    reportOnce(found, from, "javascript.alias", token.start, tokens[index + 2]!.end);
  if (token.value === "onerror" && isMark(next, "=") && throwsLater(tokens, index + 2)) {
    reportOnce(found, from, "javascript.alias", token.start, next!.end);
  }
  if (token.value === "constructor" && isConstructed(tokens, index)) {
    reportOnce(found, from, "javascript.constructor", token.start, token.end);
  }
  if (
    (token.value === "eval" || token.value === "Function" || token.value === "setTimeout") &&
    isMark(next, "(") &&
    /^(?:atob|unescape|String|decodeURIComponent|decodeURI|location|name|window)$/.test(
      tokens[index + 2]?.value ?? "",
    )
  ) {
    const inner = tokens[index + 2]!;
    if (inner.value !== "name" || isMark(tokens[index + 3], ")"))
      reportOnce(found, from, "javascript.decoded", token.start, inner.end);
  }
  if (token.value === "fromCharCode" && isCharList(tokens, index + 1)) {
    reportOnce(found, from, "javascript.decoded", token.start, tokens[index + 3]!.end);
  }
}

function judgeGlobal(tokens: readonly Token[], index: number, found: Detection[], from: number): void {
  const token = tokens[index]!;
  let at = index + 1;
  const hidden = isMark(tokens[at], ")") && isMark(tokens[index - 1], "(");
  if (hidden) at += 1;
  if (isMark(tokens[at], "?.")) at += 1;
  const member = computedMember(tokens, at);
  if (member !== undefined && isHotMember(hidden ? "" : token.value, member)) {
    reportOnce(found, from, "javascript.computed", token.start, tokens[at]!.end);
  }
  const name = tokens[index + 2];
  const interrupted = tokens[index + 1]?.commented || name?.commented;
  if (isMark(tokens[index + 1], ".") && interrupted && HOT_MEMBERS.has(name?.value ?? "")) {
    reportOnce(found, from, "javascript.computed", token.start, name!.end);
  }
  const cookie =
    name?.value === "cookie" || name?.value === "localStorage" || name?.value === "sessionStorage";
  if (isMark(tokens[index + 1], ".") && cookie && isSent(tokens, index)) {
    reportOnce(found, from, "javascript.exfiltration", token.start, name.end);
  }
}

/** Members that code names in brackets without a wish to hide them: `this['name']`, `window['location']`. */
const OPEN_MEMBERS = new Set(["name", "body", "href", "hash", "open", "referrer", "documentElement", "location", "document", "domain"]); // biome-ignore format: a list

function isHotMember(
  owner: string,
  { name, joined }: { readonly name: string; readonly joined: boolean },
): boolean {
  if (joined) return owner !== "this" || HOT_MEMBERS.has(name);
  return HOT_MEMBERS.has(name) && (owner === "" || !OPEN_MEMBERS.has(name));
}

/** `alert(document.cookie)`, `prompt(location)`, `alert("XSS")`, `confirm(/xss/)`, `alert(1337)` inside a longer value. */
function isProbe(tokens: readonly Token[], index: number): boolean {
  if (!isCalled(tokens, index + 1)) return false;
  let open = index + 1;
  while (open < index + 5 && !isMark(tokens[open], "(") && tokens[open]?.type !== "template") open += 1;
  const argument = tokens[open]?.type === "template" ? tokens[open] : tokens[open + 1];
  if (argument === undefined) return false;
  if (argument.type === "name") {
    const member = tokens[open + 3]?.value ?? "";
    if (isGlobal(argument))
      return /^(?:cookie|domain|location|origin|URL|baseURI|document|name)$/.test(member);
    return (
      (argument.value === "location" && isMark(tokens[open + 2], ")")) ||
      argument.value === "XSS" ||
      argument.value === "xss"
    );
  }
  return argument.type !== "number" && /\bxss/i.test(argument.value) && argument.value.length < 40;
}

/** `[1].find(alert)`: a dialog as the only callback. */
function isCallback(tokens: readonly Token[], index: number): boolean {
  if (!isMark(tokens[index - 1], "(") || !isMark(tokens[index - 3], ".")) return false;
  const after = tokens[index + 1];
  return (
    /^(?:some|map|find|findIndex|findLast|filter|every|forEach|reduce|reduceRight|sort|then|replace|flatMap|from)$/.test(
      tokens[index - 2]?.value ?? "",
    ) &&
    (isMark(after, ")") || isMark(after, ","))
  );
}

/** `a=eval;…a(`: eval or a dialog under another name that is called later. */
function isAlias(tokens: readonly Token[], index: number): boolean {
  const target = tokens[index + 2];
  if (!isMark(tokens[index + 1], "=") || target?.type !== "name") return false;
  if (!DIALOGS.has(target.value) && target.value !== "eval" && target.value !== "Function") return false;
  const end = tokens[index + 3];
  // `Object.prototype.toString=alert`: who calls it next does not know.
  if (isMark(tokens[index - 1], ".") && tokens[index - 2]?.value === "prototype") return true;
  if (end === undefined || end.type !== "mark" || !/[;,)}\]]/.test(end.value)) return false;
  const name = tokens[index]!.value;
  const limit = Math.min(tokens.length, index + 40);
  for (let later = index + 4; later < limit; later += 1) {
    if (tokens[later]!.value === name && tokens[later]!.type === "name" && isCalled(tokens, later + 1))
      return true;
    if (tokens[later]!.value === "throw" && name === "onerror") return true;
  }
  return false;
}

function throwsLater(tokens: readonly Token[], at: number): boolean {
  if (tokens[at]?.type !== "name" || (!DIALOGS.has(tokens[at].value) && tokens[at].value !== "eval"))
    return false;
  const limit = Math.min(tokens.length, at + 12);
  for (let index = at + 1; index < limit; index += 1) if (tokens[index]!.value === "throw") return true;
  return false;
}

/** `x.constructor("…")`, `constructor.constructor(`, `["constructor"]("…")` is in judgeGlobal or findObfuscation. */
function isConstructed(tokens: readonly Token[], index: number): boolean {
  const argument = tokens[index + 2];
  const tagged = tokens[index + 1];
  if (tagged?.type === "template") return isMark(tokens[index - 1], ".") && /[(`.=\\]/.test(tagged.value);
  if (isMark(tokens[index + 1], "(")) {
    const text = argument?.type === "string" || argument?.type === "template";
    return isMark(tokens[index - 1], ".") && text && /[(`.=]/.test(argument.value);
  }
  return (
    isMark(tokens[index + 1], ".") &&
    tokens[index + 2]?.value === "constructor" &&
    isMark(tokens[index + 3], "(")
  );
}

/** `(88,83,83`: at least three numbers. */
function isCharList(tokens: readonly Token[], at: number): boolean {
  if (!isMark(tokens[at], "(")) return false;
  for (let index = 0; index < 3; index += 1) {
    if (tokens[at + 1 + index * 2]?.type !== "number") return false;
    if (index < 2 && !isMark(tokens[at + 2 + index * 2], ",")) return false;
  }
  return true;
}

/** Whether `document.cookie` at `index` is joined to an address, or is an argument of a sender. */
function isSent(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  const text = tokens[index - 2];
  if (isMark(before, "+") && (text?.type === "string" || text?.type === "template"))
    return /\/\/|[?&=]/.test(text.value);
  if (!isMark(before, "(") || text?.type !== "name") return false;
  return /^(?:btoa|escape|encodeURI|encodeURIComponent|eval|write|writeln|fetch|sendBeacon|send|postMessage)$/.test(
    text.value,
  );
}
