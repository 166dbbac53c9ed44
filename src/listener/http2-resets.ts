import { STREAMS_MAX } from "./http2-limits.ts";

/** More cannot have been under way when the client learnt of their resets. */
const KEPT_MAX = 2 * STREAMS_MAX;

/** Streams that we reset while the client was sending: what was on its way for them is no fault. The oldest leave. */
export class RecentResets {
  readonly #ids = new Set<number>();

  add(id: number): void {
    if (this.#ids.size === KEPT_MAX) {
      for (const oldest of this.#ids) {
        this.#ids.delete(oldest);
        break;
      }
    }
    this.#ids.add(id);
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }
}
