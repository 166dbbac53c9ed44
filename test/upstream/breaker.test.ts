import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BreakerConfig } from "../../src/config/config.ts";
import { Breaker } from "../../src/upstream/breaker.ts";

const settings: BreakerConfig = { errorRatePct: 50, minRequests: 4, windowSecs: 10, openSecs: 30 };

/** A breaker that opened at `nowMs`. */
function openBreaker(nowMs: number): Breaker {
  const breaker = new Breaker(settings);
  for (let request = 0; request < 4; request++) breaker.settle(breaker.admit(nowMs), false, nowMs);
  assert.equal(breaker.isOpen, true);
  return breaker;
}

test("stays closed below the minimum of requests and below the error rate", () => {
  const few = new Breaker(settings);
  for (let request = 0; request < 3; request++) few.settle(few.admit(0), false, 0);
  assert.ok(few.admit(0) >= 0);
  const healthy = new Breaker(settings);
  for (let request = 0; request < 100; request++) {
    healthy.settle(healthy.admit(0), true, 0);
    healthy.settle(healthy.admit(0), true, 0);
    healthy.settle(healthy.admit(0), false, 0);
  }
  assert.ok(healthy.admit(0) >= 0);
  assert.equal(healthy.trips, 0);
});

test("failures that have left the window do not open it", () => {
  const breaker = new Breaker(settings);
  for (let request = 0; request < 3; request++) breaker.settle(breaker.admit(0), false, 0);
  breaker.settle(breaker.admit(10_000), false, 10_000);
  assert.ok(breaker.admit(10_000) >= 0);
});

test("opens at the error rate and says how long, rounded up and at least a second", () => {
  const breaker = openBreaker(1_000);
  assert.equal(breaker.admit(1_000), -1);
  assert.equal(breaker.retryAfterSecs(1_000), 30);
  assert.equal(breaker.retryAfterSecs(1_001), 30);
  assert.equal(breaker.retryAfterSecs(30_500), 1);
  assert.equal(breaker.admit(30_999), -1);
  assert.equal(breaker.retryAfterSecs(40_000), 1);
  assert.equal(breaker.trips, 1);
});

test("one probe passes after the pause, and its success closes the breaker", () => {
  const breaker = openBreaker(0);
  const probe = breaker.admit(30_000);
  assert.ok(probe >= 0);
  assert.equal(breaker.admit(30_000), -1);
  assert.equal(breaker.admit(90_000), -1);
  breaker.settle(probe, true, 90_000);
  assert.equal(breaker.isOpen, false);
  assert.ok(breaker.admit(90_000) >= 0);
});

test("what was before it opened is forgotten, even within the window", () => {
  const breaker = new Breaker({ errorRatePct: 50, minRequests: 4, windowSecs: 60, openSecs: 1 });
  for (let request = 0; request < 4; request++) breaker.settle(breaker.admit(0), false, 0);
  breaker.settle(breaker.admit(1_000), true, 1_000);
  breaker.settle(breaker.admit(1_000), false, 1_000);
  assert.equal(breaker.isOpen, false);
});

test("late failures while it is open do not lengthen the pause", () => {
  const breaker = new Breaker(settings);
  const late = Array.from({ length: 10 }, () => breaker.admit(0));
  for (let request = 0; request < 4; request++) breaker.settle(breaker.admit(0), false, 0);
  for (const ticket of late) breaker.settle(ticket, false, 20_000);
  assert.equal(breaker.retryAfterSecs(20_000), 10);
  assert.equal(breaker.trips, 1);
  assert.ok(breaker.admit(30_000) >= 0);
});

test("a failed probe opens it for the whole pause again", () => {
  const breaker = openBreaker(0);
  breaker.settle(breaker.admit(30_000), false, 31_000);
  assert.equal(breaker.admit(60_999), -1);
  assert.ok(breaker.admit(61_000) >= 0);
  assert.equal(breaker.trips, 2);
});

test("late answers of exchanges admitted before it opened neither close it nor count", () => {
  const breaker = new Breaker(settings);
  const late = Array.from({ length: 10 }, () => breaker.admit(0));
  for (let request = 0; request < 4; request++) breaker.settle(breaker.admit(0), false, 0);
  const probe = breaker.admit(30_000);
  for (const ticket of late) breaker.settle(ticket, true, 30_000);
  assert.equal(breaker.isOpen, true);
  breaker.settle(probe, true, 30_100);
  for (const ticket of late) breaker.settle(ticket, false, 30_200);
  assert.equal(breaker.isOpen, false);
});

test("a probe that its client cancelled frees the slot and decides nothing", () => {
  const breaker = openBreaker(0);
  const cancelled = breaker.admit(30_000);
  breaker.cancel(cancelled);
  assert.equal(breaker.isOpen, true);
  const probe = breaker.admit(30_000);
  assert.ok(probe >= 0);
  assert.equal(breaker.admit(30_000), -1);
  breaker.settle(cancelled, true, 30_000);
  assert.equal(breaker.isOpen, true);
  breaker.cancel(cancelled);
  assert.equal(breaker.admit(30_000), -1);
});

test("a cancelled exchange counts neither way while closed", () => {
  const breaker = new Breaker(settings);
  for (let request = 0; request < 10; request++) breaker.cancel(breaker.admit(0));
  for (let request = 0; request < 3; request++) breaker.settle(breaker.admit(0), false, 0);
  assert.ok(breaker.admit(0) >= 0);
  breaker.settle(breaker.admit(0), false, 0);
  assert.equal(breaker.admit(0), -1);
});

test("never lets two probes through, and never stays shut once its probe has ended", () => {
  const step = fc.record({
    waitMs: fc.nat(2_000),
    act: fc.constantFrom("admit", "admit", "admit", "ok", "fail", "fail", "fail", "cancel"),
    which: fc.nat(),
  });
  let probes = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 300 }), (steps) => {
      const breaker = new Breaker({ errorRatePct: 50, minRequests: 2, windowSecs: 10, openSecs: 5 });
      const open: { ticket: number; isProbe: boolean }[] = [];
      let nowMs = 0;
      for (const { waitMs, act, which } of steps) {
        nowMs += waitMs;
        if (act === "admit") {
          const isProbe = breaker.isOpen;
          const ticket = breaker.admit(nowMs);
          if (ticket >= 0) open.push({ ticket, isProbe });
          const probing = open.filter((exchange) => exchange.isProbe).length;
          assert.ok(probing <= 1, `${probing} probes at once`);
          if (isProbe && ticket >= 0) probes++;
          continue;
        }
        const [exchange] = open.length === 0 ? [] : open.splice(which % open.length, 1);
        if (exchange === undefined) continue;
        if (act === "cancel") breaker.cancel(exchange.ticket);
        else breaker.settle(exchange.ticket, act === "ok", nowMs);
      }
      for (const exchange of open) breaker.cancel(exchange.ticket);
      assert.ok(breaker.admit(nowMs + 5_000) >= 0);
    }),
  );
  assert.ok(probes > 100, `only ${probes} probes were tried`);
});
