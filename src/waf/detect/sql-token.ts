/** Kinds of SQL token. */
export const token = {
  end: 0,
  word: 1,
  number: 2,
  string: 3,
  /** A string whose closing quote the application would add. */
  open: 4,
  variable: 5,
  /** `--`, `#`, an unclosed `/*`, `;` followed by NUL: what hides the rest of the application's query. */
  comment: 6,
  leftParen: 7,
  rightParen: 8,
  comma: 9,
  semicolon: 10,
  dot: 11,
  compare: 12,
  logic: 13,
  arithmetic: 14,
  cast: 15,
  other: 16,
} as const;

/** Codes of comment tokens. */
export const comment = { dashes: 1, tightDashes: 2, hash: 3, block: 4, longDash: 5 } as const;

/** A run of tokens as parallel arrays; index `count` is a token of kind `end`. */
export interface Tokens {
  readonly text: string;
  readonly lower: string;
  readonly kinds: number[];
  /** A word's or comment's code; for `logic` 1 when spelled as a word; for the others 0. */
  readonly codes: number[];
  readonly starts: number[];
  readonly ends: number[];
  count: number;
  /** Offset of the first executable comment (MySQL `/*!`), or -1. */
  executable: number;
  /** Offset where the next token is looked for. */
  next: number;
  readonly from: number;
  /** Offset behind the last closed comment; -1 when no comment is closed any more. */
  blockEnd: number;
  /** What has been found out about the tokens: each question costs once, however often it is asked. */
  facts: Facts;
}

/** By token index; of the run as it was when `pairParens` was called. */
export interface Facts {
  /** Index of the partner of each parenthesis, or -1. */
  partners: number[];
  /** Of a parenthesis that opens a sub-select: index of its `select`; else 0. */
  selects: number[];
  /** Index after the expression that starts here, plus 2: 1 = no expression, 0 = not asked yet. */
  ends: number[];
  /** The same of operands. */
  operands: number[];
  /** Kind of call, plus 2; 0 = not asked yet. */
  calls: number[];
  /** Line feeds among the first 2,000 characters, or -1 when not asked yet. */
  lines: number;
}

/** A table that nobody has asked for yet. */
export const unasked: number[] = [];

/** Before `pairParens`: no token is anything. */
const noTable: number[] = [1];

export const noFacts: Facts = {
  partners: [],
  selects: [],
  ends: noTable,
  operands: noTable,
  calls: [],
  lines: -1,
};

/** The lower-case spelling of token `index`. */
export function spelling(tokens: Tokens, index: number): string {
  return tokens.lower.slice(tokens.starts[index], tokens.ends[index]);
}

/** Adds a token, and returns where it ends. */
export function push(tokens: Tokens, kind: number, code: number, start: number, end: number): number {
  const { count } = tokens;
  tokens.kinds[count] = kind;
  tokens.codes[count] = code;
  tokens.starts[count] = start;
  tokens.ends[count] = end;
  tokens.count = count + 1;
  return end;
}
