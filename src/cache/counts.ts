import { type UnstorableWhy, unstorableWhys } from "./judgement.ts";

/** How a request was served on a route with a cache: a closed list. The words are those of `X-Zion-Cache`. */
export const outcomes = ["HIT", "MISS", "REVALIDATED", "STALE", "STALE-WHILE-REVALIDATE", "BYPASS"] as const;
export type Outcome = (typeof outcomes)[number];

/** Why a request went past the cache: a closed list. */
export const bypassWhys = [
  "method",
  "body",
  "head",
  "range",
  "condition",
  "no-store",
  "upgrade",
  "key",
  "busy",
] as const;
export type BypassWhy = (typeof bypassWhys)[number];

/** What a worker's cache counts. */
export class CacheCounts {
  readonly outcomes: Record<Outcome, number> = {
    HIT: 0,
    MISS: 0,
    REVALIDATED: 0,
    STALE: 0,
    "STALE-WHILE-REVALIDATE": 0,
    BYPASS: 0,
  };
  readonly bypasses = zeros(bypassWhys);
  readonly unstorable: Record<UnstorableWhy, number> = zeros(unstorableWhys);
  stores = 0;
  /** Answers that were to be stored and grew beyond what may be. */
  overflows = 0;
  /** Answers that broke off, or were purged on their way. */
  discarded = 0;
  /** Requests that waited for another's fetch. */
  collapsed = 0;
  lockTimeouts = 0;
  refreshes = 0;
  refreshFailures = 0;
  refreshesSkipped = 0;
  invalidations = 0;
  purged = 0;
  peerErrors = 0;
  peerFetches = 0;
  peerServed = 0;
}

function zeros<T extends string>(names: readonly T[]): Record<T, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<T, number>;
}
