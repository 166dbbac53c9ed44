import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/** NoSQL injection: MongoDB operators where data should be, and JavaScript that runs inside `$where`. */
export const nosql: Detector = {
  name: "nosql",
  kinds: {
    "nosql.operator_name":
      "A query operator such as $ne as the whole name, or in brackets: PHP and qs make objects of it.",
    "nosql.operator_object": "An object whose key is a query operator.",
    "nosql.shell_call": "A method of a MongoDB collection, called as in its shell.",
    "nosql.script_breakout": "A value closed, then JavaScript of its own: return, a loop, a delay.",
    "nosql.script_condition": "A closed value, then a condition on the document's fields.",
    "nosql.loose_operator":
      "An operator in brackets behind `filters`, as content APIs have it, or amid other text.",
    "nosql.loose_script": "A JavaScript condition on constants.",
  },
  triggers: [
    "$",
    "this.",
    "db.",
    "return",
    "sleep",
    "while",
    "new date",
    "mapreduce",
    "==",
    "||true",
    "|| true",
    "function",
  ],
  detect(subject: Subject, found: Detection[]): void {
    const before = found.length;
    const report = (kind: string, start: number, end: number): void =>
      reportOnce(found, before, kind, start, end);
    readOperators(subject.lower, report);
    readShell(subject.lower, report);
    readScript(subject.lower, report);
  },
};

type Report = (kind: string, start: number, end: number) => void;

const operators: ReadonlySet<string> = new Set(
  `ne eq gt gte lt lte in nin or and not nor exists regex where type mod all size elemmatch text expr jsonschema
  function accumulator options comment geowithin geointersects near nearsphere bitsallset bitsanyset natural
  slice meta set unset push pull inc rename lookup match out merge graphlookup unionwith`.split(/\s+/),
);

/** Operators that also name GraphQL variables, JSON schemas or OData options are no proof as a whole name. */
const askingOperators: ReadonlySet<string> = new Set(
  `ne gt gte lt lte nin or and not nor exists regex where elemmatch text expr in eq function accumulator size all mod
  jsonschema match lookup graphlookup unionwith`.split(/\s+/),
);

/** Operators that change documents ask nothing, and analytics calls have some of them. */
const settingOperators: ReadonlySet<string> = new Set("set unset push pull inc rename meta slice".split(" "));

function readOperators(lower: string, report: Report): void {
  let at = lower.indexOf("$");
  if (at < 0) return;
  const before: Before = { read: 0, foreign: -1, filter: -1, nextFilter: NOT_ASKED, space: 0 };
  while (at >= 0) {
    const end = lettersEnd(lower, at + 1);
    const name = end - at > 1 && end - at <= 16 ? lower.slice(at + 1, end) : "";
    if (operators.has(name)) {
      const previous = lower.charCodeAt(at - 1);
      const next = lower.charCodeAt(end);
      if (at === 0 && end === lower.length) {
        if (askingOperators.has(name)) report("nosql.operator_name", at, end);
      } else if (previous === 0x5b && next === 0x5d) {
        if (askingOperators.has(name)) readBrackets(lower, before, at, end, report);
      } else if (at === 0 && next === 0x5b) {
        // `$or[0][name]`: the list of conditions itself, as a name.
        const isList = name === "or" || name === "and" || name === "nor";
        if (isList && isDigit(lower.charCodeAt(end + 1))) report("nosql.operator_name", at, end);
      } else readKey(lower, at, end, report);
    }
    at = lower.indexOf("$", at + 1);
  }
}

/** What stands before and behind the operators, read on from one to the next so that many of them cost one pass. */
interface Before {
  /** Read up to here. */
  read: number;
  /** Offset of the last character that is no part of names and queries. */
  foreign: number;
  /** Offsets of the last `filter` read and of the next one; -1 when there is none, `NOT_ASKED` at first. */
  filter: number;
  nextFilter: number;
  /** Offset of the next space; -1 when there is none. */
  space: number;
}

/**
 * A search that many values need not have. Made before the loop over the operators, V8 moved it into the loop: 20 ms for
 * 8 KiB.
 */
const NOT_ASKED = -2;

/** How far a name that an operator belongs to reaches to its left, and a query to its right. */
const NAME_REACH = 200;

