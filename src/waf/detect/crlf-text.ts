import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/** Fields that nobody types at the start of a line by accident, in any text. */
const TELLING =
  /^(?=[a-z-]{4,40}\s{0,8}:)(?:set-cookie2?|content-length|content-security-policy|transfer-encoding|refresh\s{0,8}:\s{0,4}\d|access-control-allow-[a-z-]{4,20}|location:\s{0,4}(?:https?:)?\/\/|x-xss-protection|clear-site-data|remote-addr)/;

/** What `TELLING` begins with. */
const WORDS = [
  "set-cookie", "content-length", "content-security-policy", "transfer-encoding", "refresh", "access-control-allow-", "location:",
  "x-xss-protection", "clear-site-data", "remote-addr",
]; // biome-ignore format: a list

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

/**
 * Header fields and first lines that nobody begins a line of a text with. Apart from `crlf`, because texts of several
 * lines are common and these words are not: the automaton then calls neither for a letter.
 */
export const crlfText: Detector = {
  name: "crlf-text",
  kinds: {
    "crlf.telling_header": "a line end and a header field that only answers have: Set-Cookie, Content-Length",
    "crlf.status_line": "a line end and the first line of an HTTP response",
    "crlf.request_line": "a request line after a line end and at most one word: a smuggled request",
    "crlf.request_text": "a request line anywhere in the value",
  },
  triggers: [...WORDS, "http/"],
  detect,
};

function detect({ text, lower }: Subject, found: Detection[]): void {
  const from = found.length;
  const injects = isShortLead(lower);
  for (const word of WORDS) {
    for (let at = injects ? lower.indexOf(word) : -1; at >= 0; at = lower.indexOf(word, at + word.length)) {
      if (!startsLine(lower, at) || !TELLING.test(lower.slice(at, at + 80))) continue;
      reportOnce(found, from, "crlf.telling_header", at - 1, at + word.length);
      break;
    }
  }
  for (let at = lower.indexOf("http/"); at >= 0; at = lower.indexOf("http/", at + 5)) {
    if (startsLine(lower, at)) {
      if (injects && STATUS.test(lower.slice(at, at + 16)))
        reportOnce(found, from, "crlf.status_line", at - 1, at + 8);
    } else if (at > 0 && lower.charCodeAt(at - 1) === 0x20 && isDigit(lower.charCodeAt(at + 5))) {
      detectRequest(text, lower, at - 1, found, from);
    }
  }
}

/**
 * Whether the first line is what an injection begins with: a field's ordinary value, of few words. A report that quotes
 * an answer of some server has a sentence there, a command, the answer's own first line or a code fence.
 */
function isShortLead(lower: string): boolean {
  let at = 0;
  let spaces = 0;
  for (; at < lower.length && spaces < 4; at += 1) {
    const code = lower.charCodeAt(at);
    if (code === 0x0d || code === 0x0a) break;
    if (code === 0x20) spaces += 1;
  }
  return spaces < 4 && !QUOTED.test(lower.slice(0, 16));
}

const QUOTED = /^(?:http\/|[`>$#*|-]|curl |wget |get |post |put |[a-z][a-z-]{2,14}:)/;

const STATUS = /^http\/\d(?:\.\d)? \d{3}/;

/** After CR, LF or a character that servers which cut characters to bytes turn into one: U+560A, U+560D. */
function startsLine(lower: string, at: number): boolean {
  const code = lower.charCodeAt(at - 1);
  if (code === 0x0d || code === 0x0a) return true;
  return (code === 0x8a || code === 0x8d) && lower.startsWith("\xe5\x98", at - 3);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** `METHOD target HTTP/x` with its last space at `at`: the target may have 2,000 characters. */
function detectRequest(text: string, lower: string, at: number, found: Detection[], from: number): void {
  const space = lower.lastIndexOf(" ", at - 1);
  if (space < 0 || at - space > 2000) return;
  if (!TARGET.test(lower.slice(space + 1, space + 9))) return;
  const before = lower.slice(Math.max(0, space - 8), space + 1);
  const method = METHODS.find((name) => before.endsWith(name));
  if (method === undefined) return;
  const start = space + 1 - method.length;
  // Methods are upper-case; `get / http/1.1` is no request for any server.
  if (text.slice(start, space) !== text.slice(start, space).toUpperCase()) return;
  const kind = startsRequest(lower, start) ? "crlf.request_line" : "crlf.request_text";
  reportOnce(found, from, kind, start, at + 9);
}

const TARGET = /^(?:\/|\*$|https?:|[a-z0-9.-]+(?::\d|$))/;

/** Whether only a line end, or one word and perhaps a line end, precedes the request line, and no quote follows it. */
function startsRequest(lower: string, start: number): boolean {
  if (start === 0) return false;
  if (start > 200) return false;
  const lead = lower.slice(0, start);
  return /^[^\s"'[\]]{0,80}[\r\n]+$/.test(lead) || /^[a-z0-9]{1,20}$/.test(lead);
}
