import assert from "node:assert/strict";
import { test } from "node:test";
import { Coverage, type Feedback } from "./coverage.ts";
import { fragile } from "./fragile.ts";
import { search } from "./search.ts";
import type { Target } from "./target.ts";

// A reader that breaks at one word of four letters: 1 of 4 billion by chance, four small steps for who sees the way.

const target: Target = {
  name: "fragile",
  covers: ["/test/fuzz/fragile"],
  seeds: ["...."],
  words: [],
  run: fragile,
};
const isOver = ({ executions }: { readonly executions: number }) => executions > 400_000;
const coverage = new Coverage(target.covers);
const blind: Feedback = { takeNew: () => [], takeOf: () => [], forget: () => undefined, blocks: 0 };

test("what is reached leads to a defect that chance does not find, by the same way each time", () => {
  const found = search(target, [], coverage, { seed: 1, isOver });
  assert.equal(found.finding?.error, "Error: planted", `${found.executions} executions, ${found.kept} steps`);
  assert.equal(found.finding.input.toString("latin1", 0, 4), "ouch");
  assert.ok(found.kept >= 3, `${found.kept} steps`);
  assert.ok(found.blocks > found.blocksBefore);
  assert.deepEqual(search(target, [], coverage, { seed: 1, isOver }), found);
  assert.equal(search(target, [], blind, { seed: 1, isOver }).finding, undefined);
});

test("what a search keeps reaches what it reached, and begins the next one", () => {
  const step = Buffer.from("o...");
  const isOverAfter = ({ kept }: { readonly kept: number }) => kept > 2;
  const { corpus } = search(target, [step], coverage, { seed: 1, isOver: isOverAfter });
  assert.ok(corpus.length <= 5, corpus.join());
  assert.ok(
    corpus.some((input) => input.toString("latin1", 0, 2) === "ou"),
    corpus.join(),
  );
  const next = search(target, corpus, coverage, { seed: 1, isOver: () => true });
  assert.equal(next.executions, 1 + corpus.length);
  assert.ok(next.blocksBefore > 2, `${next.blocksBefore} blocks`);
});

test("an input of the corpus that breaks something is found at once", () => {
  const { executions, finding } = search(target, [Buffer.from("ouch")], coverage, { seed: 1, isOver });
  assert.equal(executions, 2);
  assert.equal(finding?.input.toString(), "ouch");
});
