import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { canary } from "../support/canary.ts";
import { childrenOf, config, isRunning, request, startGateway, startUpstream, until } from "./gateway.ts";

const linux = process.platform === "linux";
const onLinux = { skip: linux ? false : "reads /proc and needs reusePort" };
/** So many new connections that each worker's socket surely gets some. */
const many = 24;

test("kill -9 of a worker loses no new connection, and it is replaced at once", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, ["workers = 2"]) });
  const [victim, other] = gateway.workers();
  process.kill(victim!, "SIGKILL");
  const answers = await Promise.all(Array.from({ length: many }, () => gateway.get("/")));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);

  const exit = await gateway.logged((line) => line["event.name"] === "zion.worker.exit");
  assert.deepEqual([exit["pid"], exit["signal"], exit["restart_in_ms"]], [victim, "SIGKILL", 0]);
  await until(
    "two workers serve",
    async () => (await gateway.get("/readyz", gateway.telemetryPort)).body === "ready\n",
  );
  const workers = gateway.workers();
  assert.ok(workers.length === 2 && workers.includes(other!) && !workers.includes(victim!));
  const { body } = await gateway.get("/metrics", gateway.telemetryPort);
  assert.match(body, /^zion_worker_exits_total\{signal="SIGKILL"\} 1$/m);
});

test(
  "a connection that is made while the only worker is dead is served by the next one",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const gateway = await startGateway(t, { toml: config(upstream.port, ["workers = 1"]) });
    const [victim] = gateway.workers();
    process.kill(victim!, "SIGKILL");
    await until("the worker is dead", () => !isRunning(victim!));
    const answers = await Promise.all(Array.from({ length: many }, () => gateway.get("/")));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  },
);

test(
  "a stopped worker's connections are served by its neighbour, and it is killed and replaced",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const gateway = await startGateway(t, { toml: config(upstream.port, ["workers = 2"]) });
    const [victim] = gateway.workers();
    process.kill(victim!, "SIGSTOP");
    const answers = await Promise.all(Array.from({ length: many }, () => gateway.get("/")));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.ok(isRunning(victim!), "served before the stopped worker was replaced");

    const exit = await gateway.logged((line) => line["event.name"] === "zion.worker.exit");
    assert.deepEqual([exit["pid"], exit["signal"], exit["reason"]], [victim, "SIGKILL", "no heartbeat"]);
    await until(
      "two workers serve",
      async () => (await gateway.get("/readyz", gateway.telemetryPort)).body === "ready\n",
    );
  },
);

test("when the primary is lost, workers finish what runs, accept no more, and end", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, ["workers = 2"]) });
  const workers = gateway.workers();
  const running = Array.from({ length: 4 }, () => gateway.get("/wait"));
  await until("all requests are upstream", () => upstream.held() === 4);
  process.kill(gateway.pid, "SIGKILL");
  await until("nobody listens any more", () => refuses(gateway.port));
  upstream.release();
  for (const answer of await Promise.all(running))
    assert.deepEqual([answer.status, answer.body], [200, "waited"]);
  await until("no worker is left", () => !workers.some(isRunning));
});

test("a worker that does not notice the loss of its primary is ended", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, ["workers = 1"]) });
  const [worker] = gateway.workers();
  // As in an endless loop: it hears of nothing.
  process.kill(worker!, "SIGSTOP");
  process.kill(gateway.pid, "SIGKILL");
  await until("the stuck worker is gone", () => !isRunning(worker!));
  // Its main thread may be gone a moment before its sockets.
  await until("nobody listens any more", () => refuses(gateway.port));
});

test("no process is left when the gateway has stopped in good order", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port) });
  const children = childrenOf(gateway.pid);
  assert.equal(children.length, gateway.workers().length + 1);
  gateway.signal("SIGTERM");
  assert.equal(await gateway.exited, 143);
  await until("the guard is gone too", () => !children.some(isRunning));
});

test(
  "TERM turns readiness off at once, accepts during the delay, drains and exits 143",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    // The delay is ended by the second part of the test, not waited for.
    const settings = ["workers = 1", "shutdown_delay_ms = 1500", "shutdown_grace_ms = 20000"];
    const gateway = await startGateway(t, { toml: config(upstream.port, settings) });
    const workers = gateway.workers();
    const running = gateway.get("/wait");
    await until("the request is upstream", () => upstream.held() === 1);
    gateway.signal("SIGTERM");
    await gateway.logged((line) => line["event.name"] === "zion.stopping");
    assert.equal((await gateway.get("/readyz", gateway.telemetryPort)).status, 503);
    assert.equal((await gateway.get("/livez", gateway.telemetryPort)).status, 200);
    assert.equal((await gateway.get("/")).status, 200);

    await gateway.logged((line) => line["event.name"] === "zion.draining");
    await until("nobody listens any more", () => refuses(gateway.port));
    upstream.release();
    assert.equal((await running).body, "waited");
    assert.equal(await gateway.exited, 143);
    assert.ok(!workers.some(isRunning));
    const stopped = gateway.log().find((line) => line["event.name"] === "zion.stopped");
    assert.equal(stopped?.["exchanges_cut"], 0);
  },
);

