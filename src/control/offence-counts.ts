import type { OffenceReport, Offences } from "../gate/offence-watch.ts";

/** Workers report this often. */
export const offenceReportMs = 500;
/** Clients whose offences are counted at once; above it, the one that began first is forgotten. */
const CLIENTS_MAX = 100_000;
/** How long allowed requests count for the weight of a worker. */
const MEMORY_MS = 600_000;

interface Count extends Offences {
  readonly sinceMs: number;
}

/** What the workers of a machine saw of clients, put together: offences in a window, and shares of the good traffic. */
export class OffenceCounts {
  readonly #counts = new Map<string, Count>();
  readonly #traffic = new Map<number, Traffic>();
  /** Offences that were forgotten before they could lead to a ban. */
  dropped = 0;

  hear(worker: number, report: OffenceReport, nowMs: number, windowMs: number): void {
    this.#weigh(worker, report, nowMs);
    this.dropped += report.dropped;
    for (const [client, { waf, limit }] of report.offenders) {
      let count = this.#counts.get(client);
      if (count === undefined || nowMs - count.sinceMs > windowMs) {
        count = { waf: 0, limit: 0, sinceMs: nowMs };
        this.#counts.delete(client);
        this.#counts.set(client, count);
      }
      count.waf += waf;
      count.limit += limit;
    }
    // Oldest first: those whose window is over, then as many as are too many.
    for (const [client, { sinceMs }] of this.#counts) {
      const isOver = nowMs - sinceMs > windowMs;
      if (!isOver && this.#counts.size <= CLIENTS_MAX) break;
      this.#counts.delete(client);
      if (!isOver) this.dropped++;
    }
  }

  of(client: string): Offences {
    return this.#counts.get(client) ?? none;
  }

  clear(client: string): void {
    this.#counts.delete(client);
  }

  /** The part of the recent good requests of all workers that came from this client: 0 to 1. */
  shareOf(client: string, nowMs: number): number {
    let carried = 0;
    let all = 0;
    for (const traffic of this.#traffic.values()) {
      const weight = weightOf(traffic, nowMs);
      carried += (traffic.shares.get(client) ?? 0) * weight;
      all += weight;
    }
    return all === 0 ? 0 : carried / all;
  }

  forget(worker: number): void {
    this.#traffic.delete(worker);
  }

  /** A worker's shares count as much as its requests of the last ten minutes. */
  #weigh(worker: number, { shares, allowed }: OffenceReport, nowMs: number): void {
    const before = this.#traffic.get(worker);
    const kept = before === undefined ? 0 : weightOf(before, nowMs);
    this.#traffic.set(worker, { shares, weight: kept + allowed, atMs: nowMs });
  }
}

interface Traffic {
  readonly shares: ReadonlyMap<string, number>;
  readonly weight: number;
  readonly atMs: number;
}

function weightOf({ weight, atMs }: Traffic, nowMs: number): number {
  return weight * Math.exp((atMs - nowMs) / MEMORY_MS);
}

const none: Offences = { waf: 0, limit: 0 };
