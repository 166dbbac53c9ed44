import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findRefusedHead, refusedHeadOf, refusedHeadText } from "../../src/http/refused-head.ts";

/** As text, of bytes in a buffer that holds others around them. */
function told(head: string): string {
  const bytes = Buffer.from(`x${head}\nHost: beside`, "latin1");
  return refusedHeadText(findRefusedHead(bytes, 1, 1 + head.length));
}

test("method, target and host of a head are told, whatever it was refused for", () => {
  assert.equal(
    told("GET /course/%255Cfrac HTTP/1.1\r\nA: b\r\nhOsT:  shop.example \r\n\r\n"),
    "GET /course/%255Cfrac, Host shop.example",
  );
  assert.equal(told("\r\nPOST /a HTTP/9.9\r\n\r\n"), "POST /a");
  assert.equal(told("get /a\r\nHost: a\nHost: b\r\n"), "get /a, Host a");
  assert.equal(told("GET /a\tb HTTP/1.1\r\n"), "GET /a\\x09b");
  assert.equal(told("OPTIONS * HTTP/1.0\r\nHost : a\r\n"), "OPTIONS *, Host a");
  assert.equal(told("GET http://a.test/b HTTP/1.1\r\n"), "GET http://a.test/b");
  assert.equal(told("GET"), "GET");
  assert.equal(told("A B\r\nHost: a\r\n"), "A, Host a");
});

test("nothing of a query, of a fragment or of a password is told", () => {
  assert.equal(told("GET /a?token=s3cret HTTP/1.1\r\n"), "GET /a");
  assert.equal(told("GET /a#access_token=s3cret HTTP/1.1\r\n"), "GET /a");
  assert.equal(told("GET http://me:s3cret@a.test/ HTTP/1.1\r\nHost: me:s3cret@a.test\r\n"), "GET");
  assert.equal(told("CONNECT me:s3cret@a.test:443 HTTP/1.1\r\n"), "CONNECT");
});

test("the rest of a body that is read as a head is not told", () => {
  assert.equal(told("password s3cret\r\n\r\n"), "");
  assert.equal(told("password=s3cret&x=1 HTTP/1.1\r\n"), "");
  assert.equal(told('{"password": "s3cret"}'), "");
  assert.equal(told("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "");
});

test("what is told has a bound, and reading a head ends", () => {
  const { method, target, host } = findRefusedHead(
    Buffer.from(`GET /${"a".repeat(9000)}\nHost: ${"b".repeat(9000)}`, "latin1"),
    0,
    18_000,
  );
  assert.deepEqual([method, target, host], ["GET", `/${"a".repeat(255)}`, ""]);
  assert.equal(refusedHeadOf("A".repeat(99), "/", "\xff".repeat(300)).host.length, 4 * 256);
  assert.equal(refusedHeadOf("A".repeat(99), "/", "").method.length, 32);
});

test("whatever the bytes are, what is told is printable ASCII and short", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    fc
      .array(
        fc.constantFrom(
          "GET",
          " ",
          "/",
          "/a",
          "\r\n",
          "\n",
          "Host",
          ":",
          "\t",
          "é",
          "@",
          "?",
          "%",
          "\0",
          "http://",
        ),
        { maxLength: 20 },
      )
      .map((pieces) => Buffer.from(pieces.join(""), "latin1")),
  );
  fc.assert(
    fc.property(bytes, fc.nat(10), (source, cut) => {
      const head = findRefusedHead(source, Math.min(cut, source.length), source.length);
      for (const text of Object.values(head)) {
        assert.match(text, /^[\x20-\x7e]*$/);
        assert.ok(text.length <= 1024);
      }
      assert.doesNotMatch(head.target, /[?#]/);
    }),
    { numRuns: 2000 },
  );
});
