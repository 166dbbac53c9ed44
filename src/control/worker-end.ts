import type { DeathCause } from "./death-cause.ts";
import type { WorkerLink } from "./worker-link.ts";

/** A worker that was not told to finish, and did. */
export interface WorkerDeath {
  /** Index of its slot. */
  readonly worker: number;
  readonly pid: number;
  readonly code: number | null;
  /** "none" after an exit by code. */
  readonly signal: string;
  /** Why it was killed here, "" = it was not. */
  readonly reason: string;
  /** The same as a label; undefined = it was not. */
  readonly killedFor: DeathCause | undefined;
  readonly uptimeMs: number;
}

/** How it ended, by exit code or signal. */
export function deathOf(
  worker: WorkerLink,
  code: number | null,
  signal: string | null,
  nowMs: number,
): WorkerDeath {
  return {
    worker: worker.slot,
    pid: worker.pid,
    code,
    signal: signal ?? "none",
    reason: worker.killedFor,
    killedFor: worker.killedCause,
    uptimeMs: Math.round(nowMs - worker.startedMs),
  };
}

/** Lets it finish what it has begun, within `graceMs`. */
export function drainWorker(worker: WorkerLink, graceMs: number): void {
  if (worker.phase === "draining") return;
  worker.phase = "draining";
  worker.send({ type: "drain", graceMs });
}

/** At once. The first reason is the one that counts. */
export function killWorker(worker: WorkerLink, reason: string, cause?: DeathCause): void {
  if (worker.killedFor !== "") return;
  worker.killedFor = reason;
  worker.killedCause = cause;
  worker.kill();
}

/** One that never served has nothing to finish. */
export function isBeginning({ phase }: WorkerLink): boolean {
  return phase === "starting" || phase === "preparing";
}
