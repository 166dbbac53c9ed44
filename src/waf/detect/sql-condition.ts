import {
  expressionEnd,
  isConstant,
  isLiteral,
  isSign,
  operandEnd,
  skipClosers,
  skipOpeners,
} from "./sql-expression.ts";
import { callAt, closeOf, isQuery } from "./sql-pair.ts";
import { spelling, type Tokens, token } from "./sql-token.ts";
import { call, word } from "./sql-word.ts";

/** How much a condition says by itself. */
export const strength = {
  /** No condition here. */
  none: 0,
  /** One operand without a comparison, such as `or 1`. */
  operand: 1,
  /** A column against something: what honest filters look like too. */
  named: 2,
  /** True or false whatever the data is, or a question only a prober asks. */
  constant: 3,
} as const;

export interface Condition {
  readonly strength: number;
  /** Index of the first token after it. */
  readonly end: number;
}

/** What an operand is made of. */
const shape = { name: 0, literal: 1, query: 2, telling: 3, call: 4, group: 5 } as const;

/** The condition that starts at `from`, after `or`, `having`, `when` and the like. Bounded work. */
export function conditionAt(tokens: Tokens, from: number): Condition {
  const { kinds, codes } = tokens;
  const start = skipOpeners(tokens, from);
  if (codes[start] === word.exists && kinds[start] === token.word) {
    const query =
      kinds[start + 1] === token.leftParen && (isQuery(tokens, start + 1) || isRows(tokens, start + 2));
    return {
      strength: query ? strength.constant : strength.none,
      end: query ? closeOf(tokens, start + 1) : start,
    };
  }
  const leftEnd = expressionEnd(tokens, start);
  if (kinds[leftEnd] === token.comma && kinds[start - 1] === token.leftParen && start > from) {
    const end = rowsEnd(tokens, start - 1);
    if (end > 0) return { strength: strength.constant, end: skipClosers(tokens, end) };
  }
  if (leftEnd < 0) return { strength: strength.none, end: start };
  const left = shapeOf(tokens, start, leftEnd);
  const after = skipClosers(tokens, leftEnd);
  const found = predicateAt(tokens, left, after);
  if (found.end !== after) {
    if (
      found.strength === strength.constant &&
      (isQuotedName(tokens, start, after) || isQuotedTopic(tokens, start, after))
    )
      return { strength: strength.named, end: found.end };
    const twin = leftEnd - start === 1 && kinds[after] === token.compare && isTwin(tokens, start, after);
    return twin ? { strength: strength.constant, end: found.end } : found;
  }
  const selfStanding = left === shape.query || (left === shape.telling && codes[start] !== word.truth);
  return { strength: selfStanding ? strength.constant : strength.operand, end: after };
}

/** `(1,2)=(1,2)`, `(1,'a')<(select …)`: the index after the comparison of two rows whose bracket is at `at`, or -1. */
function rowsEnd(tokens: Tokens, at: number): number {
  const { kinds } = tokens;
  const after = closeOf(tokens, at);
  if (kinds[after] !== token.compare || !isLiteralRow(tokens, at, after)) return -1;
  const right = kinds[after + 1] === token.compare ? after + 2 : after + 1;
  if (kinds[right] !== token.leftParen) return -1;
  const end = closeOf(tokens, right);
  return isQuery(tokens, right) || isLiteralRow(tokens, right, end) ? end : -1;
}

/** At most a few literals and commas between the brackets. */
function isLiteralRow(tokens: Tokens, left: number, end: number): boolean {
  if (end - left > 24) return false;
  for (let at = left + 1; at < end - 1; at += 1)
    if (tokens.kinds[at] !== token.comma && !isLiteral(tokens, at)) return false;
  return end - left > 2;
}

