import assert from "node:assert/strict";
import { test } from "node:test";
import { Xorshift } from "../../src/std/xorshift.ts";
import { longForm } from "../support/shared.ts";
import { readCorpus } from "./corpus.ts";
import { mutate } from "./mutator.ts";
import { targets } from "./targets.ts";

/** Without coverage: `npm run fuzz` searches, this repeats what it found and a little beside it. */
const mutations = longForm ? 200_000 : 1000;

for (const target of targets) {
  test(`${target.name}: the corpus, and ${mutations} changes of it, keep what must hold`, () => {
    const kept = readCorpus(target.name);
    assert.ok(kept.length >= 5, `only ${kept.length} inputs in the corpus`);
    const corpus = [...target.seeds.map((text) => Buffer.from(text, "latin1")), ...kept];
    for (const input of corpus) run(target, input);
    const random = new Xorshift(Number(process.env["PROPERTY_SEED"] ?? 1) || 1);
    for (let i = 0; i < mutations; i++) {
      const pick = () => corpus[random.below(corpus.length)]!;
      run(target, mutate(pick(), pick(), target.words, random));
    }
  });
}

function run(target: (typeof targets)[number], input: Buffer): void {
  try {
    target.run(input);
  } catch (error) {
    throw new Error(`base64 ${input.toString("base64")}: ${String(error)}`, { cause: error });
  }
}
