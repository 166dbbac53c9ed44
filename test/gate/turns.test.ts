import assert from "node:assert/strict";
import { test } from "node:test";
import { type Turn, Turns } from "../../src/gate/turns.ts";
import type { Clock } from "../../src/std/clock.ts";

const STEP_MS = 0.3;

test("inspections together hold the loop for a millisecond and a step, then others have their turn", async () => {
  let nowMs = 0;
  const clock: Clock = { nowMs: () => nowMs, wallMs: () => nowMs };
  const turns = new Turns(clock);
  const inspection = (steps: number): Turn => ({
    run() {
      while (steps > 0 && turns.mayRun) {
        const startMs = turns.nowMs();
        nowMs += STEP_MS;
        turns.spend(startMs);
        steps--;
      }
      if (steps > 0) turns.queue(this);
    },
  });
  for (const steps of [20, 20, 20]) turns.queue(inspection(steps));
  const slices: number[] = [];
  while (turns.waiting > 0) {
    const beforeMs = nowMs;
    await new Promise((resolve) => setImmediate(resolve));
    slices.push(nowMs - beforeMs);
  }
  assert.ok(Math.abs(nowMs - 60 * STEP_MS) < 1e-6);
  assert.ok(Math.max(...slices) < 1 + STEP_MS + 1e-6, `${slices}`);
});
