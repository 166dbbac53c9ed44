import { wordEnd } from "./sql-char.ts";
import { bareOperand, expressionEnd, isLiteral, isTruth, operandEnd, typeAt } from "./sql-expression.ts";
import type { Report } from "./sql-origin.ts";
import { callAt, isQuery } from "./sql-pair.ts";
import { nameEnd, stops } from "./sql-statement.ts";
import { spelling, type Tokens, token } from "./sql-token.ts";
import { call, isCatalogue, word } from "./sql-word.ts";

/** Names that mean something by themselves: functions of the server, catalogues. */
export function readName(
  tokens: Tokens,
  at: number,
  sure: boolean,
  query: boolean,
  script: boolean,
  report: Report,
): void {
  const { kinds } = tokens;
  if (kinds[at + 1] !== token.leftParen) {
    if (
      kinds[at + 1] === token.dot &&
      kinds[at + 3] === token.leftParen &&
      /^(utl_|dbms_|ctxsys|ordsys)/.test(tokens.lower.slice(tokens.starts[at], tokens.starts[at]! + 6))
    )
      report(sure ? "sql.system_call" : "sql.loose_call", at, at + 2);
    return;
  }
  const dotted = at > 0 && kinds[at - 1] === token.dot;
  const kind = callAt(tokens, at);
  const argument = at + 2;
  switch (kind) {
    case call.delay: {
      if (spelling(tokens, at) === "benchmark") {
        let comma = expressionEnd(tokens, argument);
        if (comma > 0 && kinds[comma] === token.number) comma += 1;
        const inner = comma > 0 && kinds[comma] === token.comma ? comma + 1 : -1;
        if (inner < 0 || !isLiteral(tokens, argument)) return;
        const name = callAt(tokens, inner);
        const known =
          name === call.probe || name === call.common || name === call.system || name === call.identity;
        const filled = kinds[inner + 2] !== token.end && kinds[inner + 2] !== token.arithmetic;
        const texty =
          (known && filled) ||
          isLiteral(tokens, inner) ||
          isQuery(tokens, inner) ||
          spelling(tokens, inner) === "md5";
        if (!texty || (known && !filled)) return;
        report(sure ? "sql.delay" : "sql.loose_call", at, inner);
      } else
        report(
          sure && (!dotted || kinds[at - 2] === token.word) ? "sql.delay" : "sql.loose_call",
          at,
          argument,
        );
      return;
    }
    case call.sleep: {
      if (dotted) return;
      const joined = sleepJoins(tokens, at, query) || (kinds[at - 1] === token.comma && script);
      if (joined && sure) report("sql.delay", at, argument);
      else report("sql.loose_call", at, argument);
      return;
    }
    case call.system: {
      const before = at === 0 ? token.end : kinds[at - 1];
      const placed =
        query ||
        at === 0 ||
        (!dotted && before !== token.compare && before !== token.other && !isName(tokens, at - 1));
      const certain = sure && kinds[argument] !== token.rightParen && placed;
      const generic =
        spelling(tokens, at) === "polygon" ||
        spelling(tokens, at) === "linestring" ||
        spelling(tokens, at) === "elt";
      if (generic && !query) return;
      report(certain ? "sql.system_call" : "sql.loose_call", at, argument);
      return;
    }
    case call.identity:
      if (!query && !dotted) return;
      if (
        !dotted &&
        sure &&
        !script &&
        (kinds[argument] === token.rightParen || kinds[argument] === token.end) &&
        inQuery(tokens, at)
      )
        report("sql.system_call", at, argument);
      return;
    case call.probe: {
      const name = spelling(tokens, at);
      if ((name === "convert" || name === "cast") && kinds[argument] !== token.end) {
        const leak =
          name === "convert"
            ? typeAt(tokens, argument) &&
              kinds[argument + 1] === token.comma &&
              kinds[argument + 2] === token.leftParen
            : isQuery(tokens, argument);
        if (leak && sure) report("sql.system_call", at, argument);
      }
      return;
    }
    default:
      return;
  }
}

