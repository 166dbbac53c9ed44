import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/** LDAP injection: search filters (RFC 4515) that the value closes, widens or brings along. */
export const ldap: Detector = {
  name: "ldap",
  kinds: {
    "ldap.breakout": "A closed filter, then another one: `)(attribute=`.",
    "ldap.filter": "A filter behind a wildcard or another sign, or one with a constant or a password in it.",
    "ldap.matching_rule": "An extensible match by object identifier or rule name: `attribute:2.5.13.18:=`.",
    "ldap.metacharacters": "The value consists of filter signs alone, or ends in them before a NUL.",
    "ldap.loose_filter": "The value is a whole filter, as directory tools send it.",
    "ldap.loose_escape": "Filter signs written as \\28, \\29, \\2a next to a filter sign.",
    "ldap.loose_wildcard": "A wildcard before closing parentheses that the value never opened.",
  },
  triggers: [
    ")(",
    ")!",
    ")&",
    ")|",
    ") ",
    ")\t",
    "(|",
    "(&",
    "(!",
    "*)",
    "*(",
    "*|",
    "*&",
    ":=",
    "\\28",
    "\\29",
    "\\2a",
    ")\0",
    "))",
  ],
  detect(subject: Subject, found: Detection[]): void {
    const { lower } = subject;
    const before = found.length;
    const report = (kind: string, start: number, end: number): void =>
      reportOnce(found, before, kind, start, end);
    readFilters(lower, report);
    readMatchingRule(lower, report);
    readSigns(lower, report);
    if (
      (lower.includes("\\2a") || lower.includes("\\28") || lower.includes("\\29")) &&
      /[()*|&=]/.test(lower)
    )
      report("ldap.loose_escape", 0, Math.min(lower.length, 32));
  },
};

type Report = (kind: string, start: number, end: number) => void;

function readFilters(lower: string, report: Report): void {
  let depth = 0;
  let unopened = 0;
  let breakouts = 0;
  let telling: boolean | undefined;
  const opened = lower.charCodeAt(lower.charCodeAt(0) === 0x2f ? 1 : 0) === 0x28;
  for (let at = 0; at < lower.length; at += 1) {
    const char = lower.charCodeAt(at);
    if (char === 0x29) {
      depth -= 1;
      if (depth < 0) {
        // A parenthesis the value never opened: it closes the application's.
        depth = 0;
        unopened += 1;
        let next = skipBlank(lower, at + 1);
        if (isCombiner(lower.charCodeAt(next)) && lower.charCodeAt(next + 1) !== lower.charCodeAt(next))
          next = skipBlank(lower, next + 1);
        const opens = lower.charCodeAt(next) === 0x28;
        if (opens && breakouts < 64) {
          breakouts += 1;
          if (itemAt(lower, next) && !isSpaced(lower, at, next) && isData(lower, at))
            report("ldap.breakout", at, next + 2);
        } else if (lower.charCodeAt(at - 1) === 0x2a && lower.charCodeAt(next) === 0x29)
          report("ldap.loose_wildcard", at - 1, next);
      }
    } else if (char === 0x28) {
      depth += 1;
      if (isCombiner(lower.charCodeAt(at + 1)) && lower.charCodeAt(at + 2) === 0x28 && isStart(lower, at)) {
        let inner = at + 2;
        for (let step = 0; step < 8; step += 1) {
          if (lower.charCodeAt(inner) === 0x28) inner += 1;
          if (isCombiner(lower.charCodeAt(inner))) inner += 1;
        }
        if (attributeAt(lower, inner)) {
          telling ??= lower.includes("(1=") || lower.includes("password=");
          const own = (opened || depth > 1) && unopened === 0 && !telling;
          report(own ? "ldap.loose_filter" : "ldap.filter", at, inner);
        }
      }
    }
  }
}

/** `(attribute=`, `(|(…`, `(&`, `(!`, `((`: what opens a filter item. */
function itemAt(lower: string, paren: number): boolean {
  let at = skipBlank(lower, paren + 1);
  if (lower.charCodeAt(at) === 0x28) at = skipBlank(lower, at + 1);
  if (!isCombiner(lower.charCodeAt(at))) return attributeAt(lower, at);
  at = skipBlank(lower, at + 1);
  const next = lower.charCodeAt(at);
  return Number.isNaN(next) || next === 0x28 || next === 0x29 || next === 0 || attributeAt(lower, at);
}

function isCombiner(char: number): boolean {
  return char === 0x7c || char === 0x26 || char === 0x21;
}

