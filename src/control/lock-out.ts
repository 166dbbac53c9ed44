import type { Clock } from "../std/clock.ts";

/** Wrong tokens of one source before it has to wait. */
const FAILURES_FREE = 5;
/** The first wait; each further failure doubles it. */
const WAIT_MIN_MS = 1000;
const WAIT_MAX_MS = 300_000;
/** Failures are forgotten when there was none for this long. */
const FORGET_MS = 900_000;
/** Beyond, the source whose last failure is longest ago is forgotten. */
const SOURCES_MAX = 1024;

/** Makes sources that guess tokens wait, longer and longer. */
export interface LockOut {
  /** Until the source may try again; 0 = now. */
  waitMs(source: string): number;
  fail(source: string): void;
  /** The source has shown a good token. */
  forgive(source: string): void;
}

export function createLockOut(clock: Clock): LockOut {
  /** The one with the oldest failure first. */
  const sources = new Map<string, { failures: number; lastMs: number }>();

  const find = (source: string) => {
    const found = sources.get(source);
    return found === undefined || clock.nowMs() - found.lastMs > FORGET_MS ? undefined : found;
  };

  return {
    waitMs(source) {
      const found = find(source);
      if (found === undefined || found.failures < FAILURES_FREE) return 0;
      const wholeMs = Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** (found.failures - FAILURES_FREE));
      return Math.max(0, found.lastMs + wholeMs - clock.nowMs());
    },
    fail(source) {
      const failures = (find(source)?.failures ?? 0) + 1;
      sources.delete(source);
      sources.set(source, { failures, lastMs: clock.nowMs() });
      if (sources.size > SOURCES_MAX) sources.delete(sources.keys().next().value!);
    },
    forgive: (source) => void sources.delete(source),
  };
}
