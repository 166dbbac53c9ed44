import { isListedSign, readBreakout } from "./sql-breakout.ts";
import { conditionAt, endsWell, probing, strength } from "./sql-condition.ts";
import {
  bareOperand,
  endsInComment,
  expressionEnd,
  isLiteral,
  isTruth,
  skipClosers,
} from "./sql-expression.ts";
import { readKeyword } from "./sql-keyword.ts";
import { isDelayName, readName, readWhole } from "./sql-name.ts";
import { asksColumn } from "./sql-number.ts";
import type { Origin, Report } from "./sql-origin.ts";
import { callAt, closeOf, isLoneParen, isQuery, pairParens, selectOf } from "./sql-pair.ts";
import { isOwnLine, isStatement, startsStatement, verbs } from "./sql-script.ts";
import { isPlain, isProse, isWord, nameEnd, selectList, statementAt } from "./sql-statement.ts";
import { type Tokens, token } from "./sql-token.ts";
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

/** Whether the chain begins with an operator that has no operand behind it: the operators of programs look like that. */
export function isNoCondition(tokens: Tokens): boolean {
  if (tokens.kinds[0] !== token.logic) return false;
  pairParens(tokens);
  const condition = conditionAt(tokens, 1);
  if (condition.strength === strength.none) return true;
  return condition.strength === strength.operand && tokens.kinds[condition.end] === token.other;
}

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

/** `&name=` in the middle of a value: a new parameter begins, whatever the text before it was. */
function isNextParameter(tokens: Tokens, at: number): boolean {
  return (
    at > 0 &&
    tokens.kinds[at - 1] === token.arithmetic &&
    tokens.text.charCodeAt(tokens.starts[at - 1]!) === 0x26 &&
    tokens.kinds[at + 1] === token.compare
  );
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

/** `1 or not 0`, `1 and json_valid('{}')`: the value is a number and a truth that nobody writes for its own sake. */
function isWholeProbe(tokens: Tokens, at: number, end: number): boolean {
  if (at !== 1 || tokens.kinds[0] !== token.number || end !== tokens.count) return false;
  const operand = bareOperand(tokens, at + 1);
  const cast = isLiteral(tokens, operand) && tokens.kinds[operand + 1] === token.cast;
  return (operand > at + 1 && isTruth(tokens, operand)) || probing(tokens, operand) > 0 || cast;
}

/** `select a from b limit 1`: what follows the table is no name, as in a sentence. */
function limits(tokens: Tokens, select: number): boolean {
  const from = select + 2;
  if (!isWord(tokens, from, word.from)) return false;
  const after = nameEnd(tokens, from + 1);
  if (isWord(tokens, after, word.limit)) return tokens.kinds[after + 1] === token.number;
  return isWord(tokens, after, word.where) && conditionAt(tokens, after + 1).strength >= strength.named;
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
