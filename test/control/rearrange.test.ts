import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { freePort } from "../support/free-port.ts";
import { type Gateway, isRunning, request, startGateway, startUpstream, until } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };

interface Settings {
  readonly http: string;
  readonly telemetry: string;
  readonly admin: string;
  readonly workers: number;
}

const preset: Settings = {
  http: "127.0.0.1:0",
  telemetry: "127.0.0.1:0",
  admin: "127.0.0.1:0",
  workers: 2,
};

async function start(t: TestContext, first: Partial<Settings> = {}) {
  const upstream = await startUpstream(t);
  const text = (change: Partial<Settings>): string => {
    const { http, telemetry, admin, workers } = { ...preset, ...first, ...change };
    return `[server]
listen_http = "${http}"
http_mode = "serve"
workers = ${workers}

[access_log]
enabled = false

[telemetry]
listen = "${telemetry}"

[admin]
listen = "${admin}"

[upstream.app]
url = "http://127.0.0.1:${upstream.port}"

[[route]]
path = "/{*rest}"
upstream = "app"
`;
  };
  const gateway = await startGateway(t, { toml: text({}) });
  /** Resolves with the line about its end. */
  const change = async (settings: Partial<Settings>) => {
    const before = gateway.log().filter((line) => line["event.name"] === "zion.config.reload").length;
    gateway.write(text(settings));
    await until(
      "the reload is over",
      () => gateway.log().filter((line) => line["event.name"] === "zion.config.reload").length > before,
    );
    return gateway.log().findLast((line) => line["event.name"] === "zion.config.reload")!;
  };
  return { gateway, upstream, change };
}

const refuses = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", () => resolve(true));
  });

/** Requests on connections of their own, until stopped. */
function traffic(gateway: Gateway) {
  const failures: string[] = [];
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      const { status } = await gateway.get("/").catch((error: unknown) => ({ status: String(error) }));
      if (status !== 200) failures.push(String(status));
    }
  })();
  return async () => {
    isOver = true;
    await loop;
    return failures;
  };
}

test("a listener moves to another port; connections to the old one live on", onLinux, async (t) => {
  const { gateway, change } = await start(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal((await request(gateway.port, "/", { agent })).status, 200);
  const port = await freePort();
  assert.equal((await change({ http: `127.0.0.1:${port}` }))["generation"], 2);
  await until("the new port is served", async () => !(await refuses(port)));
  assert.equal((await gateway.get("/", port)).status, 200);
  await until("the old one is not", () => refuses(gateway.port));
  const { headers } = await request(gateway.port, "/", { agent });
  assert.notEqual(headers["connection"], "close");
});

test("a listener spreads to all addresses of its port without a refused connection", onLinux, async (t) => {
  const port = await freePort();
  const { gateway, change } = await start(t, { http: `127.0.0.1:${port}` });
  const stop = traffic(gateway);
  assert.equal((await change({ http: `0.0.0.0:${port}` }))["generation"], 2);
  assert.equal((await gateway.get("/")).status, 200);
  assert.deepEqual(
    (await stop()).filter((failure) => failure.includes("REFUSED")),
    [],
  );
});

test("an address that cannot be had changes nothing at all", onLinux, async (t) => {
  const { gateway, change } = await start(t);
  const taken = net.createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as net.AddressInfo;
  for (const settings of [
    { http: `127.0.0.1:${port}`, workers: 3 },
    { telemetry: `127.0.0.1:${port}`, workers: 3 },
    { admin: `127.0.0.1:${port}`, workers: 3 },
  ]) {
    const line = await change(settings);
    assert.deepEqual([line["level"], line["reason"], line["generation"]], ["error", "listen", 1]);
    assert.match(String(line["problem"]), /cannot listen on 127\.0\.0\.1:\d+ .*EADDRINUSE/);
  }
  assert.equal(gateway.workers().length, 2);
  assert.equal((await gateway.get("/")).status, 200);
  assert.match(
    (await gateway.get("/readyz", gateway.telemetryPort)).body,
    /^degraded\nconfig: refused: listen$/m,
  );
});

test("more workers serve, then fewer, without a failed request", onLinux, async (t) => {
  const { gateway, change } = await start(t);
  const stop = traffic(gateway);
  const serving = async () => {
    const { body } = await gateway.get("/readyz?verbose", gateway.telemetryPort);
    return (JSON.parse(body) as { workers: { serving: number; wanted: number } }).workers;
  };
  await change({ workers: 4 });
  await until("four serve", async () => (await serving()).serving === 4);
  const four = gateway.workers();
  assert.equal(four.length, 4);
  await change({ workers: 1 });
  await until("three have left", () => four.filter(isRunning).length === 1);
  assert.deepEqual(await serving(), { serving: 1, wanted: 1 });
  // Every socket has somebody who accepts on it.
  const answers = await Promise.all(Array.from({ length: 32 }, () => gateway.get("/")));
  assert.ok(answers.every(({ status }) => status === 200));
  await change({ workers: 2 });
  await until("two serve", async () => (await serving()).serving === 2);
  assert.deepEqual(await stop(), []);
  assert.ok(!gateway.log().some((line) => line["event.name"] === "zion.worker.exit"));
});

test("telemetry and admin move, too", onLinux, async (t) => {
  const { gateway, change } = await start(t);
  const [telemetry, admin] = [await freePort(), await freePort()];
  await change({ telemetry: `127.0.0.1:${telemetry}`, admin: `127.0.0.1:${admin}` });
  assert.equal((await gateway.get("/readyz", telemetry)).body, "ready\n");
  assert.equal((await gateway.get("/v1/generations", admin)).status, 200);
  await until(
    "the old ones are closed",
    async () => (await refuses(gateway.telemetryPort)) && (await refuses(gateway.adminPort)),
  );
});