/** `table members`, `values (1)` in place of a select. */
function isRows({ kinds, codes }: Tokens, at: number): boolean {
  if (kinds[at] !== token.word) return false;
  return (
    kinds[at + 1] === (codes[at] === word.values ? token.leftParen : token.word) &&
    (codes[at] === word.table || codes[at] === word.values)
  );
}

/** `"pp" is not null`: a sentence about what it quotes; a probe that says so has a text to close or a number before it. */
function isQuotedTopic({ text, kinds, codes, starts }: Tokens, at: number, is: number): boolean {
  return (
    kinds[at] === token.string &&
    is === at + 1 &&
    text.charCodeAt(starts[at]!) === 0x22 &&
    kinds[is] === token.word &&
    codes[is] === word.is
  );
}

/** `"Story Points" > 3`: two words in double quotes are the name of a column, where a number is asked of them. */
function isQuotedName(tokens: Tokens, at: number, compare: number): boolean {
  const { text, kinds, starts, ends } = tokens;
  if (kinds[at] !== token.string || compare !== at + 1 || kinds[compare + 1] !== token.number) return false;
  return text.charCodeAt(starts[at]!) === 0x22 && text.slice(starts[at]! + 2, ends[at]! - 2).includes(" ");
}

/** What follows a left-hand side of shape `left`: a comparison, `is null`, `like`… `end` is `from` when none does. */
function predicateAt(tokens: Tokens, left: number, from: number): Condition {
  const { kinds, codes } = tokens;
  let at = from;
  if (kinds[at] === token.compare) {
    at += kinds[at + 1] === token.compare ? 2 : 1;
    const right = skipOpeners(tokens, at);
    const end = expressionEnd(tokens, right);
    if (end >= 0)
      return { strength: compare(left, shapeOf(tokens, right, end)), end: skipClosers(tokens, end) };
    // Cut off by the end of the value: the application supplies the rest.
    const cut = kinds[right] === token.end && left !== shape.name;
    return { strength: cut ? strength.operand : strength.none, end: right };
  }
  if (kinds[at] !== token.word) return { strength: strength.none, end: from };
  if (codes[at] === word.not) at += 1;
  switch (codes[at]) {
    case word.is: {
      const what = codes[at + 1] === word.not ? at + 2 : at + 1;
      if (kinds[what] === token.word && codes[what] === word.distinct && codes[what + 1] === word.from) {
        const end = expressionEnd(tokens, what + 2);
        if (end >= 0)
          return { strength: compare(left, shapeOf(tokens, what + 2, end)), end: skipClosers(tokens, end) };
      }
      if (left === shape.literal && kinds[what] === token.word && spelling(tokens, what) === "json")
        return { strength: strength.constant, end: skipClosers(tokens, what + 1) };
      if (kinds[what] !== token.word || (codes[what] !== word.nullish && codes[what] !== word.truth))
        return { strength: strength.none, end: at + 1 };
      return { strength: sure(left === shape.literal), end: skipClosers(tokens, what + 1) };
    }
    case word.like:
      return likeness(tokens, left, spelling(tokens, at + 1) === "to" ? at + 2 : at + 1);
    case word.in:
      if (kinds[at + 1] !== token.leftParen) return { strength: strength.none, end: at + 1 };
      return {
        strength: sure(left === shape.literal || left === shape.telling || codes[at + 2] === word.select),
        end: skipClosers(tokens, closeOf(tokens, at + 1)),
      };
    case word.between: {
      const low = expressionEnd(tokens, at + 1);
      const high = low >= 0 && kinds[low] === token.logic ? expressionEnd(tokens, low + 1) : -1;
      if (high < 0) return { strength: strength.none, end: at + 1 };
      return { strength: sure(left === shape.literal), end: skipClosers(tokens, high) };
    }
    default:
      if (left === shape.literal && codes[at + 1] === word.like && spelling(tokens, at) === "sounds")
        return likeness(tokens, left, at + 2);
      return left === shape.literal && isMemberOf(tokens, at)
        ? { strength: strength.constant, end: skipClosers(tokens, closeOf(tokens, at + 2)) }
        : { strength: strength.none, end: from };
  }
}

