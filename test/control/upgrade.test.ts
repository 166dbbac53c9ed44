import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, statSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { startLoad } from "../support/load.ts";
import { ok, startOrigin } from "../support/origin.ts";
import {
  config,
  type Gateway,
  isRunning,
  kill,
  launcher,
  startGateway,
  startUpstream,
  until,
} from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "needs reusePort" };
const withState = ["workers = 1", 'state_dir = "DIRECTORY/state"'];
const twoWorkers = ["workers = 2", 'state_dir = "DIRECTORY/state"'];

/** `zion upgrade` as an operator types it. */
async function upgrade(
  t: TestContext,
  gateway: Gateway,
): Promise<{ readonly code: number | null; readonly text: string }> {
  const child = spawn(process.execPath, [launcher, "upgrade", "-c", join(gateway.directory, "zion.toml")]);
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part) => (text += part));
  // A successor is no child of the test's.
  t.after(() => {
    for (const line of gateway.log())
      if (line["event.name"] === "zion.upgrade.started") kill(Number(line["pid"]), "SIGKILL");
  });
  const code = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  return { code, text };
}

const named = (gateway: Gateway, name: string) => gateway.log().filter((line) => line["event.name"] === name);

test("an upgrade under load loses no request and no connection, twice in a row", onLinux, async (t) => {
  const origin = await startOrigin({
    script: (request, connection) => void connection.socket.write(ok(request.target)),
  });
  t.after(() => origin.close());
  const gateway = await startGateway(t, { toml: config(origin.port, twoWorkers) });
  const load = startLoad(gateway.port, { connections: 16 });
  const probes: number[] = [];
  let probing = true;
  const probe = (async () => {
    while (probing) probes.push((await gateway.get("/readyz", gateway.telemetryPort)).status);
  })();
  await load.more(200);
  const first = await upgrade(t, gateway);
  assert.deepEqual([first.code, await gateway.exited], [0, 0], first.text);
  await load.more(200);
  const second = await upgrade(t, gateway);
  assert.equal(second.code, 0, second.text);
  const [, middle] = named(gateway, "zion.started");
  await until("the second version is gone", () => !isRunning(Number(middle!["pid"])));
  await load.more(200);
  await load.stop();
  probing = false;
  await probe;
  assert.deepEqual(load.failures, []);
  assert.deepEqual([...new Set(probes)], [200]);
  assert.equal(named(gateway, "zion.started").length, 3);
  assert.deepEqual(
    named(gateway, "zion.stopped").map((line) => line["exchanges_cut"]),
    [0, 0],
  );
});

test(
  "a version with fewer workers serves the sockets of all, one with more adds some",
  onLinux,
  async (t) => {
    const origin = await startOrigin({
      script: (request, connection) => void connection.socket.write(ok(request.target)),
    });
    t.after(() => origin.close());
    const state = 'state_dir = "DIRECTORY/state"';
    const gateway = await startGateway(t, { toml: config(origin.port, ["workers = 3", state]) });
    const load = startLoad(gateway.port, { connections: 16, deadlineMs: 20_000 });
    for (const workers of [1, 4]) {
      await load.more(100);
      gateway.write(config(origin.port, [`workers = ${workers}`, state]));
      const { code, text } = await upgrade(t, gateway);
      assert.equal(code, 0, text);
    }
    await load.more(100);
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.deepEqual(
      named(gateway, "zion.started").map((line) => line["workers"]),
      [3, 1, 4],
    );
  },
);

test("what runs when a successor takes over is finished by the old version", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, withState) });
  const running = gateway.get("/wait");
  await until("the request is upstream", () => upstream.held() === 1);
  assert.equal((await upgrade(t, gateway)).code, 0);
  assert.equal((await gateway.get("/")).body, "hello");
  assert.ok(isRunning(gateway.pid));
  upstream.release();
  assert.equal((await running).body, "waited");
  assert.equal(await gateway.exited, 0);
});

test("a successor that does not come up changes nothing", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, withState) });
  const answer = await ask(gateway, { type: "upgrade", command: ["/bin/false"] });
  assert.match(answer, /"failed".*ended with 1/);
  assert.equal((await gateway.get("/")).status, 200);
  // The next one may try.
  assert.equal((await upgrade(t, gateway)).code, 0);
});

test("an upgrade to a configuration with errors is refused with its diagnostics", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, withState) });
  gateway.write(config(upstream.port, [...withState, "no_such_key = 1"]));
  const { code, text } = await upgrade(t, gateway);
  assert.equal(code, 1);
  assert.match(text, /Z1042/);
  assert.equal(named(gateway, "zion.upgrade.started").length, 0);
});

