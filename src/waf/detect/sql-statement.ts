import { expressionEnd, isLiteral } from "./sql-expression.ts";
import { callAt, isQuery } from "./sql-pair.ts";
import { spelling, type Tokens, token } from "./sql-token.ts";
import { call, word } from "./sql-word.ts";

/** How sure it is that a statement starts: 0 no, 1 it may, 2 nothing else reads like this. */
export type Sureness = 0 | 1 | 2;

/** Whether a whole statement starts at `at`: its verb with what must follow the verb. Bounded work. */
export function statementAt(tokens: Tokens, at: number): Sureness {
  if (tokens.kinds[at] !== token.word) return 0;
  const { kinds, codes } = tokens;
  switch (codes[at]) {
    case word.select:
      return selectList(tokens, at + 1);
    case word.insert: {
      for (let into = at + 1; into <= at + 3; into += 1)
        if (isWord(tokens, into, word.into)) {
          const after = nameEnd(tokens, into + 1);
          if (after < 0) return 0;
          const filled =
            kinds[after] === token.leftParen ||
            isWord(tokens, after, word.values) ||
            isWord(tokens, after, word.select);
          return filled || isWord(tokens, after, word.set) ? 2 : stops(tokens, after) ? 1 : 0;
        }
      // Without `into`, as MySQL and SQL Server take it.
      return isWord(tokens, at + 2, word.values) && kinds[at + 3] === token.leftParen ? 2 : 0;
    }
    case word.replace: {
      if (spelling(tokens, at) === "merge") {
        const target = isWord(tokens, at + 1, word.into) ? nameEnd(tokens, at + 2) : -1;
        return target > 0 && isWord(tokens, target, word.clause) ? 2 : 0;
      }
      const after = nameEnd(tokens, isWord(tokens, at + 1, word.into) ? at + 2 : at + 1);
      if (after < 0) return 0;
      return kinds[after] === token.leftParen ||
        isWord(tokens, after, word.values) ||
        isWord(tokens, after, word.select)
        ? 2
        : 0;
    }
    case word.update: {
      const after = nameEnd(tokens, at + 1);
      if (after < 0 || !isWord(tokens, after, word.set)) return 0;
      const column = nameEnd(tokens, after + 1);
      return column > 0 && kinds[column] === token.compare ? 2 : 0;
    }
    case word.delete: {
      if (!isWord(tokens, at + 1, word.from)) return 0;
      const after = nameEnd(tokens, at + 2);
      return after > 0 && (stops(tokens, after) || isWord(tokens, after, word.where)) ? 2 : 0;
    }
    case word.drop:
    case word.create:
    case word.alter:
    case word.truncate:
      return definition(tokens, at);
    case word.exec:
      return execution(tokens, at + 1);
    case word.declare:
      return kinds[at + 1] === token.variable ? 2 : 0;
    case word.shutdown:
      return stops(tokens, at + 1) || isWord(tokens, at + 1, word.clause) ? 1 : 0;
    case word.waitfor:
      return kinds[at + 1] === token.word && isLiteral(tokens, at + 2) ? 2 : 0;
    case word.grant: {
      for (let to = at + 2; to <= at + 6; to += 1)
        if (
          isWord(tokens, to, word.from) ||
          (isWord(tokens, to, word.clause) && spelling(tokens, to) === "to")
        ) {
          const after = nameEnd(tokens, to + 1);
          return after > 0 && (stops(tokens, after) || kinds[after] === token.other) ? 1 : 0;
        }
      return 0;
    }
    case word.begin:
      return isWord(tokens, at + 1, word.declare) || isWord(tokens, at + 1, word.exec) ? 2 : 0;
    case word.callLike: {
      if (callAt(tokens, at + 1) >= call.delay && callAt(tokens, at + 1) <= call.system) return 2;
      if (kinds[at + 1] === token.variable || opensBlock(tokens, at)) return 2;
      const after = nameEnd(tokens, at + 1);
      if (after < 0) return 0;
      if (spelling(tokens, at) === "pragma") return kinds[after] === token.compare ? 2 : 0;
      return spelling(tokens, at) === "call" && kinds[after] === token.leftParen ? 1 : 0;
    }
    case word.load: {
      const next = spelling(tokens, at + 1);
      if (kinds[at + 1] !== token.word) return 0;
      if (next === "data" || next === "extension") return kinds[at + 3] === token.string ? 2 : 0;
      if (next === "database") return isLiteral(tokens, at + 2) ? 2 : 0;
      if (next === "insert") return 2;
      if (spelling(tokens, at) === "handler") {
        const verb = spelling(tokens, at + 2);
        return (verb === "open" || verb === "read") && stops(tokens, at + 3) ? 2 : 0;
      }
      return 0;
    }
    case word.copy: {
      if (kinds[at + 1] === token.leftParen) return isQuery(tokens, at + 1) ? 2 : 0;
      const after = nameEnd(tokens, at + 1);
      if (after < 0) return 0;
      const direction = isWord(tokens, after, word.clause) || isWord(tokens, after, word.from);
      return direction && (kinds[after + 1] === token.string || kinds[after + 2] === token.string) ? 2 : 0;
    }
    case word.backup:
      return isWord(tokens, at + 1, word.object) && isWord(tokens, at + 3, word.clause) ? 2 : 0;
    case word.set:
      return kinds[at + 1] === token.variable && kinds[at + 2] === token.compare ? 2 : 0;
    case word.plain:
      return administration(tokens, at);
    default:
      return 0;
  }
}

