import assert from "node:assert/strict";
import { test } from "node:test";
import { createCrashLoop } from "../../src/control/crash-loop.ts";

const deaths = (atMs: readonly number[], alone = false): number[] => {
  const loop = createCrashLoop();
  return atMs.map((nowMs) => loop.nextDelayMs(nowMs, 0, alone));
};

test("a first death costs no delay, and each further one within a minute costs more", () => {
  assert.deepEqual(deaths([0, 1, 2, 3, 4, 5, 6]), [0, 100, 500, 1000, 2000, 10_000, 10_000]);
});

test("deaths older than a minute are forgotten", () => {
  assert.deepEqual(deaths([0, 30_000, 60_000, 200_000]), [0, 100, 100, 0]);
});

test("when no other worker is there, nobody waits longer than half a second", () => {
  assert.deepEqual(deaths([0, 1, 2, 3, 4, 5, 6], true), [0, 100, 500, 500, 500, 500, 500]);
});

test("who has served for five seconds is replaced at once, however often that happens, and counts for nothing", () => {
  const loop = createCrashLoop();
  for (let nowMs = 0; nowMs < 60_000; nowMs += 6000) assert.equal(loop.nextDelayMs(nowMs, 5000, false), 0);
  assert.equal(loop.nextDelayMs(60_000, 4999, false), 0);
  assert.equal(loop.nextDelayMs(60_001, -Infinity, false), 100);
});
