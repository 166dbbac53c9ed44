import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type PathOptions, writePath } from "../../src/http/path.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { pathCases } from "../conformance/path-cases.ts";
import { readPathPlainly } from "./path-oracle.ts";

const strict: PathOptions = { encodeRawChars: false, segmentsMax: 256 };
const lenient: PathOptions = { encodeRawChars: true, segmentsMax: 256 };

interface Reading {
  readonly reason?: string;
  readonly canonical?: string;
  readonly route?: string;
  readonly hasEncodedSlash?: boolean;
}

/** Reads `path` in front of bytes that would change its meaning if they were read. */
function read(path: string, options: PathOptions = strict): Reading {
  const reading = readBefore("2e2e", path, options);
  assert.deepEqual(readBefore("/../", path, options), reading);
  return reading;
}

/** One reading, behind bytes in a small arena that must not be touched. */
function readBefore(tail: string, path: string, options: PathOptions): Reading {
  const request = new CanonicalRequest(8, 1);
  request.arena.write("keep", "latin1");
  request.arenaEnd = 4;
  request.hasEncodedSlash = true;
  const source = Buffer.from(`%${path}${tail}`, "latin1");
  const reason = writePath(source, 1, source.length - tail.length, request, options);
  assert.equal(request.text(0, 4), "keep");
  if (reason !== undefined) return { reason: reason.code };
  const canonical = request.text(request.pathStart, request.pathEnd);
  const route = request.text(request.routePathStart, request.routePathEnd);
  assert.equal(request.pathStart, 4);
  assert.equal(request.arenaEnd, request.routePathEnd);
  return { canonical, route, hasEncodedSlash: request.hasEncodedSlash };
}

for (const { id, path, canonical, route, reason, encode } of pathCases) {
  const shown = path.length > 60 ? `${path.slice(0, 60)}... (${path.length} bytes)` : path;
  test(`${id}: path ${JSON.stringify(shown)} ${reason ? `is refused as ${reason}` : `becomes ${canonical === path ? "itself" : canonical}`}`, () => {
    const reading = read(path, encode ? lenient : strict);
    assert.equal(reading.reason, reason);
    assert.equal(reading.canonical, canonical);
    if (reason === undefined) assert.equal(reading.route, route ?? canonical);
  });
}

test("a path without empty segments has one span for forwarding and routing", () => {
  const request = new CanonicalRequest();
  const source = Buffer.from("/a/%7Eb/../c");
  assert.equal(writePath(source, 0, source.length, request, strict), undefined);
  assert.equal(request.routePathStart, request.pathStart);
  assert.equal(request.routePathEnd, request.pathEnd);
});

test("a path that stands in the arena itself survives the arena's growth", () => {
  for (const path of [`/${"a".repeat(90)}`, `//${"%41".repeat(30)}`, `/%252f//${"{".repeat(80)}`]) {
    const request = new CanonicalRequest(100, 1);
    request.arenaEnd = request.arena.write(path, "latin1");
    assert.equal(writePath(request.arena, 0, request.arenaEnd, request, lenient), undefined);
    const expected = readPathPlainly(path, lenient);
    assert.equal(request.text(request.pathStart, request.pathEnd), expected.canonical);
    assert.equal(request.text(request.routePathStart, request.routePathEnd), expected.route);
  }
});

test("hasEncodedSlash tells of an encoded slash in the canonical path, and of nothing else", () => {
  assert.equal(read("/a%2fb").hasEncodedSlash, true);
  assert.equal(read("/a/b").hasEncodedSlash, false);
  assert.equal(read("/a%252fb").hasEncodedSlash, false);
});

// Pieces of the attacks in the catalogue: what random bytes would never put side by side.
const hostile = fc
  .array(
    fc.constantFrom(
      ..."/ / / . .. %2e %2E %2f %2F %5c \\ ; %3b %25 %25 2 5 e f F 25 2e %32 %65 a b %41 %7e %20 %09".split(
        " ",
      ),
      ..."%0a %00 %7f %c3%a9 %c0%ae %e2%88%95 %ed%a0%80 %c3 %a9 % %u { [ # ? é \x80 ~ = ;a=1 // /../ /./ ..; %zz".split(
        " ",
      ),
      " ",
      "\t",
    ),
    { maxLength: 14 },
  )
  .map((pieces) => `/${pieces.join("")}`);
const dotty = fc
  .array(fc.constantFrom(..."/ / . . .. a ; %2e %2f %25 2e 2f 25 %20 %32 %65 a%2fb".split(" ")), {
    maxLength: 12,
  })
  .map((pieces) => `/${pieces.join("")}`);
const anyBytes = fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const anyPath = fc.oneof(hostile, dotty, dotty, anyBytes);
const anyOptions = fc.constantFrom(strict, lenient, { encodeRawChars: false, segmentsMax: 4 });

test("the plain form agrees on every hostile path: refused for one of its reasons, or the same canonical form", () => {
  let passed = 0;
  fc.assert(
    fc.property(anyPath, anyOptions, (path, options) => {
      const expected = readPathPlainly(path, options);
      const reading = read(path, options);
      if (reading.reason !== undefined) {
        assert.ok(
          expected.refusals.has(reading.reason),
          `${reading.reason}, not one of ${[...expected.refusals]}`,
        );
        return;
      }
      passed++;
      assert.deepEqual([...expected.refusals], []);
      const { canonical, route, hasEncodedSlash } = expected;
      assert.deepEqual(reading, { canonical, route, hasEncodedSlash });
    }),
    { numRuns: 40_000 },
  );
  assert.ok(passed > 4_000, `only ${passed} paths of the run were accepted: the property says little`);
});

test("a canonical path is its own canonical path, and its route form has no empty segment", () => {
  fc.assert(
    fc.property(anyPath, anyOptions, (path, options) => {
      const once = read(path, options);
      if (once.canonical === undefined) return;
      assert.deepEqual(read(once.canonical, options), once);
      assert.equal(read(once.route!, options).canonical, once.route);
      assert.doesNotMatch(once.route!, /\/\/|\/\.\.?(\/|$)/);
    }),
    { numRuns: 30_000 },
  );
});
