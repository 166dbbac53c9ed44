import { blankTable, closeOf, isQuery } from "./sql-pair.ts";
import { comment, spelling, type Tokens, token, unasked } from "./sql-token.ts";
import { isType, word } from "./sql-word.ts";

const CHAIN_MAX = 24;

/** The index after the expression that starts at `from`, or -1. */
export function expressionEnd(tokens: Tokens, from: number): number {
  const { facts } = tokens;
  if (facts.ends === unasked) facts.ends = blankTable(tokens);
  const { ends } = facts;
  const known = ends[from];
  if (known !== 0) return known === undefined ? -1 : known - 2;
  const end = readExpression(tokens, from);
  ends[from] = end + 2;
  return end;
}

function readExpression(tokens: Tokens, from: number): number {
  let end = operandEnd(tokens, from);
  for (let step = 0; step < CHAIN_MAX && end >= 0; step += 1) {
    const kind = tokens.kinds[end];
    const joins =
      (kind === token.arithmetic && tokens.codes[end] === 0) ||
      (kind === token.word && tokens.codes[end] === word.div) ||
      (kind === token.logic && tokens.codes[end] === 0 && isText(tokens, end - 1));
    if (!joins) return end;
    const next = operandEnd(tokens, end + 1);
    if (next < 0) return end;
    end = next;
  }
  return end;
}

/** The index after the operand that starts at `from`, or -1. */
export function operandEnd(tokens: Tokens, from: number): number {
  const { facts } = tokens;
  if (facts.operands === unasked) facts.operands = blankTable(tokens);
  const { operands } = facts;
  const known = operands[from];
  if (known !== 0) return known === undefined ? -1 : known - 2;
  const end = readOperand(tokens, from);
  operands[from] = end + 2;
  return end;
}

function readOperand(tokens: Tokens, from: number): number {
  const { kinds, codes } = tokens;
  let at = from;
  for (let step = 0; step < CHAIN_MAX; step += 1) {
    const kind = kinds[at];
    const unary =
      (kind === token.arithmetic && isSign(tokens, at)) ||
      (kind === token.comment && codes[at] === comment.tightDashes) ||
      (kind === token.word &&
        (codes[at] === word.not || codes[at] === word.any || codes[at] === word.distinct));
    if (!unary) break;
    at += 1;
  }
  switch (kinds[at]) {
    case token.number:
    case token.variable:
      at += 1;
      break;
    case token.string:
    case token.open:
      at += 1;
      while ((kinds[at] === token.string || kinds[at] === token.open) && at < from + 2 * CHAIN_MAX) {
        // 'a''b' and 'a' 'b' are one text, but a gap in front of other text ends it.
        if (tokens.starts[at]! > tokens.ends[at - 1]! + 1) break;
        at += 1;
      }
      break;
    case token.leftParen:
      at = closeOf(tokens, at);
      break;
    case token.word:
      if (codes[at] === word.case) {
        at = caseEnd(tokens, at);
        if (at < 0) return -1;
        break;
      }
      if (isConstant(tokens, at)) {
        at = kinds[at + 1] === token.string ? at + 2 : arrayEnd(tokens, at) + 1;
        break;
      }
      if (!canName(codes[at]!, kinds[at + 1]!)) return -1;
      at += 1;
      for (let step = 0; step < CHAIN_MAX; step += 1) {
        if (kinds[at] === token.leftParen && kinds[at - 1] !== token.rightParen) at = closeOf(tokens, at);
        if (kinds[at] !== token.dot) break;
        while (kinds[at] === token.dot) at += 1;
        if (kinds[at] === token.word || kinds[at] === token.string) at += 1;
      }
      break;
    default:
      return -1;
  }
  for (let step = 0; step < CHAIN_MAX; step += 1) {
    if (kinds[at] === token.cast && kinds[at + 1] === token.word) {
      const twoWords = spelling(tokens, at + 1) === "double" || spelling(tokens, at + 1) === "character";
      at += twoWords && kinds[at + 2] === token.word ? 3 : 2;
    } else if (kinds[at] === token.dot && isArrow(tokens, at) && isLiteral(tokens, at + 1)) at += 2;
    else if (kinds[at] === token.word && codes[at] === word.collate && kinds[at + 1] === token.word) at += 2;
    else if (kinds[at] === token.word && codes[at] === word.escape && kinds[at + 1] === token.string) at += 2;
    else break;
  }
  return at;
}

/** `->`, `->>`, `#>`: to a member of the JSON before. */
function isArrow(tokens: Tokens, at: number): boolean {
  return tokens.text.charCodeAt(tokens.starts[at]!) !== 0x2e;
}

export function isLiteral(tokens: Tokens, index: number): boolean {
  const kind = tokens.kinds[index];
  return (
    kind === token.number ||
    kind === token.string ||
    kind === token.open ||
    kind === token.variable ||
    (kind === token.word && (tokens.codes[index] === word.nullish || tokens.codes[index] === word.truth))
  );
}

