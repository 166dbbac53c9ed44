import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Edge } from "../../src/control/edge.ts";
import { createLimitExchange, tellLimits } from "../../src/control/limit-exchange.ts";
import type { FromWorker, ToWorker } from "../../src/control/messages.ts";
import type { SpentShare } from "../../src/limit/limiter.ts";
import { systemClock } from "../../src/std/clock.ts";
import { settle, silentLog } from "./fakes.ts";

const share = (limit: string): SpentShare => ({
  limit,
  keys: Uint32Array.of(1, 2),
  costs: Float64Array.of(3),
  windows: Float64Array.of(0),
});

test("the primary gives each worker what the others admitted, together and once", (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const sent: [number, ToWorker][] = [];
  const exchange = createLimitExchange(
    (messageFor) => {
      for (const worker of [1, 2, 3]) {
        const message = messageFor(worker);
        if (message !== undefined) sent.push([worker, message]);
      }
    },
    systemClock,
    silentLog,
  );
  const [a, b] = [share("a"), share("b")];
  exchange.hear(1, [a]);
  exchange.hear(2, [b]);
  exchange.hear(1, [b]);
  assert.deepEqual(sent, []);
  mock.timers.tick(25);
  assert.deepEqual(sent, [
    [1, { type: "limit_spent", shares: [b] }],
    [2, { type: "limit_spent", shares: [a, b] }],
    [3, { type: "limit_spent", shares: [a, b, b] }],
  ]);
  mock.timers.tick(1000);
  assert.equal(sent.length, 3);
  assert.deepEqual(
    exchange.greeting().map(({ type }) => type),
    ["limit_seed"],
  );
});

test("a worker tells nothing while its last message is still on its way, and nothing when there is nothing", async () => {
  const waiting = [share("a"), share("b")];
  const sent: FromWorker[] = [];
  let arrive = () => {};
  const tell = tellLimits({ tellLimits: () => waiting.splice(0, 1) } as unknown as Edge, (message) => {
    sent.push(message);
    return new Promise((resolve) => {
      arrive = resolve;
    });
  });
  tell();
  tell();
  assert.deepEqual(sent, [{ type: "limit_spent", shares: [share("a")] }]);
  arrive();
  await settle();
  tell();
  assert.equal(sent.length, 2);
  arrive();
  await settle();
  tell();
  assert.equal(sent.length, 2);
});
