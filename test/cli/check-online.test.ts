import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { launcher } from "../control/gateway.ts";
import { minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";
import { startOrigin } from "../support/origin.ts";

const directory = newDirectory("online");

function check(toml: string, ...args: readonly string[]): Promise<{ code: number; out: string }> {
  const file = join(directory, "zion.toml");
  writeFileSync(file, toml);
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher, "check", "-c", file, ...args], { timeout: 60_000 }, (error, out) =>
      resolve({ code: error === null ? 0 : Number(error.code), out }),
    );
  });
}

test("check --online asks every server once; without it none is asked", async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const toml = minimal.replace("127.0.0.1:3000", `127.0.0.1:${origin.port}`);
  assert.equal((await check(toml)).code, 0);
  assert.equal(origin.connections.length, 0);
  const { code, out } = await check(toml, "--online");
  assert.equal(code, 0);
  assert.match(out, /\nonline: 1 of 1 answer\n$/);
  assert.equal(origin.connections.length, 1);
});

test("what does not answer is named with the reason: exit 1", async () => {
  const port = await freePort();
  const toml = `${minimal.replace(
    "http://127.0.0.1:3000",
    `http://127.0.0.1:${port}"\nurls = ["http://no.such.host.invalid:1"]\nhealth.path = "/`,
  )}[auth_profile.a]
issuer = "https://127.0.0.1:${port}"
audience = "x"
algorithms = ["ES256"]
jwks_url = "https://127.0.0.1:${port}/keys"
jwks_private_networks = ["127.0.0.0/8"]
`;
  const { code, out } = await check(toml, "--online");
  assert.equal(code, 1, out);
  assert.match(out, new RegExp(`\\n  upstream a\\w*, http://127\\.0\\.0\\.1:${port}: ECONNREFUSED\\n`));
  assert.match(out, /\n {2}upstream a\w*, http:\/\/no\.such\.host\.invalid:1: .*does not resolve \(\w+\)\n/);
  assert.match(out, /\n {2}auth_profile a, .*\/keys: ECONNREFUSED\n/);
  assert.match(out, /\nonline: 0 of 3 answer\n$/);
});
