import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { openPressureGauge } from "../../src/control/pressure-gauge.ts";
import { Pressure, SAMPLE_MS } from "../../src/gate/pressure.ts";
import { SegmentStore } from "../../src/gate/segment-store.ts";
import { Turns } from "../../src/gate/turns.ts";

/** A gauge whose heap and clock are the test's. */
function start(t: TestContext) {
  mock.timers.enable({ apis: ["setInterval", "setImmediate"] });
  t.after(() => mock.timers.reset());
  const run = { nowMs: 0, heap: 0.2, pressure: new Pressure(), collections: 0 };
  const clock = { nowMs: () => run.nowMs, wallMs: () => run.nowMs };
  const engine = { turns: new Turns(clock), store: new SegmentStore(1) };
  const gauge = openPressureGauge(
    run.pressure,
    engine,
    clock,
    () => run.heap,
    () => run.collections++,
  );
  const pass = (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += SAMPLE_MS) {
      run.nowMs += SAMPLE_MS;
      mock.timers.tick(SAMPLE_MS);
    }
  };
  return Object.assign(run, { gauge, pass });
}

test("a heap that fills and empties is no pressure, one that stays full is", (t) => {
  const run = start(t);
  for (let round = 0; round < 10; round++) {
    run.heap = 0.95;
    run.pass(1000);
    run.heap = 0.3;
    run.pass(500);
  }
  assert.equal(run.pressure.level, 0);
  run.heap = 0.95;
  run.pass(2500);
  assert.equal(run.pressure.level, 2);
});

test("a worker is worn when its heap has been full for half a minute, and not when that passes", (t) => {
  const run = start(t);
  run.heap = 0.9;
  run.pass(28_000);
  assert.equal(run.gauge.isWorn(), false);
  run.heap = 0.5;
  run.pass(1000);
  run.heap = 0.9;
  run.pass(28_000);
  assert.equal(run.gauge.isWorn(), false);
  run.pass(6000);
  assert.equal(run.gauge.isWorn(), true);
});

test("the memory of all processes counts when it is fuller than the heap", (t) => {
  const run = start(t);
  run.gauge.setMemory(0.99);
  run.pass(300);
  assert.equal(run.pressure.level, 3);
  run.gauge.setMemory(0.1);
  run.pass(300);
  assert.equal(run.pressure.level, 0);
});

test("garbage is collected for want of memory, at once and then every five seconds, and not without", (t) => {
  const run = start(t);
  run.pass(20_000);
  assert.equal(run.collections, 0);
  run.gauge.setMemory(0.9);
  run.pass(300);
  assert.equal(run.collections, 1);
  run.pass(10_500);
  assert.equal(run.collections, 3);
  run.gauge.setMemory(0.1);
  run.pass(20_000);
  assert.equal(run.collections, 3);
});

test("where nothing is let in garbage is collected every second: those who are turned away make some", (t) => {
  const run = start(t);
  run.gauge.setMemory(0.98);
  run.pass(5500);
  assert.equal(run.collections, 6);
});
