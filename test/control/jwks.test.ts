import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { KeySourceConfig } from "../../src/config/config.ts";
import { createKeyKeeper } from "../../src/control/jwks.ts";
import type { createLog } from "../../src/control/log.ts";
import type { KeysOrProblem } from "../../src/identity/jwk.ts";
import type { KeyMaterial } from "../../src/identity/token-verifier.ts";

// The keeper of key sets, on a clock of the test.

const source: KeySourceConfig = {
  id: "one",
  url: "https://id.test/keys",
  caPem: undefined,
  networks: [],
  algorithms: ["ES256"],
};

function key(kid: string): KeyMaterial {
  return { kid, algorithm: "ES256", secret: undefined, publicPem: kid };
}

function start(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 1_000_000;
  let answer: KeysOrProblem = [key("a")];
  const fetchedMs: number[] = [];
  const told: string[] = [];
  const keeper = createKeyKeeper({
    fetch: async () => {
      fetchedMs.push(nowMs);
      return answer;
    },
    onChange: (_id, keys) => told.push(keys.map(({ kid }) => kid).join()),
    onFetch: () => {},
    clock: { nowMs: () => nowMs, wallMs: () => nowMs },
    log: silent(),
  });
  t.after(() => keeper.stop());
  return {
    keeper,
    told,
    fetches: () => fetchedMs.map((at) => (at - 1_000_000) / 1000),
    answer(next: KeysOrProblem) {
      answer = next;
    },
    /** Lets this much time pass, a second at a time. */
    async pass(secs: number, each: () => void = () => {}) {
      for (let second = 0; second < secs; second++) {
        nowMs += 1000;
        t.mock.timers.tick(1000);
        each();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

function silent(): ReturnType<typeof createLog> {
  const nothing = () => {};
  return { debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing } as never;
}

test("keys are there when a source is watched, and are fetched again every hour", async (t) => {
  const run = start(t);
  await run.keeper.watch([source]);
  assert.deepEqual([run.told, [...run.keeper.keys.get("one")!]], [["a"], [key("a")]]);
  await run.pass(7300);
  assert.deepEqual(run.fetches(), [0, 3600, 7200]);
  assert.deepEqual(run.told, ["a"], "told once: nothing changed");
});

test("however many unknown keys come, one fetch in 30 seconds answers them all", async (t) => {
  const run = start(t);
  await run.keeper.watch([source]);
  run.answer([key("a"), key("b")]);
  await run.pass(100, () => {
    for (let i = 0; i < 50; i++) run.keeper.want("one");
  });
  assert.deepEqual(run.fetches(), [0, 30, 60, 90]);
  assert.deepEqual(run.told, ["a", "a,b"]);
});

test("while an issuer fails, its keys hold for an hour longer, and tries come less and less often", async (t) => {
  const run = start(t);
  await run.keeper.watch([source]);
  run.answer("status 500");
  await run.pass(7199);
  assert.deepEqual(run.told, ["a"]);
  assert.deepEqual(run.fetches().slice(0, 6), [0, 3600, 3605, 3615, 3635, 3675]);
  await run.pass(400);
  assert.deepEqual(run.told, ["a", ""]);
  run.answer([key("b")]);
  await run.pass(301);
  assert.deepEqual(run.told, ["a", "", "b"]);
});

test("a source that fails from the start is tried again soon", async (t) => {
  const run = start(t);
  run.answer("ENOTFOUND");
  await run.keeper.watch([source]);
  assert.deepEqual([...run.keeper.keys.get("one")!], []);
  run.answer([key("a")]);
  await run.pass(6);
  assert.deepEqual([run.fetches(), run.told], [[0, 5], ["a"]]);
});

test("a source that nobody names any more is forgotten, and asked no more", async (t) => {
  const run = start(t);
  await run.keeper.watch([source]);
  await run.keeper.watch([]);
  run.keeper.want("one");
  await run.pass(4000);
  assert.deepEqual([run.fetches(), run.keeper.keys.size], [[0], 0]);
});
