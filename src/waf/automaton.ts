/**
 * Aho-Corasick as a dense DFA over bytes, ASCII letters folded, built once per snapshot. One table look-up per byte,
 * whatever the number of literals; the state can be carried across chunks. Measured: bench/micro/waf/automaton.bench.ts.
 */
export interface Automaton {
  /**
   * Sets in `hits` the bit of every target with a literal in `bytes[start..end)`. Returns the state, to go on with the
   * next chunk; `state` 0 begins.
   */
  scan(bytes: Uint8Array, start: number, end: number, hits: Uint32Array, state?: number): number;
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
}

/** 16 MB for all tables of a worker (issue 3): 4 bytes per state and byte class. */
export const TABLE_BYTES_MAX = 16 * 1024 * 1024;

/** Throws RangeError when the tables would be larger than `TABLE_BYTES_MAX`: the loader counts the bytes before. */
export function buildAutomaton(literals: readonly Literal[], targets: number): Automaton {
  const { classes, classCount } = byteClasses(literals);
  const trie = buildTrie(literals, classes, classCount);
  const { table, accepting, outStart, outTargets } = buildTables(trie, classCount);
  const tableBytes = table.byteLength + outStart.byteLength + outTargets.byteLength + classes.byteLength;
  if (tableBytes > TABLE_BYTES_MAX)
    throw new RangeError(`the automaton needs ${tableBytes} bytes, at most ${TABLE_BYTES_MAX} are allowed`);
  const firstAccepting = accepting * classCount;

  function scan(bytes: Uint8Array, start: number, end: number, hits: Uint32Array, state = 0): number {
    for (let at = start; at < end; at++) {
      state = table[state + classes[bytes[at]!]!]!;
      if (state >= firstAccepting) report(state, hits);
    }
    return state;
  }

  function report(state: number, hits: Uint32Array): void {
    const index = state / classCount - accepting;
    const until = outStart[index + 1]!;
    for (let at = outStart[index]!; at < until; at++) {
      const target = outTargets[at]!;
      hits[target >>> 5]! |= 1 << (target & 31);
    }
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

/** A-Z as a-z. */
export function foldByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

interface Trie {
  /** Child of state × class, 0 = none. */
  readonly children: Int32Array;
  readonly count: number;
  /** Targets of each state's own literals. */
  readonly own: readonly (readonly number[] | undefined)[];
}

function buildTrie(literals: readonly Literal[], classes: Uint8Array, classCount: number): Trie {
  let bytes = 1;
  for (const { text } of literals) bytes += text.length;
  if (bytes * classCount * 4 > 4 * TABLE_BYTES_MAX) throw new RangeError("too many literals");
  const children = new Int32Array(bytes * classCount);
  const own: (number[] | undefined)[] = [undefined];
  let count = 1;
  for (const { text, target } of literals) {
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
    const targets = (own[state] ??= []);
    if (!targets.includes(target)) targets.push(target);
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
}

/** Breadth first: a state's failure link is nearer to the root, so its row is complete when it is copied. */
function buildTables({ children, count, own }: Trie, classCount: number): Tables {
  const table = new Int32Array(count * classCount);
  const fail = new Int32Array(count);
  const outputs: (readonly number[] | undefined)[] = new Array(count);
  const order = new Int32Array(count);
  let filled = 1;
  for (let next = 0; next < filled; next++) {
    const state = order[next]!;
    const inherited = state === 0 ? undefined : outputs[fail[state]!];
    const mine = own[state];
    outputs[state] =
      mine === undefined ? inherited : inherited === undefined ? mine : [...new Set([...mine, ...inherited])];
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
  return renumber(table, outputs, count, classCount);
}

function renumber(
  table: Int32Array,
  outputs: readonly (readonly number[] | undefined)[],
  count: number,
  classCount: number,
): Tables {
  const names = new Int32Array(count);
  const outStart: number[] = [0];
  const outTargets: number[] = [];
  let accepting = 0;
  for (let state = 0; state < count; state++) if (outputs[state] === undefined) names[state] = accepting++;
  let name = accepting;
  for (let state = 0; state < count; state++) {
    const targets = outputs[state];
    if (targets === undefined) continue;
    names[state] = name++;
    outTargets.push(...targets);
    outStart.push(outTargets.length);
  }
  const named = new Int32Array(table.length);
  for (let state = 0; state < count; state++) {
    const row = names[state]! * classCount;
    for (let symbol = 0; symbol < classCount; symbol++)
      named[row + symbol] = names[table[state * classCount + symbol]!]! * classCount;
  }
  return {
    table: named,
    accepting,
    outStart: Int32Array.from(outStart),
    outTargets: Int32Array.from(outTargets),
  };
}
