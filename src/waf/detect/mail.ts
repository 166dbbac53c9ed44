import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";
import { lengthsOf } from "./sql-word.ts";

/** Mail injection: a line break in a short value, then a command of SMTP, IMAP or POP3, or a header of a message. */
export const mail: Detector = {
  name: "mail",
  kinds: {
    "mail.smtp_command": "A line that is an SMTP command with its argument (RFC 5321).",
    "mail.imap_command": "A line that is a tagged IMAP command (RFC 9051).",
    "mail.pop_command": "A line that is a POP3 command (RFC 1939), in a value of one line before it.",
    "mail.header": "A header that names recipients, behind a one-line value.",
    "mail.loose_line": "A command or header line in a longer text, such as a forwarded message.",
  },
  triggers: ["\n", "\r"],
  isIdle,
  detect(subject: Subject, found: Detection[]): void {
    const { lower } = subject;
    const before = found.length;
    const report = (kind: string, start: number, end: number): void =>
      reportOnce(found, before, kind, start, end);
    const head = firstBreak(lower, 0);
    // What the application expects stands on the first line: an address, a number, a short name. Text has several lines.
    const short = head >= 0 && head <= 128 && gapsIn(lower, 0, head) <= 3;
    const plain = short && gapsIn(lower, 0, head) === 0;
    let line = head;
    for (let lines = 0; line >= 0 && lines < LINES_MAX; lines += 1) {
      const start = lineStart(lower, line);
      const next = firstBreak(lower, start);
      readLine(lower, start, next < 0 ? lower.length : next, short && lines < 4, plain, report);
      line = next;
    }
  },
};

/** Lines of one value that are read; a message pasted as text has commands, if any, early. */
const LINES_MAX = 2000;

type Report = (kind: string, start: number, end: number) => void;

/** IMAP commands by what must follow: nothing, one name, two arguments, or a set of numbers. */
const bareImap: ReadonlySet<string> = new Set(
  "capability noop logout check expunge close idle starttls unselect".split(" "),
);
const namingImap: ReadonlySet<string> = new Set(
  "select examine create delete subscribe unsubscribe enable authenticate search uid append status".split(
    " ",
  ),
);
const pairedImap: ReadonlySet<string> = new Set("login rename list lsub".split(" "));
const numberedImap: ReadonlySet<string> = new Set("fetch store copy".split(" "));
const lonelySmtp: ReadonlySet<string> = new Set(["quit", "data", "rset", "noop", "starttls"]);
/** SASL mechanisms that mail servers have. */
const mechanisms: ReadonlySet<string> = new Set(["login", "plain", "cram-md5", "xoauth2", "digest-md5"]);
const popCommands: ReadonlySet<string> = new Set([
  "retr",
  "dele",
  "list",
  "top",
  "uidl",
  "user",
  "pass",
  "stat",
]);
const headers = ["bcc:", "cc:", "to:", "from:", "reply-to:", "return-path:", "sender:"] as const;

