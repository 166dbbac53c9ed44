import type { CanonicalRequest } from "../http/request.ts";
import type { KeyHash } from "../limit/key-hash.ts";
import type { Limiter } from "../limit/limiter.ts";
import type { Rate } from "../limit/rate.ts";
import type { LimitWitness } from "../limit/usage.ts";
import { type Reason, reasons } from "../reason.ts";
import type { LimitHosts } from "./limit-hosts.ts";
import { hashAddress, hashPart, type KeyPart } from "./limit-key.ts";

/** One limit as a listener or a route applies it, compiled. */
export interface RateLimit {
  readonly limiter: Limiter;
  /** Other machines count with this one, and so hash keys alike. */
  readonly inStore: boolean;
  readonly rate: Rate;
  /** None = one budget for all. */
  readonly key: readonly KeyPart[];
  /** Length of the IPv6 prefix that counts as one client, as masks of the four words. */
  readonly ipv6Mask: Int32Array;
  /** Count what would be refused, refuse nothing. */
  readonly shadow: boolean;
  /** Only requests for these hosts count; undefined = all. */
  readonly hosts: LimitHosts | undefined;
  /** What a request costs is known at its end; undefined = one, at once. */
  readonly settlement: Settlement | undefined;
  /** What to do without the store that other machines count in; undefined = go on with what this machine counts. */
  readonly onStoreError: "allow" | "deny" | undefined;
  /** `RateLimit-Policy` line with CRLF (draft-ietf-httpapi-ratelimit-headers-10). */
  readonly policyLine: string;
}

export interface Settlement {
  /** Only answers with these statuses count; undefined = all. */
  readonly statuses: ReadonlySet<number> | undefined;
  /** They cost the points that the WAF gave, instead of one. */
  readonly byScore: boolean;
}

/** What limits share in a worker. Met by limit/limits.ts `Limits`. */
export interface LimitDesk {
  readonly hash: KeyHash;
  readonly storeHash: KeyHash;
  /** The store that other machines count in is there. */
  readonly isStoreUp: boolean;
  readonly witness: LimitWitness | undefined;
}

/**
 * Spends one request of each limit, in their order; the first that is used up refuses. What the ones before it spent
 * stays spent: giving back would cost the flood nothing.
 */
export function checkRateLimits(
  request: CanonicalRequest,
  limits: readonly RateLimit[],
  desk: LimitDesk,
  nowMs: number,
): Reason | undefined {
  for (let index = 0; index < limits.length; index++) {
    const limit = limits[index]!;
    const { limiter, settlement } = limit;
    if (limit.hosts !== undefined && !limit.hosts.has(request)) continue;
    if (limit.onStoreError !== undefined && !desk.isStoreUp) {
      limiter.undecided++;
      if (limit.onStoreError === "allow" || limit.shadow) continue;
      return refuseUndecided(request, limit);
    }
    const hash = limit.inStore ? desk.storeHash : desk.hash;
    hashKey(request, limit, hash);
    const { lo, hi } = hash;
    if (desk.witness !== undefined) desk.witness.onLimit(limiter.name, lo, hi);
    const atMs = nowMs + limiter.offsetMs;
    const waitMs =
      settlement === undefined
        ? limiter.take(lo, hi, limit.rate, atMs)
        : limiter.wait(lo, hi, limit.rate, atMs);
    if (settlement !== undefined && (waitMs === 0 || limit.shadow))
      settleLater(request, limit, settlement, lo, hi);
    const reason = countDecision(request, limit, waitMs);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Counts the decision; the reason, and what the client is told, where it is a refusal. */
export function countDecision(
  request: CanonicalRequest,
  limit: RateLimit,
  waitMs: number,
): Reason | undefined {
  const { limiter } = limit;
  if (waitMs === 0) {
    limiter.allowed++;
    return undefined;
  }
  if (limit.shadow) {
    limiter.shadowed++;
    return undefined;
  }
  limiter.limited++;
  const secs = Math.max(1, Math.ceil(waitMs / 1000));
  request.answerLines += `Retry-After: ${secs}\r\n${limit.policyLine}RateLimit: "${limiter.name}";r=0;t=${secs}\r\n`;
  request.refusalDetail = limiter.name;
  return reasons.rateLimited;
}

/** Whoever counts cannot be asked, and the limit is not to be passed uncounted. */
export function refuseUndecided(request: CanonicalRequest, { limiter }: RateLimit): Reason {
  request.refusalDetail = limiter.name;
  return reasons.limitUnknown;
}

/** One closure for each request of such a limit: they are for few requests, like log-ins. */
function settleLater(
  request: CanonicalRequest,
  { limiter, rate }: RateLimit,
  { statuses, byScore }: Settlement,
  lo: number,
  hi: number,
): void {
  const before = request.onSettled;
  request.onSettled = (status, wafScore, nowMs) => {
    before?.(status, wafScore, nowMs);
    if (statuses !== undefined && !statuses.has(status)) return;
    const cost = byScore ? wafScore : 1;
    if (cost > 0) limiter.spend(lo, hi, rate, cost, nowMs + limiter.offsetMs);
  };
}

/** A request without one of the parts is counted by its address: leaving a field out is no way around a limit. */
export function hashKey(request: CanonicalRequest, limit: RateLimit, hash: KeyHash): void {
  hash.begin(WHOLE);
  for (let index = 0; index < limit.key.length; index++) {
    if (hashPart(request, limit.key[index]!, limit.ipv6Mask, hash)) continue;
    hash.begin(WITHOUT_PART);
    hashAddress(request, limit.ipv6Mask, hash);
    return;
  }
}

const WHOLE = 0;
const WITHOUT_PART = 1;
