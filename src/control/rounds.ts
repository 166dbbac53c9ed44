import type { ToWorker } from "./messages.ts";
import type { WorkerLink } from "./worker-link.ts";

interface Round {
  readonly id: number;
  readonly waiting: Set<WorkerLink>;
  end(): void;
}

/** Questions that several workers are asked at once. The number of a round is in the question and in the answers. */
export class Rounds {
  readonly #open = new Set<Round>();
  #nextId = 1;

  /**
   * Asks each of them. Messages are taken in order, so a worker that answers has also taken what was sent to it before: true =
   * all have, or are gone. False: the deadline came first.
   */
  ask(
    workers: readonly WorkerLink[],
    question: (round: number) => ToWorker,
    deadlineMs: number,
  ): Promise<boolean> {
    const waiting = new Set(workers);
    if (waiting.size === 0) return Promise.resolve(true);
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => round.end(), deadlineMs);
      const round: Round = {
        id: this.#nextId++,
        waiting,
        end: () => {
          clearTimeout(timer);
          this.#open.delete(round);
          resolve(waiting.size === 0);
        },
      };
      this.#open.add(round);
      for (const worker of waiting) worker.send(question(round.id));
    });
  }

  /** `id` is 0 when it was not asked. */
  hear(worker: WorkerLink, id: number): void {
    for (const round of this.#open) if (round.id === id) answered(round, worker);
  }

  /** It will not answer any more. */
  leave(worker: WorkerLink): void {
    for (const round of this.#open) answered(round, worker);
  }
}

function answered({ waiting, end }: Round, worker: WorkerLink): void {
  if (waiting.delete(worker) && waiting.size === 0) end();
}
