import { conditionAt, endsWell, strength } from "./sql-condition.ts";
import { expressionEnd, isLiteral, listEnd } from "./sql-expression.ts";
import { isDelayName, readSource } from "./sql-name.ts";
import { leadsWithNumber } from "./sql-number.ts";
import type { Origin, Report } from "./sql-origin.ts";
import { callAt, isLoneParen } from "./sql-pair.ts";
import { lineCount } from "./sql-script.ts";
import { isPlain, isWord, nameEnd, selectList, statementAt, stops } from "./sql-statement.ts";
import { spelling, type Tokens, token } from "./sql-token.ts";
import { word } from "./sql-word.ts";

/** Reads what follows the word of the grammar at `at`. Whether it makes the chain a query. */
export function readKeyword(
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
