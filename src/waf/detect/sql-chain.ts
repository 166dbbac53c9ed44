import { isListedSign, readBreakout } from "./sql-breakout.ts";
import { conditionAt, endsWell, probing, strength } from "./sql-condition.ts";
import {
  bareOperand,
  endsInComment,
  expressionEnd,
  isLiteral,
  isTruth,
  listEnd,
  skipClosers,
} from "./sql-expression.ts";
import { isDelayName, readName, readSource, readWhole } from "./sql-name.ts";
import { asksColumn, leadsWithNumber } from "./sql-number.ts";
import type { Origin, Report } from "./sql-origin.ts";
import { callAt, closeOf, isLoneParen, isQuery, pairParens, selectOf } from "./sql-pair.ts";
import { isWord, nameEnd, selectList, statementAt, stops } from "./sql-statement.ts";
import { spelling, type Tokens, token } from "./sql-token.ts";
import { call, word } from "./sql-word.ts";

/** Two names in a row are prose or an alias; a chain with this many such pairs is prose. */
const PROSE_PAIRS = 2;

/**
 * Reads a chain of tokens as the rest of a query. Everything between the chain's origin and a finding must read like
 * SQL too, or the database would have refused it: prose before a finding makes it a loose one.
 */
export function readChain(tokens: Tokens, origin: Origin, report: Report): void {
  pairParens(tokens);
  const { kinds, codes } = tokens;
  const first = origin.closed ? skipClosers(tokens, 0) : 0;
  if (origin.closed) {
    if (!canFollowString(tokens, first) || isListedSign(tokens, first, origin)) return;
    readBreakout(tokens, first, origin, report);
  }
  let script = !origin.closed && !origin.prose && startsStatement(tokens, 0);
  const terminated = endsInComment(tokens);
  let prose = origin.prose ? PROSE_PAIRS : 0;
  // Names before words of the grammar: "name from city where population >". A value that is put into a query has few.
  let clauses = 0;
  let query = origin.closed;
  for (let at = 0; at < tokens.count; at += 1) {
    const kind = kinds[at];
    const sure = prose < PROSE_PAIRS;
    if (kind === token.logic) {
      const condition = conditionAt(tokens, at + 1);
      if (condition.strength >= strength.named) {
        const well = endsWell(tokens, condition.end) && joinsOperand(tokens, at);
        if (condition.strength === strength.constant && well && sure && !script)
          report("sql.tautology", at, condition.end - 1);
        else if (well && terminated && sure && prose === 0 && !script && condition.end >= tokens.count - 2)
          report("sql.tautology", at, condition.end - 1);
        else if (well && sure && !script && !origin.closed && asksColumn(tokens, at, condition.end))
          report("sql.tautology", at, condition.end - 1);
        else if (condition.strength === strength.constant)
          report("sql.loose_condition", at, condition.end - 1);
      } else if (
        condition.strength === strength.operand &&
        at <= 2 &&
        terminated &&
        (isTruth(tokens, bareOperand(tokens, at + 1)) || (at === 0 && callAt(tokens, 1) >= call.delay))
      ) {
        if (condition.end >= tokens.count - 2) report("sql.tautology", at, condition.end - 1);
      } else if (condition.strength === strength.operand && isWholeProbe(tokens, at, condition.end))
        report("sql.tautology", at, condition.end - 1);
      if (kinds[at + 1] === token.word && isDelayName(tokens, at + 1)) report("sql.delay", at, at + 1);
      // Programs spell it with signs: those need more to count as a query.
      query ||= codes[at] === 1 || condition.strength === strength.constant;
    } else if (kind === token.word) {
      const code = codes[at]!;
      if (code === word.plain || code === word.object || code === word.callLike) {
        if (at > 0 && kinds[at - 1] === token.word && isProse(codes[at - 1]!)) prose += 1;
        else if (isNextParameter(tokens, at)) prose = 0;
        readName(tokens, at, sure || (terminated && at + 8 > tokens.count), query, script, report);
      } else {
        if (!origin.closed) {
          if (isPlain(tokens, at - 1)) clauses += 1;
          if (!script && verbs.has(code) && at > 0 && isOwnLine(tokens, at))
            script = startsStatement(tokens, at);
        }
        query = readKeyword(tokens, at, code, sure, script, origin, terminated, report) || query;
        if (kinds[at + 1] === token.leftParen) readName(tokens, at, sure, query, script, report);
      }
    } else if (kind === token.semicolon) {
      const sureness = statementAt(tokens, at + 1);
      const anchored = prose === 0 && (origin.closed || at <= 4 || endsOperand(tokens, at));
      const enough =
        sureness === 2 || (sureness === 1 && (origin.closed || (at === 1 && isLiteral(tokens, 0))));
      if (enough && anchored && !script) report("sql.stacked", at, at + 1);
      else if (sureness === 2) report("sql.script", at, at + 1);
    } else if (kind === token.leftParen && isQuery(tokens, at)) {
      const select = selectOf(tokens, at);
      const sureness = selectList(tokens, select + 1);
      const joined =
        at === 2 && isLiteral(tokens, 0) && (kinds[1] === token.comma || kinds[1] === token.arithmetic);
      const whole = closeOf(tokens, at) === tokens.count && !isLoneParen(tokens, at);
      const limited = at === 0 && whole && limits(tokens, select);
      const enough = sureness === 2 || (sureness === 1 && ((joined && whole) || limited));
      // A table that a query makes for itself: the query is the finding, when it is one.
      const derived = at > 0 && (isWord(tokens, at - 1, word.from) || isWord(tokens, at - 1, word.join));
      if (enough && !derived && prose + clauses < PROSE_PAIRS && !script)
        report("sql.subquery", at, select + 1);
      else if (sureness > 0) report("sql.loose_query", at, select + 1);
      query = true;
    } else if (kind === token.string && kinds[at + 1] === token.logic) query = true;
    if (tokens.executable >= 0 && isExecutable(tokens, at)) report("sql.executable_comment", at, at);
  }
  if (script && prose === 0 && isStatement(tokens)) report("sql.statement", 0, Math.min(tokens.count - 1, 4));
  if (!origin.closed && !origin.cut) readWhole(tokens, report);
}

