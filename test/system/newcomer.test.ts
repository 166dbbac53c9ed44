import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { launcher, startUpstream } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";

const onLinux = { skip: process.platform === "linux" ? false : "needs reusePort" };
/** From an empty directory to a refusal that is explained, in which a person types five commands. */
const pathSecs = 60;

test("a newcomer has a refused attack explained within a minute of work", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const directory = newDirectory("newcomer");
  const [plain, telemetry, admin] = [await freePort(), await freePort(), await freePort()];
  const zion = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [launcher, ...args], {
      cwd: directory,
      encoding: "utf8",
      timeout: 60_000,
    });

  const startMs = performance.now();
  zion("init", "--tls", "none", "--upstream", `http://127.0.0.1:${upstream.port}`);
  const file = join(directory, "zion.toml");
  // Only the ports are the test's own; and the newcomer believes the WAF at once.
  writeFileSync(
    file,
    `${readFileSync(file, "utf8")
      .replace("127.0.0.1:8080", `127.0.0.1:${plain}`)
      .replace(/^waf_shadow = true.*\n/m, "")}
[telemetry]
listen = "127.0.0.1:${telemetry}"
[admin]
listen = "127.0.0.1:${admin}"
`,
  );
  assert.match(zion("check"), /zion\.toml: ok, 1 route, 1 upstream/);
  const gateway = spawn(process.execPath, [launcher, "run"], {
    cwd: directory,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => gateway.on("exit", () => resolve()));
  t.after(async () => {
    gateway.kill("SIGKILL");
    await ended;
  });
  await new Promise<void>((resolve) => {
    createInterface({ input: gateway.stderr! }).on("line", (line) => {
      if (line.includes('"zion.started"')) resolve();
    });
  });
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const path = "/search?q=1%20union%20select%20name%20from%20users";
    http.get({ host: "127.0.0.1", port: plain, path, agent: false }, resolve).on("error", reject);
  });
  answer.resume();
  assert.equal(answer.statusCode, 400);
  // Decisions reach the primary within a second.
  const id = String(answer.headers["x-request-id"]);
  let explained = "";
  for (let i = 0; i < 20 && explained === ""; i++) {
    try {
      explained = zion("why", id);
    } catch {
      // Not there yet.
    }
  }
  const secs = (performance.now() - startMs) / 1000;
  t.diagnostic(`${secs.toFixed(1)} s`);
  assert.match(explained, /sqli-\S+/);
  assert.match(explained, /query:q/);
  assert.ok(secs < pathSecs, `${secs} s`);
});
