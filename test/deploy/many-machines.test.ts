import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  childrenOf,
  config,
  type Gateway,
  kill,
  request,
  startGateway,
  startUpstream,
  until,
} from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { hasCommand, needs } from "../support/shared.ts";

// Several machines behind one address, as docs/operating/kubernetes.md sets them up: a balancer that asks /readyz, and one
// store for their limits. A machine dies as machines do: all its processes at once, in the middle of what they did.

/** A balancer of connections, like a Service; takes out who is not ready. */
async function startBalancer(t: TestContext, gateways: readonly Gateway[]): Promise<number> {
  const port = await freePort();
  const directory = newDirectory("balancer");
  const servers = gateways.map(
    (gateway, index) =>
      `  server g${index} 127.0.0.1:${gateway.port} check port ${gateway.telemetryPort} inter 200ms fall 1 rise 1`,
  );
  const file = join(directory, "haproxy.cfg");
  writeFileSync(
    file,
    `defaults
  mode tcp
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  option redispatch
  retries 2
frontend edge
  bind 127.0.0.1:${port}
  default_backend gateways
backend gateways
  balance roundrobin
  option httpchk GET /readyz
${servers.join("\n")}
`,
  );
  const child = spawn("haproxy", ["-f", file, "-db"], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await until("the balancer answers", () =>
    request(port, "/").then(
      () => true,
      () => false,
    ),
  );
  return port;
}

/** Ends a machine: primary, workers and whatever else it runs, none of which hears of it. */
function pullThePlug(gateway: Gateway): void {
  const all = [gateway.pid];
  for (const pid of all) all.push(...childrenOf(pid));
  for (const pid of all) kill(pid, "SIGKILL");
}

async function startTwo(t: TestContext, limit: string) {
  if (!needs(t, "haproxy", hasCommand("haproxy"))) return undefined;
  const redis = await startRedis(t);
  if (redis === undefined) return undefined;
  const upstream = await startUpstream(t);
  const tables = `[limit.all]
key = []
store = "valkey"
${limit}
[valkey]
url = "redis://127.0.0.1:${redis.port}"`;
  const toml = config(upstream.port, ["workers = 1", 'limits = ["all"]'], tables);
  const gateways = await Promise.all([startGateway(t, { toml }), startGateway(t, { toml })]);
  for (const gateway of gateways)
    await until("ready", async () => (await request(gateway.telemetryPort, "/readyz")).body === "ready\n");
  return { redis, gateways, port: await startBalancer(t, gateways) };
}

test("a machine that dies under load costs no request that is asked again, and its neighbour serves on", async (t) => {
  const started = await startTwo(t, "rate = 1000000");
  if (started === undefined) return;
  const { gateways, port } = started;
  let isOver = false;
  let served = 0;
  let again = 0;
  /** As clients do with a request that may be repeated: it is asked again when the connection broke. */
  const ask = async (agent: http.Agent) => {
    for (let attempt = 1; attempt <= 5; attempt++) {
      try {
        const answer = await request(port, "/", { agent });
        assert.deepEqual([answer.status, answer.body], [200, "hello"]);
        served++;
        return;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        again++;
      }
    }
    throw new Error("not served in five attempts");
  };
  const clients = Array.from({ length: 8 }, async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (!isOver) await ask(agent);
    agent.destroy();
  });
  const loading = Promise.all(clients);
  await until("both serve", () => served > 200);
  const before = served;
  pullThePlug(gateways[0]!);
  await until("the other one serves on", () => served > before + 500);
  isOver = true;
  await loading;
  assert.ok(again > 0, "connections to the dead machine broke");
  assert.equal((await request(gateways[1]!.telemetryPort, "/readyz")).body, "ready\n");
});

/** What all machines together have spent in the window, as the store has it. */
async function spent(redis: RedisServer): Promise<number> {
  const script = `for _, key in ipairs(redis.call('KEYS', 'zion:limit:*')) do
  local count = string.match(redis.call('GET', key), '^%d+ (%S+)$')
  if count then return count end
end
return '0'`;
  return Number(await redis.ask("EVAL", script, "0"));
}

test("what a dead machine has counted holds for the others", async (t) => {
  const rate = 40;
  const started = await startTwo(t, `rate = ${rate}\nwindow_secs = 86400\nalgorithm = "fixed_window"`);
  if (started === undefined) return;
  const { gateways, port, redis } = started;
  const [first, second] = gateways as [Gateway, Gateway];
  for (let asked = 0; asked < rate / 2; asked++) assert.equal((await first.get("/")).status, 200);
  await until("the store has heard of all", async () => (await spent(redis)) >= rate / 2);
  pullThePlug(first);

  const left = rate - (await spent(redis));
  let admitted = 0;
  while ((await second.get("/")).status === 200) {
    admitted++;
    // No faster than the machines hear of each other.
    const known = rate - left + admitted;
    await until("the store has heard of it", async () => (await spent(redis)) >= known);
    assert.ok(admitted <= left + 5, `${admitted} more where ${left} were left`);
  }
  assert.ok(admitted >= left - 5, `only ${admitted} where ${left} were left`);
  assert.equal((await request(port, "/")).status, 429);
});
