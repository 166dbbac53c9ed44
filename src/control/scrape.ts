import type { Clock } from "../std/clock.ts";

/** However many ask for figures, the workers are asked this seldom. */
const scrapeEveryMs = 1000;

/** `run`, at most once a second; who asks meanwhile gets the same round. */
export function sharedScrape(run: () => Promise<void>, clock: Pick<Clock, "nowMs">): () => Promise<void> {
  let last: { readonly atMs: number; readonly round: Promise<void> } | undefined;
  return () => {
    const atMs = clock.nowMs();
    if (last === undefined || atMs - last.atMs > scrapeEveryMs) last = { atMs, round: run() };
    return last.round;
  };
}
