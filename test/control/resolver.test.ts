import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { createExposition } from "../../src/control/exposition.ts";
import { createResolver, maxAddresses, upstreamHosts } from "../../src/control/resolver.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { silentLog } from "./fakes.ts";

const settings = { refreshMs: 30_000, timeoutMs: 2000, staleMs: 120_000 };

interface Answers {
  [host: string]: readonly string[] | Error;
}

function start(t: TestContext, answers: Answers) {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  t.after(() => mock.timers.reset());
  let nowMs = 0;
  const asked: string[] = [];
  const changes: string[] = [];
  const resolver = createResolver({
    onChange: (host, addresses) => changes.push(`${host}=${addresses.join(",")}`),
    lookup: async (host) => {
      asked.push(host);
      const answer = answers[host];
      if (answer === undefined) return new Promise(() => {});
      if (answer instanceof Error) throw answer;
      return answer.map((address) => ({ address }));
    },
    exposition: createExposition(),
    clock: { nowMs: () => nowMs, wallMs: () => nowMs },
    log: silentLog,
  });
  t.after(() => resolver.stop());
  const wait = async (ms: number) => {
    nowMs += ms;
    mock.timers.tick(ms);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { resolver, asked, changes, wait };
}

test("the addresses of a name are sorted, distinct and announced when they change, not when they rotate", async (t) => {
  const answers: Answers = { app: ["10.0.0.2", "::1", "10.0.0.1", "10.0.0.2"] };
  const { resolver, changes, wait } = start(t, answers);
  await resolver.watch(["app"], settings);
  assert.deepEqual(resolver.addresses.get("app"), ["10.0.0.1", "10.0.0.2", "::1"]);
  answers["app"] = ["::1", "10.0.0.1", "10.0.0.2"];
  await wait(settings.refreshMs);
  assert.equal(changes.length, 1);
  answers["app"] = ["10.0.0.3"];
  await wait(settings.refreshMs);
  assert.deepEqual(changes, ["app=10.0.0.1,10.0.0.2,::1", "app=10.0.0.3"]);
});

test("the last good addresses stay while the name does not resolve, until they are stale", async (t) => {
  const answers: Answers = { app: ["10.0.0.1"] };
  const { resolver, wait } = start(t, answers);
  await resolver.watch(["app"], settings);
  answers["app"] = new Error("SERVFAIL");
  await wait(settings.refreshMs);
  for (let waitedMs = 0; waitedMs < 80_000; waitedMs += 5000) await wait(5000);
  assert.deepEqual(resolver.addresses.get("app"), ["10.0.0.1"]);
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 5000) await wait(5000);
  assert.deepEqual(resolver.addresses.get("app"), []);
  answers["app"] = ["10.0.0.9"];
  await wait(5000);
  assert.deepEqual(resolver.addresses.get("app"), ["10.0.0.9"]);
});

test("an answer without addresses does not empty a pool", async (t) => {
  const answers: Answers = { app: ["10.0.0.1"] };
  const { resolver, wait } = start(t, answers);
  await resolver.watch(["app"], settings);
  answers["app"] = [];
  await wait(settings.refreshMs);
  assert.deepEqual(resolver.addresses.get("app"), ["10.0.0.1"]);
});

test("a name server that does not answer holds up a start for the time-out only, and is not asked twice", async (t) => {
  const { resolver, asked, wait } = start(t, {});
  const watching = resolver.watch(["silent"], settings);
  await wait(settings.timeoutMs);
  await watching;
  assert.deepEqual(resolver.addresses.get("silent"), []);
  for (let i = 0; i < 5; i++) await wait(settings.refreshMs);
  assert.deepEqual(asked, ["silent"]);
});

test("at most 64 addresses of a name are kept", async (t) => {
  const { resolver } = start(t, { big: Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`) });
  await resolver.watch(["big"], settings);
  assert.equal(resolver.addresses.get("big")?.length, maxAddresses);
});

test("a name that is not watched any more is neither kept nor asked", async (t) => {
  const { resolver, asked, wait } = start(t, { a: ["10.0.0.1"], b: ["10.0.0.2"] });
  await resolver.watch(["a", "b"], settings);
  await resolver.watch(["b"], settings);
  assert.deepEqual([...resolver.addresses.keys()], ["b"]);
  await wait(settings.refreshMs);
  assert.deepEqual(asked, ["a", "b", "b"]);
});

test("only names are looked up: address literals and sockets are not", () => {
  const urls = ["http://127.0.0.1:1", "http://[::1]:1", "https://app.internal", "http://app.internal:81"];
  const config = goodConfig(minimal.replace(/url = .*/, `urls = ${JSON.stringify(urls)}`));
  assert.deepEqual([...upstreamHosts(config)], ["app.internal"]);
});

test("localhost resolves on every machine", async (t) => {
  const resolver = createResolver({
    onChange: () => {},
    exposition: createExposition(),
    clock: { nowMs: () => 0, wallMs: () => 0 },
    log: silentLog,
  });
  t.after(() => resolver.stop());
  await resolver.watch(["localhost"], settings);
  assert.ok(resolver.addresses.get("localhost")?.includes("127.0.0.1"));
});
