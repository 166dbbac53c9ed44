import type { CanonicalRequest } from "../http/request.ts";
import type { KeyHash } from "../limit/key-hash.ts";
import type { Limiter } from "../limit/limiter.ts";
import type { Rate } from "../limit/rate.ts";
import { type Reason, reasons } from "../reason.ts";
import { hashAddress, hashPart, type KeyPart } from "./limit-key.ts";

/** One limit as a listener or a route applies it, compiled. */
export interface RateLimit {
  readonly limiter: Limiter;
  readonly rate: Rate;
  /** None = one budget for all. */
  readonly key: readonly KeyPart[];
  /** Length of the IPv6 prefix that counts as one client, as masks of the four words. */
  readonly ipv6Mask: Int32Array;
  /** Count what would be refused, refuse nothing. */
  readonly shadow: boolean;
  /** Only answers with these statuses count, when they are known; undefined = every request, at once. */
  readonly countStatuses: ReadonlySet<number> | undefined;
  /** `RateLimit-Policy` line with CRLF (draft-ietf-httpapi-ratelimit-headers-10). */
  readonly policyLine: string;
}

/** What limits share in a worker. Met by limit/limits.ts `Limits`. */
export interface LimitDesk {
  readonly hash: KeyHash;
  /** Added to monotonic time, so that all workers of the machine count the same windows. */
  readonly offsetMs: number;
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
    const { limiter } = limit;
    hashKey(request, limit, desk.hash);
    const { lo, hi } = desk.hash;
    const atMs = nowMs + desk.offsetMs;
    const { countStatuses } = limit;
    const waitMs =
      countStatuses === undefined
        ? limiter.take(lo, hi, limit.rate, atMs)
        : limiter.wait(lo, hi, limit.rate, atMs);
    if (countStatuses !== undefined && (waitMs === 0 || limit.shadow))
      settleLater(request, limit, countStatuses, lo, hi, desk.offsetMs);
    if (waitMs === 0) limiter.allowed++;
    else if (limit.shadow) limiter.shadowed++;
    else {
      limiter.limited++;
      const secs = Math.max(1, Math.ceil(waitMs / 1000));
      request.answerLines += `Retry-After: ${secs}\r\n${limit.policyLine}RateLimit: "${limiter.name}";r=0;t=${secs}\r\n`;
      request.refusalDetail = limiter.name;
      return reasons.rateLimited;
    }
  }
  return undefined;
}

/** One closure for each request of a limit that counts by status: such limits are for few requests, like log-ins. */
function settleLater(
  request: CanonicalRequest,
  { limiter, rate }: RateLimit,
  statuses: ReadonlySet<number>,
  lo: number,
  hi: number,
  offsetMs: number,
): void {
  const before = request.onSettled;
  request.onSettled = (status, nowMs) => {
    before?.(status, nowMs);
    if (statuses.has(status)) limiter.spend(lo, hi, rate, nowMs + offsetMs);
  };
}

/** A request without one of the parts is counted by its address: leaving a field out is no way around a limit. */
function hashKey(request: CanonicalRequest, limit: RateLimit, hash: KeyHash): void {
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
