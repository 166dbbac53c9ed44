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
  detectPadded(lower, found, from);
  detectDeclaration(lower, found, from);
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
  /(?:alert|confirm|prompt|eval|settimeout|setinterval|function|execscript|msgbox|atob|import|fetch|open|write|unescape|fromcharcode)[\s\])]{0,3}(?:\?\.)?[(`\\[%./]|document[.[?]|cookie|(?:top|self|parent|window|globalthis|this)\s{0,3}\[|\\u|\\x|\/\*|<[a-z/!]|^[\s]{0,8}["'`(\\]|constructor|=\s{0,3}(?:name|location)|throw|^\s{0,4}(?:(?:window|self|top|opener|parent)\.)?name\s{0,4}$|^[\w$.]{1,40}\s{0,3}=[^=>]/;

function detectScriptValue(lower: string, found: Detection[], from: number): void {
  let start = 0;
  // The value, or what follows `url=` or a quote in it, may be the URL.
  for (let tries = 0; tries < 8 && start >= 0; tries += 1) {
    const scheme = readScriptScheme(lower, start, Math.min(lower.length, start + 256), false);
    if (scheme !== undefined) {
      const hit =
        scheme.scheme === "data"
          ? start === 0 && isActiveData(lower, scheme.end, lower.length, false)
          : runsScript(lower, scheme, start);
      if (hit) {
        reportOnce(found, from, "html.script_value", start, scheme.end);
        return;
      }
    } else if (start > 0 && isAt(ENDED, lower, start)) {
      reportOnce(found, from, "html.script_value", start, ENDED.lastIndex);
      return;
    }
    start = nextUrlStart(lower, start);
  }
}

/** The end of a script scheme whose beginning was lost, for example in the parameter before, and a call. */
const ENDED =
  /(?<!java|vb|live|ecma)script:(?:alert|confirm|prompt|eval|document|window|top|self)\s{0,2}[(`[.]/y;

function runsScript(
  lower: string,
  scheme: { readonly end: number; readonly obfuscated: boolean },
  start: number,
): boolean {
  const end = endOfUrl(lower, start, scheme.end);
  const code = lower.slice(scheme.end, end);
  if (/^\s{0,4}(?!new |var |let |void |throw |with |if |for )[a-z]{1,20},? [a-z]{1,20}[ ,.]/.test(code))
    return false; // a sentence
  if (start > 0 && code.startsWith(" ") && !/["'=(]/.test(lower[start - 1]!)) return false;
  if (isIdleScript(lower, scheme.end, end) && !(scheme.obfuscated && start === 0)) return false;
  return (scheme.obfuscated && start === 0) || RUNS.test(code);
}

/** A URL in a tag or a style ends where its quote or bracket does; a whole value at its end, 512 characters on at most. */
function endOfUrl(lower: string, start: number, from: number): number {
  const limit = Math.min(lower.length, from + 512);
  const before = start > 0 ? lower[start - 1]! : "";
  if (before === '"' || before === "'") {
    const close = lower.indexOf(before, from);
    return close < 0 || close > limit ? limit : close;
  }
  return limit;
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
    if ((next === 0x2d || next === 0x5b) && (isActiveIf(lower, at + 2) || endsEarly(lower, at + 2)))
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

/** A conditional comment, but not around the layout that mail templates keep for Outlook: tables, blocks, VML, nothing. */
function isActiveIf(lower: string, at: number): boolean {
  if (!isAt(IF, lower, at)) return false;
  const close = lower.indexOf("]>", at);
  return close < 0 || close - at > 80 || !isAt(LAYOUT, lower, close + 2);
}

/** `<!-->` and then a tag that is no plain layout. */
function endsEarly(lower: string, at: number): boolean {
  return isAt(EARLY_END, lower, at) && !isAt(LAYOUT, lower, lower.indexOf(">", at) + 1);
}

const LAYOUT =
  /(?:<!?-->|-->)?\s{0,40}(?:<!--|<!\[|<\/?(?:table|tbody|tr|td|th|center|div|p|br|span|i|a|style|xml|noscript|v|o|w|li|ul|h[1-6])[\s>:/]|&|$)/y;

function isAt(pattern: RegExp, lower: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(lower);
}

const ENTITY = /^!entity[\s%]/;

/** `<p:include … href=` of XInclude; called where `:include` occurs. */
export function detectInclusion(lower: string, found: Detection[], from: number): void {
  for (let at = lower.indexOf(":include"); at >= 0; at = lower.indexOf(":include", at + 8)) {
    const before = Math.max(0, at - 22);
    const open = before + lower.slice(before, at).lastIndexOf("<");
    if (open < before || !INCLUDE.test(lower.slice(open, open + 256))) continue;
    if (isPartOfDocument(lower.slice(open, open + 256))) continue;
    reportOnce(found, from, "html.inclusion", open, open + 24);
    return;
  }
}

const INCLUDE = /^<[a-z][\w.-]{0,20}:include\s[^>]{0,200}?href\s{0,4}=/;

/** `<xsl:include href="common.xsl"/>`: a style sheet or schema in several files names its own by relative addresses. */
function isPartOfDocument(tag: string): boolean {
  // What stands for a part of the same message (MTOM).
  if (/^<xop:include\s(?=[^>]{0,200}?href\s{0,4}=\s{0,4}["']cid:)/.test(tag)) return true;
  return (
    /^<(?:xsl|xsd?|wsdl|jsp|ui|tiles):include\s[^>]{0,200}?href\s{0,4}=\s{0,4}["'](?:\.{0,2}\/)?[\w-][\w./-]{0,100}["']/.test(
      tag,
    ) && !/["'/](?:etc|proc|root|windows)\//.test(tag)
  );
}

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

/**
 * `&#0000060`: a reference to a printable ASCII character with zeros that no encoder writes. Five digits and more:
 * `&#039;` and `&#x0027;` are what common encoders make.
 */
function detectPadded(lower: string, found: Detection[], from: number): void {
  for (let at = lower.indexOf("&#"); at >= 0; at = lower.indexOf("&#", at + 2)) {
    const next = lower.charCodeAt(at + 2);
    if (next !== 0x30 && next !== 0x78) continue;
    if (!isAt(PADDED, lower, at + 2)) continue;
    reportOnce(found, from, "html.padded", at, PADDED.lastIndex);
    return;
  }
}

const PADDED = /(?:x000[0-9a-f]{0,3}[2-7][0-9a-f]|00[0-9]{0,4}(?:3[3-9]|[4-9]\d|1[0-2]\d))(?![0-9a-f])/y;

/** `!ENTITY x SYSTEM` without its `<`, as it stands in a value that is put into a declaration. */
function detectDeclaration(lower: string, found: Detection[], from: number): void {
  const at = lower.indexOf("!entity");
  if (at >= 0 && DECLARATION.test(lower.slice(at, at + 80)))
    reportOnce(found, from, "html.entity", at, at + 8);
}

const DECLARATION = /^!entity\s{1,8}(?:%\s{1,8})?[\w.:-]{1,40}\s{1,8}(?:system|public)(?![\w])/;

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