function readKeyword(
  tokens: Tokens,
  at: number,
  code: number,
  sure: boolean,
  script: boolean,
  origin: Origin,
  terminated: boolean,
  report: Report,
): boolean {
  const { kinds } = tokens;
  switch (code) {
    case word.union:
    case word.except: {
      let select = at + 1;
      while (
        isWord(tokens, select, word.all) ||
        isWord(tokens, select, word.distinct) ||
        kinds[select] === token.leftParen ||
        kinds[select] === token.comment
      )
        select += 1;
      if (!isWord(tokens, select, word.select))
        return readUnionRows(tokens, at, select, origin.closed, sure && !script, report);
      const sureness = selectList(tokens, select + 1);
      const early =
        at <= 1 ||
        origin.closed ||
        kinds[at - 1] === token.number ||
        (kinds[at - 1] === token.rightParen && isLoneParen(tokens, at - 1));
      const certain =
        sureness === 2 ||
        (early && (kinds[select + 1] === token.end || (sureness === 1 && !stops(tokens, select + 2))));
      const closedEarly = origin.closed && at <= 2;
      if (sure && !script && (certain || closedEarly)) report("sql.union_select", at, select);
      else report("sql.loose_query", at, select);
      return true;
    }
    case word.select: {
      if (isDelayName(tokens, at + 1) && sure) report("sql.delay", at, at + 1);
      const wrapped = isWord(tokens, at + 1, word.if) && kinds[at + 2] === token.leftParen;
      if (wrapped && tokens.ends[at + 1] === tokens.starts[at + 2] && sure && at === 0)
        report("sql.conditional", at, at + 2);
      return true;
    }
    case word.order: {
      if (!isWord(tokens, at + 1, word.by) || kinds[at + 2] !== token.number) return false;
      const end = listEnd(tokens, at + 2);
      const early = at <= 2 || (at <= 4 && kinds[at - 1] === token.rightParen);
      if (end > 0 && early && sure && (kinds[end] === token.comment || kinds[end] === token.end))
        report("sql.column_probe", at, end - 1);
      return true;
    }
    case word.having: {
      const condition = conditionAt(tokens, at + 1);
      if (condition.strength !== strength.constant || !endsWell(tokens, condition.end)) return false;
      report(sure && !script ? "sql.column_probe" : "sql.loose_condition", at, condition.end - 1);
      return true;
    }
    case word.procedure:
      if (
        kinds[at + 1] === token.word &&
        spelling(tokens, at + 1).startsWith("analy") &&
        kinds[at + 2] === token.leftParen
      )
        report(sure ? "sql.column_probe" : "sql.loose_call", at, at + 2);
      return false;
    case word.group: {
      const numbered = isWord(tokens, at + 1, word.by) && kinds[at + 2] === token.number;
      if (numbered && at === 1 && isLiteral(tokens, 0) && kinds[listEnd(tokens, at + 2)] === token.comment)
        report("sql.column_probe", at, at + 2);
      return false;
    }
    case word.into: {
      const target = spelling(tokens, at + 1);
      if ((target === "outfile" || target === "dumpfile") && isLiteral(tokens, at + 2))
        report(sure ? "sql.file" : "sql.loose_call", at, at + 2);
      return false;
    }
    case word.from:
    case word.join:
      // A script of several lines looks things up; a probe has no lines.
      return readSource(tokens, at, sure && !(script && lineCount(tokens) > 0), report);
    case word.waitfor: {
      if (statementAt(tokens, at) < 2) return false;
      const after = stops(tokens, at + 3);
      report((sure || terminated) && after ? "sql.delay" : "sql.loose_call", at, at + 2);
      return true;
    }
    case word.exec:
    case word.declare:
    case word.backup:
    case word.load:
    case word.begin:
    case word.copy: {
      const sureness = statementAt(tokens, at);
      if (sureness === 0) return false;
      if (kinds[at - 1] === token.dot) return false;
      const short =
        at === 0 || origin.closed || kinds[at - 1] === token.semicolon || !isPlain(tokens, at - 1);
      const lesson = code === word.declare && at === 0 && isInitialised(tokens, at + 1);
      const certain = sureness === 2 && sure && short && !lesson && lineCount(tokens) < 4;
      report(certain ? "sql.procedure" : "sql.loose_call", at, at + 1);
      return true;
    }
    case word.if:
    case word.when: {
      if (code === word.if && kinds[at + 1] !== token.leftParen) return false;
      const condition = conditionAt(tokens, at + 1);
      const constant = condition.strength === strength.constant;
      // One equals sign: a spreadsheet or SQL, and only SQL asks whether 2 is 2.
      const single =
        constant && (hasSingleEqual(tokens, at, condition.end) || kinds[condition.end] === token.comma);
      const cut =
        condition.strength === strength.operand &&
        kinds[condition.end] === token.end &&
        kinds[condition.end - 1] === token.compare;
      if (code === word.when) {
        if (constant && sure && isWord(tokens, condition.end, word.branch))
          report("sql.conditional", at, condition.end);
        else if (
          at === 1 &&
          isWord(tokens, 0, word.case) &&
          isWord(tokens, at + 2, word.branch) &&
          expressionEnd(tokens, at + 3) === tokens.count
        )
          report("sql.conditional", 0, at + 3);
      } else if ((single || (cut && at === 0)) && sure) report("sql.conditional", at, condition.end - 1);
      const choice = condition.strength >= strength.named && kinds[condition.end] === token.comma;
      return constant || choice;
    }
    case word.like:
      // The whole value is ") like (": a pattern match put around the application's own column.
      if (
        at > 0 &&
        kinds[at - 1] === token.rightParen &&
        isLoneParen(tokens, at - 1) &&
        kinds[at + 1] === token.leftParen &&
        sure
      )
        report("sql.breakout_list", at - 1, at + 1);
      return false;
    default:
      return false;
  }
}

