import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { KeyTable } from "../../src/limit/key-table.ts";
import { fixedWindow, gcra } from "../../src/limit/rate.ts";
import { type StrictAnswer, type StrictBatch, StrictJudge } from "../../src/limit/strict.ts";
import { StrictAsker } from "../../src/limit/strict-asker.ts";
import { TimerWheel } from "../../src/std/timer-wheel.ts";

const facts = (rate: number, windowMs: number, identity = "") => ({
  name: "a",
  identity,
  keysMax: 100,
  rate: fixedWindow(rate, windowMs),
  inStore: false,
});
const ask = (id: number, lo = 1) => ({ id, limit: "a", lo, hi: 0 });

describe("whoever decides over strict limits", () => {
  test("lets as many through as one worker alone would, however the questions are bundled", () => {
    let refused = 0;
    const batches = fc.array(fc.tuple(fc.nat(5), fc.array(fc.nat(2), { maxLength: 8 })), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), batches, (burst, rounds) => {
        const rate = gcra(1000, 4000, burst);
        const judge = new StrictJudge();
        judge.adopt([{ ...facts(1, 1), rate }]);
        const alone = new KeyTable(100);
        let nowMs = 0;
        for (const [passedMs, keys] of rounds) {
          nowMs += passedMs;
          const answers = judge.judge({ asks: keys.map((key, id) => ask(id, key)), returns: [] }, nowMs);
          const wanted = keys.map((key) => rate.take(alone, alone.touch(key, 0), 1, nowMs));
          assert.deepEqual(
            answers.map(({ waitMs }) => waitMs),
            wanted,
          );
          refused += wanted.filter((waitMs) => waitMs > 0).length;
        }
      }),
    );
    assert.ok(refused > 0);
  });

  for (const [title, rate] of [
    ["a window", fixedWindow(2, 1000)],
    ["GCRA", gcra(2, 1e6, 2)],
  ] as const)
    test(`${title}: what is given back can be spent again, once`, () => {
      const judge = new StrictJudge();
      judge.adopt([{ ...facts(1, 1), rate }]);
      const spend = (returns: StrictBatch["returns"] = []) =>
        judge.judge({ asks: [ask(1)], returns }, 5000)[0]!;
      const { window } = spend();
      assert.equal(spend().waitMs, 0);
      assert.ok(spend().waitMs > 0);
      const spent = { limit: "a", lo: 1, hi: 0, window };
      assert.equal(spend([spent]).waitMs, 0);
      assert.ok(spend([{ ...spent, lo: 2 }]).waitMs > 0);
    });

  test("what is given back of a window that has ended is not spent in the next", () => {
    const judge = new StrictJudge();
    judge.adopt([facts(1, 1000)]);
    const [first] = judge.judge({ asks: [ask(1)], returns: [] }, 500);
    judge.judge({ asks: [ask(2)], returns: [] }, 1500);
    const spent = { limit: "a", lo: 1, hi: 0, window: first!.window };
    assert.ok(judge.judge({ asks: [ask(3)], returns: [spent] }, 1600)[0]!.waitMs > 0);
  });

  test("what was counted survives a reload, unless it means something else", () => {
    const judge = new StrictJudge();
    judge.adopt([facts(1, 1e6)]);
    const waits = () => judge.judge({ asks: [ask(1)], returns: [] }, 1)[0]!.waitMs > 0;
    assert.deepEqual([waits(), waits()], [false, true]);
    judge.adopt([facts(2, 1e6)]);
    assert.deepEqual([waits(), waits()], [false, true]);
    judge.adopt([facts(2, 1e6, "other")]);
    assert.equal(waits(), false);
    // A worker that has not heard of the reload yet asks for what is gone.
    judge.adopt([]);
    assert.deepEqual([waits(), waits()], [false, false]);
  });
});

describe("a worker that asks", () => {
  function start() {
    const clock = { ms: 0, nowMs: () => clock.ms, wallMs: () => clock.ms };
    const wheel = new TimerWheel(clock);
    const sent: StrictBatch[] = [];
    const arrivals: (() => void)[] = [];
    const asker = new StrictAsker(wheel, (batch) => {
      sent.push(batch);
      return new Promise((resolve) => arrivals.push(resolve));
    });
    const heard: [number, StrictAnswer | undefined][] = [];
    const request = (number: number) =>
      void asker.ask("a", number, 0).then((answer) => heard.push([number, answer]));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const pass = (ms: number) => {
      clock.ms += ms;
      wheel.advance();
    };
    return { asker, sent, arrivals, heard, request, turn, pass };
  }

  test("bundles the questions of a turn, and sends no more while a message is on its way", async () => {
    const { asker, sent, arrivals, heard, request, turn } = start();
    request(1);
    request(2);
    await turn();
    assert.deepEqual(
      sent[0]!.asks.map(({ lo }) => lo),
      [1, 2],
    );
    request(3);
    await turn();
    assert.equal(sent.length, 1);
    arrivals[0]!();
    await turn();
    await turn();
    assert.deepEqual(
      sent[1]!.asks.map(({ lo }) => lo),
      [3],
    );
    const answer = { id: sent[0]!.asks[1]!.id, waitMs: 7, window: 0 };
    asker.hear([answer, answer]);
    await turn();
    assert.deepEqual(heard, [[2, answer]]);
  });

  test("gives up after a second, each question by itself, and does not send what nobody waits for", async () => {
    const { asker, sent, arrivals, heard, request, turn, pass } = start();
    request(1);
    await turn();
    request(2);
    pass(700);
    request(3);
    pass(600);
    await turn();
    assert.deepEqual(heard, [
      [1, undefined],
      [2, undefined],
    ]);
    arrivals[0]!();
    await turn();
    await turn();
    assert.deepEqual(
      sent[1]!.asks.map(({ lo }) => lo),
      [3],
    );
    asker.hear([{ id: sent[0]!.asks[0]!.id, waitMs: 0, window: 0 }]);
    pass(700);
    await turn();
    assert.deepEqual(heard.slice(2), [[3, undefined]]);
  });

  test("has room for a bounded number of questions", async () => {
    const { heard, request, turn } = start();
    for (let number = 0; number < 9000; number++) request(number);
    await turn();
    assert.deepEqual(heard[0], [8192, undefined]);
    assert.equal(heard.length, 9000 - 8192);
  });

  test("keeps no questions of the past while the primary takes nothing", async () => {
    const { sent, arrivals, heard, request, turn, pass } = start();
    request(0);
    await turn();
    // Room for 8191 beside the first, which is on its way; when their second is over, for one more.
    for (let number = 1; number < 8192; number++) request(number);
    pass(1100);
    request(8192);
    request(8193);
    await turn();
    assert.equal(heard.length, 8193);
    assert.deepEqual(heard.at(-1), [8193, undefined]);
    pass(1100);
    arrivals[0]!();
    await turn();
    await turn();
    request(8194);
    await turn();
    assert.deepEqual(
      sent.at(-1)!.asks.map(({ lo }) => lo),
      [8194],
    );
  });
});
