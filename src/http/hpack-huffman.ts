/**
 * Decodes Huffman-coded strings of HPACK (RFC 7541 §5.2, appendix B), four bits a step. The code is canonical, so its
 * lengths alone say all of it; the transitions are built once from them.
 */

/** Bytes that `length` coded bytes decode to at most: the shortest code has five bits. */
export function huffmanBytesMax(length: number): number {
  return ((length * 8) / 5) | 0;
}

/**
 * Decodes `source[start, end)` into `out` from `at` on, where `huffmanBytesMax` bytes must fit. Returns the offset after
 * the last byte; -1 for what no encoder may send: EOS, padding of eight bits or more, or padding that is not all ones.
 */
export function decodeHuffman(
  source: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let state = 0;
  let flags = ACCEPTED;
  for (let from = start; from < end; from++) {
    const byte = source[from]!;
    const high = transitions[(state << 4) | (byte >> 4)]!;
    if ((high & EMITS) !== 0) out[at++] = high & 255;
    if ((high & FAILS) !== 0) return -1;
    const low = transitions[((high >> STATE_SHIFT) << 4) | (byte & 15)]!;
    if ((low & EMITS) !== 0) out[at++] = low & 255;
    if ((low & FAILS) !== 0) return -1;
    state = low >> STATE_SHIFT;
    flags = low;
  }
  return (flags & ACCEPTED) !== 0 ? at : -1;
}

/** A transition: symbol in the low byte, then these, then the next state. */
const EMITS = 256;
const FAILS = 512;
/** What was read since the last symbol may be padding. */
const ACCEPTED = 1024;
const STATE_SHIFT = 11;

const EOS = 256;
/** Bits of each symbol's code; the last one is EOS. */
const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const transitions: Int32Array = buildTransitions();

/** A node of the code tree: two children, each another node, a symbol, or nothing yet. */
interface Node {
  readonly state: number;
  readonly depth: number;
  /** All bits on the way here are ones. */
  readonly isOnes: boolean;
  readonly next: (Node | number | undefined)[];
}

function buildTransitions(): Int32Array {
  const nodes: Node[] = [];
  const addNode = (depth: number, isOnes: boolean): Node => {
    const node: Node = { state: nodes.length, depth, isOnes, next: [undefined, undefined] };
    nodes.push(node);
    return node;
  };
  const root = addNode(0, true);
  let code = 0;
  for (let bits = 5; bits <= 30; bits++, code <<= 1) {
    for (let symbol = 0; symbol <= EOS; symbol++) {
      if (codeLengths[symbol] !== bits) continue;
      let node = root;
      for (let bit = bits - 1; bit > 0; bit--) {
        const side = (code >> bit) & 1;
        const child = node.next[side] ?? addNode(node.depth + 1, node.isOnes && side === 1);
        node.next[side] = child;
        node = child as Node;
      }
      node.next[code & 1] = symbol;
      code++;
    }
  }
  const table = new Int32Array(nodes.length * 16);
  for (const from of nodes)
    for (let nibble = 0; nibble < 16; nibble++) table[(from.state << 4) | nibble] = step(root, from, nibble);
  return table;
}

function step(root: Node, from: Node, nibble: number): number {
  let node = from;
  let result = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = node.next[(nibble >> bit) & 1]!;
    if (next === EOS) return FAILS;
    if (typeof next === "number") {
      result |= EMITS | next;
      node = root;
    } else node = next;
  }
  // Padding is the beginning of EOS, which is all ones, and less than a byte of it (RFC 7541 §5.2).
  if (node.isOnes && node.depth < 8) result |= ACCEPTED;
  return result | (node.state << STATE_SHIFT);
}
