import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";
import { readAmid } from "./sql-amid.ts";
import { isNoCondition, readChain } from "./sql-chain.ts";
import { wordEnd } from "./sql-char.ts";
import { endsInComment } from "./sql-expression.ts";
import { isIdleText } from "./sql-idle.ts";
import { readTokens, tokenise } from "./sql-lexer.ts";
import { bareOrigin, cutOrigin, type Origin } from "./sql-origin.ts";
import { startsStatement } from "./sql-script.ts";
import { type Tokens, token } from "./sql-token.ts";
import { word, wordCode } from "./sql-word.ts";

/** Tokens read after the first quote of each sort: all of a piece, or `'+1+1+1…` hides what follows. */
const BREAKOUT_TOKENS = 8192;
/** After later quotes: enough for the construct right behind them. */
const LATER_TOKENS = 64;
/** And to see that there is none. */
const GLANCE_TOKENS = 12;
/** Tokens after which a text may be given up as prose. */
const HEAD_TOKENS = 40;
/** Later quotes that are tried as such, besides the first of each sort. */
const BREAKOUTS_MAX = 24;

/** SQL injection: reads the value as the middle of a query, after nothing and after each sort of open quote. */
export const sql: Detector = {
  name: "sql",
  kinds: {
    "sql.tautology":
      "and/or with a comparison whose answer does not depend on the data, where SQL would go on.",
    "sql.breakout_condition": "A closed string, then a condition on anything.",
    "sql.breakout_call": "A closed string joined to a sub-select or a function that asks the server.",
    "sql.breakout_list": "A closed string or parenthesis, then more values of the application's list.",
    "sql.breakout_statement": "A closed string, then a statement of its own.",
    "sql.terminator": "A closed string, then a comment that hides the rest of the query.",
    "sql.stacked": "A semicolon, then a complete second statement.",
    "sql.union_select": "UNION [ALL] SELECT with a list only a query has.",
    "sql.subquery": "A sub-select put in place of a value.",
    "sql.column_probe": "ORDER BY a number, HAVING a constant, PROCEDURE ANALYSE: how columns are counted.",
    "sql.conditional": "IF or CASE over a constant condition: a blind probe.",
    "sql.delay": "A function or statement that waits or burns time, where a query would have it.",
    "sql.system_call":
      "A function of a database server that reads files, runs programs or leaks through errors.",
    "sql.catalogue": "FROM a catalogue of a database product.",
    "sql.file": "INTO OUTFILE or DUMPFILE.",
    "sql.procedure": "EXEC of a system procedure, DECLARE of a variable, BACKUP, LOAD, COPY.",
    "sql.executable_comment": "Words of a query inside a comment that only MySQL runs.",
    "sql.whole_call": "The value is one call such as sleep(5) or user().",
    "sql.cast": "The value is an expression with a PostgreSQL cast.",
    "sql.sign_probe": "The value is quotes and brackets alone, or a number and a comment.",
    "sql.overflow": "The value is the first number beyond an integer type.",
    "sql.loose_condition": "A constant condition amid other text.",
    "sql.loose_breakout": "A quote followed by an operator and an operand.",
    "sql.loose_query": "A query amid other text, or a sub-select that a sentence could contain.",
    "sql.loose_call": "A delay or system function amid other text.",
    "sql.statement": "The value is one SQL statement.",
    "sql.script": "A sequence of SQL statements.",
  },
  triggers: [
    "'",
    '"',
    "`",
    "||",
    "&&",
    "receive_m",
    "xmltype",
    "lo_imp",
    "lo_exp",
    "lo_get",
    "lo_cre",
    "pg_",
    "dblink",
    "_to_xml",
    "current_",
    "set_config",
    "openrow",
    "opendat",
    "openq",
    "utl_",
    "dbms_",
    "sys_",
    "ctxsys",
    "fn_",
    "sp_",
    "xp_",
    "outfile",
    "dumpfile",
    "db_",
    "*/",
    "/*!",
    "/*m!",
    "::",
    "if(",
    "if (",
    "connection_",
    "unistr",
    "bfile",
    "tz_off",
    "geometryc",
    "multipol",
    "multiline",
    "multipoi",
    "gtid_",
    "name_const",
    "make_set",
    "export_set",
    "is_srv",
    "is_mem",
    "has_dba",
    "has_perms",
    "suser_",
    "92233720368",
    "18446744073",
    "2.22507385",
  ],
  words: [
    "user",
    "database",
    "schema",
    "version",
    "sleep",
    "delay",
    "benchmark",
    "randomblob",
    "zeroblob",
    "extractvalue",
    "updatexml",
    "or",
    "and",
    "xor",
    "select",
    "union",
    "having",
    "order",
    "group",
    "insert",
    "update",
    "delete",
    "drop",
    "create",
    "alter",
    "truncate",
    "replace",
    "exec",
    "execute",
    "declare",
    "shutdown",
    "waitfor",
    "backup",
    "restore",
    "grant",
    "revoke",
    "load",
    "copy",
    "merge",
    "rename",
    "attach",
    "handler",
    "bulk",
    "call",
    "begin",
    "from",
    "join",
    "procedure",
    "like",
    "ilike",
    "rlike",
    "glob",
    "similar",
    "regexp",
    "between",
    "case",
    "when",
    "iif",
    "div",
    "mod",
    "print",
    "pragma",
    "except",
    "intersect",
    "minus",
    "convert",
    "cast",
    "limit",
    "dbcc",
    "flush",
    "reconfigure",
    "materialized",
  ],
  isIdle: isIdleText,
  detect(subject: Subject, found: Detection[]): void {
    const { text, lower } = subject;
    if (isVersionRange(lower)) return;
    const before = found.length;
    const begin = text.charCodeAt(0) === 0x2f && text.charCodeAt(1) !== 0x2a ? lastSegment(text) : 0;
    const isJson = looksLikeJson(text, begin);
    const bare = isJson ? undefined : readBare(subject, begin, found, before);
    for (const quote of quotes) {
      const first = text.indexOf(quote, begin);
      if (first >= 0) readAfter(subject, begin, first, true, found, before);
    }
    if (bare === undefined) {
      readStrings(subject, begin, found, before);
      return;
    }
    // In a whole statement the quotes pair up, but for one that another reading of the text has laid bare.
    if (startsStatement(bare, 0) && !endsInComment(bare)) return;
    let left = BREAKOUTS_MAX;
    for (let index = 0; index < bare.count && left > 0; index += 1) {
      const start = bare.starts[index]!;
      const sign = text.charCodeAt(start);
      if (sign !== 0x27 && sign !== 0x22) continue;
      if (!goesOn(lower, start + 1) || text.indexOf(text[start]!, begin) === start) continue;
      left -= 1;
      readAfter(subject, begin, start, false, found, before);
    }
  },
};

