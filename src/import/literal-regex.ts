/**
 * Regular expressions that are only a few texts in disguise: `^/(api|v2)/`, `^(www\.)?example\.org$`. Other programs
 * are configured with them where this gateway wants the texts.
 */

export interface Literal {
  readonly text: string;
  /** Whatever follows: the expression has no `$`, or `.*` before it. */
  readonly isPrefix: boolean;
}

/** The texts that a regular expression from its `^` on stands for; undefined when it is more than a few texts. */
export function literalsOf(source: string): readonly Literal[] | undefined {
  if (!source.startsWith("^")) return undefined;
  const reader = new Reader(source.slice(1));
  // `^` belongs to the first of several alternatives only.
  const found = reader.sequence();
  if (found === undefined || !reader.isAtEnd) return undefined;
  // Without `$` an expression is a prefix, also where an alternative does not say so.
  return found.map(({ text, end }) => ({ text, isPrefix: end !== "exact" }));
}

/** The alternatives of an expression without anchors, as parts of a longer text: `curl|wget|(?i)bot`. */
export function wordsOf(source: string): readonly string[] | undefined {
  const reader = new Reader(source.replace(/^\(\?i\)/, ""));
  const found = reader.alternatives();
  if (found === undefined || !reader.isAtEnd || found.some(({ end }) => end !== "open")) return undefined;
  return found.map(({ text }) => text);
}

/** More than this is not a list of texts. */
const TEXTS_MAX = 64;
const DEPTH_MAX = 8;

/** `open`: more of the expression may follow. `rest`: `.*`, or `$` is missing. `exact`: `$`. */
interface Part {
  readonly text: string;
  readonly end: "open" | "rest" | "exact";
}

const nothing: readonly Part[] = [{ text: "", end: "open" }];

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  alternatives(): readonly Part[] | undefined {
    const all: Part[] = [];
    for (;;) {
      const branch = this.sequence();
      if (branch === undefined) return undefined;
      all.push(...branch);
      if (all.length > TEXTS_MAX) return undefined;
      if (this.#text[this.#at] !== "|") return all;
      this.#at++;
    }
  }

  sequence(): readonly Part[] | undefined {
    let parts = nothing;
    while (!this.isAtEnd && !/[|)]/.test(this.#text[this.#at]!)) {
      const piece = this.#piece();
      if (piece === undefined) return undefined;
      const joined = join(parts, piece);
      if (joined === undefined || joined.length > TEXTS_MAX) return undefined;
      parts = joined;
    }
    return parts;
  }

  #piece(): readonly Part[] | undefined {
    const atom = this.#atom();
    if (atom === undefined) return undefined;
    const next = this.#text[this.#at];
    if (next === "?") {
      this.#at++;
      if (/[?+]/.test(this.#text[this.#at] ?? "")) return undefined;
      return [...nothing, ...atom];
    }
    return next === "*" || next === "+" || next === "{" ? undefined : atom;
  }

  #atom(): readonly Part[] | undefined {
    const rest = /^\(?\.\*\)?\$?(?=$|[|)])/.exec(this.#text.slice(this.#at));
    if (rest !== null && balanced(rest[0])) {
      this.#at += rest[0].length;
      return [{ text: "", end: "rest" }];
    }
    const character = this.#text[this.#at]!;
    this.#at++;
    if (character === "$") return [{ text: "", end: "exact" }];
    if (character === "\\") {
      const escaped = this.#text[this.#at++] ?? "";
      // Letters and digits behind a backslash are classes and references.
      return /^[^A-Za-z0-9]$/.test(escaped) ? [{ text: escaped, end: "open" }] : undefined;
    }
    if (character === "(") return this.#group();
    if (/[.[\]*+?{}^]/.test(character)) return undefined;
    return [{ text: character, end: "open" }];
  }

  #group(): readonly Part[] | undefined {
    const flags = /^\?(?::|P?<\w+>)/.exec(this.#text.slice(this.#at));
    if (flags !== null) this.#at += flags[0].length;
    else if (this.#text[this.#at] === "?") return undefined;
    if (++this.#depth > DEPTH_MAX) return undefined;
    const found = this.alternatives();
    this.#depth--;
    if (found === undefined || this.#text[this.#at] !== ")") return undefined;
    this.#at++;
    return found;
  }
}

/** Every text of `before` with every one of `after` behind it. */
function join(before: readonly Part[], after: readonly Part[]): readonly Part[] | undefined {
  const all: Part[] = [];
  for (const first of before) {
    for (const second of after) {
      if (first.end === "open") all.push({ text: first.text + second.text, end: second.end });
      else if (second.text === "") all.push(first);
      // Nothing stands behind the end; behind `.*` anything could.
      else if (first.end === "rest") return undefined;
    }
  }
  return all;
}

function balanced(text: string): boolean {
  return text.startsWith("(") === text.includes(")");
}
