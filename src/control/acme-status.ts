import { X509Certificate } from "node:crypto";
import type { AcmeCertificateConfig } from "../config/config.ts";
import type { AcmeCause, AcmeDue } from "./acme-due.ts";
import type { CertificateHistory } from "./acme-journal.ts";

/** One certificate, for people. */
export interface AcmeStatus {
  readonly name: string;
  readonly domains: readonly string[];
  readonly challenge: string;
  readonly directory: string;
  /** "issued"; "waiting" = none so far, a self-signed one is served; "ordering". */
  readonly state: "issued" | "waiting" | "ordering";
  readonly not_after?: string;
  /** Absent where another gateway orders. */
  readonly next_attempt?: string;
  readonly why?: AcmeCause;
  readonly last_success?: string;
  readonly last_failure?: { readonly time: string; readonly reason: string; readonly problem: string };
}

export interface StatusFacts {
  readonly history: CertificateHistory;
  /** Undefined: another gateway orders. */
  readonly plan: AcmeDue | undefined;
  readonly isBusy: boolean;
  /** Wall clock. */
  readonly nowMs: number;
}

export function statusOf(certificate: AcmeCertificateConfig, facts: StatusFacts): AcmeStatus {
  const { name, domains, challenge, account, issuedPem } = certificate;
  const { history, plan, isBusy, nowMs } = facts;
  const { lastSuccessMs, lastFailure } = history;
  return {
    name,
    domains,
    challenge,
    directory: account.directoryUrl,
    state: isBusy ? "ordering" : issuedPem === undefined ? "waiting" : "issued",
    ...(issuedPem === undefined
      ? {}
      : { not_after: new X509Certificate(issuedPem).validToDate.toISOString() }),
    ...(plan === undefined ? {} : { next_attempt: timeOf(Math.max(plan.atMs, nowMs)), why: plan.cause }),
    ...(lastSuccessMs === undefined ? {} : { last_success: timeOf(lastSuccessMs) }),
    ...(lastFailure === undefined
      ? {}
      : {
          last_failure: {
            time: timeOf(lastFailure.atMs),
            reason: lastFailure.reason,
            problem: lastFailure.problem,
          },
        }),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
