import type { OutlierConfig } from "../config/config.ts";
import { CONNECT_FAILURES_MAX, type EndpointState } from "./endpoint-state.ts";
import { RateWindow } from "./rate-window.ts";

/** How one attempt ended, as far as it says something about the endpoint. One that its client cut says nothing. */
export const ANSWERED = 0;
/** 502, 503, 504, an invalid response, or no response in time. */
export const ANSWERED_BADLY = 1;
/** Refused, reset, or not accepted in time. */
export const CONNECTION_FAILED = 2;
export type AttemptOutcome = typeof ANSWERED | typeof ANSWERED_BADLY | typeof CONNECTION_FAILED;

/**
 * Takes endpoints out of the choice by what real requests meet there, and lets them back.
 *
 * Always: five connection failures in a row within 10 s eject for 5 s, unless no other member is usable. With settings
 * also: an error rate above the threshold, while another member is clearly healthier, ejects for `eject_secs`, longer
 * each time in a row up to ten times, never more than `max_ejected_pct` of the pool. Each ejection ends with a trial
 * (balance.ts): an answer ends it, a failure repeats it.
 */
export class OutlierDetection {
  readonly #settings: OutlierConfig | undefined;
  #ejected = 0;

  constructor(settings: OutlierConfig | undefined) {
    this.#settings = settings;
  }

  /** Ejections so far, repeated ones included; only grows. */
  get ejectionsTotal(): number {
    return this.#ejected;
  }

  /** Enters one attempt's outcome. True when it ejected the member. */
  report(
    members: readonly EndpointState[],
    member: EndpointState,
    outcome: AttemptOutcome,
    nowMs: number,
  ): boolean {
    if (member.ejectedUntilMs !== 0) return this.#reportEjected(member, outcome, nowMs);
    const settings = this.#settings;
    if (settings !== undefined) {
      // A reload may have changed the window under a member that stays.
      if (member.outcomes?.windowSecs !== settings.windowSecs)
        member.outcomes = new RateWindow(settings.windowSecs);
      member.outcomes.add(outcome !== ANSWERED, nowMs);
    }
    if (outcome === CONNECTION_FAILED) countConnectFailure(member, nowMs);
    else member.connectFailures = 0;
    if (outcome === ANSWERED) {
      if (member.ejections > 0 && settings !== undefined) forgetWhenHealthy(member, settings);
      return false;
    }
    // The rate first: it knows more, and keeps out for longer.
    if (settings !== undefined && mayEjectForRate(settings, members, member, nowMs)) {
      return this.#eject(member, true, nowMs);
    }
    if (failsToConnect(member, nowMs) && isAnotherUsable(members, member)) {
      return this.#eject(member, false, nowMs);
    }
    return false;
  }

  #reportEjected(member: EndpointState, outcome: AttemptOutcome, nowMs: number): boolean {
    // From before the ejection, or sent because nothing else was left.
    if (!member.onTrial) return false;
    if (outcome !== ANSWERED) return this.#eject(member, member.ejectedForRate, nowMs);
    reinstate(member);
    return false;
  }

  #eject(member: EndpointState, isForRate: boolean, nowMs: number): true {
    member.ejectedForRate = isForRate;
    if (isForRate) member.ejections++;
    member.ejectedUntilMs = nowMs + (isForRate ? this.#rateEjectionMs(member) : CONNECT_EJECTION_MS);
    member.onTrial = false;
    member.connectFailures = 0;
    // After its return it is judged by what it does then.
    member.outcomes?.clear();
    this.#ejected++;
    return true;
  }

  #rateEjectionMs(member: EndpointState): number {
    const ejectSecs = this.#settings?.ejectSecs ?? CONNECT_EJECTION_MS / 1000;
    return ejectSecs * 1000 * Math.min(member.ejections, EJECTION_FACTOR_MAX);
  }
}

/** Ends an ejection at once, as when a probe has found the endpoint healthy again. */
export function reinstate(member: EndpointState): void {
  member.ejectedUntilMs = 0;
  member.onTrial = false;
  member.connectFailures = 0;
}

/**
 * Ejects members by the word of other edges, as if connections had failed: a trial ends it, and the last usable member
 * stays. One that is ejected already, or on trial, is left to what requests meet there.
 */
export function ejectByWord(
  members: readonly (EndpointState & { readonly url: string })[],
  urls: readonly string[],
  nowMs: number,
): void {
  for (const member of members) {
    if (!urls.includes(member.url) || member.ejectedUntilMs !== 0) continue;
    if (isAnotherUsable(members, member)) member.ejectedUntilMs = nowMs + WORD_EJECTION_MS;
  }
}

const WORD_EJECTION_MS = 10_000;
const CONNECT_FAILURES_WITHIN_MS = 10_000;
const CONNECT_EJECTION_MS = 5_000;
const EJECTION_FACTOR_MAX = 10;
/** Fewer outcomes of another member say nothing. Not `min_requests`: one that fails fast draws most requests. */
const HEALTHIER_REQUESTS_MIN = 5;
/** Clearly healthier: at most one in two of the errors per request. */
const HEALTHIER_FACTOR = 2;

function countConnectFailure(member: EndpointState, nowMs: number): void {
  member.connectFailedAtMs[member.connectFailures % CONNECT_FAILURES_MAX] = nowMs;
  member.connectFailures++;
}

function failsToConnect(member: EndpointState, nowMs: number): boolean {
  if (member.connectFailures < CONNECT_FAILURES_MAX) return false;
  const oldestMs = member.connectFailedAtMs[member.connectFailures % CONNECT_FAILURES_MAX]!;
  return nowMs - oldestMs <= CONNECT_FAILURES_WITHIN_MS;
}

function forgetWhenHealthy(member: EndpointState, settings: OutlierConfig): void {
  const outcomes = member.outcomes!;
  if (outcomes.total < settings.minRequests || outcomes.isAbove(settings.errorRatePct, 1)) return;
  member.ejections = 0;
}

function mayEjectForRate(
  settings: OutlierConfig,
  members: readonly EndpointState[],
  member: EndpointState,
  nowMs: number,
): boolean {
  if (!member.outcomes!.isAbove(settings.errorRatePct, settings.minRequests)) return false;
  let ejected = 1;
  let isAnotherHealthier = false;
  for (const other of members) {
    if (other === member) continue;
    if (other.ejectedUntilMs !== 0) ejected++;
    else if (other.up && isClearlyHealthier(other, member, nowMs)) isAnotherHealthier = true;
  }
  // One may always go: 50 % of three members is one, 10 % of two would be none.
  return isAnotherHealthier && (ejected === 1 || ejected * 100 <= settings.maxEjectedPct * members.length);
}

function isClearlyHealthier(other: EndpointState, member: EndpointState, nowMs: number): boolean {
  const its = other.outcomes;
  if (its === undefined) return false;
  its.advance(nowMs);
  const own = member.outcomes!;
  return (
    its.total >= HEALTHIER_REQUESTS_MIN && its.failed * own.total * HEALTHIER_FACTOR <= own.failed * its.total
  );
}

/** One that only waits for its trial does not count: it may be as dead. */
function isAnotherUsable(members: readonly EndpointState[], member: EndpointState): boolean {
  for (const other of members) if (other !== member && other.up && other.ejectedUntilMs === 0) return true;
  return false;
}
