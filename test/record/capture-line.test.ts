import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  type CapturedFacts,
  makeCaptureKey,
  openCapture,
  sealCapture,
} from "../../src/record/capture-line.ts";

const facts: CapturedFacts = {
  id: "1f3c-000042",
  timeMs: 1_763_812_345_678,
  generation: 3,
  from: "203.0.113.9",
  secure: true,
  serverName: "shop.test",
  route: "search",
  decision: "deny",
  status: 400,
  reason: "waf_patterns",
  wafGate: "patterns",
  wafDetail: "sqli-union-select",
  redacted: [],
};

test("what was sealed is read with the root key, whatever its bytes are", () => {
  const root = randomBytes(32);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      const opened = openCapture(root, sealCapture(makeCaptureKey(root), facts, bytes));
      assert.deepEqual(opened?.facts, facts);
      assert.deepEqual(new Uint8Array(opened.bytes), bytes);
    }),
    { numRuns: 30 },
  );
});

test("nothing of the request stands in the line but its id", () => {
  const line = sealCapture(makeCaptureKey(randomBytes(32)), facts, Buffer.from("secret-in-the-body"));
  const { data, key, ...open } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  assert.deepEqual(open, { v: 1, id: facts.id });
  for (const word of ["secret", "203.0.113.9", "shop.test", "search"])
    assert.ok(!Buffer.from(String(data), "base64").includes(word) && !line.includes(word), word);
  assert.equal(Buffer.from(String(key), "base64").length, 12 + 32 + 16);
});

test("another key, and any change of a line, opens nothing", () => {
  const root = randomBytes(32);
  const line = sealCapture(makeCaptureKey(root), facts, Buffer.from("bytes"));
  assert.equal(openCapture(randomBytes(32), line), undefined);
  assert.equal(openCapture(root, line.replace(facts.id, "1f3c-000043")), undefined);
  const data = line.indexOf('"data":"') + 20;
  const other = line[data] === "A" ? "B" : "A";
  assert.equal(openCapture(root, line.slice(0, data) + other + line.slice(data + 1)), undefined);
  for (const text of ["", "{}", "null", '{"data":1}']) assert.equal(openCapture(root, text), undefined, text);
});

test("two lines of the same request share nothing", () => {
  const key = makeCaptureKey(randomBytes(32));
  const data = () => (JSON.parse(sealCapture(key, facts, Buffer.from("x"))) as { data: string }).data;
  assert.notEqual(data().slice(0, 16), data().slice(0, 16));
});