/** `name=`, `name>=`, `name~=`, `name:rule:=`, but not `name==`. */
function attributeAt(lower: string, from: number): boolean {
  let at = from;
  for (;;) {
    const char = lower.charCodeAt(at);
    const part =
      isLetter(char) ||
      (char >= 0x30 && char <= 0x39) ||
      char === 0x2d ||
      char === 0x2e ||
      char === 0x3b ||
      char === 0x3a;
    if (!part) break;
    at += 1;
    if (at - from > 64) return false;
  }
  if (at === from) return false;
  const sign = lower.charCodeAt(at);
  if (sign === 0x3c || sign === 0x3e || sign === 0x7e) return lower.charCodeAt(at + 1) === 0x3d;
  return sign === 0x3d && lower.charCodeAt(at + 1) !== 0x3d && lower.charCodeAt(at + 1) !== 0x3e;
}

/** `(a list) (default= x)`: gaps on both sides of a name are those of a text. */
function isSpaced(lower: string, close: number, open: number): boolean {
  return open > close + 1 && lower.charCodeAt(lower.indexOf("=", open) + 1) === 0x20;
}

/** What stands before the closing parenthesis is data: no code, no markup, at most a few words. */
function isData(lower: string, paren: number): boolean {
  let gaps = 0;
  for (let at = paren - 1; at >= 0 && at > paren - 200; at -= 1) {
    const char = lower.charCodeAt(at);
    if (char === 0x3b || char === 0x7b || char === 0x7d || char === 0x3c || char === 0x0a) return false;
    if (char === 0x20) gaps += 1;
    if (gaps > 3) return false;
  }
  return true;
}

/** A filter stands at the start of the value, or behind a wildcard or another filter sign. */
function isStart(lower: string, at: number): boolean {
  if (at === 0) return true;
  const char = lower.charCodeAt(at - 1);
  if (char === 0x2f) return at === 1;
  return char === 0x2a || char === 0x28 || char === 0x29 || char === 0x3d;
}

function readMatchingRule(lower: string, report: Report): void {
  let at = lower.indexOf(":=");
  if (at < 0) return;
  const paren = lower.indexOf("(");
  while (at >= 0) {
    let start = at;
    let dots = 0;
    let digits = true;
    while (start > 0 && at - start < 40) {
      const char = lower.charCodeAt(start - 1);
      if (char === 0x2e) dots += 1;
      else if (isLetter(char)) digits = false;
      else if (char < 0x30 || char > 0x39) break;
      start -= 1;
    }
    const named = lower.slice(start, at);
    const rule = (digits && dots >= 3) || named === "dn" || (!digits && named.endsWith("match"));
    const attribute = lower.charCodeAt(start - 1) === 0x3a && isLetter(lower.charCodeAt(start - 2));
    // In parentheses of its own it is a whole filter; without them it is put into somebody else's.
    const inside = paren >= 0 && paren <= start;
    if (rule && attribute) report(inside ? "ldap.loose_filter" : "ldap.matching_rule", start - 1, at + 2);
    at = lower.indexOf(":=", at + 2);
  }
}

/** `*)(&`, `*))`, `*|`, `*()|&'`: nothing but filter signs, begun by the wildcard; or `))` and NUL at the end. */
function readSigns(lower: string, report: Report): void {
  const { length } = lower;
  if (lower.charCodeAt(0) === 0x2a && length >= 2 && length <= 24) {
    let filter = 0;
    for (let at = 1; at < length; at += 1) {
      const char = lower.charCodeAt(at);
      if (char === 0x28 || char === 0x29 || char === 0x7c || char === 0x26) filter += 1;
      else if (
        char !== 0x2a &&
        char !== 0x21 &&
        char !== 0x27 &&
        char !== 0 &&
        char !== 0x3d &&
        char !== 0x20
      )
        return;
    }
    const closes = lower.includes(")(") || lower.includes("))") || lower.includes("()");
    if (filter > 0 && (closes || lower.charCodeAt(1) === 0x7c)) report("ldap.metacharacters", 0, length);
  } else if (length >= 3 && lower.charCodeAt(length - 1) === 0 && lower.charCodeAt(length - 2) === 0x29) {
    if (lower.includes("*") || lower.includes(")(") || !lower.includes("("))
      report("ldap.metacharacters", length - 2, length);
  }
}

function skipBlank(lower: string, from: number): number {
  let at = from;
  while (lower.charCodeAt(at) <= 0x20 && lower.charCodeAt(at) > 0) at += 1;
  return at;
}

function isLetter(char: number): boolean {
  return char >= 0x61 && char <= 0x7a;
}