test("what is not finished at the end of the grace period is cut, and counted", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const settings = ["workers = 1", "shutdown_grace_ms = 200"];
  const gateway = await startGateway(t, { toml: config(upstream.port, settings) });
  const running = gateway.get("/wait").catch(() => "cut");
  await until("the request is upstream", () => upstream.held() === 1);
  gateway.signal("SIGTERM");
  assert.equal(await gateway.exited, 143);
  assert.equal(await running, "cut");
  const stopped = gateway.log().find((line) => line["event.name"] === "zion.stopped");
  assert.equal(stopped?.["exchanges_cut"], 1);
});

test("a second Ctrl-C ends it now; one that merely arrives twice does not", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const settings = ["shutdown_grace_ms = 60000"];
  const gateway = await startGateway(t, { toml: config(upstream.port, settings) });
  const workers = gateway.workers();
  const running = gateway.get("/wait").catch(() => "cut");
  await until("the request is upstream", () => upstream.held() === 1);
  gateway.signal("SIGINT");
  gateway.signal("SIGINT");
  await gateway.logged((line) => line["event.name"] === "zion.draining");
  assert.ok(workers.some(isRunning));
  // Later than what counts as the same press.
  await new Promise((resolve) => setTimeout(resolve, 500));
  gateway.signal("SIGINT");
  assert.equal(await gateway.exited, 130);
  assert.equal(await running, "cut");
  await until("no worker is left", () => !workers.some(isRunning));
});

test("a second start on the same port is refused with code 75, and names the port", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port) });
  const toml = config(upstream.port).replace(
    'listen_http = "127.0.0.1:0"',
    `listen_http = "127.0.0.1:${gateway.port}"`,
  );
  const second = await startGateway(t, { toml, expectServing: false });
  assert.equal(await second.exited, 75);
  assert.match(second.stderr(), new RegExp(`127\\.0\\.0\\.1:${gateway.port} .*EADDRINUSE`));
  assert.equal((await gateway.get("/")).status, 200);
});

test("TERM while it starts ends it, and leaves no lock behind", onLinux, async (t) => {
  const own = ["workers = 1", 'state_dir = "DIRECTORY/state"'];
  const gateway = await startGateway(t, { toml: config(9, own), expectServing: false });
  const lock = join(gateway.directory, "state", "control.sock");
  await until("it has the lock", () => existsSync(lock));
  gateway.signal("SIGTERM");
  assert.equal(await gateway.exited, 143);
  assert.ok(!existsSync(lock));
});

test("HUP, USR2 and QUIT while it starts do not end it", onLinux, async (t) => {
  const own = ["workers = 1", 'state_dir = "DIRECTORY/state"'];
  const gateway = await startGateway(t, { toml: config(9, own), expectServing: false });
  await until("it has the lock", () => existsSync(join(gateway.directory, "state", "control.sock")));
  for (const signal of ["SIGHUP", "SIGUSR2", "SIGQUIT"] as const) gateway.signal(signal);
  await Promise.race([gateway.logged((line) => line["event.name"] === "zion.started"), gateway.exited]);
  gateway.signal("SIGTERM");
  assert.equal(await gateway.exited, 143);
});

test("a signal while the audit log is closed leaves no lock behind", onLinux, async (t) => {
  const tables = '[audit]\nenabled = true\npath = "DIRECTORY/audit"\nkey_file = "DIRECTORY/audit.key"\n';
  const own = ["workers = 1", 'state_dir = "DIRECTORY/state"'];
  const files = { "audit.key": randomBytes(32) };
  const gateway = await startGateway(t, { toml: config(9, own, tables), files });
  gateway.signal("SIGTERM");
  await gateway.logged((line) => line["event.name"] === "zion.stopped");
  for (const signal of ["SIGHUP", "SIGTERM"] as const) gateway.signal(signal);
  assert.equal(await gateway.exited, 143);
  assert.ok(!existsSync(join(gateway.directory, "state", "control.sock")));
});

test("a configuration with errors is refused with code 78 and all its diagnostics", async (t) => {
  const toml = config(1).replace('upstream = "app"', 'upstream = "ap"\nmethod = "GET"');
  const gateway = await startGateway(t, { toml, expectServing: false });
  assert.equal(await gateway.exited, 78);
  assert.match(gateway.stderr(), /Z1\d\d\d[\s\S]*Z1\d\d\d/);
});

