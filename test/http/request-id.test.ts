import assert from "node:assert/strict";
import { test } from "node:test";
import { isRequestId, writeRequestId } from "../../src/http/request-id.ts";
import { openRandomPool } from "../../src/std/random-pool.ts";

function isId(text: string): boolean {
  const source = Buffer.from(`"${text}"`, "latin1");
  return isRequestId(source, 1, source.length - 1);
}

test("a client's request id is kept when it is 8 to 64 letters, digits, `_`, `.` and `-`", () => {
  for (const id of ["abcdefgh", "A-Z_0.9a", "f".repeat(64), "550e8400-e29b-41d4-a716-446655440000"]) {
    assert.equal(isId(id), true, id);
  }
  for (const id of ["", "abcdefg", "f".repeat(65), "f".repeat(10_240)]) assert.equal(isId(id), false, id);
});

test("one byte that could break a log line or an answer makes a request id malformed", () => {
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    assert.equal(isId(`abcdefgh${char}`), /[\w.-]/.test(char), `byte ${byte}`);
  }
  for (const id of ["abcdefgh%0d%0a", 'abc"defgh', "abcdefgh\x1b[31m", "{jndi:ldap}"])
    assert.equal(isId(id), false, id);
});

test("a new request id is 32 hex digits, well-formed, and never repeats across refills of the pool", () => {
  const pool = openRandomPool();
  const out = Buffer.alloc(40, "!");
  const seen = new Set<string>();
  for (let count = 0; count < 2_000; count++) {
    assert.equal(writeRequestId(out, 4, pool), 36);
    const id = out.toString("latin1", 4, 36);
    assert.match(id, /^[0-9a-f]{32}$/);
    seen.add(id);
  }
  assert.equal(seen.size, 2_000);
  assert.equal(isRequestId(out, 4, 36), true);
  assert.equal(out.toString("latin1", 0, 4) + out.toString("latin1", 36), "!!!!!!!!");
});
