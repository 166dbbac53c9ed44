import type { Address, Cidr } from "./address.ts";

/** A large fixed set of addresses: sorted, disjoint ranges in typed arrays. 8 bytes per IPv4 range, 32 per IPv6 range. */
export interface RangeTable {
  /** First and last address of each range in turn. */
  readonly v4: Uint32Array;
  /** The same, each address as four words. */
  readonly v6: Uint32Array;
}

/** Whether the table holds the address: one binary search, without allocation. IPv4 and IPv6 are apart. */
export function holdsAddress(table: RangeTable, { v4, w0, w1, w2, w3 }: Address): boolean {
  const words = v4 ? table.v4 : table.v6;
  const size = v4 ? 2 : 8;
  let low = 0;
  let high = words.length / size;
  // The first range that begins behind the address: only the one before it can hold it.
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * size;
    const behind = v4 ? words[at]! > w3 : isBehind(words, at, w0, w1, w2, w3);
    if (behind) high = middle;
    else low = middle + 1;
  }
  if (low === 0) return false;
  const last = low * size - size / 2;
  return v4 ? words[last]! >= w3 : !isBefore(words, last, w0, w1, w2, w3);
}

/** Sorts and merges. In the control plane: half a million blocks take half a second, of IPv6 three. */
export function buildRangeTable(blocks: readonly Cidr[]): RangeTable {
  return {
    v4: buildV4(blocks.filter(({ first }) => first.v4)),
    v6: buildV6(blocks.filter(({ first }) => !first.v4)),
  };
}

/** Text for a message between processes of one machine. */
export function printWords(words: Uint32Array): string {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString("base64");
}

export function readWords(text: string): Uint32Array {
  const bytes = Buffer.from(text, "base64");
  const words = new Uint32Array(bytes.length / 4);
  bytes.copy(new Uint8Array(words.buffer));
  return words;
}

function isBehind(words: Uint32Array, at: number, w0: number, w1: number, w2: number, w3: number): boolean {
  if (words[at] !== w0) return words[at]! > w0;
  if (words[at + 1] !== w1) return words[at + 1]! > w1;
  if (words[at + 2] !== w2) return words[at + 2]! > w2;
  return words[at + 3]! > w3;
}

function isBefore(words: Uint32Array, at: number, w0: number, w1: number, w2: number, w3: number): boolean {
  if (words[at] !== w0) return words[at]! < w0;
  if (words[at + 1] !== w1) return words[at + 1]! < w1;
  if (words[at + 2] !== w2) return words[at + 2]! < w2;
  return words[at + 3]! < w3;
}

function buildV4(blocks: readonly Cidr[]): Uint32Array {
  // Sorted as numbers, without a comparison in JavaScript: the first address above, the number of host bits below.
  const keys = Float64Array.from(blocks, ({ first, last }) => first.w3 * 64 + sizeBits(first.w3, last.w3));
  keys.sort();
  const words = new Uint32Array(keys.length * 2);
  let end = 0;
  for (const key of keys) {
    const first = Math.floor(key / 64);
    const last = first + 2 ** (key % 64) - 1;
    if (end > 0 && first <= words[end - 1]! + 1) words[end - 1] = Math.max(words[end - 1]!, last);
    else {
      words[end++] = first;
      words[end++] = last;
    }
  }
  return words.slice(0, end);
}

/** Host bits of a block. */
function sizeBits(first: number, last: number): number {
  return Math.round(Math.log2(last - first + 1));
}

function buildV6(blocks: readonly Cidr[]): Uint32Array {
  const sorted = [...blocks].sort(({ first: a }, { first: b }) => compare(a, b));
  const words = new Uint32Array(sorted.length * 8);
  let end = 0;
  let previous: Address | undefined;
  for (const { first, last } of sorted) {
    // Blocks nest or are apart. Neighbours stay two ranges: merging them would save a few, not change an answer.
    if (previous !== undefined && compare(last, previous) <= 0) continue;
    words.set([first.w0, first.w1, first.w2, first.w3, last.w0, last.w1, last.w2, last.w3], end);
    end += 8;
    previous = last;
  }
  return words.slice(0, end);
}

function compare(a: Address, b: Address): number {
  return a.w0 - b.w0 || a.w1 - b.w1 || a.w2 - b.w2 || a.w3 - b.w3;
}
