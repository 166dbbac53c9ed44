import { X509Certificate } from "node:crypto";
import type { AuditEvent } from "../audit/record.ts";
import type { CertificateConfig, Config } from "../config/config.ts";
import type { RefusedConfig } from "./reload.ts";
import type { WorkerDeath } from "./worker-end.ts";

/** Longest problem that a record has; the log of the gateway has it all. */
const PROBLEM_LENGTH_MAX = 1024;

/** A configuration that was not put in force; `generation` stays. */
export function configRejected(generation: number, refused: RefusedConfig): AuditEvent {
  const { by, problem, reason, sha256 } = refused;
  return {
    cfg: generation,
    data: { by, problem: problem.slice(0, PROBLEM_LENGTH_MAX), reason, sha256 },
    kind: "config_rejected",
  };
}

/** A worker that died by a bug or a signal: nobody had told it to finish. */
export function workerDied(generation: number, death: WorkerDeath): AuditEvent {
  const { code, pid, reason, signal, uptimeMs, worker } = death;
  return {
    cfg: generation,
    data: { code, pid, reason, signal, uptime_ms: uptimeMs, worker },
    kind: "panic",
  };
}

/** The certificates of `after` that `before` did not serve. Keys are not in it, nor anything made from them. */
export function certificatesLoaded(
  generation: number,
  after: Config,
  before: Config | undefined,
): readonly AuditEvent[] {
  const served = new Set(certificatesOf(before).map(({ certPem }) => certPem));
  const events: AuditEvent[] = [];
  for (const { certPem, certPath } of certificatesOf(after)) {
    if (served.has(certPem)) continue;
    served.add(certPem);
    const leaf = new X509Certificate(certPem);
    events.push({
      cfg: generation,
      data: {
        not_after: leaf.validToDate.toISOString(),
        path: certPath,
        serial: leaf.serialNumber,
        sha256: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
      },
      kind: "cert_loaded",
    });
  }
  return events;
}

function certificatesOf(config: Config | undefined): readonly CertificateConfig[] {
  return config?.tls === undefined ? [] : [config.tls.default, ...config.tls.sni];
}
