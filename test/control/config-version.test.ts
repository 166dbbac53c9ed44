import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openConfigVersion } from "../../src/control/config-version.ts";

function place(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "zion-version-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

test("an older version, or the same with another text, is refused, also after a restart", (t) => {
  const directory = place(t);
  const first = openConfigVersion(directory);
  assert.equal(first.obstacle({ version: 3, sha256: "a" }), undefined);
  first.advance({ version: 3, sha256: "a" });
  for (const version of [first, openConfigVersion(directory)]) {
    assert.match(version.obstacle({ version: 2, sha256: "z" })!, /version 2 is older than 3/);
    assert.match(version.obstacle({ version: 3, sha256: "b" })!, /version 3 was in force with another text/);
    assert.equal(version.obstacle({ version: 3, sha256: "a" }), undefined);
    assert.equal(version.obstacle({ version: 4, sha256: "b" }), undefined);
  }
});

test("a record that cannot be read is not taken for none", (t) => {
  const directory = place(t);
  writeFileSync(join(directory, "config_version.json"), "{");
  assert.throws(() => openConfigVersion(directory), /config_version\.json cannot be read/);
});
