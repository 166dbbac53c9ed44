import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSecretKey } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { parseLine } from "../../src/audit/line.ts";
import { verifyDirectory } from "../../src/audit/verify.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";
import { MemoryDisk } from "./test-log.ts";

const zion = path.resolve(import.meta.dirname, "../../bin/zion.js");

test("with amnesia no process of the gateway writes to a disk, and the audit log on standard output verifies", async (t) => {
  const folder = newDirectory("amnesia");
  const home = path.join(folder, "home");
  mkdirSync(home);
  const port = await freePort();
  const keyFile = path.join(folder, "key");
  writeFileSync(keyFile, Buffer.alloc(32, 5), { mode: 0o600 });
  const config = path.join(folder, "zion.toml");
  writeFileSync(
    config,
    `amnesia = true
[server]
listen_http = "127.0.0.1:${port}"
workers = 1
shutdown_delay_ms = 0
[telemetry]
listen = "off"
[admin]
listen = "off"
[audit]
enabled = true
key_file = ${JSON.stringify(keyFile)}
[upstreams]
app = "http://127.0.0.1:9"
[[route]]
path = "/{*rest}"
upstream = "app"
`,
  );
  const before = treeOf(folder);
  const child = spawn(process.execPath, [zion, "run", "-c", config], {
    cwd: home,
    env: { ...process.env, HOME: home, TMPDIR: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => {
    child.kill("SIGKILL");
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes: Buffer) => {
    out += bytes.toString("latin1");
  });
  child.stderr.on("data", (bytes: Buffer) => {
    err += bytes.toString();
  });
  while (!err.includes("zion.audit.ready") || !err.includes("zion.started")) {
    assert.equal(child.exitCode, null, err);
    await pause(50);
  }
  const status = await new Promise((resolve, reject) => {
    http
      .get({ port, path: "/?q=%27%20OR%201%3D1--", agent: false }, (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode));
      })
      .on("error", reject);
  });
  assert.equal(status, 400);
  child.kill("SIGHUP");
  while (!out.includes('"request_blocked"')) await pause(50);
  for (const pid of familyOf(child.pid!)) assert.deepEqual(filesWrittenBy(pid), [], `process ${pid}`);
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  assert.deepEqual(treeOf(folder), before);

  const lines = out.split("\n");
  const records = lines.filter((line) => typeof parseLine(Buffer.from(line, "latin1")) === "object");
  const genesis = JSON.parse(records[0]!) as { kind: string; data: { origin: string } };
  assert.equal(genesis.kind, "genesis");
  const logId = genesis.data.origin.split("/").at(-1)!;
  const disk = new MemoryDisk();
  disk.files.set(`audit-${logId}-0000000001.ndjson`, Buffer.from(`${records.join("\n")}\n`, "latin1"));
  const { exitCode, logs } = verifyDirectory({
    disk,
    policy: undefined,
    roots: [createSecretKey(Buffer.alloc(32, 5))],
    anchors: undefined,
    nowMs: Date.now(),
    unanchoredMaxMs: Infinity,
    strict: true,
  });
  assert.equal(exitCode, 0, JSON.stringify(logs));
});

/** Every file below a directory with its size and time of change. */
function treeOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => {
      const { size, mtimeMs } = statSync(path.join(directory, name));
      return `${name} ${size} ${mtimeMs}`;
    })
    .sort();
}

function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean)
    .map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

/** Regular files that a process has open for writing, its standard streams aside. */
function filesWrittenBy(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    if (Number(fd) <= 2) return [];
    try {
      const file = readlinkSync(`/proc/${pid}/fd/${fd}`);
      const flags = Number.parseInt(
        /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))![1]!,
        8,
      );
      return file.startsWith("/") &&
        !file.startsWith("/dev/") &&
        !file.startsWith("/proc/") &&
        (flags & 3) !== 0
        ? [file]
        : [];
    } catch {
      return [];
    }
  });
}
