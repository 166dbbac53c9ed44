import type { Clock } from "../std/clock.ts";
import { Ballot } from "./ballot.ts";
import { forgetParts, type Publication, sendPublication } from "./publication.ts";
import { killWorker } from "./worker-end.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { WorkerSlots } from "./worker-slots.ts";

/** From the order to put a generation in force to its confirmation (reliability.md C37). */
const switchWithinMs = 2000;

export interface RolloutOptions {
  readonly slots: Pick<WorkerSlots, "running">;
  /** The generation in force. */
  readonly current: () => Publication;
  readonly clock: Pick<Clock, "nowMs">;
}

/** How generations get into workers: into all that run one, or into none; and into those that come later. */
export class Rollout {
  readonly #slots: Pick<WorkerSlots, "running">;
  readonly #current: () => Publication;
  readonly #ballot: Ballot;

  constructor({ slots, current, clock }: RolloutOptions) {
    this.#slots = slots;
    this.#current = current;
    this.#ballot = new Ballot(clock.nowMs);
  }

  /**
   * First phase of a reload: asks every worker that runs a generation to compile the next; `Ballot.ask` says what the
   * result means. Workers that are just starting get the winner when they are up.
   */
  prepare(publication: Publication, deadlineMs: number): Promise<readonly string[]> {
    return this.#ballot.ask(this.#slots.running, publication, deadlineMs);
  }

  /**
   * Second phase. The caller has made the generation the current one. Resolves when every worker serves it; one that
   * does not in time is killed, and its replacement will.
   */
  async commit(generation: number): Promise<void> {
    const ready: WorkerLink[] = [];
    for (const worker of this.#slots.running) {
      if (worker.ready === generation) {
        this.commitTo(worker, generation);
        ready.push(worker);
      }
      // It came up with the old generation while the others voted.
      else sendPublication(worker, this.#current());
    }
    const late = await this.#ballot.awaitSwitch(ready, generation, switchWithinMs);
    for (const worker of late) killWorker(worker, `generation ${generation} not in force in time`, "config");
  }

  discard(generation: number): void {
    for (const worker of this.#slots.running) {
      if (worker.asked !== generation) continue;
      worker.send({ type: "discard", generation });
      forgetParts(worker, this.#current());
    }
  }

  /** It has been started, and knows nothing. */
  begin(worker: WorkerLink): void {
    worker.phase = "preparing";
    sendPublication(worker, this.#current());
  }

  /** It has compiled a config: its first one, the candidate of a reload, or one it missed. True: it may be admitted. */
  hearReady(worker: WorkerLink, generation: number): boolean {
    worker.ready = generation;
    if (this.#ballot.hear(worker, generation, undefined)) return false;
    const current = this.#current();
    const isCurrent = generation === current.generation;
    if (worker.phase === "preparing") {
      // A reload was decided meanwhile.
      if (!isCurrent) sendPublication(worker, current);
      return isCurrent;
    }
    if (isCurrent && worker.generation !== generation) this.commitTo(worker, generation);
    return false;
  }

  /** It cannot compile one. True: not even what all others serve. */
  hearFailed(worker: WorkerLink, generation: number, problem: string): boolean {
    if (this.#ballot.hear(worker, generation, problem)) return false;
    const current = this.#current();
    if (generation === current.generation) return true;
    if (worker.phase === "preparing") sendPublication(worker, current);
    return false;
  }

  commitTo(worker: WorkerLink, generation: number): void {
    worker.generation = generation;
    worker.send({ type: "commit", generation });
    forgetParts(worker, this.#current());
  }

  /** It serves a generation. */
  hearSwitch(worker: WorkerLink, generation: number): void {
    worker.inForce = generation;
    this.#ballot.hearSwitch(worker, generation);
  }

  /** It has ended. */
  leave(worker: WorkerLink): void {
    this.#ballot.leave(worker);
  }
}
