import { Deadline, type TimerWheel } from "../std/timer-wheel.ts";
import type { StrictAnswer, StrictAsk, StrictBatch, StrictReturn } from "./strict.ts";

/** Nobody waits longer, and a primary that is so late decides nothing any more. */
const ANSWER_WITHIN_MS = 1000;
/** Questions on their way, and places to give back: more of either are not kept, and are refused or stay spent. */
const ASKS_MAX = 8192;

interface Waiting {
  readonly untilMs: number;
  readonly onAnswer: (answer: StrictAnswer | undefined) => void;
}

/**
 * A worker's side of strict limits. What it asks in one turn of the event loop travels in one message, and nothing more
 * is sent while the last one is on its way: a primary that is late gets no queue.
 */
export class StrictAsker {
  readonly #wheel: TimerWheel;
  readonly #send: (batch: StrictBatch) => Promise<void>;
  readonly #deadline = new Deadline(this);
  /** By number, the oldest first. */
  readonly #waiting = new Map<number, Waiting>();
  #asks: StrictAsk[] = [];
  #returns: StrictReturn[] = [];
  #lastId = 0;
  #isDue = false;
  #isSending = false;

  constructor(wheel: TimerWheel, send: (batch: StrictBatch) => Promise<void>) {
    this.#wheel = wheel;
    this.#send = send;
  }

  /** Spends one of a key, or hears when it could. Undefined: nobody answered in time, or too many wait. */
  ask(limit: string, lo: number, hi: number): Promise<StrictAnswer | undefined> {
    // Those that are over stay among the questions until the message before them has gone.
    if (Math.max(this.#waiting.size, this.#asks.length) >= ASKS_MAX) return Promise.resolve(undefined);
    const id = ++this.#lastId;
    const untilMs = this.#wheel.nowMs + ANSWER_WITHIN_MS;
    this.#asks.push({ id, limit, lo, hi });
    this.#flushSoon();
    return new Promise((resolve) => {
      this.#waiting.set(id, { untilMs, onAnswer: resolve });
      if (this.#waiting.size === 1) this.#wheel.set(this.#deadline, untilMs);
    });
  }

  /** What was spent turned out not to count. */
  giveBack(spent: StrictReturn): void {
    if (this.#returns.length >= ASKS_MAX) return;
    this.#returns.push(spent);
    this.#flushSoon();
  }

  hear(answers: readonly StrictAnswer[]): void {
    for (const answer of answers) {
      const waiting = this.#waiting.get(answer.id);
      if (waiting === undefined) continue;
      this.#waiting.delete(answer.id);
      waiting.onAnswer(answer);
    }
  }

  /** Called by the timer wheel: the oldest question may be too old. */
  expire(nowMs: number): void {
    for (const [id, { untilMs, onAnswer }] of this.#waiting) {
      if (untilMs > nowMs) {
        this.#wheel.set(this.#deadline, untilMs);
        return;
      }
      this.#waiting.delete(id);
      onAnswer(undefined);
    }
  }

  #flushSoon(): void {
    if (this.#isDue || this.#isSending) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    // Those that nobody waits for any more would be spent for nothing.
    const asks = this.#asks.filter(({ id }) => this.#waiting.has(id));
    const returns = this.#returns;
    this.#asks = [];
    this.#returns = [];
    if (asks.length === 0 && returns.length === 0) return;
    this.#isSending = true;
    void this.#send({ asks, returns }).then(() => {
      this.#isSending = false;
      if (this.#asks.length > 0 || this.#returns.length > 0) this.#flushSoon();
    });
  }
}
