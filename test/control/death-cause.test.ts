import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { causeOfDeath } from "../../src/control/death-cause.ts";
import { watchOom } from "../../src/control/oom-watch.ts";

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

test("the kernel's count of processes killed for memory tells once of each", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "zion-oom-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "memory.events");
  const write = (kills: number) => writeFileSync(file, `low 0\noom 9\noom_kill ${kills}\noom_group_kill 0\n`);
  write(3);
  const watch = watchOom([join(directory, "absent"), file]);
  assert.equal(watch.wasKilled(), false);
  write(4);
  assert.deepEqual([watch.wasKilled(), watch.wasKilled()], [true, false]);
  assert.equal(watchOom([join(directory, "absent")]).wasKilled(), false);
});
