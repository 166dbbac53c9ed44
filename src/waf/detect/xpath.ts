import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/** XPath and XQuery injection: a predicate the value closes, and questions about the document's shape. */
export const xpath: Detector = {
  name: "xpath",
  kinds: {
    "xpath.breakout": "A closed string or predicate, then a path or a node test.",
    "xpath.shape_probe": "count(), name() or substring() over nodes: the document is read letter by letter.",
    "xpath.document": "doc() or document() of another resource in a predicate.",
    "xpath.expression": "The value is a path expression.",
  },
  triggers: [
    "//",
    "/*",
    "/@",
    "::",
    "name(",
    "text()",
    "position(",
    "node()",
    "doc(",
    "document(",
    "count(",
    "last()",
    "true()",
    "false()",
    "boolean(",
    "doc-available(",
    "unparsed-text(",
    "contains(",
    "starts-with(",
    "substring(",
    "string-length(",
    "']",
    '"]',
  ],
  detect(subject: Subject, found: Detection[]): void {
    const { lower } = subject;
    const before = found.length;
    const report = (kind: string, start: number, end: number): void =>
      reportOnce(found, before, kind, start, end);
    readCalls(lower, report);
    readUnion(lower, report);
    if ((lower.startsWith("//") && lower.includes("[")) || isAxis(lower, 0))
      report("xpath.expression", 0, Math.min(lower.length, 24));
  },
};

type Report = (kind: string, start: number, end: number) => void;

const nodeCalls = [
  "true(",
  "false(",
  "name(",
  "local-name(",
  "position(",
  "last(",
  "text(",
  "namespace-uri(",
  "node(",
] as const;
const stringCalls = [
  "name(",
  "local-name(",
  "substring(",
  "string-length(",
  "contains(",
  "starts-with(",
  "count(",
  "string(",
  "codepoints-to-string(",
  "string-to-codepoints(",
  "normalize-space(",
] as const;

const documentCalls: ReadonlySet<string> = new Set(["doc(", "document(", "unparsed-text(", "doc-available("]);

/** Calls, each judged by its argument and by the operator before it. */
function readCalls(lower: string, report: Report): void {
  let at = lower.indexOf("(");
  while (at >= 0) {
    const start = nameStart(lower, at);
    const name = lower.slice(start, at + 1);
    if (start < at) {
      const joined = isJoined(lower, start);
      if (includes(nodeCalls, name) && lower.charCodeAt(at + 1) === 0x29) {
        if (joined && (name === "true(" || name === "false(" || comparesAt(lower, at + 2)))
          report("xpath.breakout", start, at + 2);
        else if (
          lower.charCodeAt(start - 1) === 0x2f &&
          comparesAt(lower, at + 2) &&
          joinedPath(lower, start)
        )
          report("xpath.breakout", start, at + 2);
      } else if (name === "boolean(" && joined && isDigit(lower.charCodeAt(at + 1))) {
        report("xpath.breakout", start, at + 2);
      } else if (includes(stringCalls, name) && isNodes(lower, at + 1)) {
        if (joined || start === 0 || name === "count(" || lower.charCodeAt(start - 1) === 0x28)
          report("xpath.shape_probe", start, at + 1);
      } else if (documentCalls.has(name) && joined) {
        const argument = lower.charCodeAt(at + 1);
        if (argument === 0x27 || argument === 0x22 || lower.startsWith("concat(", at + 1))
          report("xpath.document", start, at + 1);
      }
    }
    at = lower.indexOf("(", at + 1);
  }
}

/** `'] | //user`, `')] | /*`, `'] | a[`: the predicate is closed and another path joined. */
function readUnion(lower: string, report: Report): void {
  let at = lower.indexOf("]");
  // The last brackets before `at`: each is searched once, however many there are.
  let opened = -1;
  let next = lower.indexOf("[");
  let closed = -1;
  while (at >= 0) {
    for (; next >= 0 && next < at; next = lower.indexOf("[", next + 1)) opened = next;
    if (lower.charCodeAt(at + 1) === 0x2f && opened < 0 && goesOnFromNode(lower, at))
      report("xpath.breakout", at, at + 2);
    const bar = blank(lower, at + 1);
    if (lower.charCodeAt(bar) === 0x7c && lower.charCodeAt(bar + 1) !== 0x7c) {
      const path = blank(lower, bar + 1);
      const closes = opened < 0 || closed > opened;
      const quoted = lower.charCodeAt(at - 1) === 0x27 || lower.charCodeAt(at - 1) === 0x22;
      const first = lower.charCodeAt(path);
      const isPath =
        first === 0x2f ||
        isAxis(lower, path) ||
        (quoted && (isLetter(first) || first === 0x2a || first === 0x40));
      if (isPath && closes) report("xpath.breakout", at, path + 2);
    }
    closed = at;
    at = lower.indexOf("]", at + 1);
  }
}

