import { spelling, type Tokens, token, unasked } from "./sql-token.ts";
import { call, callKind, word } from "./sql-word.ts";

/** Joins parentheses and forgets what was found out about fewer tokens. One pass; most runs have no parenthesis. */
export function pairParens(tokens: Tokens): void {
  const { count, kinds } = tokens;
  tokens.facts = {
    partners: unasked,
    selects: unasked,
    ends: unasked,
    operands: unasked,
    calls: unasked,
    lines: -1,
  };
  for (let index = 0; index < count; index += 1)
    if (kinds[index] === token.leftParen || kinds[index] === token.rightParen) {
      joinParens(tokens);
      return;
    }
}

function joinParens(tokens: Tokens): void {
  const { count, kinds, codes, facts } = tokens;
  const partners = table(count, -1);
  const selects = table(count, 0);
  const open: number[] = [];
  for (let index = count - 1; index >= 0; index -= 1) {
    const kind = kinds[index];
    if (kind === token.rightParen) open.push(index);
    else if (kind === token.leftParen) {
      const right = open.pop();
      if (right !== undefined) {
        partners[index] = right;
        partners[right] = index;
      }
      const next = kinds[index + 1];
      if (next === token.leftParen) selects[index] = selects[index + 1]!;
      else if (next === token.word && (codes[index + 1] === word.select || isTable(tokens, index + 1)))
        selects[index] = index + 1;
    }
  }
  facts.partners = partners;
  facts.selects = selects;
}

/** `table members limit 1` in place of a select. */
function isTable({ kinds, codes }: Tokens, at: number): boolean {
  if (codes[at] !== word.table || kinds[at + 1] !== token.word || kinds[at + 2] !== token.word) return false;
  return codes[at + 2] === word.limit || (codes[at + 2] === word.order && codes[at + 3] === word.by);
}

/** Typed arrays take ten times as long to make, and most runs are short. */
function table(count: number, value: number): number[] {
  return new Array<number>(count + 1).fill(value);
}

/** A table in which nothing is known yet, made when it is first asked: of most runs nobody asks. */
export function blankTable(tokens: Tokens): number[] {
  return table(tokens.count, 0);
}

/** Whether a sub-select starts at the parenthesis. */
export function isQuery(tokens: Tokens, paren: number): boolean {
  return selectOf(tokens, paren) > 0;
}

/** Index of the `select` that the parentheses from `paren` on open, or 0. */
export function selectOf(tokens: Tokens, paren: number): number {
  return tokens.facts.selects[paren] ?? 0;
}

/** Whether the parenthesis at `index` has no partner. */
export function isLoneParen(tokens: Tokens, index: number): boolean {
  return (tokens.facts.partners[index] ?? -1) < 0;
}

/** The index after the parenthesis that closes `left`; the end when none does. */
export function closeOf(tokens: Tokens, left: number): number {
  const right = tokens.facts.partners[left] ?? -1;
  return right < 0 ? tokens.count : right + 1;
}

/** The kind of call at `index` (a name followed by a parenthesis), or -1. */
export function callAt(tokens: Tokens, index: number): number {
  if (tokens.kinds[index] !== token.word || tokens.kinds[index + 1] !== token.leftParen) return -1;
  const { facts } = tokens;
  if (facts.calls === unasked) facts.calls = blankTable(tokens);
  const { calls } = facts;
  const known = calls[index]!;
  if (known > 0) return known - 2;
  let kind = callKind(spelling(tokens, index));
  // "or sleep (8 hours)": a number and a name side by side are no argument.
  const counts = tokens.kinds[index + 2] === token.number && tokens.kinds[index + 3] === token.word;
  if (counts && kind === call.sleep && tokens.codes[index + 3] === word.plain) kind = call.other;
  calls[index] = kind + 2;
  return kind;
}
