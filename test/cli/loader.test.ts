import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createLoader } from "../../src/cli/loader.ts";
import { createPartStore } from "../../src/config/parts.ts";
import { printSignature } from "../../src/config/signature.ts";
import { minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";

function place(): { readonly file: string; readonly list: string } {
  const directory = newDirectory("loader");
  return { file: join(directory, "zion.toml"), list: join(directory, "bad.txt") };
}

const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("base64url");

test("the configuration comes with the files that it was read from", async () => {
  const { file, list } = place();
  writeFileSync(file, `${minimal}\n[list.bad]\nfile = "bad.txt"\naction = "deny"\n`);
  writeFileSync(list, "10.0.0.0/8\n");
  const loaded = await createLoader({ config: file }).load();
  assert.ok(loaded.kind === "loaded");
  assert.deepEqual(loaded.files, [
    { path: file, content: sha256(file) },
    { path: list, content: sha256(list) },
  ]);
  const { manifest, parts } = loaded.cut;
  assert.equal(createPartStore().assemble(manifest, parts).lists[0]!.name, "bad");
});

test("a refused one says why, and which files to look at for a better one", async () => {
  const { file, list } = place();
  writeFileSync(file, `${minimal}\n[list.bad]\nfile = "bad.txt"\naction = "deny"\n`);
  const loader = createLoader({ config: file });
  const refused = await loader.load();
  assert.ok(refused.kind === "refused");
  assert.match(refused.problem, /error\[Z1301\].*does not exist/s);
  assert.match(refused.brief, /^zion\.toml:\d+:\d+: Z1301$/);
  assert.deepEqual(refused.files.at(-1), { path: list, content: "it does not exist" });
  writeFileSync(list, "10.0.0.0/8\n");
  assert.equal((await loader.load()).kind, "loaded");
});

test("a file that is not there is refused, not a fault", async () => {
  const { file } = place();
  const refused = await createLoader({ config: file }).load();
  assert.ok(refused.kind === "refused");
  assert.match(refused.problem, /cannot read .*does not exist/);
  assert.deepEqual(refused.files, [{ path: file, content: "it does not exist" }]);
});

test("a loader can be asked any number of times", async (t) => {
  const { file } = place();
  writeFileSync(file, minimal);
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on("warning", note);
  t.after(() => process.off("warning", note));
  const loader = createLoader({ config: file });
  for (let i = 0; i < 30; i++) assert.equal((await loader.load()).kind, "loaded");
  // Listeners that pile up are told of in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(warnings, []);
});

test("where a signature is required, only what is signed is read", async () => {
  const { file } = place();
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const key = `${file}.pub`;
  writeFileSync(key, publicKey.export({ type: "spki", format: "pem" }));
  writeFileSync(file, minimal);
  const loader = createLoader({ config: file, requireSignature: key });
  const missing = await loader.load();
  assert.ok(missing.kind === "refused" && missing.reason === "signature");
  assert.match(missing.problem, /zion\.toml\.sig: it does not exist/);
  const secret = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  writeFileSync(`${file}.sig`, printSignature(Buffer.from(minimal), 7, secret));
  const loaded = await loader.load();
  assert.ok(loaded.kind === "loaded");
  assert.equal(loaded.signed?.version, 7);
  writeFileSync(file, `${minimal}\n# more\n`);
  const changed = await loader.load();
  assert.ok(changed.kind === "refused" && changed.reason === "signature");
  assert.deepEqual(
    changed.files.map(({ path }) => path),
    [file, key, `${file}.sig`],
  );
});
