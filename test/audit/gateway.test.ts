import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSecretKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { readableDisk } from "../../src/audit/file-disk.ts";
import { logsOf, walkLog } from "../../src/audit/log-proof.ts";
import type { AuditRecord } from "../../src/audit/record.ts";
import { type Verification, verifyDirectory } from "../../src/audit/verify.ts";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { newDirectory } from "../support/directory.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../support/gateway.ts";

const key = Buffer.alloc(32, 5);

interface Audited {
  readonly gateway: Gateway;
  readonly directory: string;
  readonly keyFile: string;
  records(): AuditRecord[];
  verify(): Verification;
}

/** A gateway with an audit log, and a route to nowhere that the WAF watches. */
async function startAudited(t: TestContext, more = "", options: GatewayOptions = {}): Promise<Audited> {
  const folder = newDirectory("audit");
  const directory = path.join(folder, "log");
  const keyFile = path.join(folder, "key");
  writeFileSync(keyFile, key, { mode: 0o600 });
  const gateway = await startGateway(
    t,
    `[server]
workers = 2
shutdown_delay_ms = 0
[audit]
enabled = true
path = ${JSON.stringify(directory)}
key_file = ${JSON.stringify(keyFile)}
${more}
[upstream.app]
url = "http://127.0.0.1:9"
[[route]]
path = "/{*rest}"
upstream = "app"
`,
    options,
  );
  await gateway.event("zion.audit.ready");
  const records = (): AuditRecord[] => {
    const disk = readableDisk(directory);
    return logsOf(disk).flatMap((logId) =>
      [...walkLog(disk, logId)].map(({ line }) => JSON.parse(line) as AuditRecord),
    );
  };
  const verify = (): Verification =>
    verifyDirectory({
      disk: readableDisk(directory),
      policy: undefined,
      roots: [createSecretKey(key)],
      anchors: undefined,
      nowMs: Date.now(),
      unanchoredMaxMs: Infinity,
      strict: true,
    });
  return { gateway, directory, keyFile, records, verify };
}

function get(port: number, target: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port, path: target, agent: false }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode!));
    });
    request.on("error", reject);
  });
}

/** Waits for what other processes do, as long as the runner lets it. */
async function until<T>(read: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = read();
    if (found !== undefined && found !== false) return found;
    await pause(50);
  }
}

test("every refusal of the WAF is on record, with who, what and which rule, and nothing of what it matched", async (t) => {
  const audited = await startAudited(t);
  const { gateway, records } = audited;
  for (let n = 0; n < 5; n++)
    assert.equal(await get(gateway.port, `/shop?q=%27%20OR%201%3D1--%20secret${n}&page=2`), 400);
  assert.equal(await get(gateway.port, "/plain"), 502);
  const blocked = await until(() => {
    const found = records().filter(({ kind }) => kind === "request_blocked");
    return found.length === 5 && found;
  });
  const [first] = blocked;
  assert.equal(first!.src?.["ip"], "127.0.0.1");
  assert.match(String(first!.req?.["path"]), /^\/shop\?q=<redacted:\d+>&page=<redacted:1>$/);
  assert.equal(first!.req?.["m"], "GET");
  assert.equal(first!.out?.["status"], 400);
  assert.ok(Array.isArray(first!.out?.["findings"]));
  assert.match(first!.rid!, /^[\w-]{16,}$/);
  assert.match(first!.trace!, /^[0-9a-f]{32}$/);
  assert.equal(first!.cfg, 1);
  // Only refusals are evidence.
  assert.ok(!records().some(({ kind }) => kind === "request_completed"));
  const text = readdirSync(audited.directory)
    .filter((name) => name.endsWith(".ndjson"))
    .map((name) => readFileSync(path.join(audited.directory, name), "latin1"))
    .join("");
  assert.doesNotMatch(text, /secret\d/);
});

test("a stopped gateway leaves a log that verifies, in files that only it can read", async (t) => {
  const { gateway, directory, records, verify } = await startAudited(t);
  assert.equal(await get(gateway.port, "/?q=%3Cscript%3Ealert(1)%3C/script%3E"), 400);
  gateway.signal("SIGTERM");
  await gateway.exited;
  const kinds = records().map(({ kind }) => kind);
  assert.deepEqual([kinds[0], kinds[1], kinds.at(-1)], ["genesis", "process_start", "process_stop"]);
  for (const kind of ["config_applied", "request_blocked", "worker_start", "worker_exit"] as const)
    assert.ok(kinds.includes(kind), kind);
  const { exitCode, logs } = verify();
  assert.deepEqual([exitCode, logs[0]!.findings], [0, []]);
  assert.equal(logs[0]!.anchored, logs[0]!.size);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const name of readdirSync(directory))
    if (name !== "writer.sock") assert.equal(statSync(path.join(directory, name)).mode & 0o777, 0o600, name);
});