/** `from` or `join` a catalogue of the database. */
export function readSource(tokens: Tokens, at: number, sure: boolean, report: Report): boolean {
  const end = nameEnd(tokens, at + 1);
  if (end < 0) return false;
  const first = spelling(tokens, at + 1).replace(/^"|"$/g, "");
  const whole = tokens.lower.slice(tokens.starts[at + 1], tokens.ends[end - 1]);
  const last = spelling(tokens, end - 1);
  if (!isCatalogue(first) && !isCatalogue(whole) && !isCatalogue(last)) return false;
  report(sure ? "sql.catalogue" : "sql.loose_query", at, end - 1);
  return true;
}

/** Values that are one SQL expression of a prober and nothing else. */
export function readWhole(tokens: Tokens, report: Report): void {
  const { kinds, codes } = tokens;
  const { count } = tokens;
  if (count === 0 || count > 60) return;
  if (kinds[0] === token.logic && codes[0] === 1 && isTruth(tokens, count - 1)) {
    if (bareOperand(tokens, 1) === count - 1) report("sql.tautology", 0, count - 1);
  }
  if (count === 1 && kinds[0] === token.variable && serverVariables.has(spelling(tokens, 0)))
    report("sql.whole_call", 0, 0);
  if (isQuotedSign(tokens)) report("sql.breakout_condition", 0, count - 1);
  if (isSignProbe(tokens)) report("sql.sign_probe", 0, count - 1);
  const end = operandEnd(tokens, 0);
  if (end < 0) return;
  const whole = stops(tokens, end) && (kinds[end] === token.end || kinds[end] === token.comment);
  const kind = callAt(tokens, 0);
  if (whole && (kind === call.sleep || kind === call.identity)) {
    const named = kinds[2] === token.word && kinds[end] === token.end;
    const inside = kind === call.sleep ? count > 2 && !named : count <= 3;
    if (inside) report("sql.whole_call", 0, end - 1);
  }
  // Arithmetic with the server's own variable, or its version made a number: the error shows the text.
  const last = kinds[1] === token.arithmetic && isLiteral(tokens, 0) ? expressionEnd(tokens, 0) : -1;
  if (last > 2 && kinds[last] === token.end && serverVariables.has(spelling(tokens, last - 1)))
    report("sql.system_call", 0, last - 1);
  if (
    whole &&
    kind === call.probe &&
    /^(?:try_)?(?:cast|convert)$/.test(spelling(tokens, 0)) &&
    asksIdentity(tokens)
  )
    report("sql.system_call", 0, end - 1);
  if (whole && spelling(tokens, 0) === "div" && isLiteral(tokens, 2)) report("sql.whole_call", 0, end - 1);
  let casts = 0;
  let cast = -1;
  for (let at = 1; at < count && at < 24; at += 1)
    if (kinds[at] === token.cast) {
      casts += 1;
      cast = at;
    }
  // One cast to a type in one case: Foo::Text and A::B::Boolean are modules.
  if (casts === 1 && typeAt(tokens, cast + 1) && whole && !isCapitalised(tokens, cast + 1))
    report("sql.cast", cast - 1, cast + 1);
  if (count === 1 && kinds[0] === token.number && overflows.has(spelling(tokens, 0)))
    report("sql.overflow", 0, 0);
}

/** A call of the first few says who or what the server is. */
function asksIdentity(tokens: Tokens): boolean {
  for (let at = 2; at < tokens.count && at < 12; at += 1)
    if (callAt(tokens, at) === call.identity && tokens.kinds[at + 2] === token.rightParen) return true;
  return false;
}

function isName(tokens: Tokens, at: number): boolean {
  return tokens.kinds[at] === token.word && tokens.codes[at] === word.plain;
}

function isCapitalised(tokens: Tokens, at: number): boolean {
  const start = tokens.starts[at]!;
  return tokens.text[start] !== tokens.lower[start] && tokens.text[start + 1] === tokens.lower[start + 1];
}

const serverVariables: ReadonlySet<string> = new Set(
  `@@version @@datadir @@basedir @@hostname @@servername @@tmpdir @@plugin_dir @@version_compile_os @@secure_file_priv
  @@global.version @@session.user @@spid @@language @@microsoftversion`.split(/\s+/),
);

