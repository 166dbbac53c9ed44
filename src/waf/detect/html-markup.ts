import type { Detection } from "../detection.ts";
import { isIdleScript } from "./html-element.ts";
import { hasExpression } from "./html-style.ts";
import { isActiveData, readScriptScheme } from "./html-url.ts";
import { reportOnce } from "./once.ts";

/** Constructs that are no plain tags: script URLs as whole values, instructions, comments, entities, odd encodings. */
export function detectMarkup(lower: string, found: Detection[], from: number): void {
  detectScriptValue(lower, found, from);
  detectInstructions(lower, found, from);
  detectSpaced(lower, found, from);
  detectSevenBit(lower, found, from);
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

function detectInstructions(lower: string, found: Detection[], from: number): void {
  for (let at = lower.indexOf("<"); at >= 0; at = lower.indexOf("<", at + 1)) {
    const code = lower.charCodeAt(at + 1);
    if (code === 0x3f || code === 0x69) {
      const text = lower.slice(at + 1, at + 96);
      if (/^\?xml-stylesheet[\s\S]*href/.test(text)) reportOnce(found, from, "html.instruction", at, at + 16);
      if (/^\??import[^>]{0,40}(?:implementation|namespace)\s{0,8}=/.test(text))
        reportOnce(found, from, "html.instruction", at, at + 8);
    } else if (code === 0x21) {
      const text = lower.slice(at + 2, at + 64);
      if (/^entity[\s%]/.test(text)) reportOnce(found, from, "html.entity", at, at + 8);
      if (/^(?:--)?\[if[\s(!]/.test(text)) reportOnce(found, from, "html.comment", at, at + 8);
      if (/^--(?:-?>|!>)\s{0,8}<[a-z]/.test(text)) reportOnce(found, from, "html.comment", at, at + 8);
    } else if (code === 0x5b || code === 0x78 || (code >= 0x61 && code <= 0x7a)) {
      detectInclusion(lower, at, found, from);
    }
  }
}

const INCLUDE = /^<[a-z][\w.-]{0,20}:include\s[^>]{0,200}href\s{0,4}=/;
const SCHEMA =
  /^<[a-z][^<>]{0,300}:schemalocation\s{0,4}=\s{0,4}["'][^"'<>]{0,300}:\/\/[^<>]{0,300}>[^<>]{0,40}<\/[a-z][^<>]{0,40}>\s{0,4}$/;

function detectInclusion(lower: string, at: number, found: Detection[], from: number): void {
  const head = lower.slice(at, at + 24);
  if (head.includes(":include") && INCLUDE.test(lower.slice(at, at + 256))) {
    reportOnce(found, from, "html.inclusion", at, at + 24);
  }
  if (at === 0 && lower.length < 1000 && lower.includes(":schemalocation") && SCHEMA.test(lower)) {
    reportOnce(found, from, "html.inclusion", 0, lower.length);
  }
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

/** `<s c r i p t`, `<f/o/r/m`, `< script`: separators that a filter or parser may drop. */
function detectSpaced(lower: string, found: Detection[], from: number): void {
  for (let at = lower.indexOf("<"); at >= 0; at = lower.indexOf("<", at + 1)) {
    const text = lower.slice(at + 1, at + 40);
    if (/^\/?[^\w<>=\s-]{0,2}[a-z]([^\w<>=])[a-z]\1[a-z]\b/.test(text)) {
      const letters = text.replace(/[^\w]/g, "");
      if (SPACED_NAMES.some((name) => letters.startsWith(name)))
        reportOnce(found, from, "html.spaced", at, at + 16);
    } else if (/^(?:\s{1,4}(?:[a-z]{1,8}:)?\s{0,4}|[%"'\\]{1,4})(?:script|iframe)(?:[\s>/]|$)/.test(text)) {
      reportOnce(found, from, "html.spaced", at, at + 16);
    } else if (/^["'%]on[a-z]{3,50}=/.test(lower.slice(at + 1, at + 60))) {
      reportOnce(found, from, "html.spaced", at, at + 16);
    }
  }
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
