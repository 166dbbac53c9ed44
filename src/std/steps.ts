/**
 * Long work in steps: a generator that yields wherever it may pause. Written once, it can run in one go where nothing
 * waits (tests, commands), or in slices between which the event loop serves (a worker that compiles a configuration).
 */
export type Steps<T> = Generator<void, T, void>;

/** Runs all steps now. */
export function inOneGo<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Runs the steps in slices of about `sliceMs`, each followed by a turn of the event loop. `isWanted` is asked before each
 * slice; false ends the work, and undefined is the result. Rejects with what a step throws.
 */
export async function inSlices<T>(
  steps: Steps<T>,
  nowMs: () => number,
  sliceMs: number,
  isWanted: () => boolean,
): Promise<T | undefined> {
  while (isWanted()) {
    const untilMs = nowMs() + sliceMs;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (nowMs() < untilMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return undefined;
}
