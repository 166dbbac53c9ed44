import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import type { UpstreamConfig } from "../../src/config/config.ts";
import { createExposition } from "../../src/control/exposition.ts";
import type { ProbeResult } from "../../src/control/probe.ts";
import { createProber } from "../../src/control/prober.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { settle, silentLog } from "./fakes.ts";

const [template] = goodConfig(minimal).upstreams;

function upstream(health: Partial<UpstreamConfig["health"]> = {}): UpstreamConfig {
  return { ...template!, health: { ...template!.health, intervalMs: 30_000, ...health } };
}

function start(t: TestContext, random = 0) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const changes: boolean[] = [];
  let probes = 0;
  let result: ProbeResult = { healthy: true };
  const prober = createProber({
    onChange: (_upstream, _url, healthy) => changes.push(healthy),
    addressesOf: () => undefined,
    probe: async () => {
      probes++;
      return result;
    },
    random: () => random,
    exposition: createExposition(),
    clock: { wallMs: () => 0 },
    log: silentLog,
  });
  t.after(() => prober.stop());
  return {
    prober,
    changes,
    get probes() {
      return probes;
    },
    answer: (healthy: boolean) => {
      result = healthy ? { healthy } : { healthy, cause: "test" };
    },
    wait: async (ms: number) => {
      mock.timers.tick(ms);
      await settle();
    },
  };
}

test("an endpoint that was never probed is not reported: it counts as healthy", (t) => {
  const { prober } = start(t);
  prober.watch([upstream()]);
  assert.deepEqual(prober.results(), []);
});

test("a healthy endpoint is probed at the interval, and nothing is announced", async (t) => {
  const run = start(t);
  run.prober.watch([upstream()]);
  await run.wait(0);
  assert.equal(run.probes, 1);
  await run.wait(29_999);
  assert.equal(run.probes, 1);
  await run.wait(1);
  assert.equal(run.probes, 2);
  assert.deepEqual(run.changes, []);
  assert.deepEqual(
    run.prober.results().map(({ healthy }) => healthy),
    [true],
  );
});

test("it takes the thresholds in a row to go down and up again", async (t) => {
  const run = start(t);
  run.prober.watch([upstream({ intervalMs: 50, unhealthyThreshold: 3, healthyThreshold: 2 })]);
  for (const healthy of [false, false, true, false, false]) {
    run.answer(healthy);
    await run.wait(50);
  }
  assert.deepEqual(run.changes, []);
  run.answer(false);
  await run.wait(50);
  assert.deepEqual(run.changes, [false]);
  run.answer(true);
  await run.wait(50);
  assert.deepEqual(run.changes, [false]);
  await run.wait(50);
  assert.deepEqual(run.changes, [false, true]);
});

test("an endpoint that is down is probed again after 100 ms, and never less often than every 3 s", async (t) => {
  for (const [random, longestMs] of [
    [0, 100],
    [0.999999, 3000],
  ] as const) {
    const run = start(t, random);
    run.prober.watch([upstream({ unhealthyThreshold: 1 })]);
    run.answer(false);
    await run.wait(500);
    const first = run.probes;
    assert.equal(first, 1);
    for (let i = 1; i <= 10; i++) {
      await run.wait(longestMs);
      assert.ok(run.probes >= first + i, `${run.probes} probes after ${i} times ${longestMs} ms`);
    }
    run.prober.stop();
    mock.timers.reset();
  }
});

test("a reload that leaves the probing alone keeps what is known; another path starts over", async (t) => {
  const run = start(t);
  run.prober.watch([upstream({ unhealthyThreshold: 1 })]);
  run.answer(false);
  await run.wait(0);
  assert.deepEqual(run.changes, [false]);
  run.prober.watch([upstream({ unhealthyThreshold: 1 })]);
  assert.deepEqual(
    run.prober.results().map(({ healthy }) => healthy),
    [false],
  );
  run.prober.watch([upstream({ unhealthyThreshold: 1, path: "/other" })]);
  assert.deepEqual(run.prober.results(), []);
  assert.deepEqual(run.changes, [false, true]);
});

test("interval 0 turns probes off", async (t) => {
  const run = start(t);
  run.prober.watch([upstream({ intervalMs: 0 })]);
  await run.wait(60_000);
  assert.equal(run.probes, 0);
});
