import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import type { LimitConfig, LimitStoreConfig } from "../../src/config/config.ts";
import { createLimitStore } from "../../src/control/limit-store.ts";
import type { ToWorker } from "../../src/control/messages.ts";
import type { OpenStore } from "../../src/control/store-connection.ts";
import type { SpentShare, StoreLevels } from "../../src/limit/limiter.ts";
import type { StoreState } from "../../src/limit/limits.ts";
import { systemClock } from "../../src/std/clock.ts";
import { newDirectory } from "../support/directory.ts";
import { startRedis } from "../support/redis.ts";
import { keptLog } from "./fakes.ts";
import { until } from "./gateway.ts";

const limit = (more: Partial<LimitConfig> = {}): LimitConfig => ({
  name: "a",
  rate: 10,
  windowMs: 3_600_000,
  burst: 10,
  algorithm: "gcra",
  keys: [],
  ipv6Prefix: 64,
  maxKeys: 100,
  hosts: undefined,
  countStatuses: undefined,
  cost: "request",
  strict: false,
  store: "valkey",
  onStoreError: "local",
  shadow: false,
  ...more,
});

const place = (port: number, more: Partial<LimitStoreConfig> = {}): LimitStoreConfig => ({
  tls: false,
  host: "127.0.0.1",
  port,
  database: 0,
  username: undefined,
  passwordFile: undefined,
  caPem: undefined,
  serverName: undefined,
  connectTimeoutMs: 5000,
  commandTimeoutMs: 5000,
  ...more,
});

/** What one machine's primary does, and what it told its workers. */
function machine(
  t: TestContext,
  config: LimitStoreConfig,
  limits = [limit()],
  seed = "12345678",
  open?: OpenStore,
) {
  const log = keptLog();
  const states: StoreState[] = [];
  const levels: StoreLevels[] = [];
  const store = createLimitStore({
    tell: (message: ToWorker) => {
      if (message.type === "limit_store") states.push(message.state);
      if (message.type === "limit_levels") levels.push(...message.levels);
    },
    seed: Buffer.from(seed),
    clock: systemClock,
    log,
    ...(open === undefined ? {} : { open }),
  });
  t.after(() => store.stop());
  store.adopt(limits, config);
  const isUp = () => until("the store is up", () => store.state === "up");
  const isDown = () => until("the store is down", () => store.state === "down");
  /** Spends of key 7, and waits for what all have spent of it. */
  const spend = async (cost: number, window = 0): Promise<number> => {
    const before = levels.length;
    store.hear([share(cost, window)]);
    await until("levels", () => levels.length > before);
    return levels.at(-1)!.values[0]!;
  };
  return { store, log, states, levels, isUp, isDown, spend };
}

const share = (cost: number, window = 0): SpentShare => ({
  limit: "a",
  keys: Uint32Array.of(7, 8),
  costs: Float64Array.of(cost),
  windows: Float64Array.of(window),
});

/** Milliseconds of GCRA's level that one request costs. */
const costMs = 360_000;

test("what one machine spent, the other hears of when it spends of the same key", async (t) => {
  const redis = await startRedis(t);
  if (redis === undefined) return;
  const [first, second] = [
    machine(t, place(redis.port)),
    machine(t, place(redis.port), undefined, "abcdefgh"),
  ];
  await first.isUp();
  await second.isUp();
  // Keys are hashed alike.
  assert.deepEqual(first.states.at(-1)!.seed, second.states.at(-1)!.seed);
  const one = await first.spend(3);
  assert.ok(Math.abs(one - 3 * costMs) < 1, String(one));
  const both = await second.spend(2);
  assert.ok(both > 4.9 * costMs && both <= 5 * costMs, String(both));
  const { keys, limit: name } = second.levels[0]!;
  assert.deepEqual([name, [...keys]], ["a", [7, 8]]);
  // The key forgets itself when it has its burst again, and nothing else is kept but the seed.
  assert.equal(await redis.ask("DBSIZE"), ":2");
});

