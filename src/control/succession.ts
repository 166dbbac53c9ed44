import type { Clock } from "../std/clock.ts";
import type { Log } from "./log.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { Slot, WorkerSlots } from "./worker-slots.ts";

/** A worker whose memory does not come back is replaced, but not all of them at once, nor again and again. */
const relieveEveryMs = 300_000;

export interface SuccessionOptions {
  readonly slots: Pick<WorkerSlots, "all">;
  /** Starts another worker in the slot. */
  readonly start: (slot: Slot) => void;
  /** A worker that serves gets a successor. */
  readonly onReplaced: (cause: "worn" | "renewed") => void;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
}

/** Replaces workers that serve. Each serves until its replacement does; then whoever hears that has it drained. */
export class Succession {
  readonly #options: SuccessionOptions;
  /** Those that `renew` has still to replace. */
  readonly #outdated = new Set<WorkerLink>();
  #relievedMs = -Infinity;

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /**
   * Replaces every worker that there is now, one after the other: the next one begins to leave when the replacement of the
   * one before serves. For what a worker is given at its fork and keeps.
   */
  renew(): void {
    for (const { worker } of this.#options.slots.all) if (worker !== undefined) this.#outdated.add(worker);
    this.goOn();
  }

  /** With the next one that `renew` has to replace, if it is time. */
  goOn(): void {
    const { all } = this.#options.slots;
    if (all.some(({ leaving }) => leaving?.phase === "serving")) return;
    for (const slot of all) {
      const { worker, leaving } = slot;
      if (worker?.phase !== "serving" || leaving !== undefined || !this.#outdated.has(worker)) continue;
      this.#replace(slot, worker, "renewed");
      return;
    }
  }

  /** Its memory does not come back: another worker takes over before the heap is full and it dies with what it does. */
  relieve(slot: Slot, worker: WorkerLink): void {
    const { clock, log } = this.#options;
    const nowMs = clock.nowMs();
    if (slot.worker !== worker || worker.phase !== "serving") return;
    if (slot.leaving !== undefined || nowMs - this.#relievedMs < relieveEveryMs) return;
    this.#relievedMs = nowMs;
    log.warn(
      { "event.name": "zion.worker.worn", worker: slot.index, pid: worker.pid },
      "its memory does not come back",
    );
    this.#replace(slot, worker, "worn");
  }

  /** It has ended. */
  forget(worker: WorkerLink): void {
    this.#outdated.delete(worker);
  }

  #replace(slot: Slot, worker: WorkerLink, cause: "worn" | "renewed"): void {
    this.#options.onReplaced(cause);
    slot.leaving = worker;
    this.#options.start(slot);
  }
}
