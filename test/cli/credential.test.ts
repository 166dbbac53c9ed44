import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { digestApiKey, readApiKeyEntry } from "../../src/identity/api-key.ts";
import { isPassword, readUserEntry } from "../../src/identity/password-hash.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

function zion(args: readonly string[], input = "") {
  const child = spawnSync(process.execPath, [main, ...args], { input, encoding: "utf8", timeout: 60_000 });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

test("api-key prints a line for the file, and the key beside it", () => {
  const { code, out, err } = zion(["api-key", "ci", "--scope", "read", "write"]);
  const key = /zion_[A-Za-z0-9_-]{43}\n/.exec(err)?.[0].trim();
  assert.deepEqual(
    [code, readApiKeyEntry(out.trim())],
    [0, { name: "ci", sha256: digestApiKey(key!), scopes: ["read", "write"] }],
  );
  assert.ok(!out.includes(key!));
});

test("password prints a line that takes this password and no other", async () => {
  const { code, out } = zion(["password", "ann@a.test"], "correct horse\n");
  const entry = readUserEntry(out.trim());
  assert.ok(code === 0 && typeof entry !== "string", String(entry));
  assert.equal(entry.name, "ann@a.test");
  assert.equal(await isPassword(entry, Buffer.from("correct horse")), true);
  assert.equal(await isPassword(entry, Buffer.from("correct horse\n")), false);
  assert.ok(!out.includes("horse"));
});

test("a password may come late, through a pipe that does not wait", { timeout: 60_000 }, async () => {
  const unblocked =
    "import os, sys; os.set_blocking(0, False); print(flush=True); os.execv(sys.argv[1], sys.argv[1:])";
  const child = spawn("python3", ["-c", unblocked, process.execPath, main, "password", "ann"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const out = text(child.stdout);
  const code = new Promise((resolve) => child.on("exit", resolve));
  // Later than the first read: a machine so slow that they are not proves nothing, and fails nothing.
  for (const part of ["correct ", "horse"]) {
    await sleep(300);
    child.stdin.write(part);
  }
  child.stdin.end();
  assert.equal(await code, 0);
  const entry = readUserEntry((await out).trim());
  assert.ok(typeof entry !== "string", String(entry));
  assert.equal(await isPassword(entry, Buffer.from("correct horse")), true);
});

for (const [what, args, input] of [
  ["a name with a colon", ["password", "a:b"], "correct horse"],
  ["a short password", ["password", "ann"], "1234567"],
  ["no password", ["password", "ann"], ""],
  ["an id with a space", ["api-key", "a b"], ""],
  ["a scope with a space", ["api-key", "a", "--scope", "b c"], ""],
] as const)
  test(`refuses ${what}: exit 2, nothing on standard output`, () => {
    const { code, out, err } = zion(args, input);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, /^error: /);
  });
