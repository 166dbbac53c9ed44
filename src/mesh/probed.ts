import type { Dated } from "./claim.ts";

/** What this edge's own probes find of endpoints, and when that is worth a claim that one is unhealthy. */
export class Probed {
  readonly #healthy = new Map<string, boolean>();
  /** When each unhealthy one was claimed last. */
  readonly #claimedMs = new Map<string, number>();

  isHealthy(url: string): boolean {
    return this.#healthy.get(url) === true;
  }

  /**
   * A probe's new word. One that is healthy again is told by a claim that is over when it comes; one that was never
   * claimed about by none, or every start would report every endpoint.
   */
  heard(url: string, healthy: boolean, nowMs: number, ttlSecs: number): Dated | undefined {
    this.#healthy.set(url, healthy);
    if (!healthy) {
      this.#claimedMs.set(url, nowMs);
      return { atMs: nowMs, ttlSecs };
    }
    const claimedMs = this.#claimedMs.get(url);
    if (claimedMs === undefined) return undefined;
    this.#claimedMs.delete(url);
    // Later than what it takes back.
    return { atMs: Math.max(nowMs - 1000, claimedMs + 1), ttlSecs: 1 };
  }

  /** Those that are still unhealthy when half the time of their claim is over. */
  due(nowMs: number, ttlSecs: number): readonly string[] {
    return [...this.#claimedMs].filter(([, ms]) => nowMs - ms >= ttlSecs * 500).map(([url]) => url);
  }
}