test("windows are the store's, and what belongs to one that has ended is not counted", async (t) => {
  const redis = await startRedis(t);
  if (redis === undefined) return;
  const { isUp, states, levels, spend } = machine(t, place(redis.port), [
    limit({ algorithm: "fixed_window" }),
  ]);
  await isUp();
  const machineMs = Number(process.hrtime.bigint()) / 1e6;
  const storeMs = machineMs + states.at(-1)!.offsetMs;
  assert.ok(Math.abs(storeMs - Date.now()) < 60_000, String(storeMs));
  const window = Math.floor(storeMs / 3_600_000);
  // The next one counts as the present one: a machine's clock may be a little ahead.
  assert.equal(await spend(3, window + 1), 3);
  assert.equal(levels.at(-1)!.windows[0], Math.floor(Date.now() / 3_600_000));
  assert.equal(await spend(2, 5), 3);
});

test("many keys go in calls of bounded size, and more than may wait are counted as untold", async (t) => {
  const redis = await startRedis(t);
  if (redis === undefined) return;
  const { store, isUp, levels } = machine(t, place(redis.port));
  await isUp();
  const count = 20_000;
  store.hear([
    {
      limit: "a",
      keys: Uint32Array.from({ length: count * 2 }, (_, i) => i),
      costs: new Float64Array(count).fill(1),
      windows: new Float64Array(count),
    },
    { ...share(1), limit: "unknown" },
  ]);
  await until("levels", () => levels.length > 0);
  assert.equal(levels.length, 64);
  assert.equal(
    levels.reduce((sum, { values }) => sum + values.length, 0),
    16_384,
  );
  const untold = store.samples().find(({ name }) => name === "zion_ratelimit_untold_total");
  assert.deepEqual([untold?.labels, untold?.value], [["a"], count - 16_384]);
});

test("a store that was killed is missed at once, and found again with nothing in it", async (t) => {
  const redis = await startRedis(t);
  if (redis === undefined) return;
  const { store, isUp, isDown, states, log, spend } = machine(t, place(redis.port));
  await isUp();
  const { seed } = states.at(-1)!;
  await spend(1);
  await redis.kill();
  await isDown();
  store.hear([share(5)]);
  await redis.restart();
  await isUp();
  // The scripts are gone there, the seed is put back, and what was spent meanwhile is not told later.
  assert.ok((await spend(1)) <= costMs);
  assert.deepEqual(states.at(-1)!.seed, seed);
  assert.equal(await redis.ask("GET", "zion:limit:seed"), seed.toString("hex"));
  assert.deepEqual(
    log.lines.map((line) => line["event.name"]),
    ["zion.limit_store.up", "zion.limit_store.lost", "zion.limit_store.up"],
  );
  const errors = store.samples().find(({ name }) => name === "zion_ratelimit_store_errors_total")!;
  assert.ok(errors.value >= 1);
});

test("a store that stands still is given up, and taken back when it goes on", async (t) => {
  const redis = await startRedis(t);
  if (redis === undefined) return;
  const timeouts = { connectTimeoutMs: 300, commandTimeoutMs: 300 };
  const { isUp, isDown, spend } = machine(t, place(redis.port, timeouts));
  await isUp();
  redis.pause();
  await isDown();
  redis.resume();
  await isUp();
  await spend(1);
});

test("a store that was emptied gets the seed again, without anybody being told", async (t) => {
  const redis = await startRedis(t);
  if (redis === undefined) return;
  const { isUp, states } = machine(t, place(redis.port));
  await isUp();
  const told = states.length;
  await redis.ask("FLUSHALL");
  await redis.ask("SCRIPT", "FLUSH");
  await until("the seed is back", async () => (await redis.ask("GET", "zion:limit:seed")) !== "$-1");
  assert.equal(states.length, told);
});

