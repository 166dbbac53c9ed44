import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/**
 * Header fields that an injected line would set in an answer or a request, and that no letter or note begins a line with.
 * Mail's own (From, To, Cc, Subject, Date, Reply-To) are not here: people write them into text fields.
 */
const FIELDS =
  /^(?:set-cookie2?|cookie|location|content-(?:type|length|encoding|disposition|security-policy|location|transfer-encoding)|transfer-encoding|refresh|status|server|host|link|via|etag|expires|pragma|vary|upgrade|connection|cache-control|www-authenticate|authorization|proxy-[a-z-]{2,30}|access-control-[a-z-]{2,40}|x-[a-z0-9-]{2,40}|strict-transport-security|clear-site-data|remote-addr|user-agent|referer|origin|forwarded|mime-version|last-modified|accept(?:-[a-z]{2,20})?)\s{0,8}:/;

/** Fields that nobody types at the start of a line by accident, in any text. */
const TELLING =
  /^(?:set-cookie2?|content-length|content-security-policy|transfer-encoding|refresh|access-control-allow-[a-z-]{4,20}|location:\s{0,4}(?:https?:)?\/\/|x-xss-protection|clear-site-data|remote-addr)/;

const METHODS = [
  "get ",
  "post ",
  "head ",
  "put ",
  "delete ",
  "options ",
  "patch ",
  "trace ",
  "connect ",
  "propfind ",
];

/** Line ends in a value that would start a new header field, status line, request or body where it is copied. */
export const crlf: Detector = {
  name: "crlf",
  kinds: {
    "crlf.header": "a line end and a header field's name with a colon",
    "crlf.telling_header": "a line end and a header field that only answers have: Set-Cookie, Content-Length",
    "crlf.any_header": "a line end and any token with a colon",
    "crlf.status_line": "a line end and the first line of an HTTP response",
    "crlf.request_line": "a request line after a line end and at most one word: a smuggled request",
    "crlf.request_text": "a request line anywhere in the value",
    "crlf.markup": "an empty line and markup: a response body",
    "crlf.line_end": "any line end; for places that never have one",
  },
  triggers: ["\r", "\n", "\xe5\x98\x8a", "\xe5\x98\x8d", " http/"],
  detect,
};

function detect(subject: Subject, found: Detection[]): void {
  const from = found.length;
  const { lower, text } = subject;
  detectRequests(text, lower, found, from);
  for (let at = nextLineEnd(lower, 0); at >= 0; ) {
    reportOnce(found, from, "crlf.line_end", at, at + 1);
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

function judgeLine(
  lower: string,
  at: number,
  line: number,
  ends: number,
  found: Detection[],
  from: number,
): void {
  const text = lower.slice(line, line + 80);
  const end = Math.min(lower.length, line + 24);
  if (FIELDS.test(text.replace(/[\r\n]/g, ""))) reportOnce(found, from, "crlf.header", at, end);
  if (TELLING.test(text) && /^[a-z-]{4,40}[\s]{0,8}:/.test(text))
    reportOnce(found, from, "crlf.telling_header", at, end);
  if (/^[a-z][a-z0-9-]{1,40}[\r\n]{0,4}:/.test(text)) reportOnce(found, from, "crlf.any_header", at, end);
  if (/^http\/\d(?:\.\d)? \d{3}/.test(text)) reportOnce(found, from, "crlf.status_line", at, end);
  if (ends >= 2 && /^<(?:!doctype|html|head|body|script|svg|img|meta|iframe|form|h1|a )[\s>]?/.test(text)) {
    reportOnce(found, from, "crlf.markup", at, end);
  }
}

/** `METHOD target HTTP/x`: at each ` http/` the line before it is looked at, at most 2,000 characters of it. */
function detectRequests(text: string, lower: string, found: Detection[], from: number): void {
  for (let at = lower.indexOf(" http/"); at >= 0; at = lower.indexOf(" http/", at + 6)) {
    if (!/^\d/.test(lower.slice(at + 6, at + 7))) continue;
    const space = lower.lastIndexOf(" ", at - 1);
    if (space < 0 || at - space > 2000) continue;
    const target = lower.slice(space + 1, space + 9);
    if (!/^(?:\/|\*$|https?:|[a-z0-9.-]+(?::\d|$))/.test(target)) continue;
    const before = lower.slice(Math.max(0, space - 8), space + 1);
    const method = METHODS.find((name) => before.endsWith(name));
    if (method === undefined) continue;
    const start = space + 1 - method.length;
    // Methods are upper-case; `get / http/1.1` is no request for any server.
    if (text.slice(start, space) !== text.slice(start, space).toUpperCase()) continue;
    const kind = startsRequest(lower, start) ? "crlf.request_line" : "crlf.request_text";
    reportOnce(found, from, kind, start, at + 9);
  }
}

/** Whether only a line end, or one word and perhaps a line end, precedes the request line, and no quote follows it. */
function startsRequest(lower: string, start: number): boolean {
  if (start === 0) return false;
  if (start > 200) return false;
  const lead = lower.slice(0, start);
  return /^[^\s"'[\]]{0,80}[\r\n]+$/.test(lead) || /^[a-z0-9]{1,20}$/.test(lead);
}

function nextLineEnd(lower: string, from: number): number {
  for (let index = from; index < lower.length; index += 1) {
    const code = lower.charCodeAt(index);
    if (code === 0x0d || code === 0x0a || (code === 0xe5 && lineEndLength(lower, index) > 0)) return index;
  }
  return -1;
}

/**
 * Length of a line end: CR, LF, or U+560A and U+560D, whose low bytes are LF and CR: servers that cut characters to
 * bytes turn them into line ends.
 */
function lineEndLength(lower: string, at: number): number {
  const code = lower.charCodeAt(at);
  if (code === 0x0d || code === 0x0a) return 1;
  if (code !== 0xe5 || lower.charCodeAt(at + 1) !== 0x98) return 0;
  const last = lower.charCodeAt(at + 2);
  return last === 0x8a || last === 0x8d ? 3 : 0;
}
