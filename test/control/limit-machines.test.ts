import assert from "node:assert/strict";
import http from "node:http";
import { type TestContext, test } from "node:test";
import { startRedis } from "../support/redis.ts";
import {
  config,
  type Gateway,
  request,
  startGateway,
  startUpstream,
  until,
  untilMetrics,
} from "./gateway.ts";

// Several gateways, each as on a machine of its own, and one real store.

const rate = 1000;

async function start(t: TestContext, gateways: number, limit = "", store = "") {
  const redis = await startRedis(t);
  if (redis === undefined) return undefined;
  const upstream = await startUpstream(t);
  const tables = `[limit.flood]
key = []
rate = ${rate}
window_secs = 86400
store = "valkey"
${limit}
[valkey]
url = "redis://127.0.0.1:${redis.port}"
${store}`;
  const toml = config(
    upstream.port,
    ["workers = 1", 'limits = ["flood"]', "keepalive_requests = 100000"],
    tables,
  );
  const all = await Promise.all(Array.from({ length: gateways }, () => startGateway(t, { toml })));
  for (const gateway of all) await untilReadiness(gateway, "ready");
  return { redis, all, first: all[0]! };
}

function untilReadiness(gateway: Gateway, state: "ready" | "degraded"): Promise<void> {
  return until(state, async () =>
    (await request(gateway.telemetryPort, "/readyz")).body.startsWith(`${state}\n`),
  );
}

/** Asks over a few kept connections until `isOver`; returns how often each status came, and errors as 0. */
async function load(gateway: Gateway, isOver: () => boolean): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      while (!isOver()) {
        const status = await request(gateway.port, "/", { agent }).then(
          (answer) => answer.status,
          () => 0,
        );
        counts.set(status, (counts.get(status) ?? 0) + 1);
      }
      agent.destroy();
    }),
  );
  return counts;
}

for (const algorithm of ["gcra", "fixed_window"]) {
  test(`${algorithm}: a flood over two machines is let through as far as their one limit`, async (t) => {
    const started = await start(t, 2, `algorithm = "${algorithm}"`);
    if (started === undefined) return;
    const { all, first } = started;
    const wanted = 3000;
    let asked = 0;
    const startedMs = performance.now();
    const counts = await Promise.all(all.map((gateway) => load(gateway, () => asked++ >= wanted)));
    const perMs = wanted / (performance.now() - startedMs);
    const admitted = counts.reduce((sum, one) => sum + (one.get(200) ?? 0), 0);
    const limited = counts.reduce((sum, one) => sum + (one.get(429) ?? 0), 0);
    assert.equal(admitted + limited, wanted);
    // What is left of a window that ends within the test would be let through again.
    assert.ok(admitted >= rate, `${admitted}`);
    // 5 %, and what arrives until all know: 50 ms, on a busy machine more; but never what each would admit by itself.
    const bound = Math.min(rate * 1.05 + perMs * 150, rate * 1.8);
    assert.ok(admitted <= bound, `${admitted} admitted, ${perMs.toFixed(1)} requests a ms`);
    await untilMetrics(first.telemetryPort, /^zion_ratelimit_store_up 1$/m);
  });
}

test("a store that is killed, or stands still, under load costs no request; readiness says so, and when it is back", async (t) => {
  const started = await start(t, 1, "burst = 1000000", "command_timeout_ms = 200");
  if (started === undefined) return;
  const { redis, first } = started;
  let isOver = false;
  const loading = load(first, () => isOver);
  await redis.kill();
  await untilReadiness(first, "degraded");
  await redis.restart();
  await untilReadiness(first, "ready");
  redis.pause();
  await untilReadiness(first, "degraded");
  redis.resume();
  await untilReadiness(first, "ready");
  isOver = true;
  const counts = await loading;
  assert.deepEqual([...counts.keys()], [200]);
  assert.ok((counts.get(200) ?? 0) > 10);
  await untilMetrics(first.telemetryPort, /^zion_ratelimit_store_errors_total [1-9]/m);
});

test('with on_store_error = "deny" nothing passes without the store, and with "allow" everything', async (t) => {
  const denying = await start(t, 1, 'on_store_error = "deny"');
  if (denying === undefined) return;
  const { redis, first } = denying;
  assert.equal((await first.get("/")).status, 200);
  await redis.kill();
  await untilReadiness(first, "degraded");
  assert.equal((await first.get("/")).status, 503);
  await untilMetrics(
    first.telemetryPort,
    /^zion_ratelimit_decisions_total\{limit="flood",result="undecided"\} 1$/m,
  );

  const text = 'on_store_error = "allow"\nburst = 1';
  const allowing = (await start(t, 1, text))!;
  assert.equal((await allowing.first.get("/")).status, 200);
  assert.equal((await allowing.first.get("/")).status, 429);
  await allowing.redis.kill();
  await untilReadiness(allowing.first, "degraded");
  assert.equal((await allowing.first.get("/")).status, 200);
});

test("a machine that starts without the store counts for itself, and joins when the store is there", async (t) => {
  const started = await start(t, 1, "burst = 2");
  if (started === undefined) return;
  const { redis, first } = started;
  await redis.kill();
  await untilReadiness(first, "degraded");
  assert.deepEqual([(await first.get("/")).status, (await first.get("/")).status], [200, 200]);
  assert.equal((await first.get("/")).status, 429);
  await redis.restart();
  await untilReadiness(first, "ready");
  // What it counted itself holds.
  assert.equal((await first.get("/")).status, 429);
});