/** The value is `'='`, `' || '`, `'*'` and no more: the sign joins the application's two strings. */
function isQuotedSign(tokens: Tokens): boolean {
  if (tokens.count !== 1 || tokens.kinds[0] !== token.string) return false;
  const value = tokens.text.slice(tokens.starts[0]! + 1, tokens.ends[0]! - 1).trim();
  if (tokens.ends[0]! - tokens.starts[0]! > 10) return false;
  const double = tokens.text.charCodeAt(tokens.starts[0]!) === 0x22;
  return (double ? doubleSigns : singleSigns).has(value.toLowerCase());
}

const singleSigns: ReadonlySet<string> = new Set(["=", "||", "like", "<>", "^", "-", "+", "*", "&", "|"]);
/** Entity tags and exact searches have double quotes too. */
const doubleSigns: ReadonlySet<string> = new Set(["=", "||", "<>"]);

/**
 * The value has no letter or digit but both quotes, a bracket or semicolon, as fuzzers send to see what breaks; or it is
 * a number and a comment.
 */
function isSignProbe(tokens: Tokens): boolean {
  const { text } = tokens;
  if (tokens.count === 1 && tokens.kinds[0] === token.number) {
    const end = tokens.ends[0]!;
    return text.length < 64 && text.startsWith("/*", end) && text.endsWith("*/");
  }
  if (text.length < 4 || text.length > 32) return false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char <= 0x20 || char >= 0x7f || wordEnd(text, at) > at) return false;
  }
  const closes = text.includes(";") || (text.includes("(") && text.includes(")"));
  return closes && text.includes("'") && text.includes('"');
}

/**
 * Numbers one past the 64-bit types' range, and doubles that hung PHP and Java parsers. Not 2^31 and 2^32: they are 2 and
 * 4 GiB, limits and sizes that people send.
 */
const overflows: ReadonlySet<string> = new Set([
  "9223372036854775808",
  "18446744073709551616",
  "2.2250738585072007e-308",
  "2.2250738585072011e-308",
  "2.2250738585072012e-308",
]);

/** Whether `sleep(` at `at` stands in a query rather than in a program. */
function sleepJoins(tokens: Tokens, at: number, query: boolean): boolean {
  const { kinds, codes } = tokens;
  if (at === 0) {
    // "sleep(5)='" and "sleep(5)#": the application's own quote comes next.
    const end = operandEnd(tokens, 0);
    return end > 0 && kinds[end] === token.compare && stops(tokens, end + 1);
  }
  const before = kinds[at - 1];
  switch (before) {
    case token.logic:
      return true;
    case token.word: {
      const code = codes[at - 1];
      return (
        code === word.select ||
        code === word.by ||
        code === word.like ||
        code === word.branch ||
        code === word.where
      );
    }
    case token.leftParen:
      return query || (at > 1 && codes[at - 2] === word.if);
    case token.comma:
      // `title,sleep(4)`: what a list is sorted by.
      if (at === 2 && isOperand(tokens, 0) && kinds[at + 2] === token.number && tokens.count === at + 4)
        return kinds[at + 3] === token.rightParen && tokens.ends[1] === tokens.starts[at];
      return query;
    case token.compare:
      return query;
    case token.arithmetic:
      return query || at === 1 || (at === 2 && isLiteral(tokens, 0));
    case token.semicolon:
      return query || at === 1;
    default:
      return false;
  }
}

function isOperand(tokens: Tokens, at: number): boolean {
  return isName(tokens, at) || isLiteral(tokens, at);
}

/** Whether the call at `at` stands where a query would have it: selected, compared, or an argument. */
function inQuery(tokens: Tokens, at: number): boolean {
  const kind = tokens.kinds[at - 1];
  if (kind === token.comma || kind === token.leftParen || kind === token.logic) return true;
  return kind === token.word && tokens.codes[at - 1] === word.select;
}

export function isDelayName(tokens: Tokens, at: number): boolean {
  return tokens.kinds[at] === token.word && spelling(tokens, at).startsWith("pg_sleep");
}
