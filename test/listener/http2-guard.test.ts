import assert from "node:assert/strict";
import { test } from "node:test";
import { type Flood, FloodGuard } from "../../src/listener/http2-guard.ts";

/** Plays a second of traffic in ten looks; `step` says what comes in each, and how many bytes it took. */
function play(
  step: (guard: FloodGuard, turn: number) => number,
  seconds = 1,
  framesPerSec = 0,
): Flood | undefined {
  const guard = new FloodGuard(0);
  let bytesRead = 0;
  for (let turn = 0; turn < seconds * 10; turn++) {
    bytesRead += step(guard, turn);
    const flood = guard.check({ bytesRead, streamsSeen: guard.streamsTaken }, (turn + 1) * 100, framesPerSec);
    if (flood !== undefined) return flood;
  }
  return undefined;
}

test("ordinary clients are left alone", async (t) => {
  await t.test("many small requests", () => {
    const flood = play((guard) => {
      for (let n = 0; n < 500; n++) guard.countHead(400, false);
      return 500 * 60;
    }, 10);
    assert.equal(flood, undefined);
  });
  await t.test("an upload whose upstream takes nothing for a while", () => {
    const flood = play((guard, turn) => {
      if (turn === 0) for (let n = 0; n < 20; n++) guard.countHead(400, true);
      return turn === 1 ? 20 * 65_535 : 0;
    });
    assert.equal(flood, undefined);
  });
  await t.test("an upload in frames of a few bytes", () => {
    const flood = play((guard, turn) => {
      if (turn === 0) guard.countHead(400, true);
      for (let n = 0; n < 2000; n++) guard.countBody(5);
      return 2000 * 14;
    }, 10);
    assert.equal(flood, undefined);
  });
  await t.test("bodies that were refused while they were on their way", () => {
    const flood = play((guard) => {
      guard.countHead(400, true);
      guard.countBodyEnd(false);
      return 60_000;
    }, 5);
    assert.equal(flood, undefined);
  });
  await t.test("pings and window updates beside large answers, as gRPC clients send them", () => {
    const flood = play((guard) => {
      guard.countAnswer(2_000_000);
      guard.pings += 1000;
      return 1000 * 17 + 5000 * 13;
    }, 10);
    assert.equal(flood, undefined);
  });
  await t.test("a ping each second for an hour", () => {
    const flood = play((guard, turn) => {
      if (turn % 10 === 0) guard.pings++;
      return turn % 10 === 0 ? 17 : 0;
    }, 3600);
    assert.equal(flood, undefined);
  });
});

test("each flood is told by its name", () => {
  const pings = (count: number) => (guard: FloodGuard) => {
    guard.pings += count;
    return count * 17;
  };
  assert.equal(play(pings(100)), "ping");
  assert.equal(play(pings(5), 2, 10), "rate");
  const settings = (guard: FloodGuard): number => {
    guard.settings += 30;
    return 270;
  };
  assert.equal(play(settings), "settings");
  assert.equal(
    play(() => 100_000),
    "idle_bytes",
  );
  const oversize = (guard: FloodGuard): number => {
    for (let n = 0; n < 4; n++) guard.countOversize();
    return 400;
  };
  assert.equal(play(oversize), "rejected_heads");
});

test("heads that the layer below refused are the streams seen and not taken", () => {
  const guard = new FloodGuard(0);
  guard.countHead(100, false);
  assert.equal(guard.check({ bytesRead: 100, streamsSeen: 21 }, 100, 0), undefined);
  assert.equal(guard.rejected, 20);
  assert.equal(guard.check({ bytesRead: 200, streamsSeen: 40 }, 200, 0), "rejected_heads");
});

test("a few bytes of body excuse no flood beside them", () => {
  const flood = play((guard, turn) => {
    if (turn === 0) guard.countHead(400, true);
    guard.countBody(1);
    return 200_000;
  });
  assert.equal(flood, "idle_bytes");
});