function readLine(
  lower: string,
  start: number,
  end: number,
  short: boolean,
  plain: boolean,
  report: Report,
): void {
  if (end - start > 512) end = start + 512;
  if (end - start < 4) return;
  const line = lower.slice(start, end).trimEnd();
  const stop = start + line.length;
  if (/^(?:mail from|rcpt to) ?:/.test(line)) {
    if (line.includes("@") || line.includes("<"))
      report(short ? "mail.smtp_command" : "mail.loose_line", start, stop);
    return;
  }
  const space = line.indexOf(" ");
  const first = space < 0 ? line : line.slice(0, space);
  if (space < 0 && lonelySmtp.has(first)) {
    report(short ? "mail.smtp_command" : "mail.loose_line", start, stop);
    return;
  }
  if ((first === "helo" || first === "ehlo") && isOneWord(line, space + 1) && line.includes(".")) {
    report(short ? "mail.smtp_command" : "mail.loose_line", start, stop);
    return;
  }
  if ((first === "vrfy" || first === "expn") && isOneWord(line, space + 1)) {
    report(short ? "mail.smtp_command" : "mail.loose_line", start, stop);
    return;
  }
  if (first === "auth" && mechanisms.has(line.slice(space + 1).split(" ", 1)[0]!)) {
    report(short ? "mail.smtp_command" : "mail.loose_line", start, stop);
    return;
  }
  if (short && first === "top" && /^[0-9]+ [0-9]+$/.test(line.slice(space + 1)))
    report("mail.pop_command", start, stop);
  if (short && popCommands.has(first) && isOneWord(line, space + 1)) {
    const numbered = /^[0-9]+$/.test(line.slice(space + 1));
    if (numbered && first !== "user" && first !== "pass") report("mail.pop_command", start, stop);
  }
  if (/^[a-z]{1,4}[0-9]{1,5}$/.test(first)) {
    if (isImap(line.slice(space + 1), plain))
      report(short ? "mail.imap_command" : "mail.loose_line", start, stop);
    return;
  }
  for (const header of headers)
    if (line.startsWith(header) && line.includes("@")) {
      const named = header === "bcc:" || header === "cc:" || (header === "to:" && isOneWord(line, 4));
      // Replies that go elsewhere, and other senders, are injected behind an address; quoted messages have them too.
      const hidden = named || (header !== "to:" && plain && lower.lastIndexOf("@", start - 1) > 0);
      report(short && hidden ? "mail.header" : "mail.loose_line", start, stop);
      return;
    }
}

/** A command with the arguments it must have. `plain`: what stands before it is no prose, so one name is enough. */
function isImap(rest: string, plain: boolean): boolean {
  const [command = "", first = "", second = "", third = ""] = rest.split(" ", 4);
  if (bareImap.has(command)) return first === "";
  if (numberedImap.has(command)) return /^[0-9*]/.test(first);
  if (pairedImap.has(command)) return second !== "" && third === "" && (plain || /["*%]/.test(second));
  if (!namingImap.has(command) || first === "") return false;
  return plain || first.startsWith('"');
}

/** By the first two letters: a bit for each length of the words that a line begins with which `readLine` reports. */
const firstWords: Int32Array = lengthsOf([
  ...[
    "mail",
    "rcpt",
    "helo",
    "ehlo",
    "vrfy",
    "expn",
    "auth",
    "bcc",
    "cc",
    "to",
    "from",
    "reply",
    "return",
    "sender",
  ],
  ...lonelySmtp,
  ...popCommands,
]);

/** No line after the first begins with such a word, or with the tag of an IMAP command. */
function isIdle(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] !== 0x0a && bytes[at] !== 0x0d) continue;
    while (at < end && (bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x20)) at++;
    if (at < end && bytes[at] === 0x22) at++;
    const from = at;
    while (at < end && isLetter(bytes[at]!)) at++;
    const length = at - from;
    if (length > 0 && length < 5 && at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) return false;
    if (length > 1 && length < 32) {
      const pair = ((bytes[from]! | 0x20) - 0x61) * 26 + (bytes[from + 1]! | 0x20) - 0x61;
      if ((firstWords[pair]! & (1 << length)) !== 0) return false;
    }
    at--;
  }
  return true;
}

function isLetter(byte: number): boolean {
  const letter = byte | 0x20;
  return byte < 0x80 && letter >= 0x61 && letter <= 0x7a;
}

function isOneWord(line: string, from: number): boolean {
  return from > 0 && from < line.length && line.indexOf(" ", from) < 0;
}

function firstBreak(lower: string, from: number): number {
  for (let at = from; at < lower.length; at += 1) {
    const char = lower.charCodeAt(at);
    if (char === 0x0a || char === 0x0d) return at;
  }
  return -1;
}

function lineStart(lower: string, line: number): number {
  let at = line;
  while (lower.charCodeAt(at) === 0x0a || lower.charCodeAt(at) === 0x0d || lower.charCodeAt(at) === 0x20)
    at += 1;
  // A quote may close the argument of the command the value stands in.
  if (lower.charCodeAt(at) === 0x22) at += 1;
  return at;
}

function gapsIn(lower: string, from: number, to: number): number {
  let gaps = 0;
  for (let at = from; at < to; at += 1) if (lower.charCodeAt(at) === 0x20) gaps += 1;
  return gaps;
}