/** `1 member of('[1]')`. */
function isMemberOf(tokens: Tokens, at: number): boolean {
  return (
    spelling(tokens, at) === "member" &&
    spelling(tokens, at + 1) === "of" &&
    tokens.kinds[at + 2] === token.leftParen
  );
}

/** A predicate that goes on from a string the value itself has closed: `' like '%`, `'=0`, `' in ('a')`. */
export function closedPredicateAt(tokens: Tokens, from: number): Condition {
  return predicateAt(tokens, shape.literal, from);
}

/** What an operand at `from` is good for in an injection: 2 = asks the server, 1 = a text function on constants, 0. */
export function probing(tokens: Tokens, from: number): number {
  const end = operandEnd(tokens, from);
  if (end < 0) return 0;
  const what = shapeOf(tokens, from, end);
  if (what === shape.query || what === shape.telling) return 2;
  if (what === shape.group && tells(tokens, from, end)) return 2;
  return what === shape.literal && callAt(tokens, from) === call.probe ? 1 : 0;
}

function sure(certain: boolean): number {
  return certain ? strength.constant : strength.named;
}

/** `like`, `rlike`, `regexp`, `sounds like`: needs a pattern, because people like names too. */
function likeness(tokens: Tokens, left: number, from: number): Condition {
  const start = skipOpeners(tokens, from);
  const end = expressionEnd(tokens, start);
  if (end < 0) return { strength: strength.none, end: start };
  const kind = tokens.kinds[start];
  const right = shapeOf(tokens, start, end);
  if (right === shape.name || (kind === token.number && left === shape.name))
    return { strength: strength.none, end };
  const first = tokens.starts[start]! + 1;
  // "or the like" in quotes of its own, then the signs that end a sentence or a line of code.
  if (
    kind === token.open &&
    left === shape.name &&
    /^[;,.)\]}!?]+(?:\s|$)/.test(tokens.text.slice(first, first + 4))
  )
    return { strength: strength.none, end };
  const anything =
    (kind === token.string || kind === token.open) &&
    tokens.ends[start]! - first <= 3 &&
    (tokens.text.charCodeAt(first) === 0x25 || tokens.text.charCodeAt(first) === 0x2e);
  const built = right === shape.query || (kind === token.word && callAt(tokens, start) >= 0);
  const certain =
    left === shape.literal || left === shape.telling || left === shape.query || anything || built;
  return { strength: sure(certain), end: skipClosers(tokens, end) };
}

function compare(left: number, right: number): number {
  if (left === shape.query || right === shape.query) return strength.constant;
  if (left === shape.telling || right === shape.telling) return strength.constant;
  if (left === shape.literal) return right === shape.literal ? strength.constant : strength.named;
  return strength.named;
}

/** Whether the token at `index` may follow a finished condition in SQL. Prose goes on with a word or a number. */
export function endsWell(tokens: Tokens, index: number): boolean {
  const kind = tokens.kinds[index];
  switch (kind) {
    case token.end:
    case token.comment:
    case token.rightParen:
    case token.semicolon:
    case token.logic:
    case token.arithmetic:
    case token.cast:
      return true;
    case token.comma: {
      // A sentence goes on: two names side by side.
      const { kinds, codes } = tokens;
      const named = kinds[index + 1] === token.word && codes[index + 1] === word.plain;
      return !(named && kinds[index + 2] === token.word && codes[index + 2] === word.plain);
    }
    case token.compare:
      return tokens.text.charCodeAt(tokens.starts[index]!) === 0x3d;
    case token.open:
      return tokens.ends[index]! - tokens.starts[index]! <= 2;
    case token.word: {
      const code = tokens.codes[index]!;
      return (
        (code >= word.union && code <= word.into && code !== word.by) ||
        code === word.branch ||
        code === word.select ||
        code === word.end ||
        code === word.except ||
        code === word.waitfor ||
        code === word.exec
      );
    }
    default:
      return false;
  }
}

