import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSecretKey } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { readableDisk } from "../../src/audit/file-disk.ts";
import { logsOf, walkLog } from "../../src/audit/log-proof.ts";
import type { AuditRecord } from "../../src/audit/record.ts";
import { verifyDirectory } from "../../src/audit/verify.ts";
import { startGateway, until } from "../control/gateway.ts";

const key = Buffer.alloc(32, 5);
const onLinux = { skip: process.platform === "linux" ? false : "reads /proc" };

function configWith(audit: string): string {
  return `[server]
listen_http = "127.0.0.1:0"
http_mode = "serve"
workers = 2
shutdown_delay_ms = 0

[access_log]
enabled = false

[telemetry]
listen = "127.0.0.1:0"
${audit}
[upstream.app]
url = "http://127.0.0.1:9"

[[route]]
path = "/{*rest}"
upstream = "app"
`;
}

const auditIn = (directory: string, more = "") =>
  `[audit]\nenabled = true\npath = "DIRECTORY/${directory}"\nkey_file = "DIRECTORY/key"\n${more}\n`;

async function start(t: TestContext, first: string) {
  const gateway = await startGateway(t, { toml: configWith(first), files: { key } });
  if (first !== "") await gateway.logged((line) => line["event.name"] === "zion.audit.ready");
  const directory = (name: string) => path.join(gateway.directory, name);
  return {
    gateway,
    directory,
    async change(audit: string) {
      const told = () => gateway.log().filter((line) => line["event.name"] === "zion.config.reload");
      const before = told().length;
      gateway.write(configWith(audit));
      await until("the reload is over", () => told().length > before);
      return told().at(-1)!;
    },
    /** Events of refused requests, those that were only counted among them. */
    refusals(name: string): number {
      return recordsIn(directory(name)).reduce((sum, { kind, data }) => {
        if (kind === "aggregate") return sum + Number(data?.["count"]);
        return sum + (kind === "request_blocked" ? 1 : 0);
      }, 0);
    },
    verify(name: string) {
      const disk = readableDisk(directory(name));
      return verifyDirectory({
        disk,
        policy: undefined,
        roots: [createSecretKey(key)],
        anchors: undefined,
        nowMs: Date.now(),
        unanchoredMaxMs: Infinity,
        strict: true,
      });
    },
  };
}

function recordsIn(directory: string): AuditRecord[] {
  const disk = readableDisk(directory);
  return logsOf(disk).flatMap((logId) =>
    [...walkLog(disk, logId)].map(({ line }) => JSON.parse(line) as AuditRecord),
  );
}

function writersOf(primary: number): readonly number[] {
  const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(primary)], { encoding: "utf8" });
  const lines = children.split("\n").filter((one) => one.includes("audit-process"));
  return lines.map((line) => Number(line.trim().split(" ")[0]));
}

/** Requests that the WAF refuses, until stopped. */
function attack({ get }: Awaited<ReturnType<typeof start>>["gateway"]) {
  const statuses = new Map<number, number>();
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      const { status } = await get("/?q=%27%20OR%201%3D1--");
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  })();
  return {
    count: () => statuses.get(400) ?? 0,
    async stop() {
      isOver = true;
      await loop;
      return statuses;
    },
  };
}

test(
  "other settings of the audit log are in force under refusals, and the chain goes on",
  onLinux,
  async (t) => {
    const run = await start(t, auditIn("log"));
    const { gateway } = run;
    const [first] = writersOf(gateway.pid);
    const attacker = attack(gateway);
    await until("some are refused", () => attacker.count() > 10);
    const changed = 'anchor_path = "DIRECTORY/anchors"\nmax_size_mb = 2\ncheckpoint_secs = 2';
    assert.equal((await run.change(auditIn("log", changed)))["generation"], 2);
    await until("another writer has the log", () => {
      const writers = writersOf(gateway.pid);
      return writers.length === 1 && writers[0] !== first;
    });
    const before = attacker.count();
    await until("more are refused", () => attacker.count() > before + 10);
    await until("anchors are written", () => existsSync(run.directory("anchors")));
    const statuses = await attacker.stop();
    gateway.signal("SIGTERM");
    await gateway.exited;
    assert.deepEqual([...statuses.keys()], [400]);
    assert.equal(run.refusals("log"), statuses.get(400));
    const { exitCode, logs } = run.verify("log");
    assert.deepEqual([exitCode, logs.map(({ findings }) => findings)], [0, [[]]]);
    assert.equal(recordsIn(run.directory("log")).filter(({ kind }) => kind === "process_start").length, 2);
  },
);

