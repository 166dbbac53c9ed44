import assert from "node:assert/strict";
import { test } from "node:test";
import { stampIds } from "../../src/http/id-lines.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { type Reason, reasons } from "../../src/reason.ts";
import { buildLogSampling, type SampleRule } from "../../src/record/log-sampling.ts";
import { ExchangeRecord } from "../../src/record/record.ts";
import { RouteCounts } from "../../src/record/route-counts.ts";
import { openRandomPool } from "../../src/std/random-pool.ts";
import { readAsHead } from "../support/head-reading.ts";

const pool = openRandomPool();

function request(traceparent = ""): CanonicalRequest {
  const request = new CanonicalRequest();
  const field = traceparent === "" ? "" : `traceparent: ${traceparent}\r\n`;
  readAsHead(Buffer.from(`GET / HTTP/1.1\r\nHost: a.test\r\n${field}\r\n`), request);
  stampIds(request, pool, undefined, false);
  return request;
}

function record(status: number, reason?: Reason, route?: string): ExchangeRecord {
  return Object.assign(new ExchangeRecord(0, 1), {
    status,
    reason,
    route:
      route === undefined
        ? undefined
        : { name: route, counters: new RouteCounts(route), logPiece: new Uint8Array() },
  });
}

const some: SampleRule = { routes: undefined, decisions: ["allow"], statusClasses: [1, 2, 3], rate: 0 };

test("without rules nothing is asked", () => {
  assert.equal(buildLogSampling([]), undefined);
});

test("refusals, errors and failed answers are left out only by a rule that names them", () => {
  const sampling = buildLogSampling([some])!;
  for (const kept of [
    record(403, reasons.internalOnly),
    record(502, reasons.upstreamConnect),
    record(0, reasons.clientGone),
    // The upstream's own words.
    record(500),
    record(404),
  ])
    assert.ok(sampling.choose(kept, request()) !== undefined, `${kept.status}`);
  assert.equal(sampling.choose(record(200), request()), undefined);
  const all = buildLogSampling([{ ...some, decisions: ["deny", "error"], statusClasses: [0, 4, 5] }])!;
  for (const reason of [reasons.internalOnly, reasons.upstreamConnect, reasons.clientGone])
    assert.equal(all.choose(record(reason.status, reason), request()), undefined, reason.code);
});

test("the first rule that an exchange fits decides", () => {
  const sampling = buildLogSampling([
    { ...some, routes: ["kept"], rate: 1 },
    { ...some, routes: ["static", "kept"], rate: 0 },
  ])!;
  const chosen = (route?: string) => sampling.choose(record(200, undefined, route), request()) !== undefined;
  assert.deepEqual([chosen("kept"), chosen("static"), chosen("other"), chosen()], [true, false, true, true]);
  assert.equal(sampling.choose(record(200, undefined, "kept"), request())?.length, 0, "all: nothing to say");
});

test("the rate is that of the rule, and the same trace is always decided the same way", () => {
  const sampling = buildLogSampling([{ ...some, rate: 0.1 }])!;
  const again = buildLogSampling([{ ...some, rate: 0.1 }])!;
  const more = buildLogSampling([{ ...some, rate: 0.5 }])!;
  let chosen = 0;
  for (let i = 0; i < 10_000; i++) {
    const one = request();
    const trace = one.text(one.traceStart, one.traceEnd);
    const piece = sampling.choose(record(200), one);
    if (piece === undefined) continue;
    chosen++;
    assert.equal(Buffer.from(piece).toString(), ',"zion.sample_rate":0.1');
    assert.ok(again.choose(record(200), request(trace)) !== undefined, "another gateway");
    assert.ok(more.choose(record(200), request(trace)) !== undefined, "a higher rate has all of a lower one");
  }
  // Seven standard deviations.
  assert.ok(Math.abs(chosen - 1000) < 210, `${chosen}`);
});
