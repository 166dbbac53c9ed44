import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readDirectives } from "../../src/cache/directives.ts";
import { sortedQuery } from "../../src/cache/key.ts";
import { readTags, TAG_CHARS_MAX, TAGS_MAX } from "../../src/cache/tags.ts";
import { codingsOf, readVary } from "../../src/cache/vary.ts";
import { readRanges } from "../../src/http/byte-range.ts";
import { matchesAny } from "../../src/http/conditional.ts";
import { readHead } from "../../src/http/head.ts";
import { readHttpDate } from "../../src/http/http-date.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { COPIED, copyRequest } from "../../src/http/request-copy.ts";
import { readRequest, writeRequest } from "../../src/http/request-image.ts";

const fragments = fc.array(
  fc.constantFrom(
    "max-age",
    "=",
    "3600",
    '"',
    ",",
    " ",
    "\\",
    "no-store",
    "private",
    "s-maxage",
    "-1",
    "x",
    "\t",
    "'",
  ),
  { maxLength: 24 },
);

test("directives of any text are read, and times are never negative numbers that were said", () => {
  fc.assert(
    fc.property(fragments, (parts) => {
      const read = readDirectives(parts.join(""));
      for (const secs of [read.maxAgeSecs, read.sharedMaxAgeSecs, read.minFreshSecs, read.staleIfErrorSecs])
        assert.ok(secs === -1 || (secs >= 0 && secs <= 2 ** 31));
    }),
  );
});

test("whatever stands beside it, no-store as a word of its own is heard", () => {
  fc.assert(
    fc.property(fragments, fragments, (before, after) => {
      const quotes = before.join("").split('"').length - 1;
      fc.pre(quotes === 0 && !before.includes("\\"));
      assert.equal(readDirectives(`${before.join("")},no-store,${after.join("")}`).noStore, true);
    }),
  );
});

test("a directive within quotes says nothing", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z, =0-9-]{0,30}$/), (text) => {
      const read = readDirectives(`x="${text}", max-age=60`);
      assert.deepEqual([read.maxAgeSecs, read.noStore, read.isPrivate], [60, false, false]);
    }),
  );
});

test("dates are read as they were printed, in all three forms", () => {
  const second = fc.integer({ min: 0, max: 4_102_444_799 });
  fc.assert(
    fc.property(second, (secs) => {
      assert.equal(readHttpDate(new Date(secs * 1000).toUTCString(), secs), secs);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => assert.ok(readHttpDate(text, 0) >= -1)));
});

test("ranges lie within the whole, and are not more than it", () => {
  const range = fc.array(fc.constantFrom("bytes=", "0", "1", "9", "-", ",", " ", "99999"), { maxLength: 12 });
  fc.assert(
    fc.property(range, fc.integer({ min: 0, max: 50 }), (parts, length) => {
      const spans = readRanges(parts.join(""), length);
      if (typeof spans === "string") return;
      let sum = 0;
      for (const { start, end } of spans) {
        assert.ok(start >= 0 && start < end && end <= length);
        sum += end - start;
      }
      assert.ok(sum <= length);
    }),
  );
});

test("a tag is found in a list exactly when it is in it", () => {
  const tag = fc.stringMatching(/^[a-z,]{0,5}$/).map((text) => `"${text}"`);
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 6 }), tag, (tags, wanted) => {
      assert.equal(matchesAny(tags.join(", "), wanted), tags.includes(wanted));
      assert.equal(matchesAny(tags.map((one) => `W/${one}`).join(","), `W/${wanted}`), tags.includes(wanted));
    }),
  );
});

test("a sorted query has the same pairs, and those of one name in their order", () => {
  const pair = fc.tuple(fc.constantFrom("a", "b", "c", ""), fc.constantFrom("", "=1", "=2", "=%26"));
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 8 }), (pairs) => {
      const texts = pairs.map((one) => one.join(""));
      const sorted = sortedQuery(`?${texts.join("&")}`)
        .slice(1)
        .split("&");
      assert.deepEqual([...sorted].sort(), [...texts].sort());
      for (const name of ["a", "b", "c", ""]) {
        const of = (all: readonly string[]) => all.filter((one) => one.split("=")[0] === name);
        assert.deepEqual(of(sorted), of(texts));
      }
      assert.equal(sortedQuery(`?${sorted.join("&")}`), `?${sorted.join("&")}`);
    }),
  );
});

test("names and tags of any text are few and short, or none are", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      const vary = readVary(text);
      assert.ok(vary === undefined || (vary.length <= 8 && !vary.includes("*")));
      const tags = readTags(text);
      assert.ok(
        tags === undefined || (tags.length <= TAGS_MAX && tags.every((tag) => tag.length <= TAG_CHARS_MAX)),
      );
      assert.equal(typeof codingsOf(text), "string");
    }),
  );
});

test("a copy of a request, and one that another worker gets, are the request", () => {
  const limits = {
    headBytesMax: 16_384,
    fieldsMax: 64,
    valueBytesMax: 8192,
    targetBytesMax: 8192,
    queryParamsMax: 256,
    path: { encodeRawChars: false, segmentsMax: 256 },
  };
  const name = fc.constantFrom("Accept", "X-One", "Cookie", "If-None-Match", "Cache-Control");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.stringMatching(/^[a-z0-9]{1,9}$/)), { maxLength: 8 }),
      (fields) => {
        const head = Buffer.from(
          `GET /a//b?c=d HTTP/1.1\r\nHost: a.test:81\r\n${fields.map((field) => `${field.join(": ")}\r\n`).join("")}\r\n`,
        );
        const request = new CanonicalRequest();
        assert.ok(readHead(head, 0, head.length, request, limits) > 0);
        request.clientAddress = "192.0.2.1";
        request.clientIp = { v4: true, w0: 1, w1: 2, w2: 3, w3: -4 };
        request.sentHostLine = Buffer.from("Host: b\r\n");
        const copy = new CanonicalRequest();
        copyRequest(request, copy);
        const read = new CanonicalRequest();
        assert.ok(readRequest(writeRequest(request), read));
        for (const other of [copy, read]) {
          for (const key of COPIED)
            if (key !== "sentHostLine") assert.deepEqual(other[key], request[key], key);
          assert.equal(Buffer.from(other.sentHostLine!).toString(), "Host: b\r\n");
          assert.deepEqual(other.firstField, request.firstField);
          assert.equal(other.text(0, other.arenaEnd), request.text(0, request.arenaEnd));
        }
      },
    ),
    { numRuns: 50 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      readRequest(Buffer.from(bytes), new CanonicalRequest());
    }),
  );
});

test("what most clients say of codings is read like the same in another order", () => {
  assert.equal(codingsOf("gzip, deflate, br, zstd"), codingsOf("zstd, br, deflate, gzip"));
  assert.equal(codingsOf("gzip, deflate, br"), codingsOf("br, deflate, gzip"));
  assert.equal(codingsOf("gzip, deflate"), codingsOf("deflate, gzip"));
  assert.notEqual(codingsOf("gzip"), codingsOf("gzip, identity;q=0"));
});
