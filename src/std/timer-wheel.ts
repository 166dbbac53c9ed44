import type { Clock } from "./clock.ts";

/**
 * Deadlines of many connections on one timer. Moving a deadline later, which happens with every request, is one
 * assignment: the entry stays in its slot and is put in its new place when that slot comes round. Moving it earlier
 * relinks it. At most `EXPIRIES_PER_TICK` owners expire per tick, so that thousands of stalled clients cannot hold the
 * event loop when they time out together (630 ms p99 was measured for a naive server, reliability.md L4).
 */
export const TICK_MS = 100;
const SLOTS = 512;
const EXPIRIES_PER_TICK = 200;

/** Something with a deadline. Embed one per connection; it may be in one wheel only. */
export class Deadline {
  /** When the owner wants to be told, monotonic ms; Infinity = not at all. */
  atMs = Infinity;
  /** Tick whose slot holds the entry; -1 when unlinked. */
  tick = -1;
  next: Deadline = this;
  prev: Deadline = this;
  readonly owner: { expire(nowMs: number): void };

  constructor(owner: { expire(nowMs: number): void }) {
    this.owner = owner;
  }
}

export class TimerWheel {
  /** Monotonic ms of the last tick: the coarse clock that deadlines are set by. */
  nowMs: number;
  /** Deadlines in the wheel. */
  size = 0;
  readonly #clock: Clock;
  readonly #slots: Deadline[];
  #tick: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.nowMs = clock.nowMs();
    this.#tick = Math.floor(this.nowMs / TICK_MS);
    this.#slots = Array.from({ length: SLOTS }, () => new Deadline({ expire() {} }));
  }

  start(): void {
    this.#timer = setInterval(() => this.advance(), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The owner's `expire` is called at or up to two ticks after `atMs`, unless it is moved or cleared before. */
  set(deadline: Deadline, atMs: number): void {
    deadline.atMs = atMs;
    const tick = this.#tickOf(atMs);
    if (deadline.tick >= 0) {
      if (deadline.tick <= tick) return;
      this.#unlink(deadline);
    }
    this.#link(deadline, tick);
  }

  /** Lazily: the entry leaves the wheel when its slot comes round. */
  pause(deadline: Deadline): void {
    deadline.atMs = Infinity;
  }

  /** At once, for an owner that is gone. */
  clear(deadline: Deadline): void {
    deadline.atMs = Infinity;
    if (deadline.tick >= 0) this.#unlink(deadline);
  }

  /** Runs all slots up to now. Called by the interval; tests call it with a manual clock. */
  advance(): void {
    this.nowMs = this.#clock.nowMs();
    const target = Math.floor(this.nowMs / TICK_MS);
    let budget = EXPIRIES_PER_TICK;
    while (this.#tick <= target) {
      const slot = this.#slots[this.#tick % SLOTS]!;
      while (slot.next !== slot) {
        const deadline = slot.next;
        this.#unlink(deadline);
        if (deadline.atMs > this.nowMs) {
          if (deadline.atMs !== Infinity) this.#link(deadline, this.#tickOf(deadline.atMs));
          continue;
        }
        deadline.atMs = Infinity;
        deadline.owner.expire(this.nowMs);
        if (--budget === 0) return; // the rest of this slot waits for the next tick
      }
      this.#tick++;
    }
  }

  /** A tick after the current one, at most one turn of the wheel away. */
  #tickOf(atMs: number): number {
    const tick = Math.ceil(atMs / TICK_MS);
    const last = this.#tick + SLOTS - 1;
    if (!(tick < last)) return last;
    return tick > this.#tick ? tick : this.#tick + 1;
  }

  #link(deadline: Deadline, tick: number): void {
    const slot = this.#slots[tick % SLOTS]!;
    deadline.tick = tick;
    deadline.prev = slot.prev;
    deadline.next = slot;
    slot.prev.next = deadline;
    slot.prev = deadline;
    this.size++;
  }

  #unlink(deadline: Deadline): void {
    deadline.prev.next = deadline.next;
    deadline.next.prev = deadline.prev;
    deadline.next = deadline.prev = deadline;
    deadline.tick = -1;
    this.size--;
  }
}
