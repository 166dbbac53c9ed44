/** The delays before a dead worker is replaced, by its deaths within the last minute (reliability.md F2). */
const delaysMs = [0, 0, 100, 500, 1000, 2000];
const worstDelayMs = 10_000;
const windowMs = 60_000;
/** With nobody else serving, waiting longer only adds to the outage. */
const aloneDelayMs = 500;
/** Who has served this long did not die of its start: the next one may come at once. */
const healthyMs = 5000;

export interface CrashLoop {
  /**
   * Notes a death and says how long to wait before the next start. `servedMs`: how long the worker has served. `alone`:
   * no other worker serves or starts.
   */
  nextDelayMs(nowMs: number, servedMs: number, alone: boolean): number;
}

/** Backoff of one worker slot: a crash that repeats must not burn the CPU that the other workers serve with. */
export function createCrashLoop(): CrashLoop {
  let deathsMs: number[] = [];
  return {
    nextDelayMs(nowMs, servedMs, alone) {
      if (servedMs >= healthyMs) return 0;
      deathsMs = deathsMs.filter((atMs) => nowMs - atMs < windowMs);
      deathsMs.push(nowMs);
      const delayMs = delaysMs[deathsMs.length] ?? worstDelayMs;
      return alone ? Math.min(delayMs, aloneDelayMs) : delayMs;
    },
  };
}