test("nobody takes over without the key, and what is no request ends the connection", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, withState) });
  for (const line of [
    { type: "takeover", key: "guessed" },
    { type: "serving" },
    { type: "upgrade", command: [] },
    7,
  ]) {
    assert.equal(await ask(gateway, line), "", JSON.stringify(line));
  }
  assert.equal((await gateway.get("/")).status, 200);
});

test("TLS sessions of the old version are resumed by the new one", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 2 });
  const toml = config(upstream.port, [...twoWorkers, 'listen_https = "127.0.0.1:0"']);
  const gateway = await startGateway(t, {
    toml: `${toml}\n[tls]\ncert_path = "DIRECTORY/cert.pem"\nkey_path = "DIRECTORY/key.pem"\n`,
    files: { "cert.pem": certPem, "key.pem": keyPem },
  });
  const { session } = await handshake(gateway.httpsPort, undefined);
  assert.equal((await handshake(gateway.httpsPort, session)).reused, true);
  assert.equal((await upgrade(t, gateway)).code, 0);
  await gateway.exited;
  assert.equal((await handshake(gateway.httpsPort, session)).reused, true);
});

test("after an upgrade the Unix socket of the admin listener is the successor's", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const toml = config(upstream.port, withState).replace(
    '[admin]\nlisten = "127.0.0.1:0"',
    '[admin]\nlisten = "unix:DIRECTORY/admin.sock"',
  );
  const gateway = await startGateway(t, { toml });
  const socketPath = join(gateway.directory, "admin.sock");
  const primary = () =>
    new Promise<unknown>((resolve) => {
      const path = "/snapshot?path=workers.primary.pid";
      const request = http.get({ socketPath, path, agent: false }, (response) => {
        let body = "";
        response.on("data", (part) => (body += part));
        response.on("end", () => resolve(JSON.parse(body)));
      });
      request.on("error", () => resolve("nobody"));
    });
  assert.equal(await primary(), gateway.pid);
  const { code, text } = await upgrade(t, gateway);
  assert.equal(code, 0, text);
  const successor = Number(named(gateway, "zion.upgrade.started")[0]!["pid"]);
  await until("the successor answers", async () => (await primary()) === successor);
  await gateway.exited;
  assert.equal(await primary(), successor);
  assert.equal(statSync(socketPath).mode & 0o777, 0o600);
});

test("a second gateway with the same state directory is refused with code 75", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, withState) });
  const toml = config(upstream.port, withState).replaceAll("DIRECTORY", gateway.directory);
  const second = await startGateway(t, { toml, expectServing: false });
  assert.equal(await second.exited, 75);
  assert.match(second.stderr(), /another zion runs/);
});

test("a state directory that others can enter is refused with code 78", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, withState) });
  const open = join(gateway.directory, "open");
  mkdirSync(open);
  chmodSync(open, 0o755);
  const toml = config(upstream.port, [`state_dir = "${open}"`]);
  const second = await startGateway(t, { toml, expectServing: false });
  assert.equal(await second.exited, 78);
  assert.match(second.stderr(), /chmod 700/);
});

test("after kill -9 of the primary the next start takes its place, port and all", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, twoWorkers) });
  const workers = gateway.workers();
  // One of them stands still, with its socket open.
  process.kill(workers[0]!, "SIGSTOP");
  process.kill(gateway.pid, "SIGKILL");
  const toml = config(upstream.port, twoWorkers)
    .replaceAll("DIRECTORY", gateway.directory)
    .replace('listen_http = "127.0.0.1:0"', `listen_http = "127.0.0.1:${gateway.port}"`);
  const next = await startGateway(t, { toml });
  assert.equal((await next.get("/")).status, 200);
  assert.ok(!workers.some(isRunning));
});

/** Says one line to the control socket; what it answers until it closes or says that it failed. */
function ask(gateway: Gateway, line: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(join(gateway.directory, "state/control.sock"));
    let text = "";
    socket.setEncoding("utf8").on("data", (part) => {
      text += part;
      if (text.includes("failed")) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.write(`${JSON.stringify(line)}\n`);
  });
}

/** Connects with TLS and asks once, so that the ticket has come. */
async function handshake(
  port: number,
  offered: Buffer | undefined,
): Promise<{ session: Buffer; reused: boolean }> {
  const socket = tls.connect({
    host: "127.0.0.1",
    port,
    servername: "localhost",
    rejectUnauthorized: false,
    ...(offered === undefined ? {} : { session: offered }),
  });
  const ticket = once(socket, "session");
  await once(socket, "secureConnect");
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "data");
  const reused = socket.isSessionReused();
  const [session] = reused ? [offered!] : ((await ticket) as [Buffer]);
  socket.destroy();
  return { session, reused };
}
