import { type Profiler, Session } from "node:inspector";

/** What makes an input worth keeping. */
export interface Feedback {
  /** What ran since the last call and never before. */
  takeNew(): readonly Block[];
  /** Which of these ran since the last call. */
  takeOf(blocks: readonly Block[]): readonly Block[];
  /** Nothing ran yet. */
  forget(): void;
  /** Seen so far. */
  readonly blocks: number;
}

/** A span of source in a function that was called: it ran, or it did not. */
export interface Block {
  /** The script and the function. */
  readonly owner: string;
  readonly start: number;
  readonly end: number;
  readonly ran: boolean;
}

/** Of each function that was called: its own range, then those in it. */
type Ranges = ReadonlyMap<string, readonly Profiler.CoverageRange[]>;

/**
 * Which blocks of our source ran, by V8's own counting. It counts in code that is compiled from then on: one of these is
 * made before the code runs, and a second one in the same process sees whole functions only.
 */
export class Coverage implements Feedback {
  readonly #session = new Session();
  readonly #covers: readonly string[];
  readonly #seen = new Set<string>();

  constructor(covers: readonly string[]) {
    this.#covers = covers;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  takeNew(): readonly Block[] {
    const fresh: Block[] = [];
    for (const [owner, ranges] of this.#take())
      for (const { startOffset: start, endOffset: end, count } of ranges) {
        const block = { owner, start, end, ran: count > 0 };
        const key = `${owner} ${start} ${end} ${block.ran}`;
        if (this.#seen.has(key)) continue;
        this.#seen.add(key);
        fresh.push(block);
      }
    return fresh;
  }

  takeOf(blocks: readonly Block[]): readonly Block[] {
    const taken = this.#take();
    return blocks.filter(({ owner, start, end, ran }) => {
      const ranges = taken.get(owner);
      if (ranges === undefined) return false;
      if (!ran)
        return ranges.some((one) => one.startOffset === start && one.endOffset === end && one.count === 0);
      // What ran as often as what is around it has no range of its own. Inner ranges come after outer ones.
      return (ranges.findLast((one) => one.startOffset <= start && one.endOffset >= end)?.count ?? 0) > 0;
    });
  }

  forget(): void {
    this.#take();
    this.#seen.clear();
  }

  get blocks(): number {
    return this.#seen.size;
  }

  /** By function that was called. V8 begins to count again. */
  #take(): Ranges {
    const taken = new Map<string, readonly Profiler.CoverageRange[]>();
    this.#session.post("Profiler.takePreciseCoverage", (error, result) => {
      if (error !== null) throw new Error(error.message);
      for (const { url, scriptId, functions } of (result as Profiler.TakePreciseCoverageReturnType).result) {
        if (!this.#covers.some((part) => url.includes(part))) continue;
        for (const { ranges } of functions)
          if (ranges[0]!.count > 0)
            taken.set(`${scriptId}:${ranges[0]!.startOffset}:${ranges[0]!.endOffset}`, ranges);
      }
    });
    return taken;
  }
}