/** `^12.2 || 14 >=14.17`: versions that a package takes. A comparison of them has no sign of equality alone. */
function isVersionRange(lower: string): boolean {
  return VERSIONS.test(lower) && lower.includes(".") && !/(?:^|[^<>])=|\d[<>=]/.test(lower);
}

const VERSIONS = /^[\^~<>=\d][\d.x*<>=^~| -]{2,120}$/;

/** Each string of a JSON text is a value of its own: a single quote with an even number before it may close something. */
function readStrings(subject: Subject, begin: number, found: Detection[], before: number): void {
  const { text, lower } = subject;
  let even = true;
  let left = BREAKOUTS_MAX;
  for (let at = begin; at < text.length && left > 0; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) even = true;
    else if (char === 0x27) {
      // `\\'` of JSON is an escaped quote to whoever reads the string.
      const escaped = text.charCodeAt(at - 1) === 0x5c;
      if (even && goesOn(lower, at + 1)) {
        left -= 1;
        readAfter(subject, begin, at, false, found, before);
      }
      if (!escaped) even = !even;
    }
  }
}

/** Reads the value as if nothing stood before it. A text that soon turns out to be prose is not read to its end. */
function readBare(subject: Subject, begin: number, found: Detection[], before: number): Tokens {
  const { text, lower } = subject;
  const tokens = tokenise(text, lower, begin, HEAD_TOKENS);
  const cut = tokens.next < text.length && isProse(tokens);
  if (!cut && tokens.next < text.length) readTokens(tokens, text.length);
  readChain(tokens, cut ? cutOrigin : bareOrigin, reporter(tokens, found, before));
  if (cut)
    readAmid(subject, tokens.next, (window, origin) =>
      readChain(window, origin, reporter(window, found, before)),
    );
  return tokens;
}

/** Four pairs of names side by side: no query begins like this. */
function isProse(tokens: Tokens): boolean {
  let pairs = 0;
  for (let at = 1; at < tokens.count; at += 1)
    if (
      tokens.kinds[at] === token.word &&
      tokens.kinds[at - 1] === token.word &&
      tokens.codes[at] === word.plain &&
      tokens.codes[at - 1] === word.plain
    )
      pairs += 1;
  return pairs >= 4;
}

const quotes = ["'", '"', "`"] as const;

