import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { replaceFile } from "../../src/cli/replace-file.ts";
import { newDirectory } from "../support/directory.ts";

const directory = newDirectory("replace");
const file = join(directory, "zion.toml");
beforeEach(() => writeFileSync(file, "old"));

test("a file that is reached by a link is replaced, and the link stays one", () => {
  const link = join(directory, "link.toml");
  symlinkSync("zion.toml", link);
  replaceFile(link, "old", "new");
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(readFileSync(file, "utf8"), "new");
});

test("a file keeps its mode under any umask, and its owner", (t) => {
  chmodSync(file, 0o664);
  const isRoot = process.getuid!() === 0;
  if (isRoot) chownSync(file, 65534, 65534);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  replaceFile(file, "old", "new");
  const { mode, uid } = statSync(file);
  assert.equal(mode & 0o777, 0o664);
  assert.equal(uid, isRoot ? 65534 : process.getuid!());
});

test("what somebody else has written meanwhile stays, and nothing is left beside it", () => {
  writeFileSync(file, "\uFEFFtheirs");
  assert.throws(() => replaceFile(file, "old", "new"), /somebody else/);
  assert.equal(readFileSync(file, "utf8"), "\uFEFFtheirs");
  assert.ok(!readdirSync(directory).includes("zion.toml.new"));
  replaceFile(file, "theirs", "new");
  assert.equal(readFileSync(file, "utf8"), "new");
});

test("a link that somebody else put beside the file is not written through", () => {
  const victim = join(directory, "victim");
  writeFileSync(victim, "theirs");
  symlinkSync(victim, `${file}.new`);
  assert.throws(() => replaceFile(file, "old", "new"), { code: "EEXIST" });
  assert.equal(readFileSync(victim, "utf8"), "theirs");
});
