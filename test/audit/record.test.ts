import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalText, isPlain, type Json } from "../../src/audit/canonical.ts";
import { parseLine } from "../../src/audit/line.ts";
import { firstKey, keyId, nextKey, RecordMac } from "../../src/audit/mac-key.ts";
import { type AuditRecord, sealRecord } from "../../src/audit/record.ts";

const root = createSecretKey(Buffer.alloc(32, 1));
const macs = new RecordMac("0190f7c2aa00deadbeef");
const key = firstKey(root, "0190f7c2aa00deadbeef", "b1");
const zero = Buffer.alloc(32);

function recordAt(seq: number): AuditRecord {
  return {
    boot: "b1",
    cfg: 3,
    data: { words: ["a", 'quote " and \\ and \n and é and \u{1f600}'] },
    ep: 0,
    kind: "request_blocked",
    mono: "1",
    seg: 1,
    seq,
    src: { ip: "203.0.113.9" },
    ts: "2026-11-22T02:11:09.123Z",
    v: 1,
    w: { b: "x", id: 2, n: 5 },
  };
}

test("a sealed record reads back as it was, from printable ASCII with ascending keys and the MAC last", () => {
  const { line, mac } = sealRecord(recordAt(7), key, macs, zero);
  assert.match(line, /^[\x20-\x7e]+\n$/);
  const parsed = parseLine(Buffer.from(line.slice(0, -1)));
  assert.ok(typeof parsed === "object");
  assert.deepEqual(parsed.record, recordAt(7));
  assert.deepEqual(parsed.mac, mac);
  assert.deepEqual(macs.of(key, 7, zero, parsed.body), mac);
});

test("a MAC is of this log, this place, this predecessor, this epoch", () => {
  const body = "{}";
  const all = [
    macs.of(key, 7, zero, body),
    macs.of(key, 8, zero, body),
    macs.of(key, 7 + 2 ** 32, zero, body),
    macs.of(key, 7, Buffer.alloc(32, 1), body),
    macs.of(nextKey(key), 7, zero, body),
    macs.of(firstKey(root, "0190f7c2aa00deadbeef", "b2"), 7, zero, body),
    new RecordMac("0190f7c2aa00deadbee0").of(key, 7, zero, body),
  ].map((mac) => mac.toString("hex"));
  assert.equal(new Set(all).size, all.length);
  assert.match(keyId(root), /^[0-9a-f]{16}$/);
});

test("a long record is sealed like a short one", () => {
  const body = `{"a":"${"x".repeat(30_000)}"}`;
  assert.deepEqual(macs.of(key, 1, zero, body), new RecordMac("0190f7c2aa00deadbeef").of(key, 1, zero, body));
});

test("lines that no writer of ours made are refused, whatever their MAC", () => {
  const { line } = sealRecord(recordAt(7), key, macs, zero);
  const good = line.slice(0, -1);
  const bad: readonly [string, string][] = [
    ["a space", good.replace('"cfg":3', '"cfg": 3')],
    ["a doubled key", good.replace('"cfg":3', '"cfg":3,"cfg":3')],
    ["another order", good.replace('"boot":"b1","cfg":3', '"cfg":3,"boot":"b1"')],
    ["a field after the MAC", `${good.slice(0, -1)},"z":1}`],
    ["no MAC", good.replace(/,"mac".*/, "}")],
    ["a fraction", good.replace('"cfg":3', '"cfg":3.5')],
    ["a carriage return", `${good}\r`],
    ["a NUL", good.replace("b1", "b\0")],
    ["not UTF-8", `${good.slice(0, 5)}\xff${good.slice(6)}`],
    ["too long", good.replace("b1", "b".repeat(16_400))],
    ["nothing", ""],
    ["a key of the prototype", good.replace('"cfg":3', '"__proto__":{}')],
    ["an unread MAC", good.replace(/"mac":"(.{42})./, (_, mac: string) => `"mac":"${mac}-`)],
  ];
  for (const [what, text] of bad) assert.equal(typeof parseLine(Buffer.from(text, "latin1")), "string", what);
});

test("any plain value has one text, which says the same", () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/);
  const plain = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: "binary" }),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(word, tie("value"), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(plain, (value) => {
      const text = canonicalText(value);
      assert.match(text, /^[\x20-\x7e]*$/);
      const read = JSON.parse(text) as Json;
      assert.deepEqual(read, JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalText(read), text);
      return true;
    }),
  );
});

test("values that could be read in two ways are not plain", () => {
  for (const value of [
    1.5,
    Number.NaN,
    2 ** 53,
    undefined,
    { 1: 2 },
    { A: 1 },
    { "a b": 1 },
    [[[[[[[1]]]]]]],
    () => 1,
  ])
    assert.equal(isPlain(value), false);
  for (const value of ["x", 0, -5, null, [], {}, { a: [1, { b_2: null }] }])
    assert.equal(isPlain(value), true);
});