test("a new path begins a log of its own, and both are whole", onLinux, async (t) => {
  const run = await start(t, auditIn("log"));
  const { gateway } = run;
  const attacker = attack(gateway);
  await until("some are refused", () => attacker.count() > 10);
  assert.equal((await run.change(auditIn("other")))["generation"], 2);
  const before = attacker.count();
  await until("more are refused", () => attacker.count() > before + 10);
  await until("one writer is left", () => writersOf(gateway.pid).length === 1);
  const statuses = await attacker.stop();
  gateway.signal("SIGTERM");
  await gateway.exited;
  assert.deepEqual([...statuses.keys()], [400]);
  assert.equal(run.refusals("log") + run.refusals("other"), statuses.get(400));
  for (const name of ["log", "other"]) {
    assert.equal(run.verify(name).exitCode, 0, name);
    const kinds = recordsIn(run.directory(name)).map(({ kind }) => kind);
    assert.ok(kinds.includes("config_applied"), name);
    assert.equal(kinds.at(-1), "process_stop", name);
  }
});

test(
  "a log that was written with another key refuses the reload, and the writer stays",
  onLinux,
  async (t) => {
    const run = await start(t, auditIn("log"));
    const { gateway } = run;
    assert.equal((await run.change(""))["generation"], 2);
    await until("the log is closed", () => writersOf(gateway.pid).length === 0);
    writeFileSync(run.directory("key"), Buffer.alloc(32, 6));
    assert.equal((await run.change(auditIn("other")))["generation"], 3);
    const writers = writersOf(gateway.pid);
    const line = await run.change(auditIn("log"));
    assert.deepEqual([line["generation"], line["reason"]], [3, "audit"]);
    assert.match(String(line["problem"]), /was written with the key/);
    await until("the refused writer is gone", () => writersOf(gateway.pid).length === 1);
    assert.deepEqual(writersOf(gateway.pid), writers);
    assert.equal((await gateway.get("/?q=%27%20OR%201%3D1--")).status, 400);
    await until("it is on record", () => run.refusals("other") === 1);
  },
);

test("what workers alone obey leaves the writer as it is", onLinux, async (t) => {
  const run = await start(t, auditIn("log"));
  const writers = writersOf(run.gateway.pid);
  assert.equal((await run.change(auditIn("log", "requests = true")))["generation"], 2);
  assert.equal((await run.gateway.get("/")).status, 502);
  await until("it is on record", () =>
    recordsIn(run.directory("log")).some(({ kind }) => kind === "request_completed"),
  );
  assert.deepEqual(writersOf(run.gateway.pid), writers);
});

test("an audit log comes and goes with the configuration", onLinux, async (t) => {
  const run = await start(t, "");
  const { gateway } = run;
  assert.equal((await run.change(auditIn("log")))["generation"], 2);
  assert.equal((await gateway.get("/?q=%27%20OR%201%3D1--")).status, 400);
  await until("it is on record", () => run.refusals("log") === 1);
  assert.equal((await run.change(""))["generation"], 3);
  await until("the writer has left", () => writersOf(gateway.pid).length === 0);
  assert.equal((await gateway.get("/?q=%27%20OR%201%3D1--")).status, 400);
  assert.equal(run.refusals("log"), 1);
  assert.equal(run.verify("log").exitCode, 0);
});