test("a user of the access list needs few rights; a wrong password is no store", async (t) => {
  const rights = [
    "zion",
    "on",
    ">secret",
    "~zion:*",
    "+evalsha",
    "+eval",
    "+get",
    "+set",
    "+time",
    "+select",
  ];
  const redis = await startRedis(t, ["--user", "default", "off", "--user", ...rights]);
  if (redis === undefined) return;
  const directory = newDirectory("store");
  const passwordFile = join(directory, "password");
  writeFileSync(passwordFile, "wrong\n");
  const { isUp, isDown, log, spend } = machine(t, place(redis.port, { username: "zion", passwordFile }));
  await until("it is refused", () => log.lines.length > 0);
  await isDown();
  assert.match(String(log.lines[0]!["problem"]), /WRONGPASS/);
  assert.doesNotMatch(JSON.stringify(log.lines), /wrong[^"]*\\n/);
  // The file is read at every connection: a new password needs no reload.
  writeFileSync(passwordFile, "secret\n");
  await isUp();
  await spend(1);
});

test("over TLS the certificate is verified, by name and by CA", async (t) => {
  const directory = newDirectory("store");
  const { certPem, keyPem } = makeSelfSigned({ names: ["valkey.test"], days: 2 });
  const [cert, key] = [join(directory, "crt"), join(directory, "key")];
  writeFileSync(cert, certPem);
  writeFileSync(key, keyPem);
  chmodSync(key, 0o600);
  const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"];
  const redis = await startRedis(t, ["--tls-port", "PORT", ...files]);
  if (redis === undefined) return;
  const good = { tls: true, serverName: "valkey.test", caPem: certPem };
  const { isUp, spend } = machine(t, place(redis.port, good));
  await isUp();
  await spend(1);
  const stranger = makeSelfSigned({ names: ["valkey.test"], days: 2 }).certPem;
  for (const [bad, problem] of [
    [{ ...good, caPem: stranger }, /self-signed/],
    [{ ...good, caPem: undefined }, /self-signed/],
    [{ ...good, serverName: "other.test" }, /altnames/],
    [{ ...good, serverName: undefined }, /altnames/],
  ] as const) {
    const { store, log } = machine(t, place(redis.port, bad));
    await until("it is refused", () => log.lines.length > 0);
    assert.match(String(log.lines[0]!["problem"]), problem);
    assert.equal(store.state, "down");
  }
});

test("without a limit that is counted there, the store is not spoken to", async (t) => {
  const redis = await startRedis(t);
  if (redis === undefined) return;
  const { store, isUp, states } = machine(t, place(redis.port), [limit({ store: "local" })]);
  assert.equal(store.state, "off");
  assert.deepEqual([store.greeting(), store.samples(), states], [[], [], []]);
  store.adopt([limit()], place(redis.port));
  await isUp();
  store.adopt([], place(redis.port));
  assert.equal(store.state, "off");
  assert.equal(states.at(-1)!.isUp, false);
});

const seedAnswer = ["0011223344556677", 1.7e15];

for (const [title, seed, levels] of [
  ["a seed that is none", ["<html>", 1], []],
  ["fewer levels than keys", seedAnswer, []],
  ["levels that are no numbers", seedAnswer, ["x"]],
] as const) {
  test(`answers that are not what was asked for end the connection, and no worker hears of them: ${title}`, async (t) => {
    let closed = 0;
    const {
      store,
      states,
      levels: heard,
      log,
    } = machine(t, place(1), [limit()], undefined, async () => ({
      run: async (_script, [key]) => (key === "zion:limit:seed" ? seed : levels),
      close: () => void closed++,
    }));
    if (seed === seedAnswer) {
      await until("the store is up", () => store.state === "up");
      store.hear([share(1)]);
    }
    await until("it is given up", () => closed > 0);
    assert.equal(states.at(-1)!.isUp, false);
    assert.deepEqual(heard, []);
    assert.ok(log.lines.some(({ problem }) => /seed|keys/.test(String(problem))));
  });
}