/** `do $$begin …$$`: a program of PostgreSQL's. */
function opensBlock(tokens: Tokens, at: number): boolean {
  const start = tokens.starts[at + 1]!;
  return spelling(tokens, at) === "do" && /^\$[a-z_]{0,16}\$/i.test(tokens.text.slice(start, start + 18));
}

/** What the words of administrators start with; a sentence may start so too. */
const administrative: ReadonlyMap<string, RegExp> = new Map([
  ["lock", /^tables?$/],
  ["flush", /^(?:tables|privileges|hosts|logs|status)$/],
  ["install", /^(?:plugin|component|soname)$/],
  ["import", /^foreign$/],
  ["change", /^(?:master|replication)$/],
  ["purge", /^(?:binary|master)$/],
  ["show", /^(?:tables|databases|schemas|grants|columns|processlist|variables)$/],
  ["refresh", /^materialized$/],
  ["dbcc", /^[a-z]+$/],
]);

function administration(tokens: Tokens, at: number): Sureness {
  const verb = spelling(tokens, at);
  if (verb.startsWith("xp_") || verb.startsWith("sp_"))
    return callAt(tokens, at) < 0 && isLiteral(tokens, at + 1) ? 2 : 0;
  if (verb === "reconfigure") return stops(tokens, at + 1) ? 1 : 0;
  if (verb === "explain") return statementAt(tokens, at + 1);
  if (verb === "prepare") {
    const literal = isWord(tokens, at + 2, word.from) && tokens.kinds[at + 3] === token.string;
    return tokens.kinds[at + 1] === token.word && literal ? 2 : 0;
  }
  const next = administrative.get(verb);
  if (next === undefined || tokens.kinds[at + 1] !== token.word) return 0;
  return next.test(spelling(tokens, at + 1)) ? 1 : 0;
}

/**
 * Whether a list of selected expressions starts at `at`: 2 for what only a query selects (`*`, constants, known
 * functions, several columns), 1 for a single name, which prose also "selects".
 */
