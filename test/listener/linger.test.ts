import assert from "node:assert/strict";
import { test } from "node:test";
import { Linger } from "../../src/listener/linger.ts";

function start(isBody: boolean) {
  const state = { wheel: { nowMs: 100 }, pressure: { level: 0 } };
  const linger = new Linger(isBody, state);
  linger.start();
  return { linger, state };
}

test("a body may go on for half a minute, five seconds at a time, however much of it comes", () => {
  const { linger, state } = start(true);
  assert.equal(linger.waitMs, 5000);
  for (; state.wheel.nowMs <= 25_100; state.wheel.nowMs += 1000) assert.equal(linger.take(1 << 30), 5000);
  state.wheel.nowMs = 29_000;
  assert.equal(linger.take(1), 1100);
  state.wheel.nowMs = 30_100;
  assert.equal(linger.take(1), 0);
});

test("what is no body has a second, and 64 KiB", () => {
  const { linger, state } = start(false);
  assert.equal(linger.waitMs, 1000);
  state.wheel.nowMs += 900;
  assert.equal(linger.take(65_536), 100);
  assert.equal(linger.take(1), 0);
  const trickle = start(false);
  trickle.state.wheel.nowMs += 1000;
  assert.equal(trickle.linger.take(1), 0);
});

test("under overload a body has no more than that", () => {
  const { linger, state } = start(true);
  assert.equal(linger.take(1 << 20), 5000);
  state.pressure.level = 1;
  assert.equal(linger.take(1), 0);
});

test("its time does not count while the answer waits for the client", () => {
  const state = { wheel: { nowMs: 100 }, pressure: { level: 0 } };
  const linger = new Linger(true, state);
  state.wheel.nowMs = 100_000;
  assert.equal(linger.take(1), 5000);
  linger.start();
  state.wheel.nowMs += 29_000;
  assert.equal(linger.take(1), 1000);
});
