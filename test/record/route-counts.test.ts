import assert from "node:assert/strict";
import { test } from "node:test";
import { reasons } from "../../src/reason.ts";
import { families, type MetricSample } from "../../src/record/metrics.ts";
import { ExchangeRecord } from "../../src/record/record.ts";
import { RouteCounts } from "../../src/record/route-counts.ts";

function read(counts: RouteCounts): MetricSample[] {
  const samples: MetricSample[] = [];
  counts.read(samples);
  return samples;
}

const ended = (change: Partial<ExchangeRecord>): ExchangeRecord =>
  Object.assign(new ExchangeRecord(1000, 1), change);

const valueIn = (samples: readonly MetricSample[], name: string, ...labels: readonly string[]) =>
  samples.find((sample) => sample.name === name && labels.every((label) => sample.labels.includes(label)))
    ?.value;

test("an exchange is counted by status class and decision", () => {
  const counts = new RouteCounts("shop");
  counts.count(ended({ status: 200 }), 1001);
  counts.count(ended({ status: 503 }), 1001);
  counts.count(ended({ status: 429, reason: reasons.rateLimited }), 1001);
  counts.count(ended({ status: 502, reason: reasons.upstreamConnect }), 1001);
  counts.count(ended({ status: 0, reason: reasons.clientGone }), 1001);
  counts.count(ended({ status: 200, wafGate: "patterns", wafDetail: "x", wafShadow: true }), 1001);
  const samples = read(counts);
  for (const labels of [
    ["2xx", "allow"],
    ["5xx", "allow"],
    ["4xx", "deny"],
    ["5xx", "error"],
    ["none", "error"],
    ["2xx", "shadow"],
  ])
    assert.equal(valueIn(samples, families.requests.name, ...labels), 1, labels.join());
});

test("time is split into gates, upstream and all", () => {
  const counts = new RouteCounts("shop");
  counts.count(ended({ status: 200, gatedMs: 1002, sentMs: 1010, answeredMs: 1050 }), 1100);
  const samples = read(counts);
  const sums = [families.gates, families.upstreamDuration, families.duration].map(({ name }) =>
    valueIn(samples, name),
  );
  assert.deepEqual(sums, [0.002, 0.04, 0.1]);
});

test("what a gate refused has its whole time in the gates, and none at the upstream", () => {
  const counts = new RouteCounts("shop");
  counts.count(ended({ status: 429, reason: reasons.rateLimited }), 1003);
  const samples = read(counts);
  assert.equal(valueIn(samples, families.gates.name), 0.003);
  assert.equal(valueIn(samples, families.upstreamDuration.name), undefined);
});

test("refusals are counted by gate and reason, the WAF's in shadow too", () => {
  const counts = new RouteCounts("shop");
  counts.count(ended({ status: 429, reason: reasons.rateLimited }), 1001);
  counts.count(
    ended({ status: 400, reason: reasons.wafPatterns, wafGate: "patterns", wafDetail: "depth" }),
    1001,
  );
  counts.count(ended({ status: 200, wafGate: "json", wafDetail: "depth", wafShadow: true }), 1001);
  counts.count(
    ended({
      status: 502,
      reason: reasons.upstreamConnect,
      wafGate: "json",
      wafDetail: "depth",
      wafShadow: true,
    }),
    1001,
  );
  const refusals = read(counts)
    .filter(({ name }) => name === families.gateDecisions.name)
    .map(({ labels, value }) => `${labels.join(" ")} ${value}`)
    .sort();
  assert.deepEqual(refusals, [
    `shop ${reasons.rateLimited.stage} ${reasons.rateLimited.code} enforce 1`,
    "shop json depth shadow 2",
    "shop patterns depth enforce 1",
    `shop upstream ${reasons.upstreamConnect.code} enforce 1`,
  ]);
});

test("a route without traffic has no samples", () => {
  assert.deepEqual(read(new RouteCounts("shop")), []);
});
