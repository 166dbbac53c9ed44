import type { CanonicalRequest } from "../http/request.ts";
import type { StrictAnswer } from "../limit/strict.ts";
import type { StrictAsker } from "../limit/strict-asker.ts";
import type { Reason } from "../reason.ts";
import { countDecision, hashKey, type LimitDesk, type RateLimit, refuseUndecided } from "./rate-limit.ts";
import type { LateVerdict, Verdict } from "./verdict.ts";

/** What strict limits need in a worker. Met by limit/limits.ts `Limits`. */
export interface StrictDesk extends LimitDesk {
  readonly strict: StrictAsker;
}

/** A limit and the request's key of it, hashed while the request is surely there. */
interface Question {
  readonly limit: RateLimit;
  readonly lo: number;
  readonly hi: number;
}

interface Decision extends Question {
  /** Undefined: there was none in time. */
  readonly answer: StrictAnswer | undefined;
}

/**
 * Asks whoever counts for all workers, one limit after the other: what one refuses, the next does not count. Without an
 * answer it refuses, too: what is strict is not passed uncounted.
 */
export function checkStrictLimits(
  request: CanonicalRequest,
  limits: readonly RateLimit[],
  desk: StrictDesk,
): Verdict {
  const questions: Question[] = [];
  for (const limit of limits) {
    if (limit.hosts !== undefined && !limit.hosts.has(request)) continue;
    hashKey(request, limit, desk.hash);
    const { lo, hi } = desk.hash;
    if (desk.witness !== undefined) desk.witness.onLimit(limit.limiter.name, lo, hi);
    questions.push({ limit, lo, hi });
  }
  return questions.length === 0 ? undefined : askInTurn(request, questions, desk.strict);
}

async function askInTurn(
  request: CanonicalRequest,
  questions: readonly Question[],
  asker: StrictAsker,
): Promise<LateVerdict> {
  const decisions: Decision[] = [];
  for (const question of questions) {
    const { limit, lo, hi } = question;
    const answer = await asker.ask(limit.limiter.name, lo, hi);
    decisions.push({ ...question, answer });
    if (answer?.waitMs !== 0 && !limit.shadow) break;
  }
  return () => {
    for (const decision of decisions) {
      const reason = judge(request, decision, asker);
      if (reason !== undefined) return reason;
    }
    return undefined;
  };
}

function judge(
  request: CanonicalRequest,
  { limit, lo, hi, answer }: Decision,
  asker: StrictAsker,
): Reason | undefined {
  if (answer === undefined) {
    limit.limiter.undecided++;
    return limit.shadow ? undefined : refuseUndecided(request, limit);
  }
  const statuses = limit.settlement?.statuses;
  if (answer.waitMs === 0 && statuses !== undefined) {
    const before = request.onSettled;
    request.onSettled = (status, wafScore, nowMs) => {
      before?.(status, wafScore, nowMs);
      if (!statuses.has(status)) asker.giveBack({ limit: limit.limiter.name, lo, hi, window: answer.window });
    };
  }
  return countDecision(request, limit, answer.waitMs);
}
