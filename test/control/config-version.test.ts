import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openConfigVersion } from "../../src/control/config-version.ts";
import { newDirectory } from "../support/directory.ts";

function place(): string {
  const directory = newDirectory("version");
  return directory;
}

test("an older version, or the same with another text, is refused, also after a restart", () => {
  const directory = place();
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

test("a record that cannot be read is not taken for none", () => {
  const directory = place();
  writeFileSync(join(directory, "config_version.json"), "{");
  assert.throws(() => openConfigVersion(directory), /config_version\.json cannot be read/);
});
