/** Events that follow each other this closely are one: editors and deployments write in several steps. */
const quietMs = 250;
/** Between the starts of two runs; and the longest that a run is put off while events go on. */
const apartMs = 1000;

export interface Pace {
  event(): void;
  stop(): void;
}

/**
 * Turns events into runs: after 250 ms of quiet, at the latest a second after the first, at least a second after the last
 * run began, one at a time (reliability.md C37). A file that is written without end costs one run a second.
 */
export function createPace(run: () => Promise<unknown>, nowMs: () => number): Pace {
  let firstMs: number | undefined;
  let lastMs = 0;
  let startedMs = Number.NEGATIVE_INFINITY;
  let isRunning = false;
  let timer: NodeJS.Timeout | undefined;

  const dueMs = () => Math.max(Math.min(lastMs + quietMs, firstMs! + apartMs), startedMs + apartMs);

  const wait = () => {
    if (isRunning || timer !== undefined) return;
    timer = setTimeout(ring, Math.max(0, dueMs() - nowMs()));
    timer.unref();
  };

  const ring = () => {
    timer = undefined;
    if (nowMs() < dueMs()) return wait();
    firstMs = undefined;
    startedMs = nowMs();
    isRunning = true;
    void run().finally(() => {
      isRunning = false;
      if (firstMs !== undefined) wait();
    });
  };

  return {
    event() {
      lastMs = nowMs();
      firstMs ??= lastMs;
      wait();
    },
    stop: () => clearTimeout(timer),
  };
}
