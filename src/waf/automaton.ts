import { inOneGo, type Steps } from "../std/steps.ts";

/**
 * Aho-Corasick as a dense DFA over bytes, ASCII letters folded, built once per snapshot. One table look-up per byte,
 * whatever the number of literals. Measured: bench/micro/waf/automaton.bench.ts.
 */
export interface Automaton {
  /** Sets in `hits` the bit of every target with a literal in `bytes[start..end)`. */
  scan(bytes: Uint8Array, start: number, end: number, hits: Uint32Array): void;
  /** Words that `hits` needs. */
  readonly hitWords: number;
  readonly states: number;
  /** Bytes of all tables. */
  readonly tableBytes: number;
}

export interface Literal {
  /** Latin-1: one char per byte. Any case. Not empty. */
  readonly text: string;
  /** The bit that a match sets. */
  readonly target: number;
  /** Counts only where no ASCII letter stands before or behind it. */
  readonly word?: boolean;
}

/** 16 MB for all tables of a worker (issue 3): 4 bytes per state and byte class. */
export const TABLE_BYTES_MAX = 16 * 1024 * 1024;

/** Throws RangeError when the tables would be larger than `TABLE_BYTES_MAX`: the loader counts the bytes before. */
export function buildAutomaton(literals: readonly Literal[], targets: number): Automaton {
  return inOneGo(automatonSteps(literals, targets));
}

/** As `buildAutomaton`, in steps: a worker builds it while it serves. */
export function* automatonSteps(literals: readonly Literal[], targets: number): Steps<Automaton> {
  const { classes, classCount } = byteClasses(literals);
  const trie = yield* trieSteps(literals, classes, classCount);
  const { table, accepting, outStart, outTargets, outLengths } = yield* tableSteps(trie, classCount);
  const tableBytes =
    table.byteLength + 2 * outStart.byteLength + 2 * outTargets.byteLength + classes.byteLength;
  if (tableBytes > TABLE_BYTES_MAX)
    throw new RangeError(`the automaton needs ${tableBytes} bytes, at most ${TABLE_BYTES_MAX} are allowed`);
  const firstAccepting = accepting * classCount;

  // In JSON every tenth byte ends a literal. What a state says without conditions it says once in a scan: here stands,
  // by accepting state, the number of the last scan that heard it.
  const said = new Uint32Array(outStart.length - 1);
  const perClass = 1 / classCount;
  let scans = 0;

  function scan(bytes: Uint8Array, start: number, end: number, hits: Uint32Array): void {
    if (scans === 0xffffffff) {
      said.fill(0);
      scans = 0;
    }
    scans++;
    let state = 0;
    for (let at = start; at < end; at++) {
      state = table[state + classes[bytes[at]!]!]!;
      if (state >= firstAccepting) report(state, hits, bytes, at, start, end);
    }
  }

  function report(
    state: number,
    hits: Uint32Array,
    bytes: Uint8Array,
    last: number,
    start: number,
    end: number,
  ): void {
    // The quotient is whole: rounded, the product with the inverse is it.
    const index = ((state - firstAccepting) * perClass + 0.5) | 0;
    if (said[index] === scans) return;
    const until = outStart[index + 1]!;
    let isDone = true;
    for (let at = outStart[index]!; at < until; at++) {
      const length = outLengths[at]!;
      if (length > 0) {
        if (
          (last - length >= start && isGlued(bytes, last - length, start)) ||
          (last + 1 < end && isLetter(bytes[last + 1]!))
        ) {
          isDone = false;
          continue;
        }
      }
      const target = outTargets[at]!;
      hits[target >>> 5]! |= 1 << (target & 31);
    }
    if (isDone) said[index] = scans;
  }

  return { scan, hitWords: (targets + 31) >>> 5, states: trie.count, tableBytes };
}

/** Bytes that no literal has share class 0; a letter has one class in both cases. */
function byteClasses(literals: readonly Literal[]): { classes: Uint8Array; classCount: number } {
  const classes = new Uint8Array(256);
  let classCount = 1;
  for (const { text } of literals) {
    for (let at = 0; at < text.length; at++) {
      const byte = foldByte(text.charCodeAt(at));
      if (classes[byte] === 0) classes[byte] = classCount++;
    }
  }
  if (classCount > 255) throw new RangeError("the literals use every byte value");
  for (let byte = 0x41; byte <= 0x5a; byte++) classes[byte] = classes[byte + 0x20]!;
  return { classes, classCount };
}

/**
 * Whether the letter at `at` makes the word behind it part of a longer one. The letters that end a number do not: SQL
 * lexers read `0x1for 1=1` and `1dunion` as a number and a word. A run of hexadecimal digits is walked once for each
 * word that starts behind it, so the cost stays linear.
 */
