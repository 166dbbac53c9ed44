import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("a million random addresses change neither the memory nor the cost of a decision, and none is locked out", () => {
  const script = new URL("many-addresses.ts", import.meta.url).pathname;
  const { stdout, stderr } = spawnSync(process.execPath, ["--max-semi-space-size=8", script], {
    encoding: "utf8",
  });
  const found = JSON.parse(stdout === "" ? `"${stderr}"` : stdout);
  assert.equal(found.refused, 0);
  assert.ok(found.keys <= 100_000, `${found.keys} keys`);
  assert.ok(found.evicted >= 1_100_000, `${found.evicted} forgotten`);
  const grownMb = (found.rssAfter - found.rssBefore) / 2 ** 20;
  assert.ok(grownMb < 20, `${grownMb} MiB`);
  // CPU, not time; a machine that is busy may still double it.
  assert.ok(found.late < 3 * found.early, `${found.early} ms, then ${found.late} ms for 200,000`);
});