test("a configuration that was refused is on record, with the place of the problem and not its text", async (t) => {
  const { gateway, records } = await startAudited(t, "", { tls: true });
  const file = path.join(path.dirname(gateway.certificatePath), "zion.toml");
  writeFileSync(file, `${readFileSync(file, "utf8")}\n[upstream.other]\npassword = "hunter2"\n`);
  gateway.signal("SIGHUP");
  const rejected = await until(() => records().find(({ kind }) => kind === "config_rejected"));
  assert.equal(rejected.cfg, 1);
  assert.equal(rejected.data?.["reason"], "invalid");
  assert.match(String(rejected.data?.["by"]), /^(signal|file)$/);
  assert.match(String(rejected.data?.["problem"]), /zion\.toml:\d+/);
  assert.doesNotMatch(JSON.stringify(rejected), /hunter2/);
});

test("each certificate is on record when it is served first", async (t) => {
  const { gateway, records } = await startAudited(t, "", { tls: true });
  const loaded = () => records().filter(({ kind }) => kind === "cert_loaded");
  const digest = () =>
    new X509Certificate(readFileSync(gateway.certificatePath)).fingerprint256
      .replaceAll(":", "")
      .toLowerCase();
  await until(() => loaded().length === 1);
  const first = digest();
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 2 });
  const keyPath = path.join(path.dirname(gateway.certificatePath), "tls.key");
  writeFileSync(gateway.certificatePath, certPem);
  writeFileSync(keyPath, keyPem, { mode: 0o600 });
  gateway.signal("SIGHUP");
  await until(() => loaded().length === 2);
  assert.deepEqual(
    loaded().map(({ data }) => data?.["sha256"]),
    [first, digest()],
  );
  assert.deepEqual(Object.keys(loaded()[0]!.data!), ["not_after", "path", "serial", "sha256"]);
  assert.ok(loaded()[1]!.cfg! > 1);
});

test("a worker's death is on record, and a worker's leave is none", async (t) => {
  const { gateway, records } = await startAudited(t);
  const victim = await until(() => workerOf(gateway.pid));
  process.kill(victim, "SIGSEGV");
  const { data, cfg } = await until(() => records().find(({ kind }) => kind === "panic"));
  assert.equal(cfg, 1);
  assert.equal(data?.["pid"], victim);
  assert.equal(data?.["signal"], "SIGSEGV");
  assert.equal(data?.["reason"], "");
  gateway.signal("SIGTERM");
  await gateway.exited;
  assert.equal(records().filter(({ kind }) => kind === "panic").length, 1);
});

test("a flood of refusals is a few records and a count", async (t) => {
  const { gateway, records } = await startAudited(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  t.after(() => agent.destroy());
  await Promise.all(
    Array.from(
      { length: 300 },
      () =>
        new Promise<void>((resolve, reject) => {
          http
            .get({ port: gateway.port, path: "/?q=%27%20OR%201%3D1--", agent }, (answer) =>
              answer.resume().on("end", resolve),
            )
            .on("error", reject);
        }),
    ),
  );
  gateway.signal("SIGTERM");
  await gateway.exited;
  const all = records();
  const single = all.filter(({ kind }) => kind === "request_blocked");
  const floods = all.filter(({ kind }) => kind === "aggregate");
  const counted = floods.reduce((sum, { data }) => sum + Number(data?.["count"]), 0);
  assert.equal(single.length + counted, 300);
  // 20 for each worker.
  assert.ok(single.length <= 40, `${single.length} records`);
  const ids = floods.flatMap(({ data }) => data?.["first_ids"] as string[]);
  assert.equal(new Set([...ids, ...single.map(({ rid }) => rid)]).size, ids.length + single.length);
});

test("a killed writer is replaced, and what happened meanwhile is on record without a gap", async (t) => {
  const { gateway, records, verify } = await startAudited(t);
  for (let round = 0; round < 3; round++) {
    const writer = await until(() => writerOf(gateway.pid));
    process.kill(writer, "SIGKILL");
    await get(gateway.port, `/round${round}?q=%27%20OR%201%3D1--`);
    await until(() => {
      const now = writerOf(gateway.pid);
      return now !== undefined && now !== writer;
    });
    await until(() => records().filter(({ kind }) => kind === "request_blocked").length === round + 1);
  }
  gateway.signal("SIGTERM");
  await gateway.exited;
  const { logs } = verify();
  // A crash may leave a torn end, and says so.
  assert.deepEqual(
    logs.map(({ findings }) => findings.filter(({ name }) => name !== "recovered")),
    [[]],
  );
  assert.equal(records().filter(({ kind }) => kind === "process_start").length, 4);
});

test("the key is in the writer's environment at most, and workers cannot read its file", async (t) => {
  const { gateway, keyFile } = await startAudited(t);
  for (const pid of gateway.workers()) {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, "latin1");
    if (!commandLine.includes("worker-process")) continue;
    assert.ok(commandLine.includes("--permission"));
    assert.ok(!commandLine.includes(keyFile));
    assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, "latin1"), /AUDIT/);
  }
});

