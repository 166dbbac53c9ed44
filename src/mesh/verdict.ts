import { type Claim, decayedScore, endsMs, SCORE_ONE } from "./claim.ts";
import type { Entry } from "./merge-store.ts";

/** How much it takes before anything follows from claims. */
export interface QuorumRule {
  /** Operators, not keys. */
  readonly quorum: number;
  /** That each of them must say at least; 0 to SCORE_ONE. */
  readonly score: number;
}

export interface Verdict {
  /** The highest that anybody says now: a hint, for upstreams. 0 to SCORE_ONE. */
  readonly score: number;
  /** Operators that say enough. */
  readonly voices: number;
  readonly isQuorum: boolean;
}

/** `operatorOf` is undefined for signers that do not count: revoked, quarantined, no longer trusted. */
export function judge(
  entries: readonly Entry[],
  rule: QuorumRule,
  operatorOf: (signer: string) => string | undefined,
  nowMs: number,
): Verdict {
  let score = 0;
  let voices: Set<string> | undefined;
  for (const { signer, claim } of entries) {
    const own = weightOf(claim, nowMs);
    if (own === 0) continue;
    const operator = operatorOf(signer);
    if (operator === undefined) continue;
    score = Math.max(score, own);
    if (own >= rule.score) (voices ??= new Set()).add(operator);
  }
  const count = voices?.size ?? 0;
  return { score, voices: count, isQuorum: count >= rule.quorum };
}

/** A policy can only ask for more than the operator of an edge does: it cannot open anybody. */
export function strictest(own: QuorumRule, policy: QuorumRule): QuorumRule {
  return { quorum: Math.max(own.quorum, policy.quorum), score: Math.max(own.score, policy.score) };
}

function weightOf(claim: Claim, nowMs: number): number {
  if (claim.kind === "ip_reputation") return decayedScore(claim.score, claim, nowMs);
  return endsMs(claim) > nowMs ? SCORE_ONE : 0;
}
