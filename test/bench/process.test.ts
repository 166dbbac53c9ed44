import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseCpuList, parseStatusCpus, readTree } from "../../bench/load/proc.ts";
import { freePort, startPinned } from "../../bench/load/process.ts";
import { newDirectory } from "../support/directory.ts";

const missing = process.platform !== "linux" || spawnSync("taskset", ["--version"]).error !== undefined;
const needs = { skip: missing ? "needs Linux with taskset (util-linux)" : false };

test("a started program is pinned with its children, and all of them end", needs, async () => {
  const port = await freePort();
  // A parent with a listening child that ignores the polite signal: the harder half of stopping.
  const child = `process.on("SIGTERM", () => {}); require("net").createServer().listen(${port}, "127.0.0.1")`;
  const parent = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}])`;
  const cpu = parseCpuList(parseStatusCpus(readFileSync("/proc/self/status", "utf8")))[0]!;
  const running = startPinned(cpu, [process.execPath, "-e", parent], outputFile());
  await running.listening(port);
  const tree = readTree(running.pid);
  assert.equal(tree.length, 2);
  for (const { pid } of tree) {
    assert.equal(parseStatusCpus(readFileSync(`/proc/${pid}/status`, "utf8")), String(cpu));
  }
  await running.stop();
  for (const { pid, startTicks } of tree) {
    const [now] = readTree(pid);
    // A killed orphan may still stand in the table until init has waited for it.
    const alive = now !== undefined && now.startTicks === startTicks && now.state !== "Z";
    assert.equal(alive, false, `${pid} is still there`);
  }
});

test("a program that ends instead of listening is told with its last words", needs, async () => {
  const running = startPinned(0, ["sh", "-c", "echo no such key >&2; exit 78"], outputFile());
  await assert.rejects(running.listening(await freePort()), /ended with 78\s+no such key/);
  await running.stop();
});

function outputFile(): string {
  const directory = newDirectory("bench-test");
  return join(directory, "output");
}
