import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { config, request, startGateway, startUpstream, until } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { startRedis } from "../support/redis.ts";
import { find, needsHelm, objectsOf, type Tree, tomlOf } from "./helm.ts";
import { cases } from "./helm-cases.ts";

/** MiB that connections and processes take, as src/control/connection-ceiling.ts and data-plane.ts reckon. */
function limitMi(values: object): number {
  const { limits, requests } = find(objectsOf(values), "Deployment").spec.template.spec.containers[0]
    .resources;
  assert.equal(requests.memory, limits.memory);
  return Number(/^(\d+)Mi$/.exec(limits.memory)![1]);
}

test("the memory limit lets each worker have the connections that the configuration allows", (t) => {
  if (!needsHelm(t)) return;
  for (const [workers, connections, audit] of [
    [1, 500, false],
    [2, 2000, false],
    [4, 40_000, true],
  ] as const) {
    const server = { workers, max_connections: connections };
    const limit = limitMi({ config: { server }, ...(audit ? { audit: { existingSecret: "key" } } : {}) });
    const processes = 200 + (audit ? 80 : 0);
    // What is left when the primary, the writer and an eighth for held bodies are taken off.
    const ofWorkers = limit - limit / 8 - processes;
    const share = Math.floor(((ofWorkers / workers) * 1024 - 120 * 1024) / 128);
    assert.ok(share >= Math.floor(connections / workers), `${share} connections in ${limit} MiB`);
    assert.ok(share <= connections / workers + 32, `${limit} MiB are more than needed`);
  }
  const held = (mb: number) => limitMi({ config: { waf: { max_buffered_mb: mb } } });
  assert.equal(held(200) - held(100), 200, "per worker");
});

test("`helm test` passes in front of a gateway as the chart sets it up, and fails when its WAF is off", async (t) => {
  if (!needsHelm(t)) return;
  const upstream = await startUpstream(t);
  const run = async (waf: boolean) => {
    const objects = objectsOf({
      config: {
        server: { listen_http: "127.0.0.1:0", workers: 1 },
        telemetry: { listen: "0.0.0.0:0" },
        admin: { listen: "127.0.0.1:0" },
        upstream: { app: { url: `http://127.0.0.1:${upstream.port}` } },
        route: [{ path: "/{*rest}", upstream: "app", waf }],
      },
      test: { host: "www.example.org", path: "/hello" },
    });
    const gateway = await startGateway(t, {
      toml: tomlOf(objects).replaceAll("/var/lib/zion", "DIRECTORY/var"),
    });
    await until("ready", async () => (await request(gateway.telemetryPort, "/readyz")).status === 200);
    const [container] = find(objects, "Pod", "edge-zion-test").spec.containers;
    const env = Object.fromEntries(container.env.map(({ name, value }: Tree) => [name, value]));
    assert.equal(env.ZION_URL, "http://edge-zion:80/hello");
    const [, ...args] = container.command as string[];
    return probe(args, {
      ...env,
      ZION_URL: `http://127.0.0.1:${gateway.port}/hello`,
      ZION_TELEMETRY_URL: `http://127.0.0.1:${gateway.telemetryPort}`,
    });
  };
  const good = await run(true);
  assert.equal(good.code, 0, good.text);
  assert.match(
    good.text,
    /^ok ready: 200\nok a good request is not refused: 200\nok an attack is refused: 400\n$/,
  );
  const bad = await run(false);
  assert.equal(bad.code, 1);
  assert.match(bad.text, /^FAILED an attack is refused: 200$/m);
});

test("the chart's Valkey takes its own options, and the gateway's user with the guide's rights", async (t) => {
  if (!needsHelm(t)) return;
  const { containers } = find(objectsOf(cases["limits of all pods together"]!), "Deployment", "edge-valkey")
    .spec.template.spec;
  const [program, ...args] = containers[0].args as string[];
  assert.equal(program, "valkey-server");
  const directory = newDirectory("acl");
  const guide = readFileSync(join(import.meta.dirname, "../../docs/operating/kubernetes.md"), "utf8");
  const users = /users\.acl="(user default off\nuser zion .*)"/
    .exec(guide)![1]!
    .replace("$password", "hidden");
  writeFileSync(join(directory, "users.acl"), `${users}\n`);
  const redis = await startRedis(
    t,
    args.map((arg) => arg.replace("/etc/valkey", directory)),
  );
  if (redis === undefined) return;
  const upstream = await startUpstream(t);
  const tables = `[limit.few]
rate = 5
store = "valkey"
[valkey]
url = "redis://127.0.0.1:${redis.port}"
username = "zion"
password_file = "DIRECTORY/password"`;
  const toml = config(upstream.port, ["workers = 1", 'limits = ["few"]'], tables);
  const gateway = await startGateway(t, { toml, files: { password: "hidden" } });
  await until(
    "ready, with its store",
    async () => (await request(gateway.telemetryPort, "/readyz")).body === "ready\n",
  );
  assert.match((await request(gateway.telemetryPort, "/metrics")).body, /^zion_ratelimit_store_up 1$/m);
});

function probe(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part) => {
      text += part;
    });
    child.on("close", (code) => resolve({ code, text }));
  });
}
