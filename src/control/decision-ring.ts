import type { Decision } from "../record/decision-log.ts";

/** What a caller looks for; undefined = anything. */
export interface DecisionQuery {
  /** Ms since the epoch. */
  readonly since: number | undefined;
  readonly gate: string | undefined;
  readonly reason: string | undefined;
  readonly route: string | undefined;
  readonly client: string | undefined;
  readonly requestId: string | undefined;
  readonly decision: string | undefined;
  readonly limit: number;
}

/** The last decisions of all workers, in the primary's memory: gone with it. */
export interface DecisionRing {
  add(decisions: readonly Decision[]): void;
  /** Newest first. */
  find(query: DecisionQuery): readonly Decision[];
}

/** Kept apart, so that a flood of refusals does not push out what was let through, nor the other way. */
const refusalsMax = 10_000;
const allowedMax = 1_000;
export const decisionsShownMax = 1_000;

export function createDecisionRing(): DecisionRing {
  const refused: Decision[] = [];
  const allowed: Decision[] = [];
  return {
    add(decisions) {
      for (const decision of decisions) (decision.decision === "allow" ? allowed : refused).push(decision);
      if (refused.length > refusalsMax) refused.splice(0, refused.length - refusalsMax);
      if (allowed.length > allowedMax) allowed.splice(0, allowed.length - allowedMax);
    },
    find(query) {
      const fits = (one: Decision): boolean =>
        (query.since === undefined || one.timeMs >= query.since) &&
        (query.gate === undefined || one.gate === query.gate) &&
        (query.reason === undefined || one.reason === query.reason) &&
        (query.route === undefined || one.route === query.route) &&
        (query.client === undefined || one.client === query.client) &&
        (query.requestId === undefined || one.requestId === query.requestId) &&
        (query.decision === undefined || one.decision === query.decision);
      const found = [...refused.filter(fits), ...allowed.filter(fits)];
      return found.sort((a, b) => b.timeMs - a.timeMs).slice(0, query.limit);
    },
  };
}

/** A decision for people: times as they read them. */
export function shownDecision({ timeMs, totalMs, ...rest }: Decision): object {
  return { time: new Date(timeMs).toISOString(), ...rest, totalMs: Math.round(totalMs * 1000) / 1000 };
}

/** The query of `GET /v1/decisions`, or what is wrong with it. */
export function readDecisionQuery(params: URLSearchParams): DecisionQuery | string {
  for (const name of params.keys())
    if (!names.has(name)) return `there is no parameter ${JSON.stringify(name)}`;
  const text = (name: string): string | undefined => params.get(name) ?? undefined;
  const limit = Number(params.get("limit") ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > decisionsShownMax)
    return `limit: expected a whole number from 1 to ${decisionsShownMax}`;
  const since = text("since");
  const sinceMs = since === undefined ? undefined : Date.parse(since);
  if (Number.isNaN(sinceMs)) return "since: expected a time such as 2026-01-31T12:00:00Z";
  return {
    since: sinceMs,
    gate: text("gate"),
    reason: text("reason"),
    route: text("route"),
    client: text("client"),
    requestId: text("request_id"),
    decision: text("decision"),
    limit,
  };
}

const names: ReadonlySet<string> = new Set([
  "since",
  "gate",
  "reason",
  "route",
  "client",
  "request_id",
  "decision",
  "limit",
]);