export function selectList(tokens: Tokens, at: number): Sureness {
  const { kinds, codes } = tokens;
  while (
    kinds[at] === token.word &&
    (codes[at] === word.all || codes[at] === word.distinct || isModifier(tokens, at))
  )
    at += 1;
  if (isWord(tokens, at, word.top) && kinds[at + 1] === token.number) return 2;
  if (isStar(tokens, at))
    return isWord(tokens, at + 1, word.from) || stops(tokens, at + 1) || kinds[at + 1] === token.comma
      ? 2
      : 0;
  if (kinds[at] === token.end) return 1;
  let plain = true;
  let columns = 0;
  for (; columns < 40; columns += 1) {
    let end = expressionEnd(tokens, at);
    if (end < 0) return columns > 0 && stops(tokens, at) ? 2 : 0;
    // All columns of one table: `m.*`.
    if (kinds[end - 1] === token.dot && isStar(tokens, end)) {
      end += 1;
      plain = false;
    }
    if (kinds[at] !== token.word || isLiteral(tokens, at)) plain = false;
    else if (callAt(tokens, at) > call.other || kinds[at + 1] === token.leftParen) plain = false;
    let after = end;
    if (isWord(tokens, after, word.as)) after += 2;
    if (kinds[after] === token.comma) {
      at = after + 1;
      continue;
    }
    if (isWord(tokens, after, word.from)) {
      const source = nameEnd(tokens, after + 1);
      if (source < 0 && kinds[after + 1] === token.dot && tokens.ends[after] === tokens.starts[after + 1])
        return 2;
      if (source < 0)
        return kinds[after + 1] === token.leftParen || kinds[after + 1] === token.string ? 2 : 0;
      if (tokens.kinds[source] === token.dot && source - after > 1) return plain && columns === 0 ? 1 : 2;
      if (!continues(tokens, source, true)) return 0;
      return plain && columns === 0 ? 1 : 2;
    }
    if (!continues(tokens, after, false)) return 0;
    return plain && columns === 0 ? 1 : 2;
  }
  return 2;
}

function isStar(tokens: Tokens, at: number): boolean {
  return tokens.kinds[at] === token.arithmetic && tokens.text.charCodeAt(tokens.starts[at]!) === 0x2a;
}

/** MySQL's `sql_no_cache` and the like, in front of what is selected. */
function isModifier(tokens: Tokens, at: number): boolean {
  if (tokens.codes[at] !== word.plain || tokens.kinds[at + 1] === token.leftParen) return false;
  return /^(?:sql_(?:no_)?cache|sql_calc_found_rows|sql_(?:small|big|buffer)_result|high_priority|straight_join)$/.test(
    spelling(tokens, at),
  );
}

/** Whether the value may stop at `at`, or the application's own text begins. */
export function stops(tokens: Tokens, at: number): boolean {
  const kind = tokens.kinds[at];
  return (
    kind === token.end ||
    kind === token.semicolon ||
    kind === token.comment ||
    kind === token.rightParen ||
    (kind === token.open && tokens.ends[at]! - tokens.starts[at]! <= 2)
  );
}

export function isWord(tokens: Tokens, at: number, code: number): boolean {
  return tokens.kinds[at] === token.word && tokens.codes[at] === code;
}

/** The index after a dotted name at `at`, or -1. */
export function nameEnd(tokens: Tokens, at: number): number {
  const { kinds } = tokens;
  if (kinds[at] !== token.word && kinds[at] !== token.variable && kinds[at] !== token.string) return -1;
  at += 1;
  for (let step = 0; step < 6 && kinds[at] === token.dot; step += 1) {
    while (kinds[at] === token.dot && step < 6) {
      at += 1;
      step += 1;
    }
    if (kinds[at] === token.word) at += 1;
  }
  return at;
}

/** What may follow a table or the last selected expression. An alias is one word, then the statement goes on. */
function continues(tokens: Tokens, at: number, sourced: boolean): boolean {
  if (stops(tokens, at)) return true;
  const kind = tokens.kinds[at];
  if (kind === token.comma || kind === token.leftParen || kind === token.open || kind === token.string)
    return true;
  if (kind !== token.word) return kind === token.logic || kind === token.compare;
  const code = tokens.codes[at]!;
  if (code === word.plain) {
    const next = tokens.kinds[at + 1];
    const goesOn =
      next === token.word && tokens.codes[at + 1] !== word.plain && tokens.codes[at + 1] !== word.clause;
    return stops(tokens, at + 1) || next === token.comma || goesOn;
  }
  return (
    (code >= word.union && code <= word.into && code !== word.by) ||
    (sourced && (code === word.join || code === word.clause)) ||
    code === word.as ||
    code === word.branch ||
    code === word.end ||
    code === word.except
  );
}