/** `1 or not 0`, `1 and json_valid('{}')`: the value is a number and a truth that nobody writes for its own sake. */
function isWholeProbe(tokens: Tokens, at: number, end: number): boolean {
  if (at !== 1 || tokens.kinds[0] !== token.number || end !== tokens.count) return false;
  const operand = bareOperand(tokens, at + 1);
  const cast = isLiteral(tokens, operand) && tokens.kinds[operand + 1] === token.cast;
  return (operand > at + 1 && isTruth(tokens, operand)) || probing(tokens, operand) > 0 || cast;
}

/** `union values (1,2)`, `union values row(1)`, `union table users`: rows without a select. */
function readUnionRows(
  tokens: Tokens,
  at: number,
  from: number,
  closed: boolean,
  sure: boolean,
  report: Report,
): boolean {
  const values =
    isWord(tokens, from, word.values) &&
    (tokens.kinds[from + 1] === token.leftParen || callAt(tokens, from + 1) >= 0);
  // The parenthesis before `values` has been skipped with the others.
  const early = closed ? at <= 2 : leadsWithNumber(tokens, at) || (at === 1 && isLiteral(tokens, 0));
  const after = early && isWord(tokens, from, word.table) ? nameEnd(tokens, from + 1) : -1;
  const table =
    after > 0 &&
    (stops(tokens, after) || isWord(tokens, after, word.limit) || isWord(tokens, after, word.order));
  if (!values && !table) return false;
  report(sure ? "sql.union_select" : "sql.loose_query", at, from);
  return true;
}

