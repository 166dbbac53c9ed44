import type { Reason } from "../reason.ts";
import { Deadline, type TimerWheel } from "../std/timer-wheel.ts";

/**
 * Refusals that are held back, in one worker: who scans waits, and can do less. Each costs memory and a connection, so
 * there is a cap, above which refusals are what they always are.
 */
export class Tarpit {
  /** 0 = none. */
  max = 0;
  holdMs = 0;
  held = 0;
  total = 0;
  /** Refused at once, because there was no place. */
  shed = 0;

  /** Undefined: there is no place. `owner` is told when it was held long enough. */
  hold(reason: Reason, wheel: TimerWheel, owner: { expire(): void }): HeldRefusal | undefined {
    if (this.held >= this.max) {
      this.shed++;
      return undefined;
    }
    this.held++;
    this.total++;
    return new HeldRefusal(reason, this, wheel, owner);
  }
}

/** A refusal in its place, until `leave`, which is to be called once. */
export class HeldRefusal {
  readonly reason: Reason;
  readonly #tarpit: Tarpit;
  readonly #wheel: TimerWheel;
  readonly #until: Deadline;

  constructor(reason: Reason, tarpit: Tarpit, wheel: TimerWheel, owner: { expire(): void }) {
    this.reason = reason;
    this.#tarpit = tarpit;
    this.#wheel = wheel;
    this.#until = new Deadline(owner);
    wheel.set(this.#until, wheel.nowMs + tarpit.holdMs);
  }

  leave(): void {
    this.#tarpit.held--;
    this.#wheel.clear(this.#until);
  }
}
