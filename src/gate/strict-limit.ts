import type { CanonicalRequest } from "../http/request.ts";
import type { StrictAsker } from "../limit/strict-asker.ts";
import type { Reason } from "../reason.ts";
import { countDecision, hashKey, type LimitDesk, type RateLimit, refuseUndecided } from "./rate-limit.ts";

/** What strict limits need in a worker. Met by limit/limits.ts `Limits`. */
export interface StrictDesk extends LimitDesk {
  readonly strict: StrictAsker;
}

/** The exchange that waits. */
export interface StrictOwner {
  /** It has ended while it waited: its request is another one's by now. */
  readonly isOver: boolean;
  refuse(reason: Reason): void;
  onDefect(cause: unknown): void;
}

/**
 * Asks whoever counts for all workers, one limit after the other; `onPassed` is called when all let it through, and the
 * owner refuses otherwise. Without an answer it refuses too: what is strict is not passed uncounted.
 */
export function askStrictLimits(
  request: CanonicalRequest,
  limits: readonly RateLimit[],
  desk: StrictDesk,
  owner: StrictOwner,
  onPassed: () => void,
  index = 0,
): void {
  const limit = limits[index];
  if (limit === undefined) {
    onPassed();
    return;
  }
  const next = () => askStrictLimits(request, limits, desk, owner, onPassed, index + 1);
  if (limit.hosts !== undefined && !limit.hosts.has(request)) {
    next();
    return;
  }
  hashKey(request, limit, desk.hash);
  const { lo, hi } = desk.hash;
  const { name } = limit.limiter;
  const giveBack = (window: number) => desk.strict.giveBack({ limit: name, lo, hi, window });
  desk.strict.ask(name, lo, hi, (answer) => {
    const isSpent = answer?.waitMs === 0;
    const { settlement } = limit;
    if (owner.isOver) {
      if (isSpent && settlement !== undefined) giveBack(answer.window);
      return;
    }
    try {
      if (isSpent && settlement !== undefined) {
        const before = request.onSettled;
        request.onSettled = (status, wafScore, nowMs) => {
          before?.(status, wafScore, nowMs);
          if (settlement.statuses?.has(status) !== true) giveBack(answer.window);
        };
      }
      const reason =
        answer === undefined ? undecided(request, limit) : countDecision(request, limit, answer.waitMs);
      if (reason === undefined) next();
      else owner.refuse(reason);
    } catch (cause) {
      owner.onDefect(cause);
    }
  });
}

function undecided(request: CanonicalRequest, limit: RateLimit): Reason | undefined {
  limit.limiter.undecided++;
  return limit.shadow ? undefined : refuseUndecided(request, limit);
}
