import type { Detection, Detector, Subject } from "../detection.ts";
import { findBreakout } from "./html-breakout.ts";
import { activeAttribute, activeElement } from "./html-element.ts";
import { isEventName, isLoneEventName } from "./html-event.ts";
import { isIdleText } from "./html-idle.ts";
import { detectInclusion, detectMarkup, detectOdd } from "./html-markup.ts";
import { detectScriptTag } from "./html-script.ts";
import { isActiveStyle } from "./html-style.ts";
import { type Attribute, localName, readTag, type Tag } from "./html-tag.ts";
import { reportOnce } from "./once.ts";

/** Markup that runs script, loads something or breaks out of where the value lands, as browsers read tags. */
export const html: Detector = {
  name: "html",
  kinds: {
    "html.event_attribute": "an event handler attribute inside a tag",
    "html.event_breakout":
      "a quote, or white space, that ends an attribute value, and then an event handler attribute",
    "html.event_sink": "an event handler attribute, tag or not, whose value calls a script function",
    "html.event_end": "the value ends in white space and the name of an event handler attribute: for names",
    "html.event_name": "the value is the name of an event handler attribute and nothing else",
    "html.script": "a script element with content or attributes",
    "html.active_element":
      "an element that loads or runs something: object, embed, base, link, refresh, frames",
    "html.form": "a form element with a target",
    "html.animation": "an SVG animation of a link or handler",
    "html.script_url": "a javascript:, vbscript: or document data: URL in an attribute",
    "html.script_value": "the value is a script URL that runs something",
    "html.srcdoc": "a document inside an attribute",
    "html.data_binding": "data binding attributes of Internet Explorer",
    "html.style": "style that runs script or imports style",
    "html.comment": "a conditional comment or a comment with markup that browsers close early",
    "html.instruction": "an instruction of XML or Internet Explorer that loads style or script",
    "html.padded": "a character reference with zeros that no encoder writes",
    "html.entity": "a declaration of an XML entity",
    "html.inclusion": "XInclude or a foreign schema for a single element",
    "html.spaced": "an active element's name with separators between its letters",
    "html.seven_bit": "tags written with bytes that lose their high bit in seven-bit character sets",
    "html.breakout_tag": "a quote that ends an attribute value, and then a tag",
    "html.tag": "any tag",
    "html.clobber": "an element named like a property of the document",
  },
  triggers: [
    "<", "on", "javascript", "&#0", "&#x0", "!entity", "vbscript", "livescript", "script:", "script&", "data:", "expression", "binding", "behavior",
    "script", "\xbc", "j&", "ja&", "jav&", "java&", "s&", "sc&", "j\t", "ja\t", "jav\t", "java\t", "j\n", "ja\n", "jav\n", "java\n",
    "j\r", "ja\r", "jav\r", "java\r",
  ], // biome-ignore format: a list
  isIdle: isIdleText,
  detect,
};

function detect(subject: Subject, found: Detection[]): void {
  const from = found.length;
  const { lower } = subject;
  const tags = lower.includes("<");
  if (tags) {
    detectTags(subject, found, from);
    if (lower.includes(":include")) detectInclusion(lower, found, from);
  }
  // Attributes have a value, and a tag begins with `<`: a sentence has neither.
  if (tags || lower.includes("=")) findBreakout(lower, found, from);
  detectMarkup(lower, found, from);
  if (EVENT_END.test(lower.slice(-28))) reportOnce(found, from, "html.event_end", 0, lower.length);
  if (isLoneEventName(lower)) reportOnce(found, from, "html.event_name", 0, lower.length);
}

