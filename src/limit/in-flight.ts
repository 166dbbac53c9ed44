/** Counts exchanges that are under way, by key. It holds only keys with some, so connections bound it. */
export class InFlight {
  /** Refused so far. */
  refused = 0;
  readonly #held = new Map<number, number>();

  get size(): number {
    return this.#held.size;
  }

  /** Counts one more, unless there are `max`. Whoever entered must `leave`, once. */
  enter(key: number, max: number): boolean {
    const held = this.#held.get(key) ?? 0;
    if (held >= max) {
      this.refused++;
      return false;
    }
    this.#held.set(key, held + 1);
    return true;
  }

  leave(key: number): void {
    const held = this.#held.get(key) ?? 0;
    if (held <= 1) this.#held.delete(key);
    else this.#held.set(key, held - 1);
  }
}
