import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../src/config/config.ts";
import { createExposition } from "../../src/control/exposition.ts";
import { createReloader, type LoadResult } from "../../src/control/reload.ts";
import { systemClock } from "../../src/std/clock.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { silentLog } from "./fakes.ts";

const initial = goodConfig(minimal);
const other: Config = { ...initial, server: { ...initial.server, maxHeaders: 32 } };
const loaded = (config: Config): LoadResult => ({ kind: "loaded", config, warnings: [] });

function start(
  load: () => Promise<LoadResult>,
  problems: (generation: number) => Promise<readonly string[]> = async () => [],
) {
  const calls: string[] = [];
  const exposition = createExposition();
  const reloader = createReloader({
    load,
    initial,
    prepare: async (generation) => {
      calls.push(`prepare ${generation}`);
      return problems(generation);
    },
    discard: (generation) => calls.push(`discard ${generation}`),
    commit: (generation) => calls.push(`commit ${generation}`),
    exposition,
    clock: systemClock,
    log: silentLog,
  });
  const metric = async (name: string) =>
    (await exposition.print())
      .split("\n")
      .find((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return { reloader, calls, metric };
}

test("a configuration that all workers can compile is committed", async () => {
  const { reloader, calls, metric } = start(async () => loaded(other));
  assert.deepEqual(await reloader.reload("signal"), { kind: "loaded", generation: 2 });
  assert.deepEqual(calls, ["prepare 2", "commit 2"]);
  assert.equal(reloader.config.server.maxHeaders, 32);
  assert.equal(await metric("zion_config_generation"), "zion_config_generation 2");
  assert.equal(await metric("zion_config_reloads_total"), 'zion_config_reloads_total{result="success"} 1');
});

test("a file that does not parse reaches no worker", async () => {
  const { reloader, calls, metric } = start(async () => ({ kind: "refused", problem: "bad" }));
  assert.deepEqual(await reloader.reload("signal"), { kind: "refused", generation: 1, problem: "bad" });
  assert.deepEqual(calls, []);
  assert.equal(await metric("zion_config_reloads_total"), 'zion_config_reloads_total{result="failure"} 1');
  assert.equal(await metric("zion_config_last_reload_successful"), "zion_config_last_reload_successful 0");
});

test("when one worker cannot compile it, all forget it and the old one stays", async () => {
  let fail = true;
  const { reloader, calls } = start(
    async () => loaded(other),
    async () => (fail ? ["no such thing", "no such thing"] : []),
  );
  const result = await reloader.reload("api");
  assert.deepEqual(result, { kind: "refused", generation: 1, problem: "no such thing" });
  assert.equal(reloader.config, initial);
  fail = false;
  await reloader.reload("api");
  // A late answer about 2 must not be taken for one about the next candidate.
  assert.deepEqual(calls, ["prepare 2", "discard 2", "prepare 3", "commit 3"]);
});

const fixed: readonly (readonly [string, Partial<Config>])[] = [
  ["server.listen_http", { server: { ...initial.server, listenHttp: { host: "0.0.0.0", port: 8081 } } }],
  ["server.workers", { server: { ...initial.server, workers: 7 } }],
  ["server.state_dir", { server: { ...initial.server, stateDir: "/x" } }],
  ["access_log.path", { accessLog: { ...initial.accessLog, path: "/x/access.log" } }],
  ["telemetry.listen", { telemetry: { listen: undefined } }],
  ["admin", { admin: { ...initial.admin, writeTokenEnv: "X" } }],
];
for (const [key, change] of fixed) {
  test(`a change of ${key} is refused rather than accepted and not obeyed`, async () => {
    const { reloader, calls } = start(async () => loaded({ ...initial, ...change }));
    const result = await reloader.reload("signal");
    assert.equal(result.kind === "refused" && result.problem, `needs a restart to change: ${key}`);
    assert.deepEqual(calls, []);
  });
}

test("reloads run one after the other, and those that wait become one", async () => {
  const gate = Promise.withResolvers<readonly string[]>();
  const { reloader, calls } = start(
    async () => loaded(other),
    (generation) => (generation === 2 ? gate.promise : Promise.resolve([])),
  );
  const first = reloader.reload("signal");
  while (calls.length === 0) await Promise.resolve();
  const second = reloader.reload("signal");
  const third = reloader.reload("api");
  assert.deepEqual(calls, ["prepare 2"]);
  gate.resolve([]);
  assert.deepEqual(await Promise.all([first, second, third]), [
    { kind: "loaded", generation: 2 },
    { kind: "loaded", generation: 3 },
    { kind: "loaded", generation: 3 },
  ]);
  assert.deepEqual(calls, ["prepare 2", "commit 2", "prepare 3", "commit 3"]);
});

test("the history tells what was loaded and what was refused, newest first, at most 50", async () => {
  let n = 0;
  const { reloader } = start(async () =>
    n++ % 2 === 0 ? loaded(other) : { kind: "refused", problem: "bad" },
  );
  await reloader.reload("signal");
  await reloader.reload("api");
  const history = reloader
    .history()
    .map(({ generation, by, result, problem }) => [generation, by, result, problem]);
  assert.deepEqual(history, [
    [2, "api", "refused", "bad"],
    [2, "signal", "loaded", undefined],
    [1, "start", "loaded", undefined],
  ]);
  for (let i = 0; i < 60; i++) await reloader.reload("api");
  assert.equal(reloader.history().length, 50);
});