/** `x']/parent::*`, `x']/../y`: the predicate that the application opened is closed, and its path goes on. */
function goesOnFromNode(lower: string, bracket: number): boolean {
  const quoted = lower.charCodeAt(bracket - 1) === 0x27 || lower.charCodeAt(bracket - 1) === 0x22;
  const from = bracket + 2;
  const steps = isAxis(lower, from) || isNodeTest(lower, from) || lower.startsWith("../", from);
  return quoted && steps;
}

/** A path or a node function as argument: `/*`, `//user`, `/@*`, `/child::node()`, `name(`, `.`, `../`, `text()`. */
function isNodes(lower: string, from: number): boolean {
  const at = blank(lower, from);
  const char = lower.charCodeAt(at);
  const next = lower.charCodeAt(at + 1);
  if (char === 0x2f) {
    if (next === 0x2f || next === 0x40) return true;
    if (next === 0x2a) return lower.charCodeAt(at + 2) !== 0x2a;
    return isAxis(lower, at + 1) || isNodeTest(lower, at + 1);
  }
  if (char === 0x2e && next === 0x2e) return lower.charCodeAt(at + 2) === 0x2f;
  if (char === 0x40) return next === 0x2a;
  return isAxis(lower, at) || isNodeTest(lower, at) || lower.startsWith("doc(", at);
}

const nodeTests = [
  "name(",
  "local-name(",
  "text()",
  "node()",
  "comment()",
  "processing-instruction()",
] as const;

function isNodeTest(lower: string, at: number): boolean {
  return nodeTests.some((test) => lower.startsWith(test, at));
}

const axes = [
  "child::",
  "parent::",
  "ancestor::",
  "ancestor-or-self::",
  "descendant::",
  "descendant-or-self::",
  "following::",
  "following-sibling::",
  "preceding::",
  "preceding-sibling::",
  "attribute::",
  "self::",
  "namespace::",
] as const;

function isAxis(lower: string, at: number): boolean {
  return axes.some((axis) => {
    if (!lower.startsWith(axis, at)) return false;
    const char = lower.charCodeAt(at + axis.length);
    return char === 0x2a || char === 0x40 || isLetter(char);
  });
}

/** Whether `or`, `and`, `=`, `|`, `[` or `,` behind a quote or parenthesis stands before `at`. */
function isJoined(lower: string, from: number): boolean {
  let at = from - 1;
  while (lower.charCodeAt(at) === 0x20 || lower.charCodeAt(at) === 0x28) at -= 1;
  // `or not(true())`
  if (lower.charCodeAt(at + 1) === 0x28 && lower.startsWith(" not", at - 3)) at -= 4;
  while (lower.charCodeAt(at) === 0x20) at -= 1;
  const word =
    at >= 2 && lower.startsWith("and", at - 2) ? 3 : at >= 1 && lower.startsWith("or", at - 1) ? 2 : 0;
  if (word === 0) return lower.charCodeAt(at) === 0x7c && lower.charCodeAt(at - 1) === 0x7c;
  let left = at - word;
  if (isLetter(lower.charCodeAt(left))) return false;
  while (lower.charCodeAt(left) === 0x20) left -= 1;
  const char = lower.charCodeAt(left);
  return char === 0x27 || char === 0x22 || char === 0x29 || char === 0x5d || (char >= 0x30 && char <= 0x39);
}

/** `' or //user/name()=`: the operator stands before the path the call ends. */
function joinedPath(lower: string, from: number): boolean {
  let at = from;
  while (at > 0 && from - at < 64 && lower.charCodeAt(at - 1) !== 0x20) at -= 1;
  return isJoined(lower, at);
}

function comparesAt(lower: string, from: number): boolean {
  const char = lower.charCodeAt(blank(lower, from));
  return char === 0x3d || char === 0x21 || char === 0x3c || char === 0x3e;
}

function nameStart(lower: string, paren: number): number {
  let at = paren;
  while (
    at > 0 &&
    paren - at < 24 &&
    (isLetter(lower.charCodeAt(at - 1)) || lower.charCodeAt(at - 1) === 0x2d)
  )
    at -= 1;
  return at;
}

function includes(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

function blank(lower: string, from: number): number {
  let at = from;
  while (lower.charCodeAt(at) === 0x20) at += 1;
  return at;
}

function isLetter(char: number): boolean {
  return char >= 0x61 && char <= 0x7a;
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}