test("HUP loads a good file in all workers; a bad one changes nothing and says why", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port) });
  const workers = gateway.workers();
  const reloads = (result: string) => (line: Readonly<Record<string, unknown>>) =>
    line["event.name"] === "zion.config.reload" && (result === "refused") === (line["problem"] !== undefined);

  gateway.write(`${config(upstream.port)}methods = ["PUT"]\nmethods = ["GET"]\n`);
  gateway.signal("SIGHUP");
  const refused = await gateway.logged(reloads("refused"));
  assert.match(String(refused["problem"]), /zion\.toml/);
  assert.equal((await gateway.get("/")).status, 200);

  gateway.write(`${config(upstream.port)}methods = ["PUT"]\n`);
  gateway.signal("SIGHUP");
  await gateway.logged(reloads("loaded"));
  const answers = await Promise.all(Array.from({ length: many }, () => gateway.get("/")));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [405]);
  assert.deepEqual(gateway.workers(), workers);

  const { body } = await gateway.get("/metrics", gateway.telemetryPort);
  assert.match(body, /^zion_config_generation 2$/m);
  assert.match(body, /^zion_config_reloads_total\{result="failure"\} 1$/m);
  assert.match(body, /^zion_config_reloads_total\{result="success"\} 1$/m);
});

test("a worker that is replaced after a reload starts with the new generation", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, ["workers = 1"]) });
  gateway.write(`${config(upstream.port, ["workers = 1"])}methods = ["PUT"]\n`);
  gateway.signal("SIGHUP");
  await gateway.logged((line) => line["event.name"] === "zion.config.reload");
  process.kill(gateway.workers()[0]!, "SIGKILL");
  await gateway.logged((line) => line["event.name"] === "zion.worker.exit");
  assert.equal((await gateway.get("/")).status, 405);
});

test(
  "the admin listener reloads with the token, which workers never see and which a short one cannot be",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const toml = config(upstream.port, [], 'write_token_env = "ZION_TEST_TOKEN"');
    const token = canary("admin-token");
    const gateway = await startGateway(t, { toml, environment: { ZION_TEST_TOKEN: token } });
    const reload = (given: string) =>
      request(gateway.adminPort, "/v1/reload", {
        method: "POST",
        headers: { authorization: `Bearer ${given}`, "content-type": "application/json" },
      });
    assert.equal((await reload("wrong")).status, 401);
    const answer = await reload(token);
    assert.deepEqual([answer.status, JSON.parse(answer.body).generation], [200, 2]);
    for (const pid of gateway.workers()) {
      assert.ok(!readFileSync(`/proc/${pid}/environ`, "utf8").includes(token));
    }
    const short = await startGateway(t, {
      toml,
      environment: { ZION_TEST_TOKEN: "short" },
      expectServing: false,
    });
    assert.equal(await short.exited, 78);
  },
);

test("USR2 makes workers write to a new access log after the old one was moved away", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const toml = config(upstream.port).replace("enabled = false", 'path = "DIRECTORY/access.log"');
  const gateway = await startGateway(t, { toml });
  const path = join(gateway.directory, "access.log");
  await gateway.get("/before");
  await until("the first line is written", () => readFileSync(path, "utf8").includes("/before"));
  renameSync(path, `${path}.1`);
  gateway.signal("SIGUSR2");
  await until("the log is open anew", () => existsSync(path));
  for (let i = 0; i < many; i++) await gateway.get("/after");
  await until("the second line is written", () => readFileSync(path, "utf8").includes("/after"));
});

test("counters do not go down when a worker dies", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port, ["workers = 1"]) });
  for (let i = 0; i < 5; i++) await gateway.get("/");
  const count = async () => {
    const { body } = await gateway.get("/metrics", gateway.telemetryPort);
    return Number(/^zion_http_requests_total\{.*\} (\d+)$/m.exec(body)?.[1] ?? 0);
  };
  await until("its requests are counted", async () => (await count()) === 5);
  process.kill(gateway.workers()[0]!, "SIGKILL");
  await gateway.logged((line) => line["event.name"] === "zion.worker.exit");
  await gateway.get("/");
  // The figures are printed at most once a second.
  await until("the new worker's request is counted", async () => (await count()) === 6);
});

test(
  "a worker that is killed takes no more of the figures with it than those of the last moment",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const gateway = await startGateway(t, { toml: config(upstream.port, ["workers = 1"]) });
    let sent = 0;
    let lost = 0;
    // Nobody scrapes before it dies: what is known then is what it told by itself, every second. One that was held up that
    // long by a busy machine gets another chance.
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 5; i++) await gateway.get("/");
      sent += 5;
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const [victim] = gateway.workers();
      process.kill(victim!, "SIGKILL");
      await until("its end is noticed", () => gateway.log().some((line) => line["pid"] === victim));
      const { body } = await gateway.get("/metrics", gateway.telemetryPort);
      const counted = Number(/^zion_http_requests_total\{.*\} (\d+)$/m.exec(body)?.[1] ?? 0);
      if (counted === sent - lost) return;
      lost = sent - counted;
      await until("it is replaced", async () => (await gateway.get("/")).status === 200);
      sent++;
    }
    assert.fail(`${lost} of ${sent} are lost`);
  },
);

function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}
