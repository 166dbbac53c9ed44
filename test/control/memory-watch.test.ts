import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { makeMemoryGroup } from "../../bench/fault/memory-group.ts";

test("what all processes of a control group use is told as a share of its limit", async (t) => {
  const group = makeMemoryGroup(`zion-test-${process.pid}`, 256 * 1_048_576, 0);
  if (group === undefined) return t.skip("needs root and a memory controller of cgroups");
  t.after(() => group.remove());
  const program = `
    import { watchMemory } from ${JSON.stringify(new URL("../../src/control/memory-watch.ts", import.meta.url).href)};
    const held = [];
    watchMemory((share) => {
      console.log(share);
      // Not until it has been told of what the process itself uses.
      if (held.length === 0) held.push(Buffer.alloc(128 * 1048576, 1));
      else process.exit();
    });
    setTimeout(() => process.exit(1), 20_000);
  `;
  const [command = "", ...args] = [...group.prefix, process.execPath, "--input-type=module", "-e", program];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  assert.equal(await new Promise((resolve) => child.on("exit", resolve)), 0);
  const [before = 0, after = 0] = text.trim().split("\n").map(Number);
  assert.ok(before > 0.02 && before < 0.5, `${before}`);
  // Half of the limit was taken.
  assert.ok(after - before > 0.4 && after < 1, `${before} then ${after}`);
});