/** Whether a call or query that tells something about the server stands between the tokens, at most 40 of them. */
export function tells(tokens: Tokens, from: number, to: number): boolean {
  const stop = Math.min(to, from + 40);
  for (let at = from; at < stop; at += 1) {
    if (tokens.kinds[at] === token.variable && tokens.text.charCodeAt(tokens.starts[at]! + 1) === 0x40)
      return true;
    if (tokens.kinds[at] !== token.word) continue;
    if (tokens.codes[at] === word.select && selects(tokens, at)) return true;
    const kind = callAt(tokens, at);
    if (kind >= call.delay && kind <= call.probe) return true;
  }
  return false;
}

/** `package.function(`: methods of objects share the names of text functions, so only the server's own count. */
function tellsByMember(tokens: Tokens, from: number, to: number): boolean {
  if (/^(?:utl_|dbms_|ctxsys|ordsys|master)/.test(spelling(tokens, from).slice(0, 8))) return true;
  for (let at = from + 1; at < to && at < from + 8; at += 1) {
    const kind = callAt(tokens, at);
    if (kind === call.delay || kind === call.system) return true;
  }
  return false;
}

/** What follows the word `select` is selected; in code it would be an argument of that name. */
function selects(tokens: Tokens, at: number): boolean {
  const kind = tokens.kinds[at + 1];
  if (kind === token.arithmetic) return tokens.text.charCodeAt(tokens.starts[at + 1]!) === 0x2a;
  return kind === token.word || kind === token.leftParen || isLiteral(tokens, at + 1);
}

function shapeOf(tokens: Tokens, from: number, to: number): number {
  let at = from;
  while (at < to && (isSign(tokens, at) || tokens.codes[at] === word.any) && !isLiteral(tokens, at)) at += 1;
  if (tokens.kinds[at] === token.leftParen) return isQuery(tokens, at) ? shape.query : shape.group;
  if (tokens.kinds[at] === token.variable)
    return tokens.text.charCodeAt(tokens.starts[at]! + 1) === 0x40 ? shape.telling : shape.name;
  if (isLiteral(tokens, at) || (tokens.kinds[at] === token.word && isConstant(tokens, at)))
    return shape.literal;
  if (tokens.codes[at] === word.case && tokens.kinds[at] === token.word) return shape.telling;
  const kind = callAt(tokens, at);
  if (kind < 0) {
    if (tokens.kinds[at + 1] === token.dot && tellsByMember(tokens, at, to)) return shape.telling;
    return shape.name;
  }
  if (kind === call.delay || kind === call.system || kind === call.sleep) return shape.telling;
  const inside = closeOf(tokens, at + 1);
  if (tells(tokens, at + 2, inside)) return shape.telling;
  if (kind === call.identity) return inside - at === 3 ? shape.telling : shape.call;
  if (kind === call.probe && isLiteral(tokens, at + 2)) return shape.literal;
  return shape.call;
}

/** Whether the one-token operands around the comparison at `index` are spelled alike: `a = a`. */
function isTwin(tokens: Tokens, left: number, index: number): boolean {
  const sign = tokens.text.charCodeAt(tokens.starts[index]!);
  const size = tokens.ends[index]! - tokens.starts[index]!;
  // C<B> and <b> are markup.
  if ((sign === 0x3c || sign === 0x3e) && size === 1) return false;
  const right = skipOpeners(tokens, tokens.kinds[index + 1] === token.compare ? index + 2 : index + 1);
  return (
    tokens.kinds[right] === token.word &&
    spelling(tokens, left) === spelling(tokens, right) &&
    tokens.kinds[right + 1] !== token.dot &&
    tokens.kinds[right + 1] !== token.leftParen
  );
}
