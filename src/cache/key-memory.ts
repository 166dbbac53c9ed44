/** Keys remembered; another one in the same place takes it. */
const PLACES = 4096;
export const REMEMBERED_MS = 10_000;

/** Keys of which something was so in the last ten seconds. */
export class KeyMemory {
  readonly #hashes = new Int32Array(PLACES);
  readonly #untilMs = new Float64Array(PLACES);

  mark(hash: number, nowMs: number): void {
    const place = hash & (PLACES - 1);
    this.#hashes[place] = hash;
    this.#untilMs[place] = nowMs + REMEMBERED_MS;
  }

  clear(hash: number): void {
    const place = hash & (PLACES - 1);
    if (this.#hashes[place] === hash) this.#untilMs[place] = 0;
  }

  has(hash: number, nowMs: number): boolean {
    const place = hash & (PLACES - 1);
    return this.#hashes[place] === hash && this.#untilMs[place]! > nowMs;
  }
}
