import { isLiteral, isSign } from "./sql-expression.ts";
import { callAt } from "./sql-pair.ts";
import { spelling, type Tokens, token } from "./sql-token.ts";
import { call, word } from "./sql-word.ts";

/**
 * `7 and pass like 'k%'`, `-7 or left(pass,1)='k'`: the value is a number, as the application compares a column with,
 * and one question about another column. Honest filters name a column first, and sentences do not end in a text in quotes.
 */
export function asksColumn(tokens: Tokens, at: number, end: number): boolean {
  const { kinds, codes } = tokens;
  if (tokens.codes[at] !== 1 || !leadsWithNumber(tokens, at)) return false;
  let rest = end;
  while (kinds[rest] === token.comment || (rest > end && kinds[rest] === token.arithmetic)) rest += 1;
  if (rest !== tokens.count || end - at > QUESTION_TOKENS) return false;
  for (let index = at + 1; index < end; index += 1) {
    const kind = kinds[index];
    // What is asked for is a text, or what a server makes of one.
    if (kind === token.string || kind === token.open) return true;
    if (kind === token.number && spelling(tokens, index).startsWith("0x")) return true;
    if (kind === token.word && codes[index] === word.nullish && isLiteral(tokens, index)) return true;
    if (callAt(tokens, index) === call.probe && !formulas.has(spelling(tokens, index))) return true;
  }
  return false;
}

const QUESTION_TOKENS = 24;

/** Functions of formulas as well. */
const formulas: ReadonlySet<string> = new Set(["exp", "floor", "mod", "rand", "count", "if", "iif", "case"]);

/** The value begins with a number, with its sign and behind it brackets that the application has opened. */
export function leadsWithNumber(tokens: Tokens, at: number): boolean {
  const { kinds } = tokens;
  let index = isSign(tokens, 0) ? 1 : 0;
  if (kinds[index] !== token.number) return false;
  index += 1;
  while (kinds[index] === token.rightParen && index < 8) index += 1;
  return index === at;
}