export function skipOpeners(tokens: Tokens, from: number): number {
  let at = from;
  for (;;) {
    const kind = tokens.kinds[at];
    if (kind === token.leftParen && !isQuery(tokens, at)) at += 1;
    else if (kind === token.word && tokens.codes[at] === word.not) at += 1;
    else if (kind === token.arithmetic && tokens.codes[at] === 1) at += 1;
    else return at;
  }
}

export function skipClosers(tokens: Tokens, from: number): number {
  let at = from;
  // Bounded: nested conditions would each walk over all their closers again.
  while (tokens.kinds[at] === token.rightParen && at < from + CHAIN_MAX) at += 1;
  return at;
}

/** A word that makes a constant of what follows: `date '2001-01-01'`, `jsonb '{}'`, `array[1, 2]`. */
export function isConstant(tokens: Tokens, at: number): boolean {
  if (tokens.kinds[at + 1] === token.string) return typeAt(tokens, at) || isCharacterSet(tokens, at);
  return arrayEnd(tokens, at) > at;
}

/** `_utf8'a'`, `_latin1'a'`. */
function isCharacterSet(tokens: Tokens, at: number): boolean {
  const start = tokens.starts[at]!;
  if (tokens.text.charCodeAt(start) !== 0x5f || tokens.starts[at + 1] !== tokens.ends[at]) return false;
  return /^_(?:utf(?:8|16|32)\w{0,3}|ucs2|latin\d|ascii|binary|big5|gbk|gb\w{2,5}|[eus]jis|cp\d{3,4}|koi8\w)$/.test(
    spelling(tokens, at),
  );
}

/** The index of the `]` of `array['a', 'b']` at `at`; `at` when none stands there. */
function arrayEnd(tokens: Tokens, at: number): number {
  const { kinds, starts, text } = tokens;
  if (kinds[at + 1] !== token.other || text[starts[at + 1]!] !== "[" || spelling(tokens, at) !== "array")
    return at;
  for (let end = at + 2; end < at + CHAIN_MAX; end += 1) {
    if (kinds[end] === token.other) return text[starts[end]!] === "]" ? end : at;
    if (kinds[end] !== token.comma && !isLiteral(tokens, end)) return at;
  }
  return at;
}

/** The index after the `end` of a `case … when`, or -1 when no `when` comes soon. */
function caseEnd(tokens: Tokens, from: number): number {
  const stop = Math.min(tokens.count, from + 64);
  let at = from + 1;
  while (at < from + 12 && !(tokens.kinds[at] === token.word && tokens.codes[at] === word.when)) at += 1;
  if (at >= Math.min(stop, from + 12)) return -1;
  for (; at < stop; at += 1)
    if (tokens.kinds[at] === token.word && tokens.codes[at] === word.end) return at + 1;
  return stop;
}

export function isSign(tokens: Tokens, at: number): boolean {
  if (tokens.kinds[at] !== token.arithmetic) return false;
  const char = tokens.text.charCodeAt(tokens.starts[at]!);
  return char === 0x2d || char === 0x2b || char === 0x21 || char === 0x7e;
}

function isText(tokens: Tokens, at: number): boolean {
  return tokens.kinds[at] === token.string;
}

/** Words that may stand for a column or a function; the words of the grammar may not, unless called. */
function canName(code: number, next: number): boolean {
  if (code === word.plain || code === word.nullish || code === word.truth || code === word.object)
    return true;
  if (code === word.collate || code === word.clause) return true;
  return (
    next === token.leftParen &&
    (code === word.if ||
      code === word.replace ||
      code === word.div ||
      code === word.like ||
      code === word.values ||
      code === word.insert ||
      code === word.truncate)
  );
}

/** Whether the word at `index` is a column type. */
export function typeAt(tokens: Tokens, index: number): boolean {
  return tokens.kinds[index] === token.word && isType(spelling(tokens, index));
}

function isLoneQuote(tokens: Tokens, at: number): boolean {
  return tokens.kinds[at] === token.open && tokens.ends[at]! - tokens.starts[at]! === 1;
}

export function endsInComment(tokens: Tokens): boolean {
  let last = tokens.count - 1;
  while (last > 0 && (tokens.kinds[last] === token.arithmetic || isLoneQuote(tokens, last))) last -= 1;
  return last >= 0 && tokens.kinds[last] === token.comment;
}

/** The index of the operand that a condition at `from` asks about, behind brackets and signs: of `not false`, of `false`. */
export function bareOperand(tokens: Tokens, from: number): number {
  let at = skipOpeners(tokens, from);
  while (isSign(tokens, at) && at < from + CHAIN_MAX) at = skipOpeners(tokens, at + 1);
  return at;
}

export function isTruth(tokens: Tokens, at: number): boolean {
  if (tokens.kinds[at] === token.word && tokens.codes[at] === word.truth) return true;
  return tokens.kinds[at] === token.number && /^[01]$/.test(spelling(tokens, at));
}

export function listEnd(tokens: Tokens, from: number): number {
  let end = expressionEnd(tokens, from);
  for (let step = 0; step < 64 && end > 0 && tokens.kinds[end] === token.comma; step += 1) {
    const next = expressionEnd(tokens, end + 1);
    if (next < 0) break;
    end = next;
  }
  return end;
}
