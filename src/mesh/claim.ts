/**
 * What one edge tells the others. A claim is a hint: the gates of whoever hears it stay authoritative, and nothing
 * follows from fewer than a quorum of them (verdict.ts). Score and time are integers, so that there is no NaN, no second
 * zero and no rounding between two machines.
 */
export type Claim = Dated &
  (
    | {
        readonly kind: "ip_reputation";
        /** subject.ts. */
        readonly subject: string;
        /** 0 to SCORE_ONE. */
        readonly score: number;
        readonly reason: ReputationReason;
      }
    /** An endpoint of an upstream, by `endpointId`. */
    | { readonly kind: "upstream_unhealthy"; readonly endpoint: string }
    /** How often a rule of the WAF fired at the edge since the claim before. */
    | { readonly kind: "rule_hits"; readonly rule: string; readonly count: number }
    /** The signer's next key. `proof` is that key's signature (identity.ts), so that nobody introduces another's. */
    | { readonly kind: "identity_introduced"; readonly key: string; readonly proof: string }
    | { readonly kind: "identity_revoked"; readonly key: string }
    | { readonly kind: "quorum_policy"; readonly quorum: number; readonly score: number }
    /** Size and root of the signer's audit log: edges witness each other. */
    | { readonly kind: "audit_head"; readonly log: string; readonly size: number; readonly root: string }
    /** How many claims the signer stands by, and a hash over them: whoever has others asks for all of them. */
    | { readonly kind: "state_digest"; readonly count: number; readonly digest: string }
  );

export interface Dated {
  /** Wall-clock ms of the signer, when it came to know. */
  readonly atMs: number;
  readonly ttlSecs: number;
}

export type ClaimKind = Claim["kind"];
export type ReputationReason = "other" | "waf" | "limit" | "ban" | "operator";

/** 1.0 as an integer. */
export const SCORE_ONE = 10_000;
export const TTL_SECS_MAX = 86_400;
/** Of a policy; more edges than that are counted as that many. */
export const QUORUM_MAX = 64;

/** What a claim is about: a later one of the same signer about the same replaces it. */
export function claimKey(claim: Claim): string {
  switch (claim.kind) {
    case "ip_reputation":
      return `1:${claim.subject}`;
    case "upstream_unhealthy":
      return `2:${claim.endpoint}`;
    case "rule_hits":
      return `3:${claim.rule}`;
    case "identity_introduced":
      return `4:${claim.key}`;
    case "identity_revoked":
      return `5:${claim.key}`;
    case "quorum_policy":
      return "6:";
    case "audit_head":
      return `7:${claim.log}`;
    case "state_digest":
      return "8:";
  }
}

export function endsMs({ atMs, ttlSecs }: Dated): number {
  return atMs + ttlSecs * 1000;
}

/** Full for the first half of its time, then down to nothing at its end. 0 to SCORE_ONE. */
export function decayedScore(score: number, claim: Dated, nowMs: number): number {
  const lifeMs = claim.ttlSecs * 1000;
  const leftMs = claim.atMs + lifeMs - nowMs;
  if (leftMs <= 0) return 0;
  return leftMs >= lifeMs / 2 ? score : Math.floor((score * leftMs * 2) / lifeMs);
}
