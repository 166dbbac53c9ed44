import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Claim } from "../../src/mesh/claim.ts";
import { encodeClaim } from "../../src/mesh/claim-coding.ts";
import { MergeStore } from "../../src/mesh/merge-store.ts";
import { NOON, reputation } from "./edge.ts";

/** Few signers, subjects and moments, so that claims meet. */
const said = fc.record({
  signer: fc.constantFrom("a", "b", "c", "d", "e"),
  claim: fc
    .tuple(fc.nat(12), fc.nat(3), fc.nat(20), fc.constantFrom(1, 200, 600))
    .map(
      ([subject, score, second, ttl]): Claim =>
        reputation(`4cb0071${subject.toString(16).padStart(2, "0")}`, score, NOON - second * 1000, ttl),
    ),
});

function stateOf(max: number, all: readonly { readonly signer: string; readonly claim: Claim }[]): string[] {
  const store = new MergeStore(max);
  for (const { signer, claim } of all) store.merge(signer, claim, NOON);
  store.settle();
  const lines: string[] = [];
  for (const signer of ["a", "b", "c", "d", "e"])
    for (const claim of store.bySigner(signer)) lines.push(`${signer} ${encodeClaim(claim).toString("hex")}`);
  assert.equal(store.size, lines.length);
  return lines.sort();
}

test("whatever the order and however often claims come, the state is the same", () => {
  fc.assert(
    fc.property(fc.array(said, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (all, numbers) => {
      const again = [...all, ...all.filter((_, index) => index % 3 === 0)];
      const order = again.map((one) => ({ one, rank: numbers.next().value as number }));
      const shuffled = order.sort((a, b) => a.rank - b.rank).map(({ one }) => one);
      assert.deepEqual(stateOf(1000, shuffled), stateOf(1000, all));
    }),
  );
});

test("the same where there are more claims than room", () => {
  fc.assert(
    fc.property(fc.array(said, { maxLength: 200 }), fc.infiniteStream(fc.nat()), (all, numbers) => {
      const order = all.map((one) => ({ one, rank: numbers.next().value as number }));
      const shuffled = order.sort((a, b) => a.rank - b.rank).map(({ one }) => one);
      assert.deepEqual(stateOf(32, shuffled), stateOf(32, all));
    }),
    { numRuns: 300 },
  );
});

test("one signer has at most a quarter of the room, and takes nobody else's", () => {
  const store = new MergeStore(1000);
  store.merge("quiet", reputation("4cb007101", 1, NOON - 1000), NOON);
  for (let one = 0; one < 10_000; one++)
    store.merge("loud", reputation(`4cc${one.toString(16).padStart(6, "0")}`, 1, NOON), NOON);
  assert.ok(store.countOf("loud") <= 250);
  assert.equal(store.countOf("quiet"), 1);
});

test("what is over is forgotten when nobody can bring an older claim back", () => {
  const store = new MergeStore(1000);
  store.merge("a", reputation("4cb007101", 1, NOON, 10), NOON);
  store.expire(NOON + 100_000);
  assert.equal(store.merge("a", reputation("4cb007101", 1, NOON - 5000, 600), NOON + 100_000), "older");
  store.expire(NOON + 180_000);
  assert.equal(store.size, 0);
});
