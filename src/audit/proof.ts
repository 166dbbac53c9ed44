import { frontierSizes, largestPowerWithin, nodeHash, Tree } from "./tree.ts";

/** Leaves [start, end) under one node of a proof. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** The nodes of the proof that leaf `index` is in the tree of `size` leaves, from the leaf up (RFC 6962 §2.1.1). */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/**
 * The nodes of the proof that the tree of `size` leaves begins with the one of `oldSize` (RFC 6962 §2.1.2). For a `size`
 * beyond the tree, those that hold leaves at all are the proof for the tree as it is: so a proof can be gathered while
 * the tree grows.
 */
export function consistencyRanges(oldSize: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  if (oldSize === 0 || oldSize === size) return ranges;
  let start = 0;
  let end = size;
  // Whether [start, end) is a tree that whoever has the old root can build on alone.
  let isOldTree = true;
  while (end !== oldSize) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
      isOldTree = false;
    }
  }
  if (!isOldTree) ranges.push({ start, end });
  return ranges.reverse();
}

/** Gathers the hashes of ranges from a frontier and the leaves after it, without keeping the leaves. */
export class RangeHashes {
  readonly #ranges: readonly LeafRange[];
  /** The same, from the left. */
  readonly #ascending: readonly { readonly range: LeafRange; readonly tree: Tree }[];
  readonly #trees = new Map<LeafRange, Tree>();
  #at = 0;
  #next = 0;

  constructor(ranges: readonly LeafRange[], startSize = 0, frontier: readonly Buffer[] = []) {
    this.#ranges = ranges;
    for (const range of ranges) this.#trees.set(range, new Tree());
    this.#ascending = ranges
      .map((range) => ({ range, tree: this.#trees.get(range)! }))
      .sort((a, b) => a.range.start - b.range.start);
    const sizes = frontierSizes(startSize);
    for (const [i, node] of frontier.entries()) this.#take(sizes[i]!, node);
  }

  /** Leaves so far, those under the frontier included. */
  get size(): number {
    return this.#next;
  }

  /** The next leaf. */
  push(leaf: Buffer): void {
    this.#take(1, leaf);
  }

  /** Hashes in the order of the ranges; those that no leaf has reached are left out. */
  hashes(): Buffer[] {
    return this.#ranges
      .map((range) => this.#trees.get(range)!)
      .filter((tree) => tree.size > 0)
      .map((tree) => tree.root());
  }

  #take(leaves: number, node: Buffer): void {
    const index = this.#next;
    this.#next += leaves;
    while (this.#at < this.#ascending.length && index >= this.#ascending[this.#at]!.range.end) this.#at++;
    const entry = this.#ascending[this.#at];
    if (entry !== undefined && index >= entry.range.start) entry.tree.pushSubtree(leaves, node);
  }
}

/** RFC 9162 §2.1.3.2. */
export function isIncluded(
  index: number,
  size: number,
  leaf: Buffer,
  proof: readonly Buffer[],
  root: Buffer,
): boolean {
  if (index >= size) return false;
  let at = index;
  let last = size - 1;
  let node = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      node = nodeHash(sibling, node);
      while (at % 2 === 0 && at !== 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      node = nodeHash(node, sibling);
    }
    at = half(at);
    last = half(last);
  }
  return last === 0 && node.equals(root);
}

/** RFC 9162 §2.1.4.2; an old tree without leaves is the beginning of every tree. */
export function isConsistent(
  oldSize: number,
  size: number,
  oldRoot: Buffer,
  root: Buffer,
  proof: readonly Buffer[],
): boolean {
  if (oldSize > size) return false;
  if (oldSize === size) return proof.length === 0 && oldRoot.equals(root);
  if (oldSize === 0) return proof.length === 0;
  const path = largestPowerWithin(oldSize) === oldSize ? [oldRoot, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let at = oldSize - 1;
  let last = size - 1;
  while (at % 2 === 1) {
    at = half(at);
    last = half(last);
  }
  let oldNode = first;
  let node = first;
  for (const sibling of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      oldNode = nodeHash(sibling, oldNode);
      node = nodeHash(sibling, node);
      while (at % 2 === 0 && at !== 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      node = nodeHash(node, sibling);
    }
    at = half(at);
    last = half(last);
  }
  return last === 0 && oldNode.equals(oldRoot) && node.equals(root);
}

/** Leaves left of the split of a tree: the largest power of two below its size. */
function splitOf(size: number): number {
  return largestPowerWithin(size - 1);
}

function half(value: number): number {
  return Math.floor(value / 2);
}
