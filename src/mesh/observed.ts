import { forgetOldest } from "../std/forget-oldest.ts";
import { type Claim, type ReputationReason, SCORE_ONE } from "./claim.ts";

/** What this edge saw of one client. */
interface Observation {
  waf: number;
  limit: number;
  banned: "ban" | "operator" | undefined;
  /** As it was claimed last. */
  score: number;
  claimedMs: number;
  seenMs: number;
}

/** Clients that an edge remembers offences of; more than it may claim about anyway. */
const CLIENTS_MAX = 25_000;
/** A claim about whom goes on offending is made again when this part of its time is over. */
const AGAIN = 0.25;
const STEP = 500;

/**
 * Turns what the edge's own gates found into claims. Rules of the WAF weigh more than limits, which many people behind
 * one address can reach together: these alone never make a voice in a quorum.
 */
export class Observed {
  readonly #clients = new Map<string, Observation>();

  /** Offences since the last report. Undefined: what was claimed still says it. */
  offended(
    client: string,
    offences: { readonly waf: number; readonly limit: number },
    nowMs: number,
    ttlSecs: number,
  ): Pick<Claim & { kind: "ip_reputation" }, "score" | "reason"> | undefined {
    const seen = this.#of(client, nowMs, ttlSecs);
    seen.waf += offences.waf;
    seen.limit += offences.limit;
    return this.#claim(seen, nowMs, ttlSecs);
  }

  banned(
    client: string,
    by: "ban" | "operator",
    nowMs: number,
    ttlSecs: number,
  ): Pick<Claim & { kind: "ip_reputation" }, "score" | "reason"> | undefined {
    const seen = this.#of(client, nowMs, ttlSecs);
    seen.banned = by;
    return this.#claim(seen, nowMs, ttlSecs);
  }

  #of(client: string, nowMs: number, ttlSecs: number): Observation {
    const present = this.#clients.get(client);
    this.#clients.delete(client);
    const isFresh = present !== undefined && nowMs - present.seenMs < ttlSecs * 1000;
    const seen = isFresh
      ? present
      : { waf: 0, limit: 0, banned: undefined, score: 0, claimedMs: -Infinity, seenMs: nowMs };
    seen.seenMs = nowMs;
    // Those that were quiet for longest come first, and go first.
    this.#clients.set(client, seen);
    forgetOldest(this.#clients, CLIENTS_MAX);
    return seen;
  }

  #claim(seen: Observation, nowMs: number, ttlSecs: number) {
    const score = scoreOf(seen);
    const isDue = nowMs - seen.claimedMs >= ttlSecs * 1000 * AGAIN;
    if (score < seen.score + STEP && !(isDue && score > 0)) return undefined;
    seen.score = score;
    seen.claimedMs = nowMs;
    return { score, reason: reasonOf(seen) };
  }
}

/** One refusal by the WAF is 0.7, three are a voice (0.973); limits end at 0.8. */
function scoreOf({ waf, limit, banned }: Observation): number {
  if (banned !== undefined) return SCORE_ONE;
  const good = 0.3 ** Math.min(waf, 10) * Math.max(0.2, 0.98 ** Math.min(limit, 100));
  return Math.round((1 - good) * SCORE_ONE);
}

function reasonOf({ waf, banned }: Observation): ReputationReason {
  return banned ?? (waf > 0 ? "waf" : "limit");
}
