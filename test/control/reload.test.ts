import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../src/config/config.ts";
import { cutConfig } from "../../src/config/parts.ts";
import type { ConfigVersion } from "../../src/control/config-version.ts";
import { createExposition } from "../../src/control/exposition.ts";
import {
  createReloader,
  type LoadResult,
  type Refusal,
  type RefusedConfig,
} from "../../src/control/reload.ts";
import { systemClock } from "../../src/std/clock.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { silentLog } from "./fakes.ts";

const initial = goodConfig(minimal);
const other: Config = { ...initial, server: { ...initial.server, maxHeaders: 32 } };
const files = [{ path: "/zion.toml", content: "1" }];
const loaded = (config: Config) => ({ kind: "loaded", cut: cutConfig(config), warnings: [], files }) as const;
const bad = {
  kind: "refused",
  reason: "invalid",
  problem: "bad",
  brief: "zion.toml:1:1: Z1000",
  files,
} as const;

function start(
  load: () => Promise<LoadResult>,
  refusal: (generation: number) => Promise<Refusal | undefined> = async () => undefined,
  version?: ConfigVersion,
) {
  const calls: string[] = [];
  const refused: RefusedConfig[] = [];
  const exposition = createExposition();
  const reloader = createReloader({
    load,
    initial: loaded(initial),
    prepare: async ({ generation }) => {
      calls.push(`prepare ${generation}`);
      return refusal(generation);
    },
    discard: ({ generation }) => calls.push(`discard ${generation}`),
    commit: async ({ generation }) => void calls.push(`commit ${generation}`),
    onRefused: (one) => refused.push(one),
    onEntry: () => {},
    onFiles: () => {},
    version,
    exposition,
    clock: systemClock,
    log: silentLog,
  });
  const metric = async (name: string) =>
    (await exposition.print("text"))
      .split("\n")
      .find((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return { reloader, calls, refused, metric };
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
  const { reloader, calls, refused, metric } = start(async () => bad);
  assert.deepEqual(await reloader.reload("signal"), {
    kind: "refused",
    generation: 1,
    reason: "invalid",
    problem: "bad",
  });
  assert.equal(reloader.refused, "zion.toml:1:1: Z1000");
  assert.deepEqual(refused, [
    { by: "signal", reason: "invalid", problem: "zion.toml:1:1: Z1000", sha256: "" },
  ]);
  assert.deepEqual(calls, []);
  assert.equal(await metric("zion_config_reloads_total"), 'zion_config_reloads_total{result="failure"} 1');
  assert.equal(await metric("zion_config_last_reload_successful"), "zion_config_last_reload_successful 0");
});

test("when one worker cannot compile it, all forget it and the old one stays", async () => {
  let fail = true;
  const { reloader, calls } = start(
    async () => loaded(other),
    async () => (fail ? { reason: "workers", problem: "no such thing" } : undefined),
  );
  const result = await reloader.reload("api");
  assert.deepEqual(result, {
    kind: "refused",
    generation: 1,
    reason: "workers",
    problem: "no such thing",
  });
  assert.equal(reloader.config.server.maxHeaders, initial.server.maxHeaders);
  fail = false;
  await reloader.reload("api");
  // A late answer about 2 must not be taken for one about the next candidate.
  assert.deepEqual(calls, ["prepare 2", "discard 2", "prepare 3", "commit 3"]);
});

const fixed: readonly (readonly [string, Partial<Config>])[] = [
  ["server.state_dir", { server: { ...initial.server, stateDir: "/x" } }],
  ["amnesia", { amnesia: true }],
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
  const gate = Promise.withResolvers<undefined>();
  const { reloader, calls } = start(
    async () => loaded(other),
    (generation) => (generation === 2 ? gate.promise : Promise.resolve(undefined)),
  );
  const first = reloader.reload("signal");
  while (calls.length === 0) await Promise.resolve();
  const second = reloader.reload("signal");
  const third = reloader.reload("api");
  assert.deepEqual(calls, ["prepare 2"]);
  gate.resolve(undefined);
  assert.deepEqual(await Promise.all([first, second, third]), [
    { kind: "loaded", generation: 2 },
    { kind: "loaded", generation: 3 },
    { kind: "loaded", generation: 3 },
  ]);
  assert.deepEqual(calls, ["prepare 2", "commit 2", "prepare 3", "commit 3"]);
});

