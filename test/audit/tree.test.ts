import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  consistencyRanges,
  inclusionRanges,
  isConsistent,
  isIncluded,
  RangeHashes,
} from "../../src/audit/proof.ts";
import { frontierSizes, leafHash, Tree } from "../../src/audit/tree.ts";

const leaves = Array.from({ length: 70 }, (_, i) => leafHash(Buffer.from(`record ${i}`)));

/** RFC 6962 §2.1 as it is written, for comparison. */
function plainRoot(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 0) return createHash("sha256").digest();
  if (hashes.length === 1) return hashes[0]!;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return createHash("sha256")
    .update(Buffer.of(1))
    .update(plainRoot(hashes.slice(0, split)))
    .update(plainRoot(hashes.slice(split)))
    .digest();
}

function treeOf(count: number): Tree {
  const tree = new Tree();
  for (const leaf of leaves.slice(0, count)) tree.push(leaf);
  return tree;
}

test("a grown tree has the root that RFC 6962 defines, at every size", () => {
  for (let size = 0; size <= leaves.length; size++)
    assert.deepEqual(treeOf(size).root(), plainRoot(leaves.slice(0, size)), `size ${size}`);
});

test("a leaf that is cut out of an RFC 6962 test vector has its hash", () => {
  // https://datatracker.ietf.org/doc/html/rfc6962: the empty tree, and the leaf of no bytes.
  assert.equal(
    new Tree().root().toString("hex"),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  assert.equal(
    leafHash(Buffer.alloc(0)).toString("hex"),
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  );
});

test("a frontier is enough to go on from", () => {
  for (let size = 0; size <= 40; size++) {
    const half = treeOf(size);
    assert.equal(half.frontier.length, frontierSizes(size).length);
    const resumed = new Tree(size, half.frontier);
    for (const leaf of leaves.slice(size)) resumed.push(leaf);
    assert.deepEqual(resumed.root(), treeOf(leaves.length).root());
  }
});

test("every leaf is proved to be in every tree, from any frontier before it, and not at another place", () => {
  for (let size = 1; size <= 40; size++) {
    const root = treeOf(size).root();
    for (let index = 0; index < size; index++) {
      for (const start of [0, Math.floor(index / 2), index]) {
        const ranges = inclusionRanges(index, size);
        const hashes = new RangeHashes(ranges, start, treeOf(start).frontier);
        for (const leaf of leaves.slice(start, size)) hashes.push(leaf);
        const proof = hashes.hashes();
        assert.ok(isIncluded(index, size, leaves[index]!, proof, root), `${index} of ${size} from ${start}`);
        assert.ok(!isIncluded(index, size, leaves[(index + 1) % 70]!, proof, root));
        if (size > 1) assert.ok(!isIncluded(index ^ 1, size, leaves[index]!, proof, root));
        assert.ok(!isIncluded(index, size, leaves[index]!, [...proof, root], root));
      }
    }
  }
});

test("every tree is proved to begin every longer one, and no other", () => {
  for (let size = 1; size <= 40; size++) {
    const root = treeOf(size).root();
    for (let old = 0; old <= size; old++) {
      const oldTree = treeOf(old);
      const hashes = new RangeHashes(consistencyRanges(old, size), old, oldTree.frontier);
      for (const leaf of leaves.slice(old, size)) hashes.push(leaf);
      const proof = hashes.hashes();
      assert.ok(isConsistent(old, size, oldTree.root(), root, proof), `${old} to ${size}`);
      if (old > 0 && old < size) assert.ok(!isConsistent(old, size, leafHash(Buffer.from("x")), root, proof));
      if (old < size && old > 0) assert.ok(!isConsistent(old, size, oldTree.root(), root, [...proof, root]));
    }
  }
});

test("a consistency proof can be gathered before it is known how far the tree will grow", () => {
  for (let old = 1; old <= 33; old++) {
    const hashes = new RangeHashes(consistencyRanges(old, 2 ** 52), old, treeOf(old).frontier);
    for (let size = old + 1; size <= 70; size++) {
      hashes.push(leaves[size - 1]!);
      assert.ok(
        isConsistent(old, size, treeOf(old).root(), treeOf(size).root(), hashes.hashes()),
        `${old} to ${size}`,
      );
    }
  }
});
