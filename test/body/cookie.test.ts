import assert from "node:assert/strict";
import { test } from "node:test";
import { CookieReader } from "../../src/body/cookie.ts";
import { valueList } from "../support/value-list.ts";

function read(field: string, cookiesMax = 100): { reason: string | undefined; seen: string[] } {
  const sink = valueList();
  const reader = new CookieReader(sink, cookiesMax);
  const bytes = Buffer.from(`Cookie: ${field}; outside=1`, "latin1");
  const reason = reader.read(bytes, 8, bytes.length - 11);
  for (const [, value, start, end] of sink.seen) assert.equal(field.slice(start, end), value, "its place");
  return { reason, seen: sink.seen.map(([place, value]) => `${place} ${value}`) };
}

test("names and values are reported as they stand", () => {
  assert.deepEqual(read("a=1; sid=x=y%20z;b = 2 ;;  ; =v; bare; e=; \xfc=\xe9").seen, [
    "cookie_name:a a",
    "cookie:a 1",
    "cookie_name:sid sid",
    "cookie:sid x=y%20z",
    "cookie_name:b b",
    "cookie:b 2",
    "cookie v",
    "cookie bare",
    "cookie_name:e e",
    "cookie_name:\\u00fc \xfc",
    "cookie:\\u00fc \xe9",
  ]);
  assert.deepEqual(read("").seen, []);
  assert.deepEqual(read(" ; \t").seen, []);
});

test("a quoted value with `;` is also read whole, as some servers do", () => {
  assert.deepEqual(read('a="1; drop table x"; b="2"').seen, [
    "cookie_name:a a",
    'cookie:a "1',
    'cookie:a "1; drop table x"',
    'cookie drop table x"',
    "cookie_name:b b",
    'cookie:b "2"',
  ]);
  assert.ok(read('a="x\\"; y"; b=1').seen.includes('cookie:a "x\\"; y"'));
  assert.ok(read('a="x; y').seen.includes('cookie:a "x; y'));
});

test("many open quotes do not make the work quadratic", () => {
  const field = 'a="b;'.repeat(20_000);
  const total = read(field, 1e6).seen.reduce((sum, text) => sum + text.length, 0);
  assert.ok(total < field.length * 8, `${total} characters reported`);
});

test("cookies are counted over all fields of a request", () => {
  assert.equal(read("a=1; b=2; c=3", 3).reason, undefined);
  assert.equal(read("a=1; b=2; c=3; d=4", 3).reason, "cookie_count");
  assert.equal(read("a;;; ;b;c", 3).reason, undefined);
  const reader = new CookieReader(valueList(), 3);
  const two = Buffer.from("a=1; b=2");
  assert.equal(reader.read(two, 0, two.length), undefined);
  assert.equal(reader.read(two, 0, two.length), "cookie_count");
  reader.reset();
  assert.equal(reader.read(two, 0, two.length), undefined);
});
