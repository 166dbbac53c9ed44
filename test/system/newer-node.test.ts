import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { config, launcher, startGateway, startUpstream } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { needs } from "../support/shared.ts";

// Node 26: the network needs a permission of its own, and sockets are written to in another way.

const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
const node = join(cache, "zion/node-26.10.0/node");
const what = "Node 26 (node tools/newer-node.mjs fetches it)";
const root = resolve(import.meta.dirname, "../..");

/** What it printed. */
async function curl(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)("curl", ["-s", "-k", ...args])).stdout;
}

test("on Node 26 every connection is answered, and nothing is said that is no event", async (t) => {
  if (!needs(t, what, existsSync(node))) return;
  const upstream = await startUpstream(t);
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 1 });
  const gateway = await startGateway(t, {
    node,
    files: { "cert.pem": certPem, "key.pem": keyPem, "audit.key": randomBytes(32) },
    toml: config(
      upstream.port,
      ["workers = 2", 'listen_https = "127.0.0.1:0"'],
      '[tls]\ncert_path = "DIRECTORY/cert.pem"\nkey_path = "DIRECTORY/key.pem"\n[audit]\nenabled = true\npath = "DIRECTORY/audit"\nkey_file = "DIRECTORY/audit.key"\n',
    ).replace("enabled = false", 'enabled = true\npath = "DIRECTORY/access.log"'),
  });
  for (const pid of gateway.workers())
    assert.ok(
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--allow-net"),
      "its permission model is on",
    );
  // The first write of each worker shows how sockets are written to.
  for (let i = 0; i < 20; i++) assert.equal((await gateway.get("/")).body, "hello");
  const https = `https://127.0.0.1:${gateway.httpsPort}/`;
  for (const version of ["--http1.1", "--http2"]) {
    assert.equal(await curl(version, https), "hello");
    const refused = await curl(version, "-w", " %{http_code}", `${https}?q=%27%20or%201=1--%20`);
    assert.match(refused, / 400$/);
  }
  assert.equal((await gateway.get("/metrics", gateway.telemetryPort)).status, 200);
  assert.equal((await gateway.get("/v1/upstreams", gateway.adminPort)).status, 200);
  gateway.signal("SIGHUP");
  await gateway.logged((line) => line["event.name"] === "zion.config.reload");
  assert.equal((await gateway.get("/")).body, "hello");
  gateway.signal("SIGTERM");
  assert.equal(await gateway.exited, 143);
  assert.doesNotMatch(gateway.stderr(), /warning/i);
});

test("on Node 26 only what asks somebody may open a socket", (t) => {
  if (!needs(t, what, existsSync(node))) return;
  const file = join(newDirectory("test"), "zion.toml");
  writeFileSync(file, config(1));
  const check = (...words: readonly string[]) =>
    spawnSync(node, [launcher, "check", "-c", file, ...words], { encoding: "utf8" });
  assert.deepEqual([check().status, check().stderr], [0, ""]);
  const asking = [["run"], ["check", "--online"], ["status"], ["audit", "verify"]];
  const silent = [["check"], ["check", "--fix"], ["exclude"], ["import", "nginx"], ["migrate"], []];
  const script = `const { primaryFlags, workerFlags } = await import("./src/control/flags.ts");
    const worker = { packageDir: ".", workerCount: 1, logPath: undefined };
    const flags = [...${JSON.stringify([...asking, ...silent])}.map((words) => primaryFlags(...words)),
      workerFlags(worker), workerFlags({ ...worker, isOffline: true })];
    console.log(JSON.stringify(flags.map((one) => one.includes("--allow-net"))));`;
  const { stdout } = spawnSync(node, ["--input-type=module", "-e", script], { cwd: root, encoding: "utf8" });
  assert.deepEqual(JSON.parse(stdout), [...asking.map(() => true), ...silent.map(() => false), true, false]);
  assert.match(check("--online").stdout + check("--online").stderr, /ECONNREFUSED|refused/);
});

test("on Node 26 sockets are read and written as here", (t) => {
  if (!needs(t, what, existsSync(node))) return;
  const files = ["outbox", "closed-writes", "shared-read", "gone-socket", "direct-write"];
  const args = ["--test", ...files.map((name) => `test/std/${name}.test.ts`)];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(node, args, { cwd: root, env, encoding: "utf8" });
  assert.equal(status, 0, stdout.slice(-4000));
  assert.ok(Number(/^ℹ pass (\d+)$/m.exec(stdout)?.[1]) >= 15, stdout.slice(-400));
});
