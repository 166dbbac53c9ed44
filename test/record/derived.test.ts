import assert from "node:assert/strict";
import { test } from "node:test";
import { reasons } from "../../src/reason.ts";
import { Counters } from "../../src/record/counters.ts";
import { families } from "../../src/record/metrics.ts";

test("handshakes, failed identities and time-outs have figures of their own", () => {
  const counters = new Counters();
  counters.countHandshake("ok", "TLSv1.3", 0.002);
  counters.countHandshake("ok", "TLSv1.3", 0.004);
  counters.countHandshake("version", "");
  counters.rejects[reasons.handshakeRate.index] = 5;
  counters.rejects[reasons.tokenExpired.index] = 2;
  counters.rejects[reasons.headTimeout.index] = 3;
  const samples = counters.read();
  const value = ({ name }: { readonly name: string }, ...labels: readonly string[]) =>
    samples.find((one) => one.name === name && labels.every((label) => one.labels.includes(label)))?.value;
  assert.equal(value(families.handshakeAttempts), 8);
  assert.equal(value(families.handshakesLimited), 5);
  assert.equal(value(families.handshakeFailures, "version"), 1);
  assert.equal(value(families.handshakeFailures, "ok"), undefined);
  assert.equal(value(families.handshakeDuration), 0.006);
  assert.equal(value(families.authFailures, reasons.tokenExpired.code), 2);
  assert.equal(value(families.ioTimeouts, "request_head"), 3);
});

test("a worker that counted nothing says nothing", () => {
  assert.deepEqual(new Counters().read(), []);
});