/** For names of parameters: `x onerror` is what `=` cuts off when a tag is sent without escapes. */
const EVENT_END =
  /[\s"'`/>]on(?:error|load|click|dblclick|focus(?:in|out)?|blur|toggle|begin|end|input|change|submit|wheel|scroll|resize|invalid|search|auxclick|contextmenu|pageshow|hashchange|popstate|message|copy|cut|paste|(?:mouse|pointer|key|animation|transition|touch|drag|select|before)[a-z]{2,14})\s{0,4}$/;

/** Chars of tags that are read beyond one reading of the text; see detectTags. */
const REREAD_CHARS = 4096;
/** How far a tag is read when more than that was. */
const SHORT_CHARS = 48;
const SHORT_ATTRIBUTES = 4;

/**
 * Reads a tag at each `<`, also inside other tags' quoted values, because the value's own context is not known. That
 * would be quadratic on `<a "<a "<a "…`, so only a budget is read in full; after it each tag is read a little way.
 */
function detectTags(subject: Subject, found: Detection[], from: number): void {
  const { lower } = subject;
  let budget = lower.length + REREAD_CHARS;
  for (let at = lower.indexOf("<"); at >= 0; at = lower.indexOf("<", at + 1)) {
    const tag =
      budget > 0
        ? readTag(lower, at)
        : readTag(lower, at, Math.min(lower.length, at + SHORT_CHARS), SHORT_ATTRIBUTES);
    detectOdd(lower, at, found, from);
    if (tag === undefined) continue;
    judgeTag(tag, subject, found, from);
    budget -= tag.end - at;
  }
}

/** `onclick="..."` of an explanation: dots stand for what somebody would write there. */
function isLeftOut(lower: string, attribute: Attribute): boolean {
  return (
    /^[\\"'\s]{0,4}(?:\.{3}|\xe2\x80\xa6)[\\"'\s]{0,4}$/.test(
      lower.slice(attribute.start, Math.min(attribute.end, attribute.start + 16)),
    ) && attribute.end - attribute.start <= 16
  );
}

function judgeTag(tag: Tag, subject: Subject, found: Detection[], from: number): void {
  const { lower } = subject;
  const { start, end } = tag;
  const name = localName(tag.name);
  if (tag.closed || tag.attributes.length > 0) reportOnce(found, from, "html.tag", start, end);
  for (const attribute of tag.attributes) {
    if (
      attribute.assigned &&
      isEventName(attribute.name) &&
      !isFrameworkHandler(subject, attribute) &&
      !isLeftOut(lower, attribute)
    ) {
      reportOnce(found, from, "html.event_attribute", attribute.nameStart, attribute.end);
      continue;
    }
    if (tag.closing) continue;
    const kind = activeAttribute(name, attribute, lower);
    if (kind !== undefined) reportOnce(found, from, kind, attribute.nameStart, attribute.end);
    if (attribute.name === "style" && isActiveStyle(lower, attribute.start, attribute.end, false)) {
      reportOnce(found, from, "html.style", attribute.start, attribute.end);
    }
    if (
      (attribute.name === "id" || attribute.name === "name") &&
      isDocumentProperty(lower.slice(attribute.start, attribute.end))
    ) {
      reportOnce(found, from, "html.clobber", attribute.nameStart, attribute.end);
    }
  }
  if (name === "handler" && !tag.closing && HANDLER.test(lower.slice(end, end + 64)))
    reportOnce(found, from, "html.script", start, end);
  if (name.startsWith("script")) detectScriptTag(tag, subject, found, from);
  if (tag.closing) return;
  if (name === "style") {
    const close = endOfSheet(lower, end);
    if (isActiveStyle(lower, end, close, true)) reportOnce(found, from, "html.style", start, close);
  }
  const kind = activeElement(tag, lower);
  if (kind !== undefined) reportOnce(found, from, kind, start, end);
}

/** What a `<handler>` of SVG or XBL runs: its text. */
const HANDLER = /^[^<]{0,60}[(`=]/;

/** Style text read after a `<style>`. */
const SHEET_CHARS_MAX = 8192;

/** Where the style sheet that starts at `from` ends: at its closing tag or another opening one, 8,192 characters on at most. */
function endOfSheet(lower: string, from: number): number {
  const limit = Math.min(lower.length, from + SHEET_CHARS_MAX);
  for (let at = from; at < limit; at += 1) {
    if (lower.charCodeAt(at) !== 0x3c) continue;
    if (lower.startsWith("</style", at) || lower.startsWith("<style", at)) return at;
  }
  return limit;
}

/**
 * `onClick={save}` and `onClick={() => …}` of JSX in code samples. A browser reads the unquoted value up to white space
 * or `>`: a block with a lone name does nothing, and `{(` or `{()=` is no program at all.
 */
function isFrameworkHandler(subject: Subject, attribute: Tag["attributes"][number]): boolean {
  const camel = subject.text.charCodeAt(attribute.nameStart + 2);
  if (camel < 0x41 || camel > 0x5a || attribute.quote !== 0) return false;
  const value = subject.text.slice(attribute.start, Math.min(attribute.end, attribute.start + 80));
  if (/^\{(?:[\w.$]*\}?|async|\(\)=?|\([\w.$,]*\)?=?|\w+=)$/.test(value)) return true;
  // `onSubmit={handleSubmit(onSubmit)}`: a component's own function of names.
  const call = /^\{(?:this\.|props\.)?([a-z]\w{0,40})(?:\.bind)?\(([\w.$]{0,40})\)\}?$/.exec(value);
  return call !== null && !HOT_WORDS.test(call[1]!) && !HOT_WORDS.test(call[2]!);
}

/** Functions and sources of a browser with which such a call would be a program after all. */
const HOT_WORDS =
  /alert|confirm|prompt|eval|location|document|window|fetch|import|open|print|write|function|settimeout|setinterval|atob|top|self|parent|^name$|cookie|hash/i;

const DOCUMENT_PROPERTIES = new Set([
  "attributes", "body", "cookie", "currentscript", "defaultview", "document", "documentelement", "domain", "forms", "head",
  "images", "innerhtml", "location", "nodename", "parentnode", "scripts", "self", "url", "window",
]); // biome-ignore format: a list

function isDocumentProperty(value: string): boolean {
  return DOCUMENT_PROPERTIES.has(value);
}