function definition(tokens: Tokens, at: number): Sureness {
  const { kinds, codes } = tokens;
  const verb = codes[at]!;
  let object = at + 1;
  if (verb === word.create)
    for (let step = 0; step < 3; step += 1) {
      const code = codes[object];
      const skips =
        kinds[object] === token.logic ||
        (kinds[object] === token.word &&
          code !== word.table &&
          code !== word.object &&
          code !== word.procedure &&
          spelling(tokens, object) !== "extension");
      if (skips) object += 1;
    }
  const named =
    kinds[object] === token.word &&
    (codes[object] === word.table ||
      codes[object] === word.object ||
      codes[object] === word.procedure ||
      (verb === word.create && spelling(tokens, object) === "extension"));
  if (!named) {
    if (verb !== word.truncate) return 0;
    if (kinds[object] === token.other && tokens.text.charCodeAt(tokens.starts[object]!) === 0x5b) return 2;
    const after = nameEnd(tokens, object);
    return after > 0 && stops(tokens, after) ? 1 : 0;
  }
  let name = object + 1;
  if (isWord(tokens, name, word.if)) name += isWord(tokens, name + 1, word.not) ? 3 : 2;
  const after = nameEnd(tokens, name);
  if (after < 0) return 0;
  if (verb === word.drop || verb === word.truncate) {
    const last = kinds[after] === token.word && dropEndings.has(spelling(tokens, after)) ? after + 1 : after;
    return stops(tokens, last) || kinds[after] === token.comma ? 2 : 0;
  }
  if (stops(tokens, after)) return 1;
  if (verb === word.create)
    return kinds[after] === token.leftParen ||
      isWord(tokens, after, word.as) ||
      isWord(tokens, after, word.clause) ||
      isIdentified(tokens, after)
      ? 2
      : 0;
  return kinds[after] === token.word && (kinds[after + 1] === token.word || stops(tokens, after + 1)) ? 1 : 0;
}

const dropEndings: ReadonlySet<string> = new Set(["cascade", "restrict", "purge", "force"]);

function isIdentified(tokens: Tokens, at: number): boolean {
  return tokens.kinds[at] === token.word && spelling(tokens, at) === "identified";
}

function execution(tokens: Tokens, at: number): Sureness {
  const { kinds } = tokens;
  if (kinds[at] === token.leftParen) {
    const cutVariable = tokens.text.charCodeAt(tokens.starts[at + 1]!) === 0x40;
    if (cutVariable) return spelling(tokens, at + 1) === "@_" ? 0 : 2;
    // A text put together, or a plain one: scripts of other languages have the latter.
    if (kinds[at + 1] === token.string)
      return kinds[at + 2] === token.arithmetic || kinds[at + 2] === token.logic ? 2 : 1;
    return 0;
  }
  if (kinds[at] === token.variable) return spelling(tokens, at) === "@_" ? 0 : 2;
  if (kinds[at] !== token.word) return 0;
  const first = spelling(tokens, at);
  if (first === "immediate") return isLiteral(tokens, at + 1) ? 2 : 0;
  const after = nameEnd(tokens, at);
  const last = after > 0 && kinds[after - 1] === token.word ? spelling(tokens, after - 1) : first;
  if (last.startsWith("xp_") || last.startsWith("sp_")) return 2;
  if (first === "master" && after > at + 1) return 2;
  return kinds[after] === token.string || kinds[after] === token.variable ? 1 : 0;
}

/** A name. */
export function isPlain(tokens: Tokens, at: number): boolean {
  return tokens.kinds[at] === token.word && isProse(tokens.codes[at]!);
}

/** A word that is a name in a query, and any word of a sentence. */
export function isProse(code: number): boolean {
  return code === word.plain || code === word.callLike;
}
