import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/**
 * Header fields that an injected line would set in an answer or a request, and that no letter or note begins a line with.
 * Mail's own (From, To, Cc, Subject, Date, Reply-To) are not here: people write them into text fields.
 */
const FIELDS =
  /^(?:set-cookie2?|cookie|location|content-(?:type|length|encoding|disposition|security-policy|location|transfer-encoding)|transfer-encoding|refresh|status|server|host|link|via|etag|expires|pragma|vary|upgrade|connection|cache-control|www-authenticate|authorization|proxy-[a-z-]{2,30}|access-control-[a-z-]{2,40}|x-[a-z0-9-]{2,40}|strict-transport-security|clear-site-data|remote-addr|user-agent|referer|origin|forwarded|mime-version|last-modified|accept(?:-[a-z]{2,20})?)\s{0,8}:/;

/** Line ends in a value of a request's head, where no form has any, and what they would start where it is copied. */
export const crlf: Detector = {
  name: "crlf",
  kinds: {
    "crlf.header": "a line end and a header field's name with a colon",
    "crlf.any_header": "a line end and any token with a colon",
    "crlf.markup": "an empty line and markup: a response body",
    "crlf.cut_escape": "a line end and an escape that is cut off: %0",
    "crlf.line_end": "any line end; for places that never have one",
  },
  triggers: ["\r", "\n", "\xe5\x98\x8a", "\xe5\x98\x8d"],
  detect,
};

function detect(subject: Subject, found: Detection[]): void {
  const from = found.length;
  const { lower } = subject;
  let at = nextLineEnd(lower, 0);
  if (at >= 0) reportOnce(found, from, "crlf.line_end", at, at + 1);
  while (at >= 0) {
    let next = at;
    let ends = 0;
    while (next < lower.length) {
      const length = lineEndLength(lower, next);
      if (length === 0) break;
      next += length;
      ends += 1;
    }
    judgeLine(lower, at, next, ends, found, from);
    at = nextLineEnd(lower, next);
  }
}

/** Chars of a line that are looked at. */
const LINE_CHARS_MAX = 80;

/** Most lines of a text are none of it by their first word: it is read before anything else is done. */
function judgeLine(
  lower: string,
  at: number,
  line: number,
  ends: number,
  found: Detection[],
  from: number,
): void {
  const first = lower.charCodeAt(line);
  const end = Math.min(lower.length, line + 24);
  if (first === 0x3c) {
    if (ends >= 2 && MARKUP.test(lower.slice(line, line + 12)))
      reportOnce(found, from, "crlf.markup", at, end);
    return;
  }
  // `%0` is what is left of an escape that was cut, as probes for parsers have it.
  const cut = first === 0x25 && lower.charCodeAt(line + 1) === 0x30;
  if (cut && at + 1 < lower.length) reportOnce(found, from, "crlf.cut_escape", at, end);
  const name = cut ? line + 2 : line;
  const colon = endOfName(lower, name);
  if (colon > 0) judgeField(lower, name, colon, at, found, from);
}

function judgeField(
  lower: string,
  name: number,
  colon: number,
  at: number,
  found: Detection[],
  from: number,
): void {
  const text = lower.slice(name, name + LINE_CHARS_MAX);
  const end = Math.min(lower.length, name + 24);
  if (FIELDS.test(text.replace(/[\r\n]/g, ""))) reportOnce(found, from, "crlf.header", at, end);
  if (colon - name < 48) reportOnce(found, from, "crlf.any_header", at, end);
}

const MARKUP = /^<(?:!doctype|html|head|body|script|svg|img|meta|iframe|form|h1|a )[\s>]?/;

/** Longest field name that is read, with line ends in it and white space before its colon. Chars. */
const NAME_CHARS_MAX = 56;

/** Where the colon after a token stands, -1 when none follows. Some parsers skip line ends in a name. */
function endOfName(lower: string, from: number): number {
  const limit = Math.min(lower.length, from + NAME_CHARS_MAX);
  let at = from;
  for (let ends = 0; at < limit; at += 1) {
    const code = lower.charCodeAt(at);
    if ((code >= 0x61 && code <= 0x7a) || code === 0x2d || (code >= 0x30 && code <= 0x39)) continue;
    if ((code !== 0x0d && code !== 0x0a) || ends === 4) break;
    ends += 1;
  }
  if (at === from) return -1;
  while (at < limit && isBlank(lower.charCodeAt(at))) at += 1;
  return lower.charCodeAt(at) === 0x3a ? at : -1;
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function nextLineEnd(lower: string, from: number): number {
  for (let index = from; index < lower.length; index += 1) {
    const code = lower.charCodeAt(index);
    if (code > 0x0d && code !== 0xe5) continue;
    if (code === 0x0d || code === 0x0a || (code === 0xe5 && lineEndLength(lower, index) > 0)) return index;
  }
  return -1;
}

/**
 * Length of a line end: CR, LF, or U+560A and U+560D, whose low bytes are LF and CR: servers that cut characters to
 * bytes turn them into line ends.
 */
export function lineEndLength(lower: string, at: number): number {
  const code = lower.charCodeAt(at);
  if (code === 0x0d || code === 0x0a) return 1;
  if (code !== 0xe5 || lower.charCodeAt(at + 1) !== 0x98) return 0;
  const last = lower.charCodeAt(at + 2);
  return last === 0x8a || last === 0x8d ? 3 : 0;
}
