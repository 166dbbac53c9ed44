import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import tls from "node:tls";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import {
  defaultWorkerCount,
  hardeningFlags,
  primaryEnvironment,
  primaryFlags,
  workerEnvironment,
  workerFlags,
} from "../../src/control/flags.ts";
import { config, isRunning, startGateway, startUpstream } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc" };

test(
  "every process runs with all hardening flags, and with no more rights than it needs",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const log = 'enabled = true\npath = "DIRECTORY/access.log"';
    const toml = config(upstream.port, ["workers = 3", "shutdown_delay_ms = 0"]).replace(
      "enabled = false",
      log,
    );
    const gateway = await startGateway(t, { toml });
    const workers = gateway.workers();
    assert.equal(workers.length, 3);
    for (const pid of [gateway.pid, ...workers]) {
      const line = commandLine(pid);
      for (const flag of hardeningFlags) assert.ok(line.includes(flag), `${pid} runs without ${flag}`);
      assert.ok(line.includes("--permission"));
      assert.ok(line.some((part) => /^--max-old-space-size-percentage=\d+(\.\d+)?$/.test(part)));
      assert.equal(environmentOf(pid)["UV_THREADPOOL_SIZE"], "16");
    }
    for (const pid of workers) {
      const allowed = commandLine(pid).filter((part) => part.startsWith("--allow-"));
      assert.ok(!allowed.includes("--allow-child-process"));
      assert.deepEqual(
        allowed.filter((part) => part.startsWith("--allow-fs-write")),
        [`--allow-fs-write=${gateway.directory}/access.log`],
      );
      assert.ok(!allowed.includes("--allow-fs-read=*"));
    }
    // The permission works with what a worker has to do.
    assert.equal((await gateway.get("/")).status, 200);
    gateway.signal("SIGTERM");
    await gateway.exited;
    assert.match(readFileSync(`${gateway.directory}/access.log`, "utf8"), /"url\.path":"\/"/);
  },
);

test(
  "workers inherit no secret from the environment of the primary, nor flags that undo others",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const environment = { ZION_TEST_SECRET: "canary-4711", NODE_OPTIONS: "--no-deprecation" };
    const gateway = await startGateway(t, { toml: config(upstream.port), environment });
    assert.equal(environmentOf(gateway.pid)["NODE_OPTIONS"], undefined);
    for (const pid of gateway.workers()) {
      const names = Object.keys(environmentOf(pid));
      assert.ok(!JSON.stringify(environmentOf(pid)).includes("canary"));
      assert.ok(!names.includes("NODE_OPTIONS"), names.join());
    }
  },
);

test("SIGUSR1 neither opens the inspector nor ends a process", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: config(upstream.port) });
  const processes = [gateway.pid, ...gateway.workers()];
  for (const pid of processes) process.kill(pid, "SIGUSR1");
  // An answer afterwards shows that the signals have been handled.
  for (let i = 0; i < 8; i++) assert.equal((await gateway.get("/")).status, 200);
  assert.ok(processes.every(isRunning));
  assert.doesNotMatch(gateway.stderr(), /Debugger/);
});

test("TLS 1.2 is spoken when the configuration asks for it, and only then", async (t) => {
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 1 });
  const files = { "cert.pem": certPem, "key.pem": keyPem };
  const table = '[tls]\ncert_path = "DIRECTORY/cert.pem"\nkey_path = "DIRECTORY/key.pem"\n';
  const listen = ['listen_https = "127.0.0.1:0"'];
  for (const [more, answer] of [
    ["", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"],
    ['min_version = "1.2"', "TLSv1.2"],
  ] as const) {
    const gateway = await startGateway(t, { toml: config(1, listen, `${table}${more}`), files });
    assert.equal(await handshake(gateway.httpsPort, "TLSv1.2"), answer);
    assert.equal(await handshake(gateway.httpsPort, "TLSv1.3"), "TLSv1.3");
  }
});