/** `select a from b limit 1`: what follows the table is no name, as in a sentence. */
function limits(tokens: Tokens, select: number): boolean {
  const from = select + 2;
  if (!isWord(tokens, from, word.from)) return false;
  const after = nameEnd(tokens, from + 1);
  if (isWord(tokens, after, word.limit)) return tokens.kinds[after + 1] === token.number;
  return isWord(tokens, after, word.where) && conditionAt(tokens, after + 1).strength >= strength.named;
}

/** Whether the chain begins with an operator that has no operand behind it: the operators of programs look like that. */
export function isNoCondition(tokens: Tokens): boolean {
  if (tokens.kinds[0] !== token.logic) return false;
  pairParens(tokens);
  const condition = conditionAt(tokens, 1);
  if (condition.strength === strength.none) return true;
  return condition.strength === strength.operand && tokens.kinds[condition.end] === token.other;
}

const verbs: ReadonlySet<number> = new Set([word.select, word.insert, word.update, word.delete, word.create]);

/** Verbs that open a script of several statements. */
const openers: ReadonlySet<string> = new Set([
  "use",
  "set",
  "with",
  "explain",
  "describe",
  "start",
  "commit",
  "show",
]);

/** Whether the token may follow a string in SQL: operators, keywords and closers, but no name, number or other text. */
function canFollowString(tokens: Tokens, at: number): boolean {
  switch (tokens.kinds[at]) {
    case token.word:
      return !isPlain(tokens, at);
    case token.logic:
    case token.comment:
    case token.comma:
    case token.semicolon:
    case token.compare:
    case token.arithmetic:
      return true;
    default:
      return false;
  }
}

function isPlain(tokens: Tokens, at: number): boolean {
  return tokens.kinds[at] === token.word && isProse(tokens.codes[at]!);
}

function isProse(code: number): boolean {
  return code === word.plain || code === word.callLike;
}

/** Whether a whole statement starts at `from`, behind comments and the signs that mark quoted text. */
export function startsStatement(tokens: Tokens, from: number): boolean {
  let at = from;
  while (at < from + 4 && isMargin(tokens.kinds[at])) at += 1;
  if (tokens.kinds[at] !== token.word) return false;
  const code = tokens.codes[at]!;
  if (code === word.exec || code === word.declare || code === word.waitfor || code === word.if) return false;
  if (code === word.begin || openers.has(spelling(tokens, at))) return true;
  if (statementAt(tokens, at) === 0) return false;
  return code !== word.select || selectsFrom(tokens, at);
}

function isMargin(kind: number | undefined): boolean {
  return kind === token.comment || kind === token.compare || kind === token.other;
}

/** A line of its own below other text: what starts here is quoted or pasted, and goes on from nothing. */
function isOwnLine(tokens: Tokens, at: number): boolean {
  const kind = tokens.kinds[at - 1];
  if (isBehindTag(tokens, at)) return true;
  if (!isMargin(kind) && !(kind === token.word && tokens.codes[at - 1] === word.plain)) return false;
  let before = tokens.starts[at]! - 1;
  for (let step = 0; step < 8; step += 1) {
    const char = tokens.text.charCodeAt(before);
    if (char !== 0x20 && char !== 0x3e && char !== 0x09) break;
    before -= 1;
  }
  return tokens.text.charCodeAt(before) === 0x0a;
}

