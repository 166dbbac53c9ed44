import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { diskAccess } from "../../src/config/files.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { configExitCode } from "../../src/control/exit-codes.ts";
import { childrenOf, launcher, request, until } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";
import { openNotifySocket } from "../support/notify-socket.ts";

const directory = resolve(import.meta.dirname, "../../deploy/systemd");
const unit = readFileSync(join(directory, "zion.service"), "utf8");
const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;
const withSystemd = {
  skip: process.env["CI"] !== undefined || has("systemd-analyze") ? false : "systemd-analyze is missing",
};

/** All values of a key, in order. */
function valuesOf(key: string): readonly string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value!);
}

test("systemd finds the unit no more exposed than 2.5 of 10", withSystemd, () => {
  const { status, stdout } = spawnSync(
    "systemd-analyze",
    ["security", "--offline=true", "--no-pager", "--threshold=25", join(directory, "zion.service")],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stdout);
  assert.match(stdout, /Overall exposure level for zion\.service: [0-2]\.\d OK/);
});

/** A root in which the unit is installed and what it starts is there. */
function installed(text: string): string {
  const root = newDirectory("unit");
  const units = join(root, "usr/lib/systemd/system");
  mkdirSync(units, { recursive: true });
  cpSync("/usr/lib/systemd/system", units, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(units, "zion.service"), text);
  for (const program of ["usr/bin/zion", "usr/bin/env", "bin/kill"]) {
    mkdirSync(join(root, program, ".."), { recursive: true });
    writeFileSync(join(root, program), "#!/bin/sh\n");
    chmodSync(join(root, program), 0o755);
  }
  return root;
}

test("systemd reads every line of the unit", withSystemd, () => {
  const verify = (text: string) =>
    spawnSync(
      "systemd-analyze",
      ["verify", "--man=no", "--recursive-errors=no", `--root=${installed(text)}`, "zion.service"],
      { encoding: "utf8" },
    );
  const good = verify(unit);
  assert.deepEqual([good.status, good.stderr], [0, ""]);
  const spoilt = verify(unit.replace("WatchdogSec=", "WatchdogSecs="));
  assert.equal(spoilt.status, 1);
  assert.match(spoilt.stderr, /WatchdogSecs/);
});

test("the unit and the gateway mean the same exit codes, keys and directories", () => {
  assert.deepEqual(valuesOf("RestartPreventExitStatus"), [String(configExitCode)]);
  assert.deepEqual(valuesOf("SuccessExitStatus"), ["143"]);
  const credentials = valuesOf("LoadCredential").map((value) => value.split(":"));
  assert.deepEqual(credentials, [
    ["audit-hmac-key", "/etc/zion/keys/audit-hmac-key"],
    ["capture-key", "/etc/zion/keys/capture-key"],
  ]);
  const kept = newDirectory("credentials");
  for (const [name] of credentials) writeFileSync(join(kept, name!), Buffer.alloc(32, 1), { mode: 0o400 });
  const toml = readFileSync(join(directory, "zion.toml"), "utf8");
  const parse = (folder: string, more: string) =>
    parseConfig((toml + more).replaceAll(`/var/lib/${valuesOf("StateDirectory")[0]}`, kept), {
      ...diskAccess(),
      file: join(kept, "zion.toml"),
      environment: (name) => (name === "CREDENTIALS_DIRECTORY" ? folder : undefined),
    });
  const { config, diagnostics } = parse(kept, `\n[capture]\npath = "/var/lib/zion/capture"\n`);
  assert.deepEqual(diagnostics, []);
  assert.equal(config?.server.stateDir, kept);
  assert.equal(valuesOf("StateDirectoryMode")[0], "0700", "no other is taken");
  assert.deepEqual(config?.admin.listen, { path: `/run/${valuesOf("RuntimeDirectory")[0]}/admin.sock` });
  assert.equal(parse("/nowhere", "").config, undefined, "without its credential there is no key");
});

const inFull = {
  skip:
    process.env["ZION_FULL"] === undefined
      ? "ZION_FULL=1 runs it"
      : has("strace")
        ? false
        : "strace is missing",
};

test(
  "a start, a reload, requests and a stop need no system call that the unit forbids",
  inFull,
  async (t) => {
    const allowed = new Set<string>();
    for (const value of valuesOf("SystemCallFilter")) {
      const groups = value.replace(/^~/, "").split(" ");
      for (const call of groups.flatMap(callsOf))
        if (value.startsWith("~")) allowed.delete(call);
        else allowed.add(call);
    }
    const root = newDirectory("calls");
    const port = await freePort();
    writeFileSync(join(root, "audit-hmac-key"), Buffer.alloc(32, 1), { mode: 0o400 });
    const toml = readFileSync(join(directory, "zion.toml"), "utf8")
      .replace("127.0.0.1:8080", `127.0.0.1:${port}`)
      .replaceAll("/var/lib/zion", join(root, "state"))
      .replaceAll("/run/zion", root);
    mkdirSync(join(root, "state"), { mode: 0o700 });
    writeFileSync(join(root, "zion.toml"), `${toml}\n[telemetry]\nlisten = "off"\n`);
    const socket = await openNotifySocket(t);
    const traced = spawn(
      "strace",
      [
        "-f",
        "-qq",
        "-c",
        "-o",
        join(root, "calls"),
        process.execPath,
        launcher,
        "run",
        "-c",
        join(root, "zion.toml"),
      ],
      {
        stdio: "ignore",
        env: {
          PATH: process.env["PATH"],
          CREDENTIALS_DIRECTORY: root,
          NOTIFY_SOCKET: socket.path,
          WATCHDOG_USEC: "1000000",
        },
      },
    );
    const exited = new Promise((done) => traced.on("exit", done));
    await socket.next(/^READY=1$/);
    assert.equal((await request(port, "/?q='+UNION+SELECT+password+FROM+users--")).status, 400);
    assert.equal((await request(port, "/")).status, 502);
    const [primary] = childrenOf(traced.pid!);
    process.kill(primary!, "SIGHUP");
    await socket.next(/^RELOADING=1$/);
    await socket.next(/^READY=1$/);
    await socket.next(/^WATCHDOG=1$/);
    process.kill(primary!, "SIGTERM");
    await exited;
    let calls: readonly string[] = [];
    await until("strace has counted", () => {
      const lines = readFileSync(join(root, "calls"), "utf8").split("\n");
      calls = lines
        .map((line) => line.trim().split(/\s+/).at(-1)!)
        .filter((name) => /^[a-z][a-z0-9_]*$/.test(name));
      return calls.includes("total");
    });
    assert.ok(calls.length > 50, calls.join(" "));
    assert.deepEqual(
      calls.filter((call) => call !== "total" && call !== "syscall" && !allowed.has(call)),
      [],
    );
  },
);

/** Of a group such as @system-service, those of its groups among them. */
function callsOf(group: string): readonly string[] {
  const text = execFileSync("systemd-analyze", ["syscall-filter", group], { encoding: "utf8" });
  const lines = text
    .split("\n")
    .slice(1)
    .map((line) => line.trim());
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .flatMap((line) => (line.startsWith("@") ? callsOf(line) : line));
}
