import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CanonicalRequest } from "../../src/http/request.ts";
import { allReasons } from "../../src/reason.ts";
import { arbitraryHead, damagedHead } from "../support/arbitrary-head.ts";
import { type AcceptedHead, type HeadReading, readAsHead } from "../support/head-reading.ts";

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");
const codes = new Set(allReasons.map((reason) => reason.code));

test("reads back what it would print", () => {
  let accepted = 0;
  fc.assert(
    fc.property(arbitraryHead(), (text) => {
      const first = readAsHead(bytesOf(text));
      if (first.outcome !== "accepted") return;
      accepted++;
      const second = readAsHead(bytesOf(print(first)));
      assert.deepEqual(withoutSizes(second), withoutSizes(first));
    }),
    { numRuns: 3000 },
  );
  assert.ok(accepted > 1000, `only ${accepted} of the heads were accepted`);
});

test("reads the same from any split of the bytes", () => {
  // One request for all, as on a connection: what an earlier head or a partial reading left must not matter.
  const reused = new CanonicalRequest();
  fc.assert(
    fc.property(
      fc.oneof(arbitraryHead(), damagedHead()),
      fc.array(fc.nat(500), { maxLength: 6 }),
      (text, cuts) => {
        const bytes = bytesOf(text);
        const whole = readAsHead(bytes);
        const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
        for (const end of ends) {
          assertAgrees(readAsHead(bytes.subarray(0, end), reused), whole, end);
        }
        assert.deepEqual(readAsHead(bytes, reused), whole);
      },
    ),
    { numRuns: 3000 },
  );
});

test("reads the same from every split of one head", () => {
  const text =
    "POST /a/%7e/../b?c=%zz&d HTTP/1.1\r\nHost: A.test:80\r\nX-Odd:  v \t\r\nis_xhr: 1\r\nCookie: a=\xff\r\n" +
    "Connection: x-odd, keep-alive\r\nTransfer-Encoding:chunked\r\nExpect: 100-continue\r\n\r\n";
  const bytes = bytesOf(`${text}5\r\nhello\r\n0\r\n\r\n`);
  const whole = readAsHead(bytes);
  assert.equal(whole.outcome, "accepted");
  for (let end = 0; end <= bytes.length; end++) {
    const reading = readAsHead(bytes.subarray(0, end));
    if (end < text.length) assert.deepEqual(reading, { outcome: "more" }, `after ${end} bytes`);
    else assert.deepEqual(reading, whole, `after ${end} bytes`);
  }
});

test("never throws, and every refusal has a row, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const reading = readAsHead(bytes);
      if (reading.outcome === "refused") assert.ok(codes.has(reading.reason));
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(damagedHead(), (text) => {
      const reading = readAsHead(bytesOf(text));
      if (reading.outcome === "refused") assert.ok(codes.has(reading.reason));
      if (reading.outcome === "accepted") assertCanonical(reading);
    }),
    { numRuns: 5000 },
  );
});

test("bytes after the head change nothing in its reading", () => {
  fc.assert(
    fc.property(arbitraryHead(), fc.string({ unit: "binary", maxLength: 40 }), (text, more) => {
      const alone = readAsHead(bytesOf(text));
      if (alone.outcome === "accepted") assert.deepEqual(readAsHead(bytesOf(text + more)), alone);
    }),
    { numRuns: 1000 },
  );
});

test("a canonical path is its own canonical form", () => {
  fc.assert(
    fc.property(arbitraryHead(), (text) => {
      const first = readAsHead(bytesOf(text));
      if (first.outcome !== "accepted" || first.path === "*") return;
      const again = readAsHead(bytesOf(`GET ${first.path} HTTP/1.1\r\nHost: a\r\n\r\n`));
      assert.equal(again.outcome, "accepted");
      assert.equal((again as AcceptedHead).path, first.path);
      assert.equal((again as AcceptedHead).routePath, first.routePath);
    }),
    { numRuns: 2000 },
  );
});

/** A partial reading may decide early, but only what the whole reading says. */
function assertAgrees(part: HeadReading, whole: HeadReading, end: number): void {
  if (part.outcome === "more") {
    if (whole.outcome === "accepted")
      assert.ok(end < whole.bytes, `asked for more after the head, at ${end}`);
    return;
  }
  assert.deepEqual(part, whole, `after ${end} bytes`);
}

/** What must hold of anything accepted, or routing and printing stand on sand. */
function assertCanonical(head: AcceptedHead): void {
  assert.match(head.path, /^(\/[!$%&'()*+,\-./0-9:;=@A-Z_a-z~]*|\*)$/);
  assert.doesNotMatch(head.path, /\/\.{1,2}(\/|$)/);
  assert.doesNotMatch(head.routePath, /\/\//);
  assert.match(head.query, /^(\?[!-~]*)?$/);
  assert.match(head.host, /^([a-z0-9._-]+|\[[0-9a-f:.]+\])?$/);
  for (const [name, value] of head.fields) {
    assert.match(name, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these may not be in a value
    assert.doesNotMatch(value, /[\0-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/);
  }
}

/** The head in the form that the canonical request stands for. */
function print(head: AcceptedHead): string {
  const version = head.version === 10 ? "1.0" : "1.1";
  const lines = head.fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${head.method} ${head.path}${head.query} HTTP/${version}\r\n${lines.join("")}\r\n`;
}

function withoutSizes(reading: HeadReading): HeadReading {
  return reading.outcome === "accepted" ? { ...reading, bytes: 0, targetBytes: 0 } : reading;
}
