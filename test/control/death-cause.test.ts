import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeMemoryGroup } from "../../bench/fault/memory-group.ts";
import { causeOfDeath } from "../../src/control/death-cause.ts";
import { watchOom } from "../../src/control/oom-watch.ts";
import { newDirectory } from "../support/directory.ts";

for (const [code, signal, oomKilled, cause] of [
  [70, null, false, "fault"],
  [1, null, false, "exit"],
  [134, null, false, "abort"],
  [null, "SIGABRT", false, "abort"],
  [null, "SIGSEGV", true, "crash"],
  [null, "SIGKILL", false, "signal"],
  [null, "SIGKILL", true, "oom"],
  [null, "SIGTERM", true, "signal"],
] as const) {
  test(`an end by ${signal ?? code}${oomKilled ? " after the kernel killed for memory" : ""} is: ${cause}`, () => {
    assert.equal(causeOfDeath(code, signal, oomKilled), cause);
  });
}

test("the kernel's count of processes killed for memory tells once of each", () => {
  const directory = newDirectory("oom");
  const file = join(directory, "memory.events");
  const write = (kills: number) => writeFileSync(file, `low 0\noom 9\noom_kill ${kills}\noom_group_kill 0\n`);
  write(3);
  const watch = watchOom([join(directory, "absent"), file]);
  assert.equal(watch.wasKilled(), false);
  write(4);
  assert.deepEqual([watch.wasKilled(), watch.wasKilled()], [true, false]);
  assert.equal(watchOom([join(directory, "absent")]).wasKilled(), false);
});

test("a child that the kernel kills for memory is told from one that somebody killed", async (t) => {
  const group = makeMemoryGroup(`zion-oom-${process.pid}`, 256 * 1_048_576, 0);
  if (group === undefined) return t.skip("needs root and a memory controller of cgroups");
  t.after(() => group.remove());
  const source = (name: string) =>
    JSON.stringify(new URL(`../../src/control/${name}.ts`, import.meta.url).href);
  // The first child is killed by its parent, the second one by the kernel.
  const program = `
    import { spawn } from "node:child_process";
import { causeOfDeath } from ${source("death-cause")};
    import { watchOom } from ${source("oom-watch")};
    const oom = watchOom();
    const end = (code) => new Promise((resolve) => {
      const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "ignore"] });
      child.stdout.once("data", () => child.kill("SIGKILL"));
      child.on("exit", (code, signal) => resolve(causeOfDeath(code, signal, oom.wasKilled())));
    });
    console.log(await end("console.log(1); setInterval(() => {}, 1000)"));
    console.log(await end("const held = []; for (;;) held.push(Buffer.alloc(16 * 1048576, 1))"));
  `;
  const [command = "", ...args] = [...group.prefix, process.execPath, "--input-type=module", "-e", program];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  await new Promise((resolve) => child.on("exit", resolve));
  assert.equal(text, "signal\noom\n");
});
