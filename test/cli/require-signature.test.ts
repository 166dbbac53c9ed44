import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { launcher } from "../control/gateway.ts";
import { minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";

test("what is not signed is refused at the start, and a signed one needs a place for its version", async () => {
  const directory = newDirectory("signed");
  const [file, key, open] = ["zion.toml", "key.pem", "key.pub"].map((name) => join(directory, name));
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(file!, minimal);
  writeFileSync(key!, privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(open!, publicKey.export({ type: "spki", format: "pem" }));
  const zion = (...args: string[]) =>
    new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
      execFile(process.execPath, [launcher, ...args], (error, out, err) =>
        resolve({ code: error === null ? 0 : error.code, out, err }),
      );
    });
  const run = () => zion("run", "-c", file!, "--require-signature", open!);

  const unsigned = await run();
  assert.deepEqual([unsigned.code, /zion\.toml\.sig: it does not exist/.test(unsigned.err)], [78, true]);

  const { code, out } = await zion("sign", file!, "--key", key!, "--config-version", "3");
  assert.equal(code, 0);
  assert.ok(!out.includes("PRIVATE"));
  writeFileSync(`${file}.sig`, out);
  const signed = await run();
  assert.equal(signed.code, 78);
  assert.match(signed.err, /--require-signature needs `state_dir`/);

  writeFileSync(file!, minimal.replace("[server]", '[server]\nstate_dir = "/nowhere"'));
  const changed = await run();
  assert.equal(changed.code, 78);
  assert.match(changed.err, /the signature is not of this configuration/);
});
