import assert from "node:assert/strict";
import { test } from "node:test";
import { inOneGo, inSlices, type Steps } from "../../src/std/steps.ts";

/** Each step takes 2 ms of `clock`. */
function* count(clock: { ms: number }, steps: number): Steps<string> {
  for (let step = 0; step < steps; step++) {
    clock.ms += 2;
    yield;
  }
  return `${steps} steps`;
}

test("in one go, all steps are taken at once", () => {
  assert.equal(inOneGo(count({ ms: 0 }, 100)), "100 steps");
});

test("in slices, the event loop turns whenever a slice's time is over", async () => {
  const clock = { ms: 0 };
  const turns: number[] = [];
  const note = () => {
    turns.push(clock.ms);
    if (clock.ms < 20) setImmediate(note);
  };
  setImmediate(note);
  assert.equal(
    await inSlices(
      count(clock, 10),
      () => clock.ms,
      5,
      () => true,
    ),
    "10 steps",
  );
  assert.ok(turns.length >= 3, turns.join());
  turns.reduce((before, now) => {
    assert.ok(now - before <= 6, turns.join());
    return now;
  }, 0);
});

test("what nobody wants any more ends after its slice", async () => {
  const clock = { ms: 0 };
  const result = await inSlices(
    count(clock, 100),
    () => clock.ms,
    5,
    () => clock.ms < 12,
  );
  assert.equal(result, undefined);
  assert.equal(clock.ms, 12);
});

test("what a step throws is the caller's", async () => {
  function* fail(): Steps<void> {
    yield;
    throw new Error("bad");
  }
  await assert.rejects(
    inSlices(
      fail(),
      () => 0,
      5,
      () => true,
    ),
    /bad/,
  );
});
