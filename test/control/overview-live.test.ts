import assert from "node:assert/strict";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { freePort } from "../support/free-port.ts";
import { config, kill, request, startGateway, startUpstream, until } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc" };
const canary = "CANARY-4b1d-0123456789abcdef0123456789abcdef";

test(
  "the snapshot tells how the gateway stands, and why an upstream is not used; no secret is in it",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const { certPem, keyPem } = makeSelfSigned({ names: ["a.test"], days: 10 });
    const toml = `${config(upstream.port, ["workers = 2", 'listen_https = "127.0.0.1:0"'])}
auth_profile = "users"
[tls]
cert_path = "DIRECTORY/tls.crt"
key_path = "DIRECTORY/tls.key"
[auth_profile.users]
algorithms = ["HS256"]
secret_env = "TEST_SECRET"
issuer = "x"
[[route]]
name = "open"
path = "/open/{*rest}"
upstream = "app"
public = true
[upstream.dead]
url = "http://127.0.0.1:${await freePort()}"
unhealthy_threshold = 1
health = { interval_ms = 1000 }
[[route]]
name = "lost"
path = "/lost/{*rest}"
upstream = "dead"
public = true
`;
    const gateway = await startGateway(t, {
      toml,
      files: { "tls.crt": certPem, "tls.key": keyPem },
      environment: { TEST_SECRET: canary },
    });
    for (let i = 0; i < 5; i++) assert.equal((await gateway.get("/open/a")).status, 200);
    assert.equal((await gateway.get("/closed")).status, 401);

    const part = async (path: string) =>
      JSON.parse((await gateway.get(`/snapshot?path=${path}`, gateway.adminPort)).body);
    await until("all is counted", async () => (await part("totals.requests")) === 6);
    await until(
      "the probe has found out",
      async () => (await part("upstreams.dead.endpoints.0.reasons")).length > 0,
    );
    const { body, headers } = await gateway.get("/snapshot", gateway.adminPort);
    const shown = JSON.parse(body);
    assert.ok(!body.includes("CANARY") && !body.includes(keyPem.split("\n")[1]!));

    assert.deepEqual(shown.upstreams[1].endpoints[0].reasons, ["unhealthy: ECONNREFUSED"]);
    assert.deepEqual([shown.upstreams[1].usable, shown.upstreams[0].usable], [false, true]);
    assert.deepEqual(shown.upstreams[0].endpoints[0].reasons, []);
    assert.deepEqual(
      [shown.totals.answers["2xx"], shown.totals.answers["4xx"], shown.totals.auth_failures],
      [5, 1, 1],
    );
    const { request_ms: all, request_ms_by_route: byRoute } = shown.latency;
    assert.ok(all.count === 6 && all.p50 > 0 && all.p50 <= all.p95 && all.p95 <= all.p99);
    assert.equal(byRoute.open.count, 5);
    assert.deepEqual(
      shown.workers.processes.map((one: { pid: number }) => one.pid).sort(),
      [...gateway.workers()].sort(),
    );
    for (const one of shown.workers.processes) {
      assert.deepEqual([one.state, one.stalled, one.restarts, one.generation], ["serving", false, 0, 1]);
      assert.ok(one.resident_bytes > 10_000_000);
    }
    assert.deepEqual(
      [shown.certificates[0].name, Math.ceil(shown.certificates[0].days_left)],
      ["default", 10],
    );
    assert.match(shown.platform.tier, /^(small|medium|large|xlarge)$/);
    const started = gateway.log().find((line) => line["event.name"] === "zion.started")!;
    assert.deepEqual(
      [started["tier"], started["aes_gcm_mb_per_sec"]],
      [shown.platform.tier, shown.platform.aes_gcm_mb_per_sec],
    );
    assert.equal(shown.readiness.checks.key_permissions, "ok");
    assert.equal(shown.config.server.workers, 2);
    const metrics = (await gateway.get("/metrics", gateway.telemetryPort)).body;
    assert.ok(metrics.includes(`zion_config_info{sha256="${shown.sha256}"} 1\n`));

    const options = { headers: { "If-None-Match": headers.etag } };
    const again = await request(gateway.adminPort, "/snapshot", options);
    assert.deepEqual([again.status, again.body], [304, ""]);
    // An event, not a figure.
    kill(gateway.workers()[0]!, "SIGKILL");
    await until(
      "it is another one",
      async () => (await request(gateway.adminPort, "/snapshot", options)).status === 200,
    );
    await until("it is replaced", async () => (await part("workers.serving")) === 2);
    assert.deepEqual(
      (await part("workers.processes")).map((one: { restarts: number }) => one.restarts).sort(),
      [0, 1],
    );
    assert.equal((await part("panics.recent.0")).signal, "SIGKILL");
    assert.equal(await part("totals.requests"), 6);
  },
);
