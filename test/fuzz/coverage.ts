import { type Profiler, Session } from "node:inspector";

/** Which blocks of our source ran, by V8's own counting: what makes an input worth keeping. */
export class Coverage {
  readonly #session = new Session();
  readonly #covers: readonly string[];
  readonly #seen = new Set<string>();

  constructor(covers: readonly string[]) {
    this.#covers = covers;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** How many blocks ran since the last call that never ran before. Magnitudes of counts are told apart. */
  takeNew(): number {
    let fresh = 0;
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error !== null) throw new Error(error.message);
      for (const script of (taken as Profiler.TakePreciseCoverageReturnType).result) {
        if (!this.#covers.some((part) => script.url.includes(part))) continue;
        for (const { ranges } of script.functions)
          for (const { startOffset, endOffset, count } of ranges) {
            if (count === 0) continue;
            const key = `${script.scriptId}:${startOffset}:${endOffset}:${Math.min(6, Math.floor(Math.log2(count)))}`;
            if (this.#seen.has(key)) continue;
            this.#seen.add(key);
            fresh++;
          }
      }
    });
    return fresh;
  }

  get blocks(): number {
    return this.#seen.size;
  }

  close(): void {
    this.#session.disconnect();
  }
}
