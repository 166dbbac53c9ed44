import { closedPredicateAt, conditionAt, endsWell, probing, strength } from "./sql-condition.ts";
import {
  bareOperand,
  endsInComment,
  expressionEnd,
  isConstant,
  isLiteral,
  isTruth,
  listEnd,
  operandEnd,
  skipClosers,
} from "./sql-expression.ts";
import type { Origin, Report } from "./sql-origin.ts";
import { callAt } from "./sql-pair.ts";
import { isWord, nameEnd, statementAt, stops } from "./sql-statement.ts";
import { comment, spelling, type Tokens, token } from "./sql-token.ts";
import { call, word } from "./sql-word.ts";

/** A row of truths (`or true or true …`) is read so far. */
const TRUTHS_TOKENS = 48;

/** What stands right behind a quote that was closed by the value. */
export function readBreakout(tokens: Tokens, first: number, origin: Origin, report: Report): void {
  const { kinds, codes } = tokens;
  const kind = kinds[first];
  const spaced = origin.gap || first > 0;
  switch (kind) {
    case token.logic: {
      const condition = conditionAt(tokens, first + 1);
      const { end } = condition;
      const quoted = !spaced && kinds[end] === token.open && codes[first] === 1;
      if (condition.strength >= strength.named && endsWell(tokens, end) && !quoted)
        report("sql.breakout_condition", first, end - 1);
      else if (condition.strength === strength.operand) {
        const hidden = kinds[end] === token.comment || kinds[end - 1] === token.comment;
        const operand = bareOperand(tokens, first + 1);
        const truth = isTruth(tokens, operand);
        const literal = isLiteral(tokens, operand) || isConstant(tokens, operand) || truth;
        const last = end >= tokens.count - 1 || hidesRest(tokens, end);
        // A column or call alone is one where the comment is the end of a short value.
        const named = origin.lone && origin.shortPrefix && kinds[operand] === token.word;
        // `or json_valid('{}')`: a function of constants is one.
        if (hidden && (truth || (last && (literal || named || probing(tokens, operand) > 0))))
          report("sql.breakout_condition", first, end);
        else if (
          origin.gap &&
          origin.behindData &&
          (truth || callAt(tokens, operand) >= 0) &&
          joinsOwnQuote(tokens, end)
        )
          report("sql.breakout_condition", first, end);
        else if (truth && kinds[end] === token.logic && codes[end] === 1 && end < TRUTHS_TOKENS)
          readBreakout(tokens, end, origin, report);
        else if (
          origin.behindData &&
          kinds[end - 1] === token.open &&
          ((origin.gap && isEmptyOpen(tokens, end - 1)) || isDigitOpen(tokens, end - 1)) &&
          end - first <= 4
        )
          report("sql.breakout_condition", first, end - 1);
        else if (literal) report("sql.loose_breakout", first, end - 1);
      } else if (condition.strength > strength.none) report("sql.loose_breakout", first, end - 1);
      return;
    }
    case token.comment:
      readTerminator(tokens, first, origin, report);
      return;
    case token.semicolon: {
      const next = kinds[first + 1];
      if (statementAt(tokens, first + 1) > 0) report("sql.stacked", first, first + 1);
      else if (next === token.end && origin.lone && origin.oneWord && first === 0)
        report("sql.terminator", first, first);
      else if (next === token.comment) readTerminator(tokens, first + 1, origin, report);
      else if (next === token.logic && conditionAt(tokens, first + 2).strength === strength.constant)
        report("sql.breakout_condition", first, first + 2);
      return;
    }
    case token.comma: {
      let at = first;
      if (assigns(tokens, first)) report("sql.breakout_list", first, first + 3);
      while (kinds[at] === token.comma && at < first + 120) {
        const end = expressionEnd(tokens, at + 1);
        if (end < 0) return;
        at = end;
      }
      // `'),('b','c')-- -`: one more row.
      if (first > 0 && hidesRest(tokens, at)) report("sql.breakout_list", first, at);
      if (kinds[at] !== token.rightParen) return;
      at = skipClosers(tokens, at);
      if (kinds[at] === token.comment || (kinds[at] === token.comma && kinds[at + 1] === token.leftParen))
        report("sql.breakout_list", first, at);
      return;
    }
    case token.compare: {
      const predicate = closedPredicateAt(tokens, first);
      if (predicate.strength < strength.named) return;
      const next = kinds[predicate.end];
      const hides = next === token.comment && predicate.end >= tokens.count - 2;
      const goesOn = next === token.logic && codes[predicate.end] === 1;
      const joins = goesOn && conditionAt(tokens, predicate.end + 1).strength > strength.none;
      if (hides || (joins && (spaced || origin.leading)))
        report("sql.breakout_condition", first, predicate.end);
      else report("sql.loose_breakout", first, predicate.end - 1);
      return;
    }
    case token.arithmetic: {
      if (endsAsNumber(tokens, first)) report("sql.breakout_condition", first, tokens.count - 1);
      if (joinsCall(tokens, first + 1)) report("sql.breakout_condition", first, first + 1);
      const probe = probing(tokens, first + 1);
      if (probe === 2) report("sql.breakout_call", first, first + 1);
      else if (probe === 1) report("sql.loose_breakout", first, first + 1);
      return;
    }
    case token.word:
      break;
    default:
      return;
  }
  const code = codes[first]!;
  if (
    code === word.like ||
    code === word.in ||
    code === word.is ||
    code === word.between ||
    code === word.not
  ) {
    const predicate = closedPredicateAt(tokens, first);
    const fits =
      predicate.strength >= strength.named &&
      endsWell(tokens, predicate.end) &&
      kinds[predicate.end] !== token.comma;
    if (fits && (spaced || (origin.lone && hidesRest(tokens, predicate.end))))
      report("sql.breakout_condition", first, predicate.end - 1);
    return;
  }
  if (isWhere(tokens, first)) {
    report("sql.breakout_condition", first, first + 1);
    return;
  }
  if (code === word.clause) {
    if (addsClause(tokens, first)) report("sql.breakout_list", first, first + 1);
    return;
  }
  if (code === word.div) {
    if (endsAsNumber(tokens, first)) report("sql.breakout_condition", first, first + 1);
    return;
  }
  if (code === word.from) {
    // "title` from members-- ": the name of a column was closed.
    const sign = tokens.text.charCodeAt(tokens.from - 1);
    const end = sign === 0x27 || !origin.lone || !origin.oneWord ? -1 : nameEnd(tokens, first + 1);
    if (end > 0 && hidesRest(tokens, end)) report("sql.breakout_statement", first, end);
    return;
  }
  if (code === word.order || code === word.group) {
    if (!isWord(tokens, first + 1, word.by)) return;
    const end = listEnd(tokens, first + 2);
    const numbered = kinds[first + 2] === token.number;
    if (end > 0 && (numbered || kinds[end] === token.comment || isWord(tokens, end, word.having)))
      report("sql.column_probe", first, end - 1);
    return;
  }
  if (code === word.limit && kinds[first + 1] === token.number) {
    if (stops(tokens, first + 2) || kinds[first + 2] === token.comma)
      report("sql.column_probe", first, first + 1);
    return;
  }
  const sureness = statementAt(tokens, first);
  if (sureness === 0) return;
  const terminated = endsInComment(tokens);
  if (code === word.select) {
    const brief = tokens.count <= first + 2 && tokens.codes[first + 1] === word.plain;
    if (origin.leading && origin.lone && (sureness === 2 || brief))
      report("sql.breakout_statement", first, first + 1);
  } else if ((terminated && origin.shortPrefix) || (origin.leading && origin.lone))
    report("sql.breakout_statement", first, first + 1);
}

