import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ResponseHead } from "../../../src/http/response-head.ts";
import { FILE, FileShelf } from "../../../src/respond/static/file-shelf.ts";
import { newDirectory } from "../../support/directory.ts";

test("while more paths are looked for than can be, a file that is at hand is served as it was", async () => {
  const directory = newDirectory("shelf");
  writeFileSync(path.join(directory, "page.html"), "page");
  let nowMs = 1000;
  const shelf = new FileShelf({
    clock: { nowMs: () => nowMs, wallMs: () => Date.now() },
    head: new ResponseHead(),
  });
  shelf.bytesMax = 1_048_576;
  assert.equal((await shelf.find(directory, "page.html")).kind, FILE);
  // Long enough for it to be looked at again.
  nowMs += 5000;
  const flood = Array.from({ length: 600 }, (_, i) => shelf.find(directory, `no-${i}`));
  const page = await shelf.find(directory, "page.html");
  assert.deepEqual([page.kind, page.bytes?.toString()], [FILE, "page"]);
  await Promise.all(flood);
  // And then it is.
  writeFileSync(path.join(directory, "page.html"), "other page");
  nowMs += 5000;
  assert.equal((await shelf.find(directory, "page.html")).bytes?.toString(), "other page");
});
