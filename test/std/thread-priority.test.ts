import assert from "node:assert/strict";
import { readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

/** Field 19 of proc_pid_stat(5). */
const niceOf = (task: string): number =>
  Number(
    readFileSync(`/proc/${task}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")[16],
  );

test("a thread that gives way does so alone", { skip: process.platform !== "linux" }, async () => {
  const before = niceOf("thread-self");
  const code = `import { giveWay } from ${JSON.stringify(new URL("../../src/std/thread-priority.ts", import.meta.url).href)};
    import { readlinkSync } from "node:fs"; import { parentPort } from "node:worker_threads";
    giveWay(); parentPort.postMessage(readlinkSync("/proc/thread-self")); parentPort.on("message", () => parentPort.close());`;
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const task = await new Promise<string>((resolve, reject) => {
    thread.on("message", resolve);
    thread.on("error", reject);
  });
  const lowered = niceOf(task);
  thread.postMessage("end");
  assert.ok(lowered > before, `${before} before, ${lowered} then`);
  assert.equal(niceOf("thread-self"), before);
  assert.notEqual(readlinkSync("/proc/thread-self"), task);
});
