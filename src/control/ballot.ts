import { type Publication, sendPublication } from "./publication.ts";
import type { WorkerLink } from "./worker-link.ts";

/** What came of asking a worker to compile a candidate. */
type Verdict =
  | { readonly kind: "ready" }
  | { readonly kind: "refused"; readonly problem: string }
  /** It ended. `silent`: nothing was heard of it since it was asked, so the candidate is not to blame. */
  | { readonly kind: "left"; readonly silent: boolean };

interface Vote {
  readonly worker: WorkerLink;
  readonly generation: number;
  readonly askedMs: number;
  settle(verdict: Verdict): void;
}

interface Switch {
  readonly worker: WorkerLink;
  readonly generation: number;
  done(): void;
}

/**
 * The two questions of a reload, to all workers: can you serve this, and do you serve it now? A worker that ends leaves
 * the vote: a crash loop must not block the configuration that cures it.
 */
export class Ballot {
  readonly #nowMs: () => number;
  readonly #votes = new Set<Vote>();
  readonly #switches = new Set<Switch>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /**
   * First phase. Returns problems in operator's words; none = every worker that is left is ready. Nobody to ask, or only
   * workers that were silent and have been killed for it, is consent: whoever comes next starts with the candidate.
   * `deadlineMs` is for workers that live and do not answer; the supervision kills silent ones.
   */
  async ask(
    workers: readonly WorkerLink[],
    publication: Publication,
    deadlineMs: number,
  ): Promise<readonly string[]> {
    const verdicts = await Promise.all(
      workers.map((worker) => this.#askOne(worker, publication, deadlineMs)),
    );
    const problems = verdicts.flatMap((verdict) => (verdict.kind === "refused" ? [verdict.problem] : []));
    if (problems.length > 0 || verdicts.some(({ kind }) => kind === "ready")) return problems;
    const isSuspect = verdicts.some((verdict) => verdict.kind === "left" && !verdict.silent);
    return isSuspect ? ["every worker ended while it compiled this configuration"] : [];
  }

  /** A worker has compiled a generation, or cannot. False = nobody asked. */
  hear(worker: WorkerLink, generation: number, problem: string | undefined): boolean {
    for (const vote of this.#votes) {
      if (vote.worker !== worker || vote.generation !== generation) continue;
      vote.settle(problem === undefined ? { kind: "ready" } : { kind: "refused", problem });
      return true;
    }
    return false;
  }

  /** Second phase: resolves with the workers that do not serve the generation after `deadlineMs`. */
  async awaitSwitch(
    workers: readonly WorkerLink[],
    generation: number,
    deadlineMs: number,
  ): Promise<readonly WorkerLink[]> {
    const open = new Set<Switch>();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      const check = () => {
        if (open.size > 0) return;
        clearTimeout(timer);
        resolve();
      };
      for (const worker of workers) {
        const pending: Switch = {
          worker,
          generation,
          done: () => {
            open.delete(pending);
            this.#switches.delete(pending);
            check();
          },
        };
        open.add(pending);
        this.#switches.add(pending);
      }
      check();
    });
    for (const pending of open) this.#switches.delete(pending);
    return [...open].map(({ worker }) => worker);
  }

  /** A worker serves a generation. */
  hearSwitch(worker: WorkerLink, generation: number): void {
    for (const pending of [...this.#switches])
      if (pending.worker === worker && pending.generation === generation) pending.done();
  }

  /** A worker has ended. */
  leave(worker: WorkerLink): void {
    for (const vote of [...this.#votes]) {
      if (vote.worker === worker) vote.settle({ kind: "left", silent: worker.lastHeardMs <= vote.askedMs });
    }
    for (const pending of [...this.#switches]) if (pending.worker === worker) pending.done();
  }

  #askOne(worker: WorkerLink, publication: Publication, deadlineMs: number): Promise<Verdict> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const problem = `worker ${worker.slot} did not answer in ${deadlineMs} ms`;
        vote.settle({ kind: "refused", problem });
      }, deadlineMs);
      const vote: Vote = {
        worker,
        generation: publication.generation,
        askedMs: this.#nowMs(),
        settle: (verdict) => {
          clearTimeout(timer);
          this.#votes.delete(vote);
          resolve(verdict);
        },
      };
      this.#votes.add(vote);
      worker.asked = publication.generation;
      sendPublication(worker, publication);
    });
  }
}
