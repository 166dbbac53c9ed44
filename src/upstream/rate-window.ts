/**
 * How many attempts ended, and failed, within the last seconds: one bucket per second in a typed array, so its size
 * never depends on traffic. The current second counts as a whole one.
 */
export class RateWindow {
  /** Attempts in the window, as of the last `advance` or `add`. */
  total = 0;
  /** Those of them that failed. */
  failed = 0;
  /** 1..60 */
  readonly windowSecs: number;
  /** Totals, then failures, by second modulo the window. */
  readonly #buckets: Uint32Array;
  #second = 0;

  constructor(windowSecs: number) {
    this.windowSecs = windowSecs;
    this.#buckets = new Uint32Array(windowSecs * 2);
  }

  add(isFailure: boolean, nowMs: number): void {
    this.advance(nowMs);
    const bucket = this.#second % this.windowSecs;
    this.total++;
    this.#buckets[bucket]!++;
    if (!isFailure) return;
    this.failed++;
    this.#buckets[this.windowSecs + bucket]!++;
  }

  /** Drops what has left the window. */
  advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const passed = second - this.#second;
    if (passed <= 0) return;
    if (passed >= this.windowSecs) this.clear();
    else for (let at = this.#second + 1; at <= second; at++) this.#drop(at % this.windowSecs);
    this.#second = second;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.total = this.failed = 0;
  }

  /** At least `minimum` attempts, and at least `ratePct` percent of them failed. */
  isAbove(ratePct: number, minimum: number): boolean {
    return this.total >= minimum && this.failed * 100 >= this.total * ratePct;
  }

  #drop(bucket: number): void {
    this.total -= this.#buckets[bucket]!;
    this.failed -= this.#buckets[this.windowSecs + bucket]!;
    this.#buckets[bucket] = this.#buckets[this.windowSecs + bucket] = 0;
  }
}