/** The version agreed on, or the error code. */
function handshake(port: number, version: "TLSv1.2" | "TLSv1.3"): Promise<string> {
  return new Promise((resolve) => {
    const options = { port, host: "127.0.0.1", rejectUnauthorized: false };
    const socket = tls.connect({ ...options, minVersion: version, maxVersion: version }, () => {
      resolve(socket.getProtocol() ?? "");
      socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

test("a command that does not serve may neither write nor start processes", () => {
  for (const words of [["check"], ["version"], []]) {
    const flags = primaryFlags(...words);
    assert.ok(flags.includes("--permission"));
    assert.ok(!flags.some((flag) => flag.startsWith("--allow-fs-write") || flag === "--allow-child-process"));
  }
  for (const command of ["demo", "explain", "why", "replay"])
    assert.ok(!primaryFlags(command).some((flag) => flag.startsWith("--allow-fs-write")));
});

test("an option of all commands may stand before the command and among its words", () => {
  for (const words of [
    ["run"],
    ["audit", "witness"],
    ["mesh", "keygen"],
    ["check", "--fix"],
    ["version"],
    [],
  ]) {
    const [command = [], ...rest] = words;
    assert.deepEqual(primaryFlags("--color", "never", ...words), primaryFlags(...words));
    assert.deepEqual(primaryFlags("--color=always", ...words), primaryFlags(...words));
    assert.deepEqual(primaryFlags(...[command].flat(), "--color", "auto", ...rest), primaryFlags(...words));
  }
});

test("the heap is divided among the processes", () => {
  const share = (workerCount: number) => {
    const flags = workerFlags({ packageDir: "/opt/zion", workerCount, logPath: undefined });
    return Number(flags.find((flag) => flag.startsWith("--max-old-space"))?.split("=")[1]);
  };
  for (const count of [1, 2, 7, 50])
    assert.ok(share(count) > 0 && share(count) * (count + 1) <= 55, `${count}`);
});

test("a package inside node_modules may read the dependencies beside it", () => {
  const flags = workerFlags({
    packageDir: "/app/node_modules/zion-edge",
    workerCount: 2,
    logPath: undefined,
  });
  const read = flags.filter((flag) => flag.startsWith("--allow-fs-read="));
  assert.deepEqual(read, [
    "--allow-fs-read=/app/node_modules/zion-edge",
    "--allow-fs-read=/app/node_modules",
  ]);
});

test("of the environment, workers get an allow-list and the primary all but NODE_OPTIONS", () => {
  const given = { PATH: "/bin", TZ: "UTC", TOKEN: "x", NODE_OPTIONS: "--inspect", UV_THREADPOOL_SIZE: "1" };
  assert.deepEqual(workerEnvironment(given), { PATH: "/bin", TZ: "UTC", UV_THREADPOOL_SIZE: "16" });
  const { NODE_ENV, ...primary } = primaryEnvironment(given, 0);
  assert.equal(NODE_ENV, "production");
  assert.deepEqual(primary, { PATH: "/bin", TZ: "UTC", TOKEN: "x", UV_THREADPOOL_SIZE: "16" });
});

test("where memory is scarce malloc is told to keep little, in all processes, unless the operator says otherwise", () => {
  const sparing = primaryEnvironment({ MALLOC_ARENA_MAX: "1" }, 256 * 1_048_576);
  assert.equal(sparing["MALLOC_ARENA_MAX"], "1");
  assert.equal(sparing["MALLOC_TRIM_THRESHOLD_"], "131072");
  assert.equal(workerEnvironment(sparing)["MALLOC_TRIM_THRESHOLD_"], "131072");
  const ample = 256 * 1_048_576 * (defaultWorkerCount() + 1);
  for (const memoryBytes of [0, ample, Number.MAX_SAFE_INTEGER])
    assert.equal(primaryEnvironment({}, memoryBytes)["MALLOC_TRIM_THRESHOLD_"], undefined, `${memoryBytes}`);
});

function commandLine(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
}

function environmentOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((entry) => entry !== "");
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}