function readAfter(
  subject: Subject,
  begin: number,
  quote: number,
  first: boolean,
  found: Detection[],
  before: number,
): void {
  const { text, lower } = subject;
  const sign = text.charCodeAt(quote);
  if ((!first || sign === 0x22) && opensJson(text, quote)) return;
  if (sign === 0x60 && (text.charCodeAt(quote + 1) === sign || text.charCodeAt(quote - 1) === sign)) return;
  if (!canFollow(lower, quote + 1)) return;
  const tokens = tokenise(text, lower, quote + 1, first ? BREAKOUT_TOKENS : GLANCE_TOKENS);
  if (tokens.count === 0) return;
  if (!first) {
    if (isNoCondition(tokens)) return;
    readTokens(tokens, LATER_TOKENS);
  }
  const origin: Origin = {
    closed: true,
    gap: tokens.starts[0]! > quote + 1,
    shortPrefix: isShort(text, begin, quote),
    lone: first && text.indexOf(text[quote]!, quote + 1) < 0,
    behindData: first && (quote === begin || isNamePart(text.charCodeAt(quote - 1))),
    oneWord: isOneWord(text, begin, quote),
    leading: quote === begin,
    cut: false,
    prose: false,
  };
  readChain(tokens, origin, reporter(tokens, found, before));
}

function reporter(tokens: Tokens, found: Detection[], before: number) {
  return (kind: string, from: number, to: number): void => {
    const last = Math.min(to, tokens.count - 1);
    reportOnce(found, before, kind, tokens.starts[from]!, tokens.ends[Math.max(from, last)]!);
  };
}

/** Whether a name, number or text follows, which no operator joins to the string before: most apostrophes. */
function canFollow(lower: string, from: number): boolean {
  let at = from;
  while (lower.charCodeAt(at) <= 0x20 || lower.charCodeAt(at) === 0x29) at += 1;
  const char = lower.charCodeAt(at);
  if (char === 0xe2 || char === 0xc2 || char === 0xa0) return true;
  if (char >= 0x30 && char <= 0x39) return false;
  const end = wordEnd(lower, at);
  return end === at || wordCode(lower, at, end) !== word.plain;
}

/** Whether what follows a quote can be the rest of a query: a cheap look before the tokens are cut. */
function goesOn(lower: string, from: number): boolean {
  let at = from;
  while (lower.charCodeAt(at) <= 0x20 || lower.charCodeAt(at) === 0x29) at += 1;
  const char = lower.charCodeAt(at);
  const next = lower.charCodeAt(at + 1);
  if (char === 0x3b || (char === 0x2d && next === 0x2d) || (char === 0x2f && next === 0x2a)) return true;
  if ((char === 0x7c || char === 0x26) && next === char) return true;
  if (char < 0x61 || char > 0x7a) return false;
  return wordCode(lower, at, wordEnd(lower, at)) !== word.plain;
}

/** A quote that opens a string of JSON or code instead of closing one: the signs around both its ends say so. */
function opensJson(text: string, quote: number): boolean {
  let at = quote - 1;
  while (at >= 0 && text.charCodeAt(at) === 0x20 && at > quote - 8) at -= 1;
  const opener = text.charCodeAt(at);
  if (opener !== 0x7b && opener !== 0x5b && opener !== 0x3a && opener !== 0x2c) return false;
  const close = text.indexOf(text[quote]!, quote + 1);
  if (close < 0) return false;
  at = close + 1;
  while (text.charCodeAt(at) === 0x20 && at < close + 8) at += 1;
  const closer = text.charCodeAt(at);
  return closer === 0x7d || closer === 0x5d || closer === 0x3a || closer === 0x2c;
}

/** The text begins and ends like a JSON object or array. */
function looksLikeJson(text: string, begin: number): boolean {
  const first = text.charCodeAt(begin);
  const last = text.charCodeAt(text.length - 1);
  if (first === 0x7b) return last === 0x7d && text.charCodeAt(begin + 1) === 0x22;
  const second = text.charCodeAt(begin + 1);
  return first === 0x5b && last === 0x5d && (second === 0x22 || second === 0x7b);
}

/** At most two gaps between words: data that a form field holds, not a sentence. */
function isShort(text: string, from: number, to: number): boolean {
  let gaps = 0;
  let at = from;
  for (;;) {
    at = text.indexOf(" ", at);
    if (at < 0 || at >= to) return true;
    gaps += 1;
    if (gaps > 2) return false;
    at += 1;
  }
}

function isOneWord(text: string, from: number, to: number): boolean {
  if (to <= from || to - from > 256) return false;
  for (let at = from; at < to; at += 1) {
    const char = text.charCodeAt(at);
    if (!isNamePart(char) && char !== 0x2e && char !== 0x40 && char !== 0x2b && char !== 0x2d) return false;
  }
  return true;
}

function isNamePart(char: number): boolean {
  return wordEnd(String.fromCharCode(char), 0) === 1;
}

/** A whole path is a value too: its directories are no part of a query. */
function lastSegment(text: string): number {
  let at = 0;
  for (;;) {
    const end = wordEnd(text, at + 1);
    if (text.charCodeAt(end) !== 0x2f || end === at + 1) return at + 1;
    at = end;
  }
}
