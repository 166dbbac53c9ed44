import { closeOf, isLoneParen, selectOf } from "./sql-pair.ts";
import { isPlain, isWord, statementAt } from "./sql-statement.ts";
import { spelling, type Tokens, token } from "./sql-token.ts";
import { word } from "./sql-word.ts";

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

export function isStatement(tokens: Tokens): boolean {
  let at = 0;
  while (tokens.kinds[at] === token.comment && at < 4) at += 1;
  return statementAt(tokens, at) > 0;
}

/** A line of its own below other text: what starts here is quoted or pasted, and goes on from nothing. */
export function isOwnLine(tokens: Tokens, at: number): boolean {
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

/** Newlines among the first tokens: a script, not a value. */
export function lineCount(tokens: Tokens): number {
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

export const verbs: ReadonlySet<number> = new Set([
  word.select,
  word.insert,
  word.update,
  word.delete,
  word.create,
]);

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

function isMargin(kind: number | undefined): boolean {
  return kind === token.comment || kind === token.compare || kind === token.other;
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
