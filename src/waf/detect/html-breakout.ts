import type { Detection } from "../detection.ts";
import { isEventName } from "./html-event.ts";
import { type Attribute, readAttribute } from "./html-tag.ts";
import { readScriptScheme } from "./html-url.ts";
import { reportOnce } from "./once.ts";

/**
 * Values that land inside an attribute: what follows the quote that ends the outer value is read as attributes. Reads
 * once for each of the three quotes, and once for an unquoted context.
 */
export function findBreakout(lower: string, found: Detection[], from: number): void {
  for (const quote of ['"', "'", "`"]) {
    const at = lower.indexOf(quote);
    if (at >= 0) readAfterQuote(lower, at + 1, found, from);
  }
  const last = lower.lastIndexOf('"');
  if (last > 0) readAfterQuote(lower, last + 1, found, from);
  const lead = leadingBlank(lower);
  if (lead > 0) readUnquoted(lower, lead, found, from);
  findSink(lower, found, from);
  if (STRIPPED.test(lower)) findSink(lower.replace(STRIPPED_ALL, ""), found, from);
}

/** Empty tags inside words: a filter that removes tags puts the words together (`on<x>focus=`). */
const STRIPPED = /[a-z]<[a-z]{1,3}>[a-z(]/;
const STRIPPED_ALL = /<[a-z]{1,3}>/g;

/** Chars read after a quote: more is no attack that needs the quote. */
const TAIL_CHARS_MAX = 2048;
const ATTRIBUTES_MAX = 64;

function readAfterQuote(lower: string, after: number, found: Detection[], from: number): void {
  const to = Math.min(lower.length, after + TAIL_CHARS_MAX);
  let attribute = readAttribute(lower, after, to);
  for (let count = 0; attribute !== undefined && count < ATTRIBUTES_MAX; count += 1) {
    if (attribute.assigned && isEventName(attribute.name)) {
      // In Markdown the next backtick ends a code span.
      if (lower.charCodeAt(after - 1) === 0x60 && lower.indexOf("`", attribute.start) >= 0) return;
      reportOnce(found, from, "html.event_breakout", after - 1, attribute.end);
      return;
    }
    if (attribute.assigned && isBreakoutTarget(attribute, lower)) {
      reportOnce(found, from, "html.script_url", after - 1, attribute.end);
      return;
    }
    if (!isPlainName(attribute.name)) break;
    attribute = readAttribute(lower, attribute.next, to);
  }
  let next = after;
  while (next < to && (lower.charCodeAt(next) <= 0x20 || lower.charCodeAt(next) === 0x2f)) next += 1;
  if (lower.charCodeAt(next) !== 0x3e) return;
  next += 1;
  while (next < to && lower.charCodeAt(next) <= 0x20) next += 1;
  if (lower.charCodeAt(next) === 0x3c && /^<\/?[a-z!?]/.test(lower.slice(next, next + 3))) {
    reportOnce(found, from, "html.breakout_tag", after - 1, next + 2);
  }
}

/** `" formaction=…` and `" style="x:expression(…)`, `" href="javascript:…`. */
function isBreakoutTarget(attribute: Attribute, lower: string): boolean {
  if (attribute.name === "formaction" || attribute.name === "srcdoc" || attribute.name === "xlink:href")
    return true;
  if (attribute.name !== "href" && attribute.name !== "src" && attribute.name !== "action") return false;
  const scheme = readScriptScheme(lower, attribute.start, attribute.end, false);
  return scheme !== undefined && scheme.scheme !== "data";
}

/** An attribute that may stand between the quote and the handler: a name of letters, digits, `-`, `_`, `:`. */
function isPlainName(name: string): boolean {
  return /^["']?[a-z][\w:.-]{0,40}["']?$/.test(name) || /^["'`]{1,2}$/.test(name);
}

function leadingBlank(lower: string): number {
  let index = 0;
  while (
    index < lower.length &&
    index < 16 &&
    (lower.charCodeAt(index) <= 0x20 || lower.charCodeAt(index) === 0x2f)
  )
    index += 1;
  return index;
}

/** A value that begins with white space and a handler: what an unquoted attribute value needs, and no sentence does. */
function readUnquoted(lower: string, at: number, found: Detection[], from: number): void {
  const first = readAttribute(lower, at, Math.min(lower.length, at + 256));
  if (first === undefined || !first.assigned || !isEventName(first.name)) return;
  const value = lower.slice(first.start, first.start + 32);
  if (value.trim() !== "" && /^(?:[a-z0-9]*[\s,;&]|[a-z0-9]*$)/.test(value)) return;
  reportOnce(found, from, "html.event_breakout", at, first.end);
}

const SINK_VALUE =
  /^(?:\[\w{1,8}\])?[\s"'`\\({[;!~+\-/*\x80-\xff]{0,12}(?:(?:javascript|vbscript):|(?:window|self|top|parent|document|globalthis)(?:\.|\[)|this\[|\$\.|location\s?[.=]|(?:alert|confirm|prompt|eval|execscript|fetch|import|print|settimeout|setinterval|\$|atob|msgbox)[\s\])]{0,3}(?:\?\.)?(?:[(`]|&(?:lpar|#)|\/\*|\.(?:call|apply)))/;

/** `const onClose = …` of a code sample. */
const DECLARATION = /(?:const|let|var|static|readonly|private|public) $/;

/**
 * `onfocus=alert(1)` wherever it stands: after white space, a quote, `;`, `/`, `>`; its value starts with a script call,
 * which parameters (`onload=callback`) and code (`window.onload = function`) do not have.
 */
function findSink(lower: string, found: Detection[], from: number): void {
  for (let at = lower.indexOf("on"); at >= 0; at = lower.indexOf("on", at + 2)) {
    if (at > 0 && isWord(lower.charCodeAt(at - 1))) continue;
    let end = at + 2;
    while (end < lower.length && end - at < 52 && isLowerLetter(lower.charCodeAt(end))) end += 1;
    let equals = end;
    while (equals < lower.length && equals - end < 8 && lower.charCodeAt(equals) <= 0x20) equals += 1;
    if (lower.charCodeAt(equals) !== 0x3d || !isEventName(lower.slice(at, end))) continue;
    if (!SINK_VALUE.test(lower.slice(equals + 1, equals + 64))) continue;
    if (DECLARATION.test(lower.slice(Math.max(0, at - 9), at))) continue;
    reportOnce(found, from, "html.event_sink", at, Math.min(lower.length, equals + 32));
    return;
  }
}

function isLowerLetter(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

function isWord(code: number): boolean {
  return (
    isLowerLetter(code) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f ||
    code === 0x2e ||
    code === 0x24 ||
    code === 0x2d
  );
}
