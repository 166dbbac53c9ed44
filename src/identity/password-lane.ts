/** Derivations at once, per worker: each holds a thread of the pool and up to 128 MiB. */
const RUNNING_MAX = 2;
/** Those that wait; a flood of wrong passwords gets no longer queue than this. */
const WAITING_MAX = 64;

/** Where passwords of all profiles wait for their derivation: the thread pool is for the log and for names, too. */
export class PasswordLane {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** Passwords that were turned away. */
  turnedAway = 0;

  /** Undefined: too many wait already. Rejects as `work` does. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#running === RUNNING_MAX) {
      if (this.#waiting.length === WAITING_MAX) {
        this.turnedAway++;
        return undefined;
      }
      // Whoever leaves hands its place over.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