test("the writer outlives a killed primary until the workers have left, and then closes the log", async (t) => {
  const { gateway, records, verify } = await startAudited(t);
  const writer = await until(() => writerOf(gateway.pid));
  assert.equal(await get(gateway.port, "/?q=%27%20OR%201%3D1--"), 400);
  process.kill(gateway.pid, "SIGKILL");
  await gateway.exited;
  await until(() => !isRunning(writer));
  const kinds = records().map(({ kind }) => kind);
  assert.ok(kinds.includes("request_blocked"));
  assert.equal(kinds.at(-1), "process_stop");
  assert.equal(
    kinds.filter((kind) => kind === "worker_start").length,
    kinds.filter((kind) => kind === "worker_exit").length,
  );
  assert.equal(verify().exitCode, 0);
});

test("where evidence is required, nothing is served and nobody is sent here while it cannot be recorded", async (t) => {
  const { gateway, keyFile } = await startAudited(t, 'on_failure = "refuse"');
  assert.equal(await get(gateway.port, "/plain"), 502);
  assert.equal(await get(gateway.telemetryPort, "/readyz"), 200);
  // A writer without a key does not come back.
  renameSync(keyFile, `${keyFile}.away`);
  process.kill(await until(() => writerOf(gateway.pid)), "SIGKILL");
  while ((await get(gateway.port, "/plain")) !== 503) await pause(100);
  assert.equal(await get(gateway.telemetryPort, "/readyz"), 503);
  assert.equal(gateway.accessLog().at(-1)?.["zion.decision"], "error");
  renameSync(`${keyFile}.away`, keyFile);
  while ((await get(gateway.port, "/plain")) !== 502) await pause(100);
  while ((await get(gateway.telemetryPort, "/readyz")) !== 200) await pause(100);
});

test("a witness whose answer has no end is told and counted, and the log goes on", async (t) => {
  const witness = http.createServer((_request, answer) => {
    const more = (): void => {
      while (!answer.destroyed && answer.write("— witness.example AAAA\n".repeat(1000)));
    };
    answer.on("drain", more);
    more();
  });
  await new Promise<void>((done) => witness.listen(0, "127.0.0.1", done));
  t.after(() => {
    witness.closeAllConnections();
    witness.close();
  });
  const { port } = witness.address() as AddressInfo;
  const { gateway, directory, records } = await startAudited(t, `witness_url = "http://127.0.0.1:${port}"`);
  const { problem } = await gateway.event("zion.audit.unanchored");
  assert.equal(problem, "the witness: an answer of more than 10000 bytes");
  assert.equal(await get(gateway.port, "/?q=%27%20OR%201%3D1--"), 400);
  await until(() => records().some(({ kind }) => kind === "request_blocked"));
  assert.ok(!readdirSync(directory).includes("checkpoint.cosigned"));
  const figures = await fetch(`http://127.0.0.1:${gateway.telemetryPort}/metrics`);
  assert.match(await figures.text(), /^zion_audit_anchor_failures_total [1-9]/m);
  assert.equal(await get(gateway.telemetryPort, "/readyz"), 200);
});

test("a start over a log that was tampered with begins a new one and says so", async (t) => {
  const first = await startAudited(t);
  first.gateway.signal("SIGTERM");
  await first.gateway.exited;
  const segment = readdirSync(first.directory).find((name) => name.endsWith(".ndjson"))!;
  const file = path.join(first.directory, segment);
  const bytes = readFileSync(file);
  bytes[100]! ^= 1;
  writeFileSync(file, bytes);
  const again = await startGateway(
    t,
    `[server]\nworkers = 1\nshutdown_delay_ms = 0\n[audit]\nenabled = true\npath = ${JSON.stringify(first.directory)}\nkey_file = ${JSON.stringify(first.keyFile)}\n[upstreams]\napp = "http://127.0.0.1:9"\n[[route]]\npath = "/"\nupstream = "app"\n`,
  );
  await again.event("zion.audit.alarm");
  assert.deepEqual(readFileSync(file), bytes, "the evidence is as it was");
  assert.equal(new Set(logsOf(readableDisk(first.directory))).size, 2);
  const { exitCode } = first.verify();
  assert.equal(exitCode, 2);
});

function writerOf(primary: number): number | undefined {
  return childOf(primary, "audit-process");
}

function workerOf(primary: number): number | undefined {
  return childOf(primary, "worker-process");
}

function childOf(primary: number, entry: string): number | undefined {
  const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(primary)], { encoding: "utf8" });
  const line = children.split("\n").find((one) => one.includes(entry));
  return line === undefined ? undefined : Number(line.trim().split(" ")[0]);
}

function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("audit-process");
  } catch {
    return false;
  }
}
