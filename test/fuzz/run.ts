import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Xorshift } from "../../src/std/xorshift.ts";
import { readCorpus, writeCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { mutate } from "./mutator.ts";
import type { Target } from "./target.ts";
import { targets } from "./targets.ts";

/**
 * `npm run fuzz -- [--seconds N] [--only a,b] [--seed N] [--save]`: looks for inputs that break a reader, guided by what
 * of its source they reach. N seconds each, 60 by default. Inputs that reach something new are kept with --save; one
 * that breaks something is printed in base64, written to a file, and ends the run with 1.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    only: { type: "string" },
    seed: { type: "string" },
    save: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000_007);
const wanted = targets.filter(({ name }) => values.only?.split(",").includes(name) ?? true);
/** Coverage is taken once for so many inputs: it costs as much as hundreds of them. */
const BATCH = 200;
/** Kept inputs of a target. */
const CORPUS_MAX = 400;

process.exitCode = wanted.map(search).every((sound) => sound) ? 0 : 1;

function search(target: Target): boolean {
  const random = new Xorshift(seed);
  const coverage = new Coverage(target.covers);
  const corpus = [...target.seeds.map((text) => Buffer.from(text, "latin1")), ...readCorpus(target.name)];
  const before = corpus.length;
  let executions = 0;
  const runs = (input: Buffer): boolean => {
    executions++;
    try {
      target.run(input);
      return true;
    } catch (error) {
      const file = `fuzz-${target.name}-${Date.now()}.bin`;
      writeFileSync(file, input);
      console.error(
        `${target.name}: ${String(error)}\ninput in ${file}, base64: ${input.toString("base64")}`,
      );
      return false;
    }
  };
  try {
    for (const input of corpus) if (!runs(input)) return false;
    coverage.takeNew();
    const endMs = performance.now() + Number(values.seconds) * 1000;
    while (performance.now() < endMs) {
      const batch: Buffer[] = [];
      for (let i = 0; i < BATCH; i++) {
        const pick = () => corpus[random.below(corpus.length)]!;
        const input = mutate(pick(), pick(), target.words, random);
        if (!runs(input)) return false;
        batch.push(input);
      }
      if (coverage.takeNew() === 0) continue;
      // Something in it is new: each is run once more to find which. Counts differ alone, so some are kept too many.
      for (const input of batch) {
        if (corpus.length >= CORPUS_MAX) break;
        if (!runs(input)) return false;
        if (coverage.takeNew() > 0) corpus.push(input);
      }
    }
    console.log(
      `${target.name}: ${executions} executions, ${corpus.length - before} inputs reached something new, ${coverage.blocks} blocks`,
    );
    if (values.save && corpus.length > before) writeCorpus(target.name, corpus.slice(target.seeds.length));
    return true;
  } finally {
    coverage.close();
  }
}
