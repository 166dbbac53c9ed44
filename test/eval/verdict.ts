import type { EvalCase } from "./case.ts";

/** What one request got, as its client sees it. */
export interface Answer {
  /** 0 = the connection ended without a status line, or the time was up. */
  readonly status: number;
  /** The origin's own mark was on the answer: the request was forwarded. */
  readonly forwarded: boolean;
  /** What the origin saw that can be framed otherwise; undefined where the origin does not look. */
  readonly hazard: string | undefined;
  /** First bytes of the body. */
  readonly text: string;
  readonly requestId: string;
  readonly timedOut: boolean;
}

/**
 * - `waf`: the fixed answer of the WAF.
 * - `refused`: another refusal of the gateway: head parser, limits, or a closed connection.
 * - `forwarded`: the origin answered; `clean` says that it saw unambiguous bytes only.
 * - `other`: the gateway's own answer that is no refusal of the request (404, 502 ...). Never right.
 * - `timeout`: no answer in time. Never right.
 */
export type Verdict = "waf" | "refused" | "forwarded" | "clean" | "other" | "timeout";

/** Statuses that refuse a request, as the project's replay tool counts them. */
const refusals: ReadonlySet<number> = new Set([400, 403, 406, 411, 413, 414, 415, 429, 431, 501, 505]);

export function judge(answer: Answer): Verdict {
  if (answer.timedOut) return "timeout";
  if (answer.forwarded) return answer.hazard === "" ? "clean" : "forwarded";
  if (answer.status === 0) return "refused";
  if (answer.status === 400 && answer.text.startsWith("request rejected")) return "waf";
  return refusals.has(answer.status) ? "refused" : "other";
}

export function isBlocked(verdict: Verdict): boolean {
  return verdict === "waf" || verdict === "refused";
}

/** Whether the verdict is the one that the corpus expects. A case without an expectation is always right. */
export function isRight(one: EvalCase, verdict: Verdict): boolean {
  if (one.expect === "either") return true;
  if (one.expect === "pass") return verdict === "forwarded" || verdict === "clean";
  return isBlocked(verdict) || (verdict === "clean" && one.cleanIsRight === true);
}

/** A case with what became of it. */
export interface Judged {
  readonly one: EvalCase;
  readonly verdict: Verdict;
  readonly status: number;
  /** Gate, or reason code of other refusals; "" when forwarded or unknown. */
  readonly gate: string;
  /** Rule that says most, or the gate's own word; "" = none. */
  readonly rule: string;
}
