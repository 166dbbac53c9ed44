import { families } from "../record/metrics.ts";
import type { Clock } from "../std/clock.ts";
import type { AuditSupply } from "./audit-supply.ts";

/** What the snapshot reads of the audit log. */
export type AuditView = Pick<AuditSupply, "health" | "problem" | "head" | "checkpoint" | "samples">;

/**
 * Head and newest checkpoint of the audit log, and when it was last read again and compared with the tree. The record that
 * makes an older state provable is kept elsewhere: `zion audit verify` with an anchor.
 */
export function auditPart(audit: AuditView, clock: Clock): object {
  if (audit.health === "off") return { state: "off" };
  const samples = audit.samples();
  const figure = ({ name }: { readonly name: string }): number | undefined =>
    samples.find((sample) => sample.name === name)?.value;
  const age = (wallMs: number): number => Math.max(0, Math.round((clock.wallMs() - wallMs) / 1000));
  /** Of a moment in seconds; 0 = never. */
  const since = (secs: number | undefined): object | undefined =>
    secs === undefined || secs === 0 ? undefined : { age_secs: age(secs * 1000) };
  const { head, checkpoint } = audit;
  return {
    state: audit.health,
    ...(audit.problem === "" ? {} : { problem: audit.problem }),
    ...head,
    checkpoint: checkpoint && { size: checkpoint.size, age_secs: age(checkpoint.signedMs) },
    verified: {
      failures: figure(families.auditIntegrityFailed) ?? 0,
      ...since(figure(families.auditVerified)),
    },
    anchored: since(figure(families.auditAnchored)),
  };
}