/** `<p>select …`, `<br>select …`: the line of an editor's text. */
function isBehindTag({ text, starts }: Tokens, at: number): boolean {
  const start = starts[at]!;
  if (text.charCodeAt(start - 1) !== 0x3e) return false;
  return /<(?:p|br ?\/?|div|pre|code|li|td|blockquote)(?: [^<>]{0,80})?>$/i.test(
    text.slice(Math.max(0, start - 96), start),
  );
}

/** Whether the select at `at` names a source: an honest statement does, a probe often does not. */
function selectsFrom(tokens: Tokens, at: number): boolean {
  const stop = Math.min(tokens.count, at + 80);
  for (let index = at + 1; index < stop; index += 1)
    if (isWord(tokens, index, word.from))
      return tokens.kinds[index + 1] === token.word || namesQuery(tokens, index + 1);
  return false;
}

/** `from (select … ) name`: an honest sub-select selects names and gets one. */
function namesQuery(tokens: Tokens, paren: number): boolean {
  const select = tokens.kinds[paren] === token.leftParen ? selectOf(tokens, paren) : 0;
  if (select === 0 || isLoneParen(tokens, paren) || !isPlain(tokens, select + 1)) return false;
  return tokens.kinds[select + 2] === token.comma && isPlain(tokens, closeOf(tokens, paren));
}

/** `&name=` in the middle of a value: a new parameter begins, whatever the text before it was. */
function isNextParameter(tokens: Tokens, at: number): boolean {
  return (
    at > 0 &&
    tokens.kinds[at - 1] === token.arithmetic &&
    tokens.text.charCodeAt(tokens.starts[at - 1]!) === 0x26 &&
    tokens.kinds[at + 1] === token.compare
  );
}

function isStatement(tokens: Tokens): boolean {
  let at = 0;
  while (tokens.kinds[at] === token.comment && at < 4) at += 1;
  return statementAt(tokens, at) > 0;
}

/** Whether `and` or `or` at `at` has something on its left: in prose it often stands behind a comma. */
function joinsOperand(tokens: Tokens, at: number): boolean {
  const kind = at === 0 ? token.end : tokens.kinds[at - 1];
  return kind !== token.comma && kind !== token.compare && kind !== token.dot && kind !== token.other;
}

/** The first operand of the value ends right before `at`. */
function endsOperand(tokens: Tokens, at: number): boolean {
  const end = expressionEnd(tokens, 0);
  return end > 0 && skipClosers(tokens, end) === at;
}

function hasSingleEqual(tokens: Tokens, from: number, to: number): boolean {
  for (let at = from; at < to && at < from + 40; at += 1)
    if (tokens.kinds[at] === token.compare)
      return (
        tokens.ends[at]! - tokens.starts[at]! === 1 && tokens.text.charCodeAt(tokens.starts[at]!) === 0x3d
      );
  return false;
}

/** `declare @a date = '…'`: tools of attackers set their variables later. */
function isInitialised(tokens: Tokens, variable: number): boolean {
  const { kinds } = tokens;
  return kinds[variable + 1] === token.word && kinds[variable + 2] === token.compare;
}

/** Newlines among the first tokens: a script, not a value. */
function lineCount(tokens: Tokens): number {
  const { text, facts } = tokens;
  if (facts.lines >= 0) return facts.lines;
  const stop = Math.min(text.length, 2000);
  let lines = 0;
  for (let at = tokens.starts[0]!; at < stop; at += 1) {
    const char = text.charCodeAt(at);
    // An editor of pages writes `<br>`.
    if (char === 0x0a || (char === 0x3c && text.startsWith("br", at + 1))) lines += 1;
  }
  facts.lines = lines;
  return lines;
}

/** A word of the grammar right behind `/*!` and an optional version: MySQL runs it, others skip it. */
function isExecutable(tokens: Tokens, at: number): boolean {
  const kind = tokens.kinds[at];
  if (kind !== token.logic && (kind !== token.word || tokens.codes[at] === word.plain)) return false;
  const text = tokens.text;
  let before = tokens.starts[at]! - 1;
  for (let digits = 0; digits < 7; digits += 1) {
    const char = text.charCodeAt(before);
    if (char === 0x20 || (char >= 0x30 && char <= 0x39)) before -= 1;
  }
  return (
    text.charCodeAt(before) === 0x21 &&
    text.charCodeAt(before - 1) === 0x2a &&
    kind === token.word &&
    tokens.codes[at]! <= word.into
  );
}
