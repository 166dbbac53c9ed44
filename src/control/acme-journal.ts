import type { RenewalWindow } from "../cert/renewal.ts";
import type { AcmeFailure } from "./acme-task.ts";

/** What was tried, over restarts: a gateway that crashes in a loop must not use up what the CA allows. Wall-clock ms. */
export interface Journal {
  /** By name. */
  readonly certificates: Map<string, CertificateHistory>;
  /** When orders were placed with an account, in the last week. */
  readonly accounts: Map<string, readonly number[]>;
}

export interface CertificateHistory {
  /** When orders were placed, in the last week. */
  orders: readonly number[];
  /** When one was issued, in the last week. */
  issued: readonly number[];
  /** One after another. */
  failures: number;
  /** Not before. */
  nextMs: number;
  /** An order is being worked on; found at a start, it was the gateway that ended. */
  underWay: boolean;
  /** How often an order that a dead gateway left was taken up again. */
  resumed: number;
  /** Of the account that the certificate in use is from. */
  accountId: string | undefined;
  lastSuccessMs: number | undefined;
  lastFailure: { readonly atMs: number; readonly reason: string; readonly problem: string } | undefined;
  window: RenewalWindow | undefined;
  /** When the CA is asked for the window again. */
  askMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;

/** Fewer than the largest public CA allows: 5 failed validations an hour, 5 equal certificates a week, 300 orders in 3 h. */
const limits = { hourly: 4, weekly: 40, issuedWeekly: 4, accountHourly: 80 };

const backoffFirstMs = 5 * minuteMs;
const backoffMaxMs = 6 * hourMs;
/** A CA that says "later" is believed this far. */
const retryAfterMaxMs = dayMs;

export function emptyHistory(): CertificateHistory {
  return {
    orders: [],
    issued: [],
    failures: 0,
    nextMs: 0,
    underWay: false,
    resumed: 0,
    accountId: undefined,
    lastSuccessMs: undefined,
    lastFailure: undefined,
    window: undefined,
    askMs: 0,
  };
}

/** Of `printJournal`; undefined = nothing was tried so far. Throws where it is something else. */
export function readJournal(value: unknown): Journal {
  const { certificates = {}, accounts = {} } = (value ?? {}) as Partial<Record<keyof Journal, object>>;
  return {
    certificates: new Map(
      Object.entries(certificates).map(([name, history]) => [name, { ...emptyHistory(), ...history }]),
    ),
    accounts: new Map(Object.entries(accounts)),
  };
}

export function printJournal({ certificates, accounts }: Journal): object {
  return { certificates: Object.fromEntries(certificates), accounts: Object.fromEntries(accounts) };
}

/** From when on another order may be placed; now or earlier = at once. */
export function orderAllowedMs(
  history: CertificateHistory,
  ofAccount: readonly number[],
  nowMs: number,
): number {
  return Math.max(
    history.nextMs,
    freeMs(history.orders, limits.hourly, hourMs, nowMs),
    freeMs(history.orders, limits.weekly, weekMs, nowMs),
    freeMs(history.issued, limits.issuedWeekly, weekMs, nowMs),
    freeMs(ofAccount, limits.accountHourly, hourMs, nowMs),
  );
}

/** When fewer than `max` of these moments lie within `windowMs`. */
function freeMs(moments: readonly number[], max: number, windowMs: number, nowMs: number): number {
  const recent = moments.filter((ms) => ms > nowMs - windowMs && ms <= nowMs);
  return recent.length < max ? 0 : recent[recent.length - max]! + windowMs;
}

/** Before the CA is asked: should we die on the way, this counts. */
export function noteOrder(journal: Journal, name: string, accountId: string, nowMs: number): void {
  const history = historyOf(journal, name);
  history.orders = [...recent(history.orders, nowMs), nowMs];
  journal.accounts.set(accountId, [...recent(journal.accounts.get(accountId) ?? [], nowMs), nowMs]);
}

/** The CA never heard of the last one. */
export function forgetOrder(journal: Journal, name: string, accountId: string): void {
  const history = historyOf(journal, name);
  history.orders = history.orders.slice(0, -1);
  journal.accounts.set(accountId, (journal.accounts.get(accountId) ?? []).slice(0, -1));
}

export function noteIssued(history: CertificateHistory, accountId: string, nowMs: number): void {
  const { orders, issued } = history;
  Object.assign(history, emptyHistory(), {
    orders,
    issued: [...recent(issued, nowMs), nowMs],
    accountId,
    lastSuccessMs: nowMs,
  });
}

/** `share`, 0 to 1, spreads gateways that failed together over the last fifth of the wait. */
export function noteFailure(
  history: CertificateHistory,
  failure: AcmeFailure,
  nowMs: number,
  share: number,
): void {
  const { reason, problem, retryAfterMs = 0 } = failure;
  history.failures++;
  history.underWay = false;
  const backoffMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(history.failures - 1, 10));
  const waitMs = Math.max(backoffMs * (0.8 + 0.2 * share), Math.min(retryAfterMs, retryAfterMaxMs));
  history.nextMs = nowMs + Math.round(waitMs);
  history.lastFailure = { atMs: nowMs, reason, problem };
}

export function historyOf({ certificates }: Journal, name: string): CertificateHistory {
  const known = certificates.get(name);
  if (known !== undefined) return known;
  const history = emptyHistory();
  certificates.set(name, history);
  return history;
}

/** Forgets what is not configured any more, but for what still counts. */
export function prune({ certificates, accounts }: Journal, names: ReadonlySet<string>, nowMs: number): void {
  for (const [name, { orders }] of certificates)
    if (!names.has(name) && recent(orders, nowMs).length === 0) certificates.delete(name);
  for (const [id, moments] of accounts) if (recent(moments, nowMs).length === 0) accounts.delete(id);
}

/** Of the last week; moments of the future are from a clock that was wrong. */
function recent(moments: readonly number[], nowMs: number): number[] {
  return moments.filter((ms) => ms > nowMs - weekMs && ms <= nowMs);
}