/** A comment and nothing but signs behind it: `-- -`. */
function hidesRest({ kinds, count }: Tokens, at: number): boolean {
  if (kinds[at] !== token.comment) return false;
  let rest = at + 1;
  while (kinds[rest] === token.arithmetic || kinds[rest] === token.comment) rest += 1;
  return rest === count;
}

/** `'-0#`, `'*1*'`, `'-0||'`: a number joined to the closed string, then a comment or the application's own quote. */
function endsAsNumber(tokens: Tokens, first: number): boolean {
  const { kinds } = tokens;
  if (kinds[first + 1] !== token.number) return false;
  if (kinds[first + 2] === token.comment) return hidesRest(tokens, first + 2);
  const joins = kinds[first + 2] === token.arithmetic || kinds[first + 2] === token.logic;
  return joins && kinds[first + 3] === token.open && isEmptyOpen(tokens, first + 3);
}

/** `',role='admin`, `',role=1 where id=7-- `: a comma and one more column that an update sets, up to the end of the value. */
function assigns(tokens: Tokens, comma: number): boolean {
  const { kinds, codes, starts, ends, text } = tokens;
  const code = codes[comma + 1];
  if (kinds[comma + 1] !== token.word || (code !== word.plain && code !== word.object)) return false;
  const sign = comma + 2;
  if (kinds[sign] !== token.compare || text[starts[sign]!] !== "=" || ends[sign]! - starts[sign]! > 1)
    return false;
  const end = expressionEnd(tokens, sign + 1);
  if (end < 0) return false;
  if (kinds[end] === token.end) return kinds[end - 1] === token.open && end === sign + 2;
  if (kinds[end] === token.comma) return assigns(tokens, end);
  return hidesRest(tokens, end) || isWhere(tokens, end);
}

