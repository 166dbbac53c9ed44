import type { Detection } from "../detection.ts";
import { isIdleScript } from "./html-element.ts";
import { hasExpression } from "./html-style.ts";
import { isLetter } from "./html-tag.ts";
import { isActiveData, readScriptScheme } from "./html-url.ts";
import { reportOnce } from "./once.ts";

/** Constructs that are no plain tags: script URLs as whole values, instructions, comments, entities, odd encodings. */
export function detectMarkup(lower: string, found: Detection[], from: number): void {
  detectScriptValue(lower, found, from);
  detectSevenBit(lower, found, from);
  if (isForeignSchema(lower)) reportOnce(found, from, "html.inclusion", 0, lower.length);
  const css = lower.indexOf("-moz-binding");
  if (css >= 0 && /^[\s:]{1,8}url/.test(lower.slice(css + 12, css + 24)))
    reportOnce(found, from, "html.style", css, css + 16);
  const at = lower.indexOf("expression");
  if (at >= 0 && lower.length < 4096 && /style\s{0,8}=|[{;]/.test(lower) && hasExpression(lower)) {
    reportOnce(found, from, "html.style", at, at + 10);
  }
}

/** What shows that a script URL runs more than a page's own link does: a sink, an escape, a comment, a string, a tag. */
const RUNS =
  /(?:alert|confirm|prompt|eval|settimeout|setinterval|function|execscript|msgbox|atob|import|fetch|open|write|unescape|fromcharcode)[\s\])]{0,3}(?:\?\.)?[(`\\[%./]|document[.[?]|cookie|(?:top|self|parent|window|globalthis|this)\s{0,3}\[|\\u|\\x|\/\*|<[a-z/!]|^[\s]{0,8}["'`(\\]|constructor|=\s{0,3}(?:name|location)|throw/;

function detectScriptValue(lower: string, found: Detection[], from: number): void {
  let start = 0;
  // The value, or what follows `url=` or a quote in it, may be the URL.
  for (let tries = 0; tries < 8 && start >= 0; tries += 1) {
    const scheme = readScriptScheme(lower, start, Math.min(lower.length, start + 256), false);
    if (scheme !== undefined) {
      const hit =
        scheme.scheme === "data"
          ? isActiveData(lower, scheme.end, lower.length) && start === 0
          : runsScript(lower, scheme, start);
      if (hit) {
        reportOnce(found, from, "html.script_value", start, scheme.end);
        return;
      }
    }
    start = nextUrlStart(lower, start);
  }
}

function runsScript(
  lower: string,
  scheme: { readonly end: number; readonly obfuscated: boolean },
  start: number,
): boolean {
  const code = lower.slice(scheme.end, scheme.end + 512);
  if (/^\s{0,4}(?!new |var |let |void |throw |with |if |for )[a-z]{1,20},? [a-z]{1,20}[ ,.]/.test(code))
    return false; // a sentence
  if (start > 0 && code.startsWith(" ") && !/["'=(]/.test(lower[start - 1]!)) return false;
  if (isIdleScript(lower, scheme.end, lower.length) && !(scheme.obfuscated && start === 0)) return false;
  return (scheme.obfuscated && start === 0) || RUNS.test(code);
}

/** Where another URL may start after `at`: a script scheme's first letters after a character that is no letter. */
function nextUrlStart(lower: string, at: number): number {
  const next = lower.indexOf("script:", at + 1);
  if (next < 0) return -1;
  const back = lower.lastIndexOf("java", next);
  const start = back >= 0 && next - back < 12 && back > at ? back : lower.lastIndexOf("vb", next);
  return start > at && next - start < 12 ? start : next > at ? next : -1;
}

const IF = /(?:--)?\[if[\s(!]/y;
const EARLY_END = /--(?:-?>|!>)\s{0,8}<[a-z]/y;
const STYLESHEET = /\?xml-stylesheet[\s\S]{0,70}?href/y;
const IMPORT = /\??import[^>]{0,40}?(?:implementation|namespace)\s{0,8}=/y;
const SPACED = /(?:\s{1,4}(?:[a-z]{1,8}:)?\s{0,4}|[%"'\\]{1,4})(?:script|iframe)(?:[\s>/]|$)/y;
const SPACED_EVENT = /["'%]on[a-z]{3,50}=/y;

/** What the `<` at `at` opens when it is no plain tag. */
export function detectOdd(lower: string, at: number, found: Detection[], from: number): void {
  const code = lower.charCodeAt(at + 1);
  if (code === 0x21) {
    const next = lower.charCodeAt(at + 2);
    if (next === 0x65 && ENTITY.test(lower.slice(at + 1, at + 12)))
      reportOnce(found, from, "html.entity", at, at + 8);
    if ((next === 0x2d || next === 0x5b) && (isAt(IF, lower, at + 2) || isAt(EARLY_END, lower, at + 2)))
      reportOnce(found, from, "html.comment", at, at + 8);
    return;
  }
  if (code === 0x3f && isAt(STYLESHEET, lower, at + 1))
    reportOnce(found, from, "html.instruction", at, at + 16);
  if ((code === 0x3f || code === 0x69) && isAt(IMPORT, lower, at + 1))
    reportOnce(found, from, "html.instruction", at, at + 8);
  if (isSpacedName(lower, at + 1)) reportOnce(found, from, "html.spaced", at, at + 16);
  if (code >= 0x61) return;
  if (isAt(SPACED, lower, at + 1) || isAt(SPACED_EVENT, lower, at + 1))
    reportOnce(found, from, "html.spaced", at, at + 16);
}

function isAt(pattern: RegExp, lower: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(lower);
}

const ENTITY = /^!entity[\s%]/;

/** `<p:include … href=` of XInclude; called where `:include` occurs. */
export function detectInclusion(lower: string, found: Detection[], from: number): void {
  let tries = 0;
  for (let at = lower.indexOf(":include"); at >= 0 && tries < 32; at = lower.indexOf(":include", at + 8)) {
    tries += 1;
    const open = lower.lastIndexOf("<", at);
    if (open < 0 || at - open > 22 || !INCLUDE.test(lower.slice(open, open + 256))) continue;
    reportOnce(found, from, "html.inclusion", open, open + 24);
    return;
  }
}

const INCLUDE = /^<[a-z][\w.-]{0,20}:include\s[^>]{0,200}?href\s{0,4}=/;

/** `<a x:schemaLocation="…://…">…</a>` and nothing else: the reader of the value fetches the schema. */
function isForeignSchema(lower: string): boolean {
  const at = lower.indexOf(":schemalocation");
  if (at < 0 || at > 320 || lower.length > 1000 || lower.charCodeAt(0) !== 0x3c) return false;
  const end = lower.indexOf(">");
  const address = lower.indexOf("://", at);
  const close = lower.indexOf("<", 1);
  if (end < at || address < 0 || address > end || close < end || lower.charCodeAt(close + 1) !== 0x2f)
    return false;
  return lower.indexOf(">", close) === lower.trimEnd().length - 1;
}

const SPACED_NAMES = [
  "script",
  "iframe",
  "form",
  "object",
  "embed",
  "applet",
  "style",
  "dialog",
  "svg",
  "meta",
  "link",
  "body",
  "input",
  "video",
  "audio",
  "isindex",
];

/** `<s c r i p t`, `<f/o/r/m`, also after `/` and up to two odd signs: separators that a filter or parser may drop. */
function isSpacedName(lower: string, from: number): boolean {
  let at = lower.charCodeAt(from) === 0x2f ? from + 1 : from;
  for (let odd = 0; odd < 2 && isSeparator(lower.charCodeAt(at)); odd += 1) at += 1;
  const separator = lower.charCodeAt(at + 1);
  if (separator !== lower.charCodeAt(at + 3) || !isSeparator(separator)) return false;
  if (!isLetter(lower.charCodeAt(at)) || !isLetter(lower.charCodeAt(at + 2))) return false;
  if (isLetter(lower.charCodeAt(at + 5))) return false;
  const letters = lower.slice(at, at + 24).replace(/\W/g, "");
  return SPACED_NAMES.some((name) => letters.startsWith(name));
}

function isSeparator(code: number): boolean {
  if (code >= 0x30 && code <= 0x39) return false;
  return (
    !isLetter(code) && code !== 0x3c && code !== 0x3e && code !== 0x3d && code !== 0x5f && !Number.isNaN(code)
  );
}

const ACTIVE_NAMES = /^(?:script|iframe|svg|img|body|object|embed|style|meta|link|form|input|video|audio)/;

/** 0xBC and 0xBE are `<` and `>` with the high bit set: US-ASCII decoders of old browsers dropped it. */
function detectSevenBit(lower: string, found: Detection[], from: number): void {
  for (let at = lower.indexOf("\xbc"); at >= 0; at = lower.indexOf("\xbc", at + 1)) {
    let index = at + 1;
    const closing = lower.charCodeAt(index) === 0x2f;
    if (closing) index += 1;
    const name = index;
    while (index - name < 20 && lower.charCodeAt(index) >= 0x61 && lower.charCodeAt(index) <= 0x7a)
      index += 1;
    if (index - name < 3) continue;
    const next = lower.charCodeAt(index);
    const after = next === 0xc2 || next === 0xd0 ? lower.charCodeAt(index + 1) : next;
    if (after !== 0xbe && after !== 0x3e && after !== 0x20 && after !== 0x2f) continue;
    if (!ACTIVE_NAMES.test(lower.slice(name, index)) && !(closing && after === 0xbe)) continue;
    reportOnce(found, from, "html.seven_bit", at, index + 1);
    return;
  }
}