/** `name[$ne]`: an operator by way of the query parser. Content APIs document `filters[field][$eq]`. */
function readBrackets(lower: string, before: Before, at: number, end: number, report: Report): void {
  const start = Math.max(0, at - NAME_REACH);
  for (; before.read < at; before.read += 1)
    if (nameSigns[lower.charCodeAt(before.read)] === 0) before.foreign = before.read;
  if (before.nextFilter === NOT_ASKED) before.nextFilter = lower.indexOf("filter");
  while (before.nextFilter >= 0 && before.nextFilter < at) {
    before.filter = before.nextFilter;
    before.nextFilter = lower.indexOf("filter", before.filter + 1);
  }
  if (before.space >= 0 && before.space <= end) before.space = lower.indexOf(" ", end + 1);
  const documented = before.filter >= start && !lower.startsWith("$where", at);
  const isName = before.foreign < start && (before.space < 0 || before.space >= end + NAME_REACH);
  report(documented || !isName ? "nosql.loose_operator" : "nosql.operator_name", at - 1, end + 1);
}

/** 1 for the signs of parameter names and of whole queries made of them. */
const nameSigns: Uint8Array = Uint8Array.from({ length: 256 }, (_, char) => {
  const isWord = isLetter(char) || (char >= 0x30 && char <= 0x39) || char >= 0x80;
  return isWord || ".[]$=&%+-_/?".includes(String.fromCharCode(char)) ? 1 : 0;
});

/** `{"$gt": …`, `{$ne: …`, `, $where: '…'`: the operator is a key and its value is data, not a GraphQL type. */
function readKey(lower: string, at: number, end: number, report: Report): void {
  const quoted = isQuote(lower.charCodeAt(at - 1));
  let left = quoted ? at - 2 : at - 1;
  while (left >= 0 && lower.charCodeAt(left) <= 0x20) left -= 1;
  const opener = left < 0 ? 0 : lower.charCodeAt(left);
  const right = quoted && isQuote(lower.charCodeAt(end)) ? end + 1 : end;
  let colon = right;
  while (lower.charCodeAt(colon) <= 0x20) colon += 1;
  if (lower.charCodeAt(colon) !== 0x3a || lower.charCodeAt(colon + 1) === 0x3a) return;
  let value = colon + 1;
  while (lower.charCodeAt(value) <= 0x20) value += 1;
  const isData = opensData(lower, value);
  // JSON schemas have comments too.
  const isRemark = quoted && lower.startsWith("$comment", at);
  if (isRemark || settingOperators.has(lower.slice(at + 1, end)) || isClassName(lower, at, end, value)) {
    if (isData) report("nosql.loose_operator", at, value);
    return;
  }
  if (opener === 0x7b) report("nosql.operator_object", left, value);
  else if ((opener === 0 || opener === 0x2c || opener === 0x7d) && isData && !inProse(lower, left))
    report("nosql.operator_object", at, value);
  else if (isData) report("nosql.loose_operator", at, value);
}

/** `"$type": "Name.Space.Class, Assembly"`: how .NET's JSON names a class. */
function isClassName(lower: string, at: number, end: number, value: number): boolean {
  if (end - at !== 5 || !lower.startsWith("$type", at) || !isQuote(lower.charCodeAt(value))) return false;
  const name = nameEnd(lower, value + 1);
  return name > value + 1 && lower.charCodeAt(name) === 0x2e;
}

/** A literal: quote, digit, brace, bracket of literals, regular expression, true, false, null, function. */
function opensData(lower: string, at: number): boolean {
  let inner = at;
  // Deeper lists are nobody's data.
  for (let depth = 0; depth < 8 && lower.charCodeAt(inner) === 0x5b; depth += 1) {
    inner += 1;
    while (lower.charCodeAt(inner) <= 0x20) inner += 1;
    if (lower.charCodeAt(inner) === 0x5d) return true;
  }
  const char = lower.charCodeAt(inner);
  if (isQuote(char) || char === 0x7b || char === 0x2f || char === 0x2d || (char >= 0x30 && char <= 0x39))
    return true;
  return literals.some((name) => lower.startsWith(name, inner));
}

const literals = ["true", "false", "null", "function", "new "] as const;

/** Three gaps between words in the 80 characters before: a sentence. */
function inProse(lower: string, at: number): boolean {
  let gaps = 0;
  for (let index = Math.max(1, at - 80); index < at; index += 1)
    if (
      lower.charCodeAt(index) === 0x20 &&
      isLetter(lower.charCodeAt(index - 1)) &&
      isLetter(lower.charCodeAt(index + 1))
    )
      gaps += 1;
  return gaps >= 3;
}