/** `' on duplicate key update …`, `' on conflict do …`, `' returning pass-- `. */
function addsClause(tokens: Tokens, at: number): boolean {
  const verb = spelling(tokens, at);
  if (verb === "returning") {
    const end = listEnd(tokens, at + 1);
    return end > 0 && hidesRest(tokens, end);
  }
  if (verb !== "on") return false;
  const next = spelling(tokens, at + 1);
  if (next === "duplicate") return spelling(tokens, at + 2) === "key";
  return (
    next === "conflict" && (spelling(tokens, at + 2) === "do" || tokens.kinds[at + 2] === token.leftParen)
  );
}

/** `where id=7` and a comment, or a condition that is constant: the rest of an update or delete. */
function isWhere(tokens: Tokens, at: number): boolean {
  if (!isWord(tokens, at, word.where)) return false;
  const condition = conditionAt(tokens, at + 1);
  if (condition.strength === strength.constant) return endsWell(tokens, condition.end);
  return condition.strength >= strength.named && hidesRest(tokens, condition.end);
}

/** '||', '&&' in a list of texts: the quote opened, the sign is the text, and what looks like a text is code. */
export function isListedSign(tokens: Tokens, first: number, origin: Origin): boolean {
  const { kinds, starts, ends } = tokens;
  if (origin.gap || first > 0 || kinds[0] === token.word || tokens.codes[0] === 1) return false;
  if (kinds[1] !== token.string && kinds[1] !== token.open) return false;
  if (starts[1] !== ends[0]) return false;
  const char = tokens.text.charCodeAt(starts[1]! + 1);
  return char === 0x2e || char === 0x2c || char === 0x3b || char === 0x29 || char === 0x5d || char === 0x3a;
}

/** A comment right behind the closed string hides the rest of the application's query: `admin'--`. */
function readTerminator(tokens: Tokens, at: number, origin: Origin, report: Report): void {
  const last = tokens.count - 1;
  const code = tokens.codes[at]!;
  let rest = at + 1;
  // "-- -", "-- +" and "--+" are how the space after the dashes survives a URL; "#--" and ";--" are belt and braces.
  while (tokens.kinds[rest] === token.arithmetic || tokens.kinds[rest] === token.comment) rest += 1;
  // A ruler of dashes is decoration.
  const bare = rest > last && rest - at <= 3;
  if (code === comment.longDash) {
    if (bare && origin.leading) report("sql.terminator", at, at);
  } else if (bare && origin.shortPrefix && origin.lone) report("sql.terminator", at, at);
  else if (
    code === comment.dashes &&
    origin.shortPrefix &&
    origin.lone &&
    rest === last &&
    !wordy(tokens, at, rest)
  )
    report("sql.terminator", at, rest);
  else if (code === comment.dashes && origin.shortPrefix) report("sql.loose_breakout", at, at);
}

/** `x' or true or '`: the text ends with a quote that the application's own closes. */
function joinsOwnQuote(tokens: Tokens, at: number): boolean {
  const { kinds, count } = tokens;
  return (
    kinds[at] === token.logic &&
    kinds[at + 1] === token.open &&
    isEmptyOpen(tokens, at + 1) &&
    at + 2 === count
  );
}

/** `x' or '1`: a truth, as the application closes it. */
function isDigitOpen({ text, starts, ends }: Tokens, at: number): boolean {
  return ends[at]! - starts[at]! === 2 && /\d/.test(text[starts[at]! + 1]!);
}

/** `k'-length(pass)-'`, `k'|(pass like 'a%')|'`: a known function or a bracket, and the application's own quote. */
function joinsCall(tokens: Tokens, at: number): boolean {
  const { kinds, count } = tokens;
  if (kinds[count - 1] !== token.open || !isEmptyOpen(tokens, count - 1)) return false;
  if (kinds[at] !== token.leftParen && callAt(tokens, at) <= call.other) return false;
  const end = operandEnd(tokens, at);
  return end === count - 2 && (kinds[end] === token.arithmetic || kinds[end] === token.logic);
}

function isEmptyOpen(tokens: Tokens, at: number): boolean {
  return tokens.ends[at]! - tokens.starts[at]! === 1;
}

/** More than a letter or two after the comment is text; after a backtick any is: trees are drawn with "`-- a". */
function wordy(tokens: Tokens, at: number, rest: number): boolean {
  if (tokens.text.charCodeAt(tokens.starts[at]! - 1) === 0x60) return true;
  return tokens.kinds[rest] === token.word && tokens.ends[rest]! - tokens.starts[rest]! > 2;
}
