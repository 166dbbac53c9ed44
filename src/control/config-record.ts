import type { Config } from "../config/config.ts";
import { manifestHash } from "../config/parts.ts";
import { certificatesLoaded } from "./audit-events.ts";
import type { AuditSupply } from "./audit-supply.ts";
import type { Candidate, Refusal } from "./reload.ts";

/** A configuration is on record in the audit log before it is in force. Undefined = it may be. */
export async function recordConfig(
  audit: AuditSupply,
  { generation, cut }: Candidate,
): Promise<Refusal | undefined> {
  const isRecorded = await audit.must({
    cfg: generation,
    data: { by: "reload", sha256: manifestHash(cut.manifest) },
    kind: "config_applied",
  });
  if (isRecorded || !audit.isRequired) return undefined;
  return { reason: "audit", problem: "the audit log could not record it" };
}

/** Records the certificates that a configuration in force has brought. */
export function tellCertificates(
  audit: AuditSupply,
  generation: number,
  after: Config,
  before: Config | undefined,
): void {
  // Reading a certificate takes about 30 us.
  if (audit.health === "off") return;
  for (const event of certificatesLoaded(generation, after, before)) audit.tell(event);
}