const shellMethods: ReadonlySet<string> = new Set(
  `find findone findandmodify insert insertone insertmany update updateone updatemany remove deleteone deletemany
  drop dropdatabase aggregate mapreduce count distinct save group getcollection getcollectionnames createcollection eval
  runcommand admincommand getuser getusers createuser renamecollection getsiblingdb`.split(/\s+/),
);

/** `db.stores.mapReduce(`: only whole values and values after a separator, because code is full of `db.`. */
function readShell(lower: string, report: Report): void {
  let at = nextShell(lower, 0);
  while (at >= 0) {
    const previous = previousInk(lower, at);
    const separate =
      previous < 0 || previous === 0x3b || previous === 0x2f || previous === 0x27 || previous === 0x22;
    if (separate && !isLetter(lower.charCodeAt(at - 1))) {
      let end = at + 2;
      let last = end;
      for (let parts = 0; parts < 4 && lower.charCodeAt(end) === 0x2e; parts += 1) {
        last = end + 1;
        end = nameEnd(lower, last);
      }
      if (lower.charCodeAt(end) === 0x28 && shellMethods.has(lower.slice(last, Math.min(end, last + 24)))) {
        const lines = lower.indexOf("\n");
        report(lines < 0 || previous === 0x27 ? "nosql.shell_call" : "nosql.loose_script", at, end + 1);
        return;
      }
    }
    at = nextShell(lower, at + 3);
  }
}

/** The offset of the next `db.`, or -1. Dots are rarer than the letter d. */
function nextShell(lower: string, from: number): number {
  let dot = lower.indexOf(".", from);
  while (dot >= 0 && !(dot >= from + 2 && lower.startsWith("db", dot - 2))) dot = lower.indexOf(".", dot + 1);
  return dot - 2 < 0 ? -1 : dot - 2;
}

/**
 * The value is pasted into a JavaScript predicate: it closes a string or ends an expression at its start, and goes on
 * with code. Only the start is looked at: code in the middle of a text is a text about code.
 */
function readScript(lower: string, report: Report): void {
  const begin = lower.charCodeAt(0) === 0x2f ? 1 : 0;
  if (lower.startsWith("this.", begin) && lower.length < 200) {
    const end = skip(lower, nameEnd(lower, begin + 5));
    if (lower.startsWith("==", end) || lower.startsWith("!=", end) || lower.startsWith(".match(", end))
      report("nosql.script_condition", begin, end + 2);
  }
  const data = wordsEnd(lower, begin);
  const quote = skip(lower, data);
  if (isQuote(lower.charCodeAt(quote))) readRest(lower, begin, quote + 1, true, report);
  const operand = operandEnd(lower, begin);
  readRest(lower, begin, operand, false, report);
}

/** What follows the operand or quote that the value begins with, up to `from`. */
function readRest(lower: string, begin: number, from: number, closed: boolean, report: Report): void {
  let at = from;
  at = skip(lower, at);
  while (lower.charCodeAt(at) === 0x29 || lower.charCodeAt(at) === 0x7d) at = skip(lower, at + 1);
  const char = lower.charCodeAt(at);
  const next = lower.charCodeAt(at + 1);
  if (char === 0x3b) {
    const start = skip(lower, at + 1);
    const kind = statementKind(lower, start);
    const isPause = lower.startsWith("sleep(", start) && isNumber(lower, begin, from);
    if (kind === 2 || (kind === 1 && (closed || isPause)))
      report("nosql.script_breakout", at, Math.min(lower.length, start + 12));
    return;
  }
  if ((char === 0x7c || char === 0x26) && next === char) {
    const operand = skipOpeners(lower, at + 2);
    const field = lower.startsWith("this.", operand) || lower.startsWith("this[", operand);
    if (field) report("nosql.script_condition", at, operand + 5);
    else if (closed && (statementKind(lower, operand) === 2 || lower.startsWith("function(", operand)))
      report("nosql.script_breakout", at, operand + 5);
    else {
      const end = operandEnd(lower, operand);
      const compare = skip(lower, end);
      if (closed && isTrue(lower, operand, end) && joinsOn(lower, compare))
        report("nosql.script_condition", at, end);
      else if (end > operand && lower.startsWith("==", compare))
        report(closed || at - begin <= 4 ? "nosql.script_condition" : "nosql.loose_script", at, compare + 2);
    }
  }
}

