import { randomBytes } from "node:crypto";
import net from "node:net";
import { AuditFeed } from "../audit/feed.ts";
import type { Config } from "../config/config.ts";
import { AuditReport, type AuditReportSettings } from "../record/audit-report.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import { buildRedaction } from "../record/redaction.ts";

/** What a worker reports, as the configuration has it. */
export function auditSettings({ audit, redact }: Config): AuditReportSettings {
  return {
    redaction: buildRedaction(redact),
    requests: audit?.requests ?? false,
    refusesOnFailure: audit?.refusesOnFailure ?? false,
  };
}

/** A worker's way to the audit writer. Undefined where the configuration has no audit log. */
export function openAuditReport(
  config: Config,
  workerIndex: number,
  socket: string,
  token: string,
): AuditReport | undefined {
  if (config.audit === undefined) return undefined;
  const feed = new AuditFeed({
    b: randomBytes(8).toString("hex"),
    // 0 is the primary.
    id: workerIndex + 1,
    queueMax: config.audit.queueDepth,
    token,
    connect: () => net.connect(socket),
  });
  return new AuditReport(feed, auditSettings(config));
}

export function auditSamples(report: AuditReport | undefined): MetricSample[] {
  if (report === undefined) return [];
  return [
    { name: families.auditDropped.name, labels: [], value: report.feed.dropped },
    { name: families.auditQueue.name, labels: [], value: report.feed.waiting },
  ];
}
