import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { createPace } from "../../src/control/pace.ts";
import { settle } from "./fakes.ts";

function start(t: TestContext, run: () => Promise<unknown> = async () => {}) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  let nowMs = 0;
  const runs: number[] = [];
  const pace = createPace(
    () => {
      runs.push(nowMs);
      return run();
    },
    () => nowMs,
  );
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 10) {
      nowMs += 10;
      mock.timers.tick(10);
      await settle();
    }
  };
  return { pace, runs, pass };
}

test("events that follow each other closely are one run, after a quarter of a second of quiet", async (t) => {
  const { pace, runs, pass } = start(t);
  for (let i = 0; i < 3; i++) {
    pace.event();
    await pass(100);
  }
  assert.deepEqual(runs, []);
  await pass(1000);
  assert.deepEqual(runs, [450]);
});

test("ten seconds of events are at most eleven runs, the last one after the last event", async (t) => {
  const { pace, runs, pass } = start(t);
  for (let i = 0; i < 1000; i++) {
    pace.event();
    await pass(10);
  }
  await pass(2000);
  assert.ok(runs.length <= 11 && runs.length >= 9, runs.join());
  assert.ok(runs.at(-1)! > 9990);
  runs.reduce((before, now) => {
    assert.ok(now - before >= 1000, runs.join());
    return now;
  });
});

test("runs do not overlap; what happens meanwhile gets one of its own", async (t) => {
  const first = Promise.withResolvers<void>();
  const { pace, runs, pass } = start(t, () => (runs.length === 1 ? first.promise : Promise.resolve()));
  pace.event();
  await pass(300);
  pace.event();
  pace.event();
  await pass(5000);
  assert.equal(runs.length, 1);
  first.resolve();
  await settle();
  await pass(50);
  assert.equal(runs.length, 2);
  await pass(5000);
  assert.equal(runs.length, 2);
});

test("a single change after a run waits until a second has passed since it began", async (t) => {
  const { pace, runs, pass } = start(t);
  pace.event();
  await pass(300);
  pace.event();
  await pass(3000);
  assert.deepEqual(runs, [250, 1250]);
});
