import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RateWindow } from "../../src/upstream/rate-window.ts";

test("counts what happened within the window and forgets the rest", () => {
  const window = new RateWindow(3);
  window.add(true, 500);
  window.add(false, 1_500);
  window.add(true, 2_999);
  assert.deepEqual([window.total, window.failed], [3, 2]);
  window.advance(3_000);
  assert.deepEqual([window.total, window.failed], [2, 1]);
  window.advance(60_000);
  assert.deepEqual([window.total, window.failed], [0, 0]);
});

test("is above a rate only with enough attempts", () => {
  const window = new RateWindow(10);
  window.add(true, 0);
  assert.equal(window.isAbove(50, 2), false);
  window.add(false, 0);
  assert.equal(window.isAbove(50, 2), true);
  assert.equal(window.isAbove(51, 2), false);
});

test("counts as a list of dated outcomes would", () => {
  const step = fc.record({ waitMs: fc.oneof(fc.nat(900), fc.nat(90_000)), isFailure: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.array(step, { maxLength: 200 }), (windowSecs, steps) => {
      const window = new RateWindow(windowSecs);
      const seen: { second: number; isFailure: boolean }[] = [];
      let nowMs = 5_000_000;
      for (const { waitMs, isFailure } of steps) {
        nowMs += waitMs;
        window.add(isFailure, nowMs);
        seen.push({ second: Math.floor(nowMs / 1000), isFailure });
        const kept = seen.filter((one) => one.second > Math.floor(nowMs / 1000) - windowSecs);
        assert.equal(window.total, kept.length);
        assert.equal(window.failed, kept.filter((one) => one.isFailure).length);
      }
    }),
  );
});
