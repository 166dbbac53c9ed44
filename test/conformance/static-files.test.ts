import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, startStatic } from "./static-bench.ts";

test("a file is answered with its type, length and validators", async (t) => {
  const { edge } = await startStatic(t, { files: { "a.html": "<p>hi</p>" } });
  const answer = await ask(edge, "/a.html");
  assert.equal(answer.status, 200);
  assert.equal(answer.body, "<p>hi</p>");
  assert.equal(answer.fields.get("content-type"), "text/html; charset=utf-8");
  assert.equal(answer.fields.get("content-length"), "9");
  assert.equal(answer.fields.get("accept-ranges"), "bytes");
  assert.match(answer.fields.get("etag")!, /^(?:W\/)?"[0-9a-z]+-9"$/);
  assert.match(answer.fields.get("last-modified")!, / GMT$/);
});
