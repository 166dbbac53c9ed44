import assert from "node:assert/strict";
import { test } from "node:test";
import { createLevelAsks } from "../../src/control/level-asks.ts";
import type { ToWorker } from "../../src/control/messages.ts";

const keys = ["a", "b"].map((limit) => ({ limit, lo: 1, hi: 2 }));

/** `workers` of them; what they are told is kept. */
function asksOf(workers: number) {
  const told: ToWorker[] = [];
  const asks = createLevelAsks((messageFor) => {
    for (let i = 0; i < workers; i++) told.push(messageFor());
  });
  const idOf = (message: ToWorker | undefined): number =>
    message?.type === "limit_levels_asked" ? message.ask : assert.fail("no question");
  return { asks, told, idOf };
}

test("of what workers say the highest counts", async () => {
  const { asks, told, idOf } = asksOf(2);
  const answer = asks.ask(keys);
  asks.hear(idOf(told[0]), [3, 0]);
  asks.hear(idOf(told[1]), [1, 4]);
  assert.deepEqual(await answer, [3, 4]);
});

test("a worker that says nothing holds nobody up, and what it says later is not taken for another answer", async () => {
  const { asks, told, idOf } = asksOf(2);
  const answer = asks.ask(keys);
  asks.hear(idOf(told[0]), [3, 1]);
  assert.deepEqual(await answer, [3, 1]);
  const next = asks.ask(keys);
  asks.hear(idOf(told[1]), [9, 9]);
  for (const message of told.slice(2)) asks.hear(idOf(message), [5, 5]);
  assert.deepEqual(await next, [5, 5]);
});

test("without a worker nothing is used", async () => {
  assert.deepEqual(await asksOf(0).asks.ask(keys), [0, 0]);
});