test("the history tells what was loaded and what was refused, newest first, at most 50", async () => {
  let n = 0;
  const { reloader } = start(async () => (n++ % 2 === 0 ? loaded(other) : bad));
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

test("a file that was touched and says what it said is not a reload; a signal always is one", async () => {
  let content = "1";
  const { reloader, calls } = start(async () => ({
    ...loaded(other),
    files: [{ path: "/zion.toml", content }],
  }));
  assert.deepEqual(await reloader.reload("file"), { kind: "unchanged", generation: 1 });
  assert.deepEqual(await reloader.reload("signal"), { kind: "loaded", generation: 2 });
  content = "2";
  assert.deepEqual(await reloader.reload("file"), { kind: "loaded", generation: 3 });
  assert.deepEqual(calls, ["prepare 2", "commit 2", "prepare 3", "commit 3"]);
});

test("one can go back to a generation that was in force, and the history says so", async () => {
  const { reloader } = start(async () => loaded(other));
  await reloader.reload("signal");
  assert.deepEqual(await reloader.rollBack(1), { kind: "loaded", generation: 3 });
  assert.equal(reloader.config.server.maxHeaders, initial.server.maxHeaders);
  const [back, there, first] = reloader.history();
  assert.deepEqual(
    [back!.by, back!.changes, there!.changes],
    ["rollback to 1", "server.max_headers changed", "server.max_headers changed"],
  );
  assert.equal(back!.sha256, first!.sha256);
  const missing = await reloader.rollBack(17);
  assert.equal(missing.kind === "refused" && missing.reason, "unknown_generation");
});

test("a signed configuration of an older version reaches no worker", async () => {
  const advanced: number[] = [];
  const signed = { version: 6, sha256: "" };
  const { reloader, calls } = start(async () => ({ ...loaded(other), signed: { ...signed } }), undefined, {
    obstacle: ({ version }) => (version < 7 ? `version ${version} is older` : undefined),
    advance: ({ version }) => void advanced.push(version),
  });
  const refused = await reloader.reload("signal");
  assert.equal(refused.kind === "refused" && refused.reason, "config_rollback");
  signed.version = 7;
  assert.deepEqual(await reloader.reload("signal"), { kind: "loaded", generation: 2 });
  assert.deepEqual(calls, ["prepare 2", "commit 2"]);
  assert.deepEqual(advanced, [7]);
});

test("a signed configuration whose version cannot be written down is refused, and the gateway goes on", async () => {
  let isFull = true;
  const { reloader, calls } = start(
    async () => ({ ...loaded(other), signed: { version: 7, sha256: "" } }),
    undefined,
    {
      obstacle: () => undefined,
      advance() {
        if (isFull) throw new Error("ENOSPC: no space left on device, write");
      },
    },
  );
  assert.deepEqual(await reloader.reload("signal"), {
    kind: "refused",
    generation: 1,
    reason: "config_rollback",
    problem: "its version cannot be recorded: ENOSPC: no space left on device, write",
  });
  isFull = false;
  assert.deepEqual(await reloader.reload("signal"), { kind: "loaded", generation: 3 });
  assert.deepEqual(calls, ["prepare 2", "discard 2", "prepare 3", "commit 3"]);
});

test("a signal is not taken for the look at the files that it waits with", async () => {
  const gate = Promise.withResolvers<undefined>();
  const { reloader, calls } = start(
    async () => loaded(other),
    () => gate.promise,
  );
  const first = reloader.reload("signal");
  while (calls.length === 0) await Promise.resolve();
  const looked = reloader.reload("file");
  const asked = reloader.reload("signal");
  gate.resolve(undefined);
  await first;
  assert.deepEqual(await looked, { kind: "loaded", generation: 3 });
  assert.deepEqual(await asked, { kind: "loaded", generation: 3 });
  assert.equal(reloader.history()[0]!.by, "signal");
});

test("a gateway that stops puts nothing in force any more, whatever is being prepared", async () => {
  const prepared = Promise.withResolvers<undefined>();
  const { reloader, calls, refused } = start(
    async () => loaded(other),
    () => prepared.promise,
  );
  const reloading = reloader.reload("signal");
  while (calls.length === 0) await new Promise((done) => setImmediate(done));
  await reloader.close();
  prepared.resolve(undefined);
  assert.deepEqual(await reloading, {
    kind: "refused",
    generation: 1,
    reason: "stopping",
    problem: "the gateway is stopping",
  });
  assert.equal((await reloader.reload("signal")).kind, "refused");
  assert.deepEqual(calls, ["prepare 2", "discard 2"]);
  assert.equal(refused.length, 2);
});
