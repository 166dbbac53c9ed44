import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { createServiceManager, type ServiceManagerOptions } from "../../src/control/service-manager.ts";
import { systemClock } from "../../src/std/clock.ts";
import { openNotifySocket, withSystemdNotify } from "../support/notify-socket.ts";
import { keptLog } from "./fakes.ts";
import { config, isRunning, launcher, startGateway, startUpstream, until } from "./gateway.ts";

function manager(environment: NodeJS.ProcessEnv, more: Partial<ServiceManagerOptions> = {}) {
  const log = keptLog();
  const service = createServiceManager({
    environment: { PATH: process.env["PATH"], ...environment },
    isSuccessor: false,
    status: () => "fine",
    isServing: () => true,
    clock: systemClock,
    log,
    ...more,
  });
  return { service, lines: log.lines };
}

test("without a service manager nothing is started", async () => {
  const { service, lines } = manager({ PATH: "/nowhere" });
  service.ready();
  service.reloading(Promise.resolve());
  await service.becomeMain();
  service.stop();
  assert.deepEqual(lines, []);
});

test("a service manager that cannot be told is reported once", async () => {
  const { service, lines } = manager({ PATH: "/nowhere", NOTIFY_SOCKET: "/nowhere/socket" });
  service.ready();
  await service.becomeMain();
  await service.becomeMain();
  service.stop();
  assert.equal(lines.filter((line) => line["event.name"] === "zion.service.not_told").length, 1);
});

test(
  "messages arrive whole and in order, and a line break starts no line of its own",
  withSystemdNotify,
  async (t) => {
    const socket = await openNotifySocket(t);
    const { service } = manager({ NOTIFY_SOCKET: socket.path }, { status: () => "a\nMAINPID=1" });
    service.ready();
    service.statusChanged();
    const reload = Promise.withResolvers<void>();
    service.reloading(reload.promise);
    reload.resolve();
    await reload.promise;
    service.stopping(1500);
    await service.becomeMain();
    service.stop();
    const [first, second, third, ...rest] = socket.messages();
    assert.deepEqual([first, second], [["READY=1", "STATUS=a MAINPID=1"], ["STATUS=a MAINPID=1"]]);
    assert.equal(third?.[0], "RELOADING=1");
    assert.match(third?.[1] ?? "", /^MONOTONIC_USEC=\d+$/);
    assert.deepEqual(rest, [
      ["READY=1"],
      ["STOPPING=1", "EXTEND_TIMEOUT_USEC=1500000"],
      [`MAINPID=${process.pid}`],
    ]);
  },
);

test(
  "the watchdog is fed while clients are served, and only by whom it means",
  withSystemdNotify,
  async (t) => {
    const socket = await openNotifySocket(t);
    const environment = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "40000" };
    let isServing = true;
    const { service, lines } = manager(
      { ...environment, WATCHDOG_PID: String(process.pid) },
      { isServing: () => isServing },
    );
    service.ready();
    await socket.next(/^WATCHDOG=1$/);
    isServing = false;
    await until("it is not fed", () => lines.some((line) => line["event.name"] === "zion.service.watchdog"));
    isServing = true;
    await socket.next(/^WATCHDOG=1$/);
    service.stop();

    // On a socket of their own: what the first one sent may come late.
    const others = await openNotifySocket(t);
    const meant = { ...environment, NOTIFY_SOCKET: others.path, WATCHDOG_PID: "1" };
    const other = manager(meant);
    const heir = manager(meant, { isSuccessor: true });
    await other.service.becomeMain();
    const before = others.messages().length;
    other.service.ready();
    assert.deepEqual(await others.next(/^READY=1$/), ["READY=1", "STATUS=fine"]);
    await new Promise((done) => setTimeout(done, 100));
    assert.equal(others.messages().length, before + 1, "it is fed by nobody else");
    heir.service.ready();
    await others.next(/^WATCHDOG=1$/);
    heir.service.stop();
  },
);

test("systemd hears of the start, of reloads, of silence and of the end", withSystemdNotify, async (t) => {
  const socket = await openNotifySocket(t);
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, {
    toml: config(upstream.port, ["shutdown_delay_ms = 0", "shutdown_grace_ms = 2000"]),
    environment: { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "400000" },
  });
  assert.deepEqual(await socket.next(/^READY=1$/), ["READY=1", "STATUS=generation 1, routes: 1"]);
  await socket.next(/^WATCHDOG=1$/);

  const beforeUsecs = process.hrtime.bigint() / 1000n;
  gateway.signal("SIGHUP");
  const [, moment] = await socket.next(/^RELOADING=1$/);
  assert.ok(BigInt(moment!.replace("MONOTONIC_USEC=", "")) >= beforeUsecs, moment);
  await socket.next(/^STATUS=generation 2, routes: 1$/);
  await socket.next(/^READY=1$/);

  gateway.write("nonsense = 1\n");
  gateway.signal("SIGHUP");
  await socket.next(/^STATUS=generation 2, routes: 1; the newest configuration was refused: .*Z1042/);
  await socket.next(/^READY=1$/);

  for (const worker of gateway.workers()) process.kill(worker, "SIGSTOP");
  await gateway.logged((line) => line["event.name"] === "zion.service.watchdog");
  for (const worker of gateway.workers()) process.kill(worker, "SIGCONT");
  await until("they are heard again", async () => {
    await socket.next(/^WATCHDOG=1$/);
    return true;
  });

  gateway.signal("SIGTERM");
  assert.deepEqual(await socket.next(/^STOPPING=1$/), ["STOPPING=1", "EXTEND_TIMEOUT_USEC=12000000"]);
  assert.equal(await gateway.exited, 143);
  const unfed = gateway.log().filter((line) => line["event.name"] === "zion.service.watchdog");
  assert.equal(unfed.length, 1, "a drain is no silence");
});

test(
  "an upgrade hands the name of the main process on before the old one ends",
  withSystemdNotify,
  async (t) => {
    const socket = await openNotifySocket(t);
    const upstream = await startUpstream(t);
    const gateway = await startGateway(t, {
      toml: config(upstream.port, ['state_dir = "DIRECTORY/state"']),
      environment: { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "400000", WATCHDOG_PID: "1" },
    });
    await socket.next(/^READY=1$/);
    const upgrade = spawnSync(
      process.execPath,
      [launcher, "upgrade", "-c", `${gateway.directory}/zion.toml`],
      { encoding: "utf8" },
    );
    assert.equal(upgrade.status, 0, upgrade.stderr);
    const heir = Number(/process (\d+) serves/.exec(upgrade.stdout)?.[1]);
    t.after(() => process.kill(heir, "SIGKILL"));
    assert.deepEqual(await socket.next(/^MAINPID=/), [`MAINPID=${heir}`]);
    await socket.next(/^READY=1$/);
    // It was told that the watchdog means another process, and inherits its duty.
    await socket.next(/^WATCHDOG=1$/);
    assert.equal(await gateway.exited, 0);
    assert.ok(isRunning(heir));
    assert.ok(!socket.messages().flat().includes("STOPPING=1"), "the service goes on");
  },
);
