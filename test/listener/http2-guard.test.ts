import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Flood,
  FloodGuard,
  IDLE_FRAME,
  PING_FRAME,
  RESET_FRAME,
  SETTINGS_FRAME,
} from "../../src/listener/http2-guard.ts";

/** Plays traffic in steps of 100 ms; `step` counts what comes in each and says what it led to. */
function play(
  step: (guard: FloodGuard, nowMs: number, turn: number) => Flood | undefined,
  seconds = 1,
): Flood | undefined {
  const guard = new FloodGuard(0);
  for (let turn = 0; turn < seconds * 10; turn++) {
    const flood = step(guard, turn * 100, turn);
    if (flood !== undefined) return flood;
  }
  return undefined;
}

/** `times` frames of a kind in each step. */
function frames(kind: number, times: number, framesPerSec = 0) {
  return (guard: FloodGuard, nowMs: number): Flood | undefined => {
    let flood: Flood | undefined;
    for (let n = 0; n < times; n++) flood ??= guard.count(kind, nowMs, framesPerSec);
    return flood;
  };
}

test("ordinary clients are left alone", async (t) => {
  await t.test("a window update for each frame that is read", () => {
    const flood = play((guard, nowMs) => {
      for (let n = 0; n < 2000; n++) guard.countAnswer(1000);
      return frames(IDLE_FRAME, 4000)(guard, nowMs);
    }, 60);
    assert.equal(flood, undefined);
  });
  await t.test("pings beside large answers, as gRPC clients send them", () => {
    const flood = play((guard, nowMs) => {
      guard.countAnswer(2_000_000);
      return frames(PING_FRAME, 1000)(guard, nowMs);
    }, 10);
    assert.equal(flood, undefined);
  });
  await t.test("a ping each second for an hour", () => {
    const flood = play(
      (guard, nowMs, turn) => (turn % 10 === 0 ? guard.count(PING_FRAME, nowMs, 0) : undefined),
      3600,
    );
    assert.equal(flood, undefined);
  });
  await t.test("a page that is left resets a hundred requests, again and again", () => {
    const flood = play(
      (guard, nowMs, turn) => (turn % 150 === 0 ? frames(RESET_FRAME, 100)(guard, nowMs) : undefined),
      60,
    );
    assert.equal(flood, undefined);
  });
});

test("each flood is told by its name", () => {
  assert.equal(play(frames(PING_FRAME, 10)), "ping");
  assert.equal(play(frames(SETTINGS_FRAME, 3)), "settings");
  assert.equal(play(frames(RESET_FRAME, 20)), "reset");
  assert.equal(play(frames(IDLE_FRAME, 2000)), "idle_frames");
  assert.equal(play(frames(IDLE_FRAME, 5, 20), 2), "rate");
  assert.equal(
    play((guard) => guard.countRejected(), 10),
    "rejected_heads",
  );
});

test("what answers earned excuses no resets and no settings", () => {
  for (const [kind, name] of [
    [RESET_FRAME, "reset"],
    [SETTINGS_FRAME, "settings"],
  ] as const) {
    const flood = play((guard, nowMs) => {
      guard.countAnswer(10_000_000);
      return frames(kind, 30)(guard, nowMs);
    });
    assert.equal(flood, name);
  }
});

test("the peak is that of one second", () => {
  const guard = new FloodGuard(0);
  for (const nowMs of [0, 500, 900, 1000, 1500, 2500]) guard.count(IDLE_FRAME, nowMs, 0);
  assert.equal(guard.framesPeak, 3);
});
