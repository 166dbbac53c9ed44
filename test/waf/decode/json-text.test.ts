import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  firstJsonString,
  isJsonKey,
  jsonStringEnd,
  nextJsonString,
} from "../../../src/waf/decode/json-text.ts";

/** The strings that are no keys, as they are written. */
function stringsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const strings: string[] = [];
  let open = firstJsonString(bytes, 0, bytes.length, false);
  while (open >= 0) {
    const close = jsonStringEnd(bytes, open, bytes.length);
    if (!isJsonKey(bytes, close, bytes.length)) strings.push(bytes.toString("utf8", open + 1, close));
    open = nextJsonString(bytes, close, bytes.length);
  }
  return strings;
}

test("every string of JSON text is told, and no key", () => {
  const leaves = (value: unknown): unknown[] =>
    typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [value];
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(2), (value, spaces) => {
      fc.pre(typeof value === "object" && value !== null);
      const wanted = leaves(JSON.parse(JSON.stringify(value))).filter((leaf) => typeof leaf === "string");
      const told = stringsOf(JSON.stringify(value, undefined, spaces)).map((text) => JSON.parse(`"${text}"`));
      assert.deepEqual(told, wanted);
    }),
  );
});

test("a value that is one string is JSON text, and quotes around its parts are not", () => {
  assert.deepEqual(stringsOf('"a b"'), ["a b"]);
  assert.deepEqual(stringsOf(' "a \\"b\\"" '), ['a \\"b\\"']);
  for (const text of ['"a" b', '"a" "b"', '"a', '"', 'a "b"']) assert.deepEqual(stringsOf(text), [], text);
});

test("a record of a sequence of JSON texts is JSON text", () => {
  assert.deepEqual(stringsOf('\x1e{"a":"b"}\n'), ["b"]);
});

test("a string that is cut ends with the value", () => {
  assert.deepEqual(stringsOf('{"a":"b c'), ["b c"]);
  assert.deepEqual(stringsOf('{"a":"b\\'), ["b\\"]);
});
