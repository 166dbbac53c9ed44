import type { MetricSample } from "./metrics.ts";

/** One histogram in a worker; observing costs an addition and a walk along few bounds. */
export class Histogram {
  sum = 0;
  readonly #bounds: readonly number[];
  /** Not cumulative; the last one is +Inf. */
  readonly #counts: Float64Array;

  /** `bounds` ascending, in the unit of the observations. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** The bucket that took it. */
  observe(value: number): number {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.sum += value;
    return bucket;
  }

  /** Undefined while nothing was observed. */
  sample(name: string, labels: readonly string[]): MetricSample | undefined {
    const counts = Array.from(this.#counts);
    return counts.every((count) => count === 0) ? undefined : { name, labels, value: this.sum, counts };
  }
}
