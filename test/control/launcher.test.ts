import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import https from "node:https";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { childrenOf, isRunning, kill, launcher, request, until } from "./gateway.ts";

const linux = process.platform === "linux";

/** A Node that is too old to run the sources but new enough for the launcher. */
const oldNode = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((directory) => join(directory, "node"))
  .find(
    (path) =>
      existsSync(path) &&
      /^v(1[89]|2[0-3])\./.test(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout),
  );
const withOldNode = {
  skip: oldNode === undefined ? "there is no Node 18 to 23 on PATH" : !linux && "reads /proc",
};

test("an old Node hands over to the one that the clone brings along", withOldNode, () => {
  const { status, stdout } = spawnSync(oldNode!, [launcher, "version"], { encoding: "utf8" });
  assert.equal(status, 0);
  assert.match(stdout, /node v(2[4-9]|[3-9]\d)\./);
});

test("an old Node passes arguments, standard error and exit codes on", withOldNode, () => {
  const { status, stderr } = spawnSync(oldNode!, [launcher, "check", "-c", "/no/such/file"], {
    encoding: "utf8",
  });
  assert.equal(status, 3);
  assert.match(stderr, /\/no\/such\/file/);
});

test("an old Node without the pinned one says what is needed", withOldNode, () => {
  const directory = newDirectory("launcher");
  cpSync(launcher, join(directory, "bin", "zion.js"));
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  const { status, stderr } = spawnSync(oldNode!, [join(directory, "bin", "zion.js"), "run"], {
    encoding: "utf8",
  });
  assert.equal(status, 70);
  assert.match(stderr, /needs Node\.js 24\.12 or newer; this is v/);
});

interface Demo {
  readonly pid: number;
  readonly https: number;
  readonly http: number;
  readonly exited: Promise<number | NodeJS.Signals | null>;
  readonly processes: () => readonly number[];
}

/** Starts the demo on free ports, by some Node, in a process group of its own like a shell's job. */
async function startDemo(t: TestContext, node: string): Promise<Demo> {
  const args = ["demo", "--http-port", "0", "--https-port", "0", "--telemetry-port", "0"];
  const child = spawn(node, [launcher, ...args], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on("exit", (code, signal) => resolve(signal ?? code));
  });
  const processes = () => {
    const all = [child.pid!];
    for (const pid of all) all.push(...childrenOf(pid));
    return all;
  };
  let seen: readonly number[] = [child.pid!];
  t.after(async () => {
    for (const pid of seen) kill(pid, "SIGKILL");
    await exited;
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => {
    text += part;
  });
  await until("the demo says what to try", () => {
    seen = processes();
    return text.includes("Ctrl-C");
  });
  seen = processes();
  const port = (scheme: string) => Number(new RegExp(`${scheme}://127\\.0\\.0\\.1:(\\d+)`).exec(text)?.[1]);
  return { pid: child.pid!, https: port("https"), http: port("http"), exited, processes };
}

test("the demo serves its page, its API and uploads over HTTP and TLS, and Ctrl-C ends all of it", {
  skip: !linux,
}, async (t) => {
  const demo = await startDemo(t, process.execPath);
  const page = await request(demo.http, "/");
  assert.equal(page.status, 200);
  assert.match(page.body, /<h1>It works/);
  assert.deepEqual(JSON.parse((await secure(demo.https, "/api/hello")).body), { hello: "world" });
  const upload = await secure(demo.https, "/upload", Buffer.alloc(100_000));
  assert.deepEqual(JSON.parse(upload.body), { bytes: 100_000 });
  const echo = JSON.parse((await secure(demo.https, "/echo?a=1", Buffer.from("x"))).body);
  assert.deepEqual([echo.method, echo.url, echo.body], ["POST", "/echo?a=1", "x"]);

  const processes = demo.processes();
  assert.ok(processes.length >= 4, "primary, two workers, upstream");
  process.kill(-demo.pid, "SIGINT");
  assert.equal(await demo.exited, 130);
  await until("nothing is left", () => !processes.some(isRunning));
});

for (const [what, toGroup, signal, code] of [
  ["Ctrl-C", true, "SIGINT", 130],
  ["TERM to the launcher alone", false, "SIGTERM", 143],
] as const) {
  test(`${what} ends a demo that an old Node has started`, withOldNode, async (t) => {
    const demo = await startDemo(t, oldNode!);
    const processes = demo.processes();
    process.kill(toGroup ? -demo.pid : demo.pid, signal);
    assert.equal(await demo.exited, code);
    await until("nothing is left", () => !processes.some(isRunning));
  });
}

function secure(port: number, path: string, body?: Buffer): Promise<{ readonly body: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, rejectUnauthorized: false, agent: false as const };
    const request = https.request({ ...options, method: body === undefined ? "GET" : "POST" }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      response.on("end", () => resolve({ body: text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}
