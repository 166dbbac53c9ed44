import { hash } from "node:crypto";

/** SHA-256 of a leaf of an RFC 6962 tree: never the same as a node, whatever the record says. */
export function leafHash(record: Buffer): Buffer {
  return hash("sha256", Buffer.concat([LEAF, record]), "buffer");
}

/** SHA-256 of an inner node. */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  return hash("sha256", Buffer.concat([NODE, left, right]), "buffer");
}

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);
const EMPTY_ROOT = hash("sha256", "", "buffer");

/**
 * An append-only Merkle tree (RFC 6962 §2.1) of which only the frontier is kept: the roots of the largest full
 * subtrees from the left, at most 53 hashes whatever the size.
 */
export class Tree {
  #size: number;
  readonly #frontier: Buffer[];

  constructor(size = 0, frontier: readonly Buffer[] = []) {
    this.#size = size;
    this.#frontier = [...frontier];
  }

  get size(): number {
    return this.#size;
  }

  get frontier(): readonly Buffer[] {
    return this.#frontier;
  }

  push(leaf: Buffer): void {
    this.pushSubtree(1, leaf);
  }

  /** `leaves` is a power of two that divides the size. */
  pushSubtree(leaves: number, root: Buffer): void {
    let node = root;
    // Divisions, not shifts: sizes go beyond 32 bits.
    for (let count = this.#size / leaves; count % 2 === 1; count = (count - 1) / 2)
      node = nodeHash(this.#frontier.pop()!, node);
    this.#frontier.push(node);
    this.#size += leaves;
  }

  root(): Buffer {
    const last = this.#frontier.at(-1);
    if (last === undefined) return EMPTY_ROOT;
    let root = last;
    for (let i = this.#frontier.length - 2; i >= 0; i--) root = nodeHash(this.#frontier[i]!, root);
    return root;
  }

  copy(): Tree {
    return new Tree(this.#size, this.#frontier);
  }
}

/** Leaves of each subtree in the frontier of a tree with `size` leaves, from the left. */
export function frontierSizes(size: number): number[] {
  const sizes: number[] = [];
  for (let rest = size; rest > 0; ) {
    const leaves = largestPowerWithin(rest);
    sizes.push(leaves);
    rest -= leaves;
  }
  return sizes;
}

/** The largest power of two that is not above `value`, which is at least 1. */
export function largestPowerWithin(value: number): number {
  let power = 1;
  while (power * 2 <= value) power *= 2;
  return power;
}
