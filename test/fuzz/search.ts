import { Xorshift } from "../../src/std/xorshift.ts";
import type { Block, Feedback } from "./coverage.ts";
import { mutate } from "./mutator.ts";
import type { Target } from "./target.ts";

/** Coverage is taken once for so many inputs: it costs as much as hundreds of them. */
const BATCH = 200;
/** Inputs that are built upon. More would be chosen too seldom each. */
const POOL_MAX = 2000;
const NEWEST = 8;
/** Of the pool, what a checked-in corpus takes. */
const CORPUS_MAX = 400;

/** How far a search has come. */
export interface Progress {
  readonly executions: number;
  /** Blocks of the source that ran, and blocks beside them that did not. */
  readonly blocks: number;
  /** Inputs that reached something new. */
  readonly kept: number;
}

export interface SearchOptions {
  /** The same seed and corpus take the same way, as far as it is gone. */
  readonly seed: number;
  /** Asked between batches. */
  readonly isOver: (progress: Progress) => boolean;
  /** Hears each input before it is run: who watches from outside then knows which one does not end. */
  readonly onInput?: (input: Buffer) => void;
}

export interface SearchResult extends Progress {
  /** What seeds and corpus reach by themselves. */
  readonly blocksBefore: number;
  /** What was given and what was kept; where that is too much, short inputs that reach all of it. */
  readonly corpus: readonly Buffer[];
  readonly finding: Finding | undefined;
}

/** An input after which something does not hold. */
export interface Finding {
  readonly input: Buffer;
  readonly error: string;
}

/**
 * Changes inputs of the corpus, keeps what reaches something new and builds upon it, until `isOver` or something breaks.
 * Memory is bounded by POOL_MAX inputs of INPUT_BYTES_MAX and by the size of the source.
 */
export function search(
  target: Target,
  corpus: readonly Buffer[],
  coverage: Feedback,
  options: SearchOptions,
): SearchResult {
  const random = new Xorshift(options.seed);
  const seeds = target.seeds.map((text) => Buffer.from(text, "latin1"));
  const pool = [...seeds, ...corpus];
  const before = pool.length;
  let executions = 0;
  let finding: Finding | undefined;
  const runs = (input: Buffer): boolean => {
    executions++;
    options.onInput?.(input);
    try {
      target.run(input);
    } catch (error) {
      finding = { input, error: String(error) };
    }
    return finding === undefined;
  };
  /** Those of these inputs that reach what none did before: for each new block the first one. Undefined: one broke. */
  const reachers = (inputs: readonly Buffer[]): Buffer[] | undefined => {
    if (!inputs.every(runs)) return undefined;
    const found: Buffer[] = [];
    const narrow = (some: readonly Buffer[], blocks: readonly Block[]): void => {
      if (blocks.length === 0) return;
      if (some.length === 1) return void found.push(some[0]!);
      const half = some.slice(0, some.length >> 1);
      if (!half.every(runs)) return;
      const here = coverage.takeOf(blocks);
      narrow(half, here);
      const rest = blocks.filter((block) => !here.includes(block));
      narrow(some.slice(half.length), rest);
    };
    narrow(inputs, coverage.takeNew());
    return finding === undefined ? found : undefined;
  };
  const progress = (): Progress => ({ executions, blocks: coverage.blocks, kept: pool.length - before });

  coverage.forget();
  if (!pool.every(runs)) return { ...progress(), blocksBefore: 0, corpus, finding };
  coverage.takeNew();
  const blocksBefore = coverage.blocks;
  while (!options.isOver(progress())) {
    // Every second time one of the newest: whatever lies beyond a step is nearest to it.
    const pick = () => {
      const newest = random.below(2) * Math.max(0, pool.length - NEWEST);
      return pool[newest + random.below(pool.length - newest)]!;
    };
    const batch = Array.from({ length: BATCH }, () => mutate(pick(), pick(), target.words, random));
    const found = reachers(batch);
    if (found === undefined) return { ...progress(), blocksBefore, corpus, finding };
    pool.push(...found.slice(0, POOL_MAX - pool.length));
  }
  const end = progress();
  const all = [...corpus, ...pool.slice(before)];
  if (all.length <= CORPUS_MAX) return { ...end, blocksBefore, corpus: all, finding };
  coverage.forget();
  seeds.every(runs);
  coverage.takeNew();
  const smallest = reachers(pool.toSorted((a, b) => a.length - b.length)) ?? all;
  return { ...end, blocksBefore, corpus: smallest.slice(0, CORPUS_MAX), finding };
}