/** `|| true ||`: a condition that needs no comparison. */
function isTrue(lower: string, start: number, end: number): boolean {
  return end - start === 4 && lower.startsWith("true", start);
}

/** An operator, a comment or the application's own quote comes next. */
function joinsOn(lower: string, at: number): boolean {
  return ["||", "&&", "//"].some((sign) => lower.startsWith(sign, at));
}

function isNumber(lower: string, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (!isDigit(lower.charCodeAt(at))) return false;
  return end > start;
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

/** 2 for a statement that a predicate's attacker writes, 1 for one that needs a closed string as evidence, 0 for none. */
function statementKind(lower: string, at: number): number {
  if (lower.startsWith("return", at)) {
    const end = at + 6;
    const char = lower.charCodeAt(end);
    if (char !== 0x20 && char !== 0x28 && char !== 0x2b && !isQuote(char)) return 0;
    let value = skipOpeners(lower, end);
    if (isQuote(lower.charCodeAt(value))) return 1;
    if (lower.startsWith("true", value)) value += 4;
    else if (lower.startsWith("false", value)) value += 5;
    else if (lower.charCodeAt(value) === 0x31 || lower.charCodeAt(value) === 0x30) value += 1;
    else return lower.startsWith("this", value) || lower.startsWith("db.", value) ? 2 : 1;
    const stop = lower.charCodeAt(skip(lower, value));
    return Number.isNaN(stop) ||
      stop === 0x3b ||
      stop === 0x29 ||
      stop === 0x7d ||
      stop === 0x2f ||
      stop === 0x26
      ? 2
      : 1;
  }
  if (lower.startsWith("sleep(", at)) return 1;
  if (lower.startsWith("while(", at) || lower.startsWith("do{", at)) return 2;
  let name = at;
  for (const declaration of ["var ", "let ", "const "])
    if (lower.startsWith(declaration, at)) name = at + declaration.length;
  const end = nameEnd(lower, name);
  const equals = skip(lower, end);
  if (end === name || lower.charCodeAt(equals) !== 0x3d) return 0;
  // A clock is read, then a loop waits for it.
  return lower.startsWith("new date", skip(lower, equals + 1)) && lower.includes("while", equals) ? 2 : 0;
}

/** The offset after a short run of a number, word or sign at `at`. */
function operandEnd(lower: string, at: number): number {
  const end = at;
  if (isQuote(lower.charCodeAt(end))) {
    const close = lower.indexOf(lower[end]!, end + 1);
    if (close > 0 && close - end < 64) return close + 1;
    return end;
  }
  return wordsEnd(lower, end);
}

/** The offset after a run of letters, digits and the signs of names and numbers; at most 64 of them. */
function wordsEnd(lower: string, at: number): number {
  let end = at;
  for (;;) {
    const char = lower.charCodeAt(end);
    const sign = char === 0x5f || char === 0x2d || char === 0x2e || char === 0x40;
    if ((!isLetter(char) && !(char >= 0x30 && char <= 0x39) && !sign) || end - at > 64) return end;
    end += 1;
  }
}

function skipOpeners(lower: string, from: number): number {
  let at = from;
  for (;;) {
    const char = lower.charCodeAt(at);
    if (char === 0x28 || char === 0x21 || char === 0x2b || char <= 0x20) at += 1;
    else return at;
  }
}

function skip(lower: string, from: number): number {
  let at = from;
  while (lower.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

function previousInk(lower: string, at: number): number {
  let left = at - 1;
  while (left >= 0 && lower.charCodeAt(left) <= 0x20) left -= 1;
  return left < 0 ? -1 : lower.charCodeAt(left);
}

function lettersEnd(lower: string, from: number): number {
  let at = from;
  while (isLetter(lower.charCodeAt(at))) at += 1;
  return at;
}

function nameEnd(lower: string, from: number): number {
  let at = from;
  for (;;) {
    const char = lower.charCodeAt(at);
    if (!isLetter(char) && char !== 0x5f && char !== 0x24 && !(char >= 0x30 && char <= 0x39)) return at;
    at += 1;
  }
}

function isLetter(char: number): boolean {
  return char >= 0x61 && char <= 0x7a;
}

function isQuote(char: number): boolean {
  return char === 0x27 || char === 0x22;
}
