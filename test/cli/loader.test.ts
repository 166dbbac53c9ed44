import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createLoader } from "../../src/cli/loader.ts";
import { createPartStore } from "../../src/config/parts.ts";
import { minimal } from "../support/config-case.ts";

function place(t: TestContext): { readonly file: string; readonly list: string } {
  const directory = mkdtempSync(join(tmpdir(), "zion-loader-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return { file: join(directory, "zion.toml"), list: join(directory, "bad.txt") };
}

const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("base64url");

test("the configuration comes with the files that it was read from", async (t) => {
  const { file, list } = place(t);
  writeFileSync(file, `${minimal}\n[list.bad]\nfile = "bad.txt"\naction = "deny"\n`);
  writeFileSync(list, "10.0.0.0/8\n");
  const loaded = await createLoader(file).load();
  assert.ok(loaded.kind === "loaded");
  assert.deepEqual(loaded.files, [
    { path: file, content: sha256(file) },
    { path: list, content: sha256(list) },
  ]);
  const { manifest, parts } = loaded.cut;
  assert.equal(createPartStore().assemble(manifest, parts).lists[0]!.name, "bad");
});

test("a refused one says why, and which files to look at for a better one", async (t) => {
  const { file, list } = place(t);
  writeFileSync(file, `${minimal}\n[list.bad]\nfile = "bad.txt"\naction = "deny"\n`);
  const loader = createLoader(file);
  const refused = await loader.load();
  assert.ok(refused.kind === "refused");
  assert.match(refused.problem, /error\[Z1301\].*does not exist/s);
  assert.match(refused.brief, /^zion\.toml:\d+:\d+: Z1301$/);
  assert.deepEqual(refused.files.at(-1), { path: list, content: "it does not exist" });
  writeFileSync(list, "10.0.0.0/8\n");
  assert.equal((await loader.load()).kind, "loaded");
});

test("a file that is not there is refused, not a fault", async (t) => {
  const { file } = place(t);
  const refused = await createLoader(file).load();
  assert.ok(refused.kind === "refused");
  assert.match(refused.problem, /cannot read .*does not exist/);
  assert.deepEqual(refused.files, [{ path: file, content: "it does not exist" }]);
});
