import type { AnswerTail } from "./answer-sink.ts";

/** What is read of an answer that nobody wants, and for how long: a new connection costs more than a short page. */
export const DISCARDED_BYTES_MAX = 65_536;
const DISCARDED_MS = 1_000;

/** Takes the rest of an answer that nobody wants. `close` ends the connection that it comes by: there is too much of it. */
export class Discarding implements AnswerTail {
  /** Coarse monotonic ms. */
  readonly untilMs: number;
  readonly #close: () => void;
  #bytes = 0;

  constructor(nowMs: number, close: () => void) {
    this.untilMs = nowMs + DISCARDED_MS;
    this.#close = close;
  }

  onAnswerBody(_bytes: Buffer, start: number, end: number): boolean {
    this.#bytes += end - start;
    if (this.#bytes > DISCARDED_BYTES_MAX) this.#close();
    return true;
  }

  onAnswerFlush(): boolean {
    return true;
  }

  onAnswerTrailers(): void {}

  onAnswerEnd(): void {}
}