function isGlued(bytes: Uint8Array, at: number, start: number): boolean {
  if (!isLetter(bytes[at]!)) return false;
  const letter = bytes[at]! | 0x20;
  if (letter > 0x66) return true;
  const before = at > start ? bytes[at - 1]! : 0;
  if (letter >= 0x64 && (isDigit(before) || before === 0x2e)) return false;
  let from = at;
  while (from > start && isHexadecimal(bytes[from]!)) from--;
  return (bytes[from]! | 0x20) !== 0x78 || from === start || bytes[from - 1] !== 0x30;
}

function isHexadecimal(byte: number): boolean {
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x7a;
}

/** A-Z as a-z. */
export function foldByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

interface Trie {
  /** Child of state × class, 0 = none. */
  readonly children: Int32Array;
  readonly count: number;
  /** What each state's own literals set. */
  readonly own: readonly (readonly Output[] | undefined)[];
}

interface Output {
  readonly target: number;
  /** Of a literal that must be a word; 0 = anywhere. */
  readonly length: number;
}

/** States, or literals, between two pauses: some tens of microseconds. */
const STEP = 64;

function* trieSteps(literals: readonly Literal[], classes: Uint8Array, classCount: number): Steps<Trie> {
  let bytes = 1;
  for (const { text } of literals) bytes += text.length;
  if (bytes * classCount * 4 > 4 * TABLE_BYTES_MAX) throw new RangeError("too many literals");
  const children = new Int32Array(bytes * classCount);
  const own: (Output[] | undefined)[] = [undefined];
  let count = 1;
  for (const [index, { text, target, word = false }] of literals.entries()) {
    if (index % STEP === 0) yield;
    if (text === "") throw new RangeError("an empty literal would match everywhere");
    let state = 0;
    for (let at = 0; at < text.length; at++) {
      const slot = state * classCount + classes[text.charCodeAt(at)]!;
      if (children[slot] === 0) {
        children[slot] = count++;
        own.push(undefined);
      }
      state = children[slot]!;
    }
    (own[state] ??= []).push({ target, length: word ? text.length : 0 });
  }
  return { children, count, own };
}

interface Tables {
  /** Next state × class count, so that a step is one addition and one load. */
  readonly table: Int32Array;
  /** The first accepting state: they are numbered last, so that the hot loop compares and never loads. */
  readonly accepting: number;
  readonly outStart: Int32Array;
  readonly outTargets: Int32Array;
  readonly outLengths: Int32Array;
}

/** Breadth first: a state's failure link is nearer to the root, so its row is complete when it is copied. */
function* tableSteps({ children, count, own }: Trie, classCount: number): Steps<Tables> {
  const table = new Int32Array(count * classCount);
  const fail = new Int32Array(count);
  const outputs: (readonly Output[] | undefined)[] = new Array(count);
  const order = new Int32Array(count);
  let filled = 1;
  for (let next = 0; next < filled; next++) {
    if (next % STEP === 0) yield;
    const state = order[next]!;
    const inherited = state === 0 ? undefined : outputs[fail[state]!];
    const mine = own[state];
    outputs[state] = mine === undefined ? inherited : merge(mine, inherited ?? []);
    for (let symbol = 0; symbol < classCount; symbol++) {
      const slot = state * classCount + symbol;
      const child = children[slot]!;
      const other = state === 0 ? 0 : table[fail[state]! * classCount + symbol]!;
      table[slot] = child === 0 ? other : child;
      if (child === 0) continue;
      fail[child] = other;
      order[filled++] = child;
    }
  }
  return yield* renumberSteps(table, outputs, count, classCount);
}

/** Without repetitions; a target that is set anywhere need not be asked about words. */
function merge(mine: readonly Output[], inherited: readonly Output[]): readonly Output[] {
  const merged: Output[] = [];
  for (const output of [...mine, ...inherited].sort((a, b) => a.length - b.length))
    if (
      !merged.some(
        ({ target, length }) => target === output.target && (length === 0 || length === output.length),
      )
    )
      merged.push(output);
  return merged;
}

function* renumberSteps(
  table: Int32Array,
  outputs: readonly (readonly Output[] | undefined)[],
  count: number,
  classCount: number,
): Steps<Tables> {
  const names = new Int32Array(count);
  const outStart: number[] = [0];
  const found: Output[] = [];
  let accepting = 0;
  for (let state = 0; state < count; state++) if (outputs[state] === undefined) names[state] = accepting++;
  let name = accepting;
  for (let state = 0; state < count; state++) {
    const own = outputs[state];
    if (own === undefined) continue;
    names[state] = name++;
    if (name % STEP === 0) yield;
    found.push(...own);
    outStart.push(found.length);
  }
  const named = new Int32Array(table.length);
  for (let state = 0; state < count; state++) {
    if (state % STEP === 0) yield;
    const row = names[state]! * classCount;
    for (let symbol = 0; symbol < classCount; symbol++)
      named[row + symbol] = names[table[state * classCount + symbol]!]! * classCount;
  }
  return {
    table: named,
    accepting,
    outStart: Int32Array.from(outStart),
    outTargets: Int32Array.from(found, ({ target }) => target),
    outLengths: Int32Array.from(found, ({ length }) => length),
  };
}
