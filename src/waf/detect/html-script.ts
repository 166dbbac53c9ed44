import type { Detection, Subject } from "../detection.ts";
import { localName, type Tag } from "./html-tag.ts";
import { reportOnce } from "./once.ts";

/** Types of script elements that hold data, not programs. */
const DATA_TYPES =
  /^(?:application\/(?:ld[+ ])?json|text\/(?:template|x-template|html|x-handlebars(?:-template)?|plain)|importmap|speculationrules)$/;

/** How far around a tag its partner is looked for. */
const REACH_CHARS = 512;

/**
 * A script element that can run: with attributes, a body that looks like a program, or at the value's end, where the
 * page goes on with it. "Put a <script> tag into the head" is talk about it.
 */
export function detectScriptTag(tag: Tag, subject: Subject, found: Detection[], from: number): void {
  const { lower } = subject;
  if (localName(tag.name) !== "script") {
    // `<script<b>alert(1)</script>` and the like: junk after the name, a body and a closing tag.
    const runs =
      /^script[^a-z-]/.test(localName(tag.name)) &&
      lower.slice(tag.end, tag.end + REACH_CHARS).includes("</script");
    if (runs) reportOnce(found, from, "html.script", tag.start, tag.end);
    return;
  }
  if (tag.closing) {
    if (endsScriptContext(lower, tag)) reportOnce(found, from, "html.script", tag.start, tag.end);
    return;
  }
  const type = tag.attributes.find((attribute) => attribute.name === "type");
  if (type !== undefined && DATA_TYPES.test(lower.slice(type.start, type.end).trim())) return;
  if (tag.attributes.some(isTelling) || isProgram(lower, tag) || endsValue(lower, tag)) {
    reportOnce(found, from, "html.script", tag.start, tag.end);
  }
}

/**
 * Attributes that name a program, and junk that a filter is to stumble over. `<script setup>` and `<script lang="ts">`
 * are what texts about components say, `<script\b[^>]*>` what texts about filters do.
 */
function isTelling({ name, assigned }: Tag["attributes"][number]): boolean {
  return !PLAIN_ATTRIBUTES.has(name) && !name.includes("[^") && (assigned || !/^[a-z]+$/.test(name));
}

const PLAIN_ATTRIBUTES = new Set([
  "setup", "lang", "type", "async", "defer", "nonce", "id", "charset", "crossorigin", "integrity", "module", "generic", "language",
]); // biome-ignore format: a list

/** Whether what follows the tag, up to the next tag, has characters that programs need and sentences rarely have. */
function isProgram(lower: string, tag: Tag): boolean {
  const close = lower.indexOf("<", tag.end);
  if (tag.attributes.length > 0 && lower.startsWith("</script", close) && close > tag.end) return true;
  const quote = lower[tag.start - 1] ?? "";
  // Named in quotes: `.argument('<script>')`.
  if (/["'`]/.test(quote) && lower[tag.end] === quote && !lower.startsWith("</script", close)) return false;
  const body = lower.slice(tag.end, Math.min(close < 0 ? lower.length : close, tag.end + 512));
  if (lower.startsWith("</script", close) && body.trim() !== "" && !/^[\s\w,.'`-]*$/.test(body)) return true;
  if (TALK.test(body.trimStart()) && !lower.startsWith("</script", close)) return false;
  return /[(`=\\]/.test(body);
}

/** Nothing, or perhaps punctuation and then a word of a sentence, or nothing more. */
const TALK = /^(?:$|[`'"),.;:]?(?:\s{0,4}[a-z]{1,40}[ ,.]|\s{0,4}$))/;

/** A script tag that ends the value and does not follow a word: the attacker's half of an element. */
function endsValue(lower: string, tag: Tag): boolean {
  for (let at = tag.end; at < lower.length; at += 1) if (lower.charCodeAt(at) > 0x20) return false;
  const before = lower.slice(Math.max(0, tag.start - 2), tag.start).trimEnd();
  return before === "" || !/[a-z`.:,]$/.test(before);
}

/** `</script>` and then another tag: the end of a page's own script, as only injected text needs it. */
function endsScriptContext(lower: string, tag: Tag): boolean {
  if (lower.slice(Math.max(0, tag.start - REACH_CHARS), tag.start).includes("<script")) return false;
  // `'}}</script>`: only what closes a program stands before it.
  if (tag.start < 16 && /^[\s'"`]{0,4}[)}\];][\s'"`)}\];]{0,12}$/.test(lower.slice(0, tag.start)))
    return true;
  const next = lower.slice(tag.end, tag.end + 16).trimStart();
  return /^<(?:script|svg|img|body|iframe|h1|details|video|audio|a |x |input|math|object|embed|style)/.test(
    next,
  );
}
