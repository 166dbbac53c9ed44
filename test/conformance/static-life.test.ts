import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  readdirSync,
  readlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { ask, type StaticBench, startStatic } from "./static-bench.ts";

const MIB = 1024 * 1024;
/** More than sockets and the gateway hold between them, and more than is kept in memory. */
const LARGE = 64 * MIB;

/** A client that asked for a file, was sent the beginning, and reads nothing of it. */
async function stalled({ edge }: StaticBench, target: string): Promise<net.Socket> {
  const socket = net.connect({ port: edge.port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.write(`GET ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  await new Promise((resolve) => socket.once("readable", resolve));
  return socket;
}

/** Files below the directory that this process has open. */
function openBelow(root: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${root}/`);
    } catch {
      return false;
    }
  }).length;
}

/** Answers that have a file open. */
function sending({ edge }: StaticBench): number {
  return edge.metric("zion_static_open_files");
}

async function eventually(holds: () => boolean, what: string): Promise<void> {
  const until = Date.now() + 20_000;
  while (!holds()) {
    assert.ok(Date.now() < until, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Everything that a client gets, and whether the connection ended before all of it was there. */
function readAll(socket: net.Socket): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0;
    socket.on("data", (data) => {
      bytes += data.length;
    });
    socket.on("close", () => resolve(bytes));
    socket.resume();
  });
}

test("a large file is sent as the client takes it, and closed when the client leaves", async (t) => {
  const bench = await startStatic(t);
  truncateSync(bench.write("big.bin", ""), LARGE);
  const socket = await stalled(bench, "/big.bin");
  await eventually(() => sending(bench) === 1, "the file is opened");
  assert.equal(openBelow(bench.root), 1);
  socket.destroy();
  await eventually(() => openBelow(bench.root) === 0, "the file is closed");
  const whole = await stalled(bench, "/big.bin");
  whole.end();
  assert.ok((await readAll(whole)) > LARGE);
  await eventually(() => openBelow(bench.root) === 0, "the file is closed at its end");
});

test("a file that becomes shorter while it is sent is cut, never complete", async (t) => {
  const bench = await startStatic(t);
  const file = bench.write("big.bin", "");
  truncateSync(file, LARGE);
  const socket = await stalled(bench, "/big.bin");
  await eventually(() => sending(bench) === 1, "the file is opened");
  truncateSync(file, LARGE / 2);
  const got = await readAll(socket);
  assert.ok(got < LARGE, `${got}`);
  assert.equal(bench.edge.metric("zion_reject_total", "file_changed"), 1);
});

test("a file that grows while it is sent is sent as long as was promised", async (t) => {
  const bench = await startStatic(t);
  const file = bench.write("log.txt", "");
  truncateSync(file, LARGE);
  const socket = await stalled(bench, "/log.txt");
  await eventually(() => sending(bench) === 1, "the file is opened");
  appendFileSync(file, "x".repeat(MIB));
  socket.end();
  const got = await readAll(socket);
  assert.ok(got > LARGE && got < LARGE + 2000, `${got}`);
  assert.equal(bench.edge.metric("zion_reject_total", "file_changed"), 0);
});

test("more files than may be open are refused, and those that are kept in memory are not", async (t) => {
  const bench = await startStatic(t, { server: "static_open_files = 16", files: { "small.txt": "small" } });
  truncateSync(bench.write("big.bin", ""), LARGE);
  assert.equal((await ask(bench.edge, "/small.txt")).status, 200);
  const sockets = await Promise.all(Array.from({ length: 16 }, () => stalled(bench, "/big.bin")));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await eventually(() => sending(bench) === 16, "all are opened");
  const refused = await ask(bench.edge, "/big.bin");
  assert.equal(refused.status, 503);
  assert.equal(refused.fields.get("retry-after"), "1");
  // What is known, and looks at it again, need none of them.
  assert.equal((await ask(bench.edge, "/big.bin", "", "HEAD")).status, 200);
  bench.write("new.txt", "new");
  assert.equal((await ask(bench.edge, "/new.txt")).body, "new");
  assert.ok(bench.edge.metric("zion_reject_total", "open_files") >= 1);
});

test("what is no regular file is not opened for long, and never waited for", async (t) => {
  const bench = await startStatic(t);
  const { root, edge, above } = bench;
  execFileSync("mkfifo", [path.join(root, "pipe")]);
  const server = net.createServer().listen(path.join(root, "socket"));
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  for (const name of ["/pipe", "/socket"]) assert.equal((await ask(edge, name)).status, 404, name);
  assert.equal(edge.metric("zion_reject_total", "file_outside"), 2);
  writeFileSync(path.join(above, "x"), "");
  const secret = bench.write("secret.txt", "s");
  chmodSync(secret, 0);
  // Root reads everything.
  if (process.getuid?.() !== 0) assert.equal((await ask(edge, "/secret.txt")).status, 403);
  await eventually(() => openBelow(root) === 0, "all are closed");
});

test("memory for files has a limit, and what does not fit is read anew", async (t) => {
  const bench = await startStatic(t, { server: "static_cache_mb = 1" });
  for (let i = 0; i < 40; i++) bench.write(`${i}.txt`, String.fromCharCode(65 + (i % 26)).repeat(100_000));
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 40; i++) {
      const { body } = await ask(bench.edge, `/${i}.txt`);
      assert.equal(body.length, 100_000);
      assert.equal(body[99_999], String.fromCharCode(65 + (i % 26)));
    }
  assert.ok(bench.edge.metric("zion_static_memory_bytes") <= MIB);
  assert.ok(bench.edge.metric("zion_static_evictions_total") >= 30);
  const none = await startStatic(t, { server: "static_cache_mb = 0", files: { "a.txt": "a" } });
  for (let i = 0; i < 3; i++) assert.equal((await ask(none.edge, "/a.txt")).body, "a");
  assert.equal(none.edge.metric("zion_static_memory_bytes"), 0);
  await eventually(() => openBelow(none.root) === 0, "all are closed");
});

test("many clients that ask for one file at once make it be read once", async (t) => {
  const bench = await startStatic(t, { files: { "a.txt": "a" } });
  const asked = Array.from({ length: 200 }, () => ask(bench.edge, "/a.txt"));
  for (const answer of await Promise.all(asked)) assert.equal(answer.body, "a");
  assert.ok(bench.edge.metric("zion_static_lookups_total", "disk") <= 5);
});

test("a file that is replaced between two looks is sent as the new one, with its own head", async (t) => {
  const bench = await startStatic(t);
  const old = new Date("2026-01-01T00:00:00Z");
  const file = bench.write("big.bin", Buffer.alloc(2 * MIB, "a"));
  utimesSync(file, old, old);
  assert.equal((await ask(bench.edge, "/big.bin")).body.length, 2 * MIB);
  writeFileSync(file, Buffer.alloc(2 * MIB + 5, "b"));
  const { body, fields } = await ask(bench.edge, "/big.bin");
  assert.equal(Number(fields.get("content-length")), body.length);
  assert.equal(body, "b".repeat(2 * MIB + 5));
});

test("a drain waits for a file that is being sent, and cuts it at the end of its grace", async (t) => {
  const bench = await startStatic(t);
  truncateSync(bench.write("big.bin", ""), LARGE);
  const socket = await stalled(bench, "/big.bin");
  await eventually(() => sending(bench) === 1, "the file is opened");
  assert.equal(await bench.edge.drain(50), 1);
  await eventually(() => openBelow(bench.root) === 0, "the file is closed");
  socket.destroy();
});
