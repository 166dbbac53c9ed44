import { LARGE_BYTES, type SegmentStore } from "./segment-store.ts";

/**
 * Body bytes in the order they came, from the first that was not sent yet to the last that was taken. Three marks move
 * along them: taken, inspected, sent. What was inspected and sent is given back at once.
 */
export class HeldBody {
  /** Bytes so far, from the start of the body. */
  taken = 0;
  inspected = 0;
  sent = 0;
  readonly #store: SegmentStore;
  /** All full but the last; all large but perhaps the first. */
  readonly #segments: Buffer[] = [];
  /** Offset in the body of the first segment's first byte. */
  #base = 0;
  /** Bytes filled in the last segment. */
  #filled = 0;
  readonly #expected: number;

  /** `expected`: the declared length, 0 when there is none. */
  constructor(store: SegmentStore, expected: number) {
    this.#store = store;
    this.#expected = expected;
  }

  /** Bytes that take memory. */
  get heldBytes(): number {
    return this.taken - this.sent;
  }

  /** Copies `bytes[start, end)`. */
  take(bytes: Buffer, start: number, end: number): void {
    while (start < end) {
      const last = this.#segments.at(-1);
      const room = last === undefined ? 0 : last.length - this.#filled;
      if (room === 0) {
        const wanted = Math.max(end - start, this.#expected - this.taken);
        this.#segments.push(this.#store.take(this.#segments.length > 0 ? LARGE_BYTES : wanted));
        if (this.#segments.length === 1) this.#base = this.taken;
        this.#filled = 0;
        continue;
      }
      const count = Math.min(room, end - start);
      bytes.copy(last!, this.#filled, start, start + count);
      this.#filled += count;
      this.taken += count;
      start += count;
    }
  }

  /** Shows bytes from `from` on, at most up to `until` and to the end of their segment. `use` may not keep them. */
  show<T>(from: number, until: number, use: (bytes: Buffer, start: number, end: number) => T): T {
    const first = this.#segments[0]!.length;
    const at = from - this.#base;
    const index = at < first ? 0 : 1 + Math.floor((at - first) / LARGE_BYTES);
    const start = index === 0 ? at : (at - first) % LARGE_BYTES;
    const segment = this.#segments[index]!;
    return use(segment, start, Math.min(start + until - from, segment.length));
  }

  /** Gives back what was both inspected and sent. */
  release(): void {
    const done = Math.min(this.sent, this.inspected);
    while (this.#segments.length > 0) {
      const size = this.#segments.length === 1 ? this.#filled : this.#segments[0]!.length;
      if (this.#base + size > done) return;
      this.#base += size;
      this.#store.give(this.#segments.shift()!);
    }
  }

  close(): void {
    for (const segment of this.#segments) this.#store.give(segment);
    this.#segments.length = 0;
  }
}
