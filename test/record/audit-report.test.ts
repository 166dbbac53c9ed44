import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditFeed } from "../../src/audit/feed.ts";
import type { AuditEvent } from "../../src/audit/record.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import type { ShownCertificate } from "../../src/http/tls-facts.ts";
import { reasons } from "../../src/reason.ts";
import { AuditReport } from "../../src/record/audit-report.ts";
import { DecisionLog } from "../../src/record/decision-log.ts";
import { ExchangeRecord } from "../../src/record/record.ts";
import { buildRedaction } from "../../src/record/redaction.ts";
import { systemClock } from "../../src/std/clock.ts";

const fingerprint = `sha256:${"ab".repeat(32)}`;

/** A request that was refused for its client's certificate. */
function refused(): { request: CanonicalRequest; record: ExchangeRecord } {
  const request = new CanonicalRequest();
  request.reset();
  request.clientAddress = "192.0.2.1";
  request.shownCertificate = { fingerprint } as ShownCertificate;
  const record = new ExchangeRecord(0, 1);
  record.reason = reasons.clientCertRevoked;
  record.status = 403;
  return { request, record };
}

function reported(
  headers: readonly string[],
  request = refused().request,
  record = refused().record,
): AuditEvent {
  const events: AuditEvent[] = [];
  const feed = { isUp: true, report: (event: AuditEvent) => void events.push(event), close: async () => {} };
  const settings = { headers, queryParams: undefined, jsonFields: [], ip: "full", ipKey: "" } as const;
  const report = new AuditReport(feed as unknown as AuditFeed, {
    redaction: buildRedaction(settings),
    requests: false,
    refusesOnFailure: false,
  });
  report.conclude(record, request, 0);
  void report.close();
  return events[0]!;
}

test("a refused certificate is a failure to authenticate, with its fingerprint as evidence", () => {
  const event = reported([]);
  assert.equal(event.kind, "auth_failure");
  assert.deepEqual(event.src, { cert: fingerprint, ip: "192.0.2.1" });
  assert.deepEqual(Object.keys(event.src!), ["cert", "ip"]);
});

test("a fingerprint is redacted by the name of the field that upstreams get it in", () => {
  assert.deepEqual(reported(["x-client-cert-fingerprint"]).src, { cert: "<redacted:71>", ip: "192.0.2.1" });
});

test("a decision tells the certificate, good or bad, and nothing where none was shown", () => {
  const log = new DecisionLog(systemClock);
  const { request, record } = refused();
  log.add(record, request, "192.0.2.1", 1);
  request.shownCertificate = undefined;
  log.add(record, request, "192.0.2.1", 1);
  const [first, second] = log.take();
  assert.equal(first!.certificate, fingerprint);
  assert.ok(!("certificate" in second!));
});

test("of a head that was refused both tell what could be made out", () => {
  const { request, record } = refused();
  request.refusal = record.reason = reasons.pathDouble;
  request.refusedHead = { method: "GET", target: "/a%255C", host: "shop.example" };
  const log = new DecisionLog(systemClock);
  log.add(record, request, "192.0.2.1", 1);
  const [decision] = log.take();
  const { method, host, path, head } = decision!;
  assert.deepEqual([method, host, path, head], ["_OTHER", "", "", "GET /a%255C, Host shop.example"]);
  assert.deepEqual(reported([], request, record).req, { head: "GET /a%255C, Host shop.example" });
  request.refusedHead = { method: "", target: "", host: "" };
  assert.ok(!("req" in reported([], request, record)));
});
