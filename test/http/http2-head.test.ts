import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HeadLimits } from "../../src/http/head.ts";
import { COOKIE_CRUMBS_MAX, readHttp2Head } from "../../src/http/http2-head.ts";
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  CanonicalRequest,
  FIELD_SLOTS,
  FORWARD,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../../src/http/request.ts";
import { reasons } from "../../src/reason.ts";

const limits: HeadLimits = {
  headBytesMax: 16_384,
  fieldsMax: 64,
  valueBytesMax: 8192,
  targetBytesMax: 8192,
  queryParamsMax: 256,
  path: { encodeRawChars: false, segmentsMax: 256 },
};
const scratch = { bytes: Buffer.alloc(64) };
const start = [":method", "GET", ":scheme", "https", ":authority", "a.test", ":path", "/x"];

function read(fields: readonly string[], isOver = true): CanonicalRequest {
  const request = new CanonicalRequest();
  request.secure = true;
  readHttp2Head(fields, isOver, request, limits, scratch);
  return request;
}

/** The fields that go upstream as they stand. */
function forwarded(request: CanonicalRequest): [string, string][] {
  const list: [string, string][] = [];
  for (let at = 0; at < request.fieldCount * FIELD_SLOTS; at += FIELD_SLOTS) {
    if (request.fields[at + FORWARD] === 0) continue;
    const span = (from: number, to: number): string =>
      request.text(request.fields[at + from]!, request.fields[at + to]!);
    list.push([span(NAME_START, NAME_END), span(VALUE_START, VALUE_END)]);
  }
  return list;
}

test("whatever the bytes, nothing is forwarded that was not a field of its own", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "\r\n",
      "\n",
      "\r",
      ": ",
      ":",
      " ",
      "\t",
      "\0",
      "GET / HTTP/1.1",
      "x-injected: 1",
      "content-length: 5",
    ),
    fc.constantFrom(
      "x-a",
      "cookie",
      "te",
      "host",
      "transfer-encoding",
      "connection",
      "content-length",
      "a.test",
    ),
    fc.string({ maxLength: 5, unit: "binary" }),
  );
  const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(""));
  const field = fc.tuple(text, text);
  const pseudo = fc.record({ method: text, authority: text, path: text });
  fc.assert(
    fc.property(
      fc.array(field, { maxLength: 6 }),
      fc.option(pseudo),
      fc.nat(3),
      fc.boolean(),
      (fields, odd, which, isOver) => {
        const head = [...start];
        if (odd !== null) {
          if (which === 1) head[1] = odd.method;
          if (which === 2) head[5] = odd.authority;
          if (which === 3) head[7] = `/${odd.path}`;
        }
        const request = read([...head, ...fields.flat()], isOver);
        assert.equal(request.version, 20);
        if (request.refusal !== undefined) return;
        const given = new Set(fields.map(([name]) => name));
        for (const [name, value] of forwarded(request)) {
          assert.ok(given.has(name), `${JSON.stringify(name)} was no field`);
          assert.doesNotMatch(value, /[\r\n\0]/);
        }
        if (isOver) assert.notEqual(request.bodyKind, BODY_CHUNKED);
        else assert.notEqual(request.bodyKind, BODY_NONE);
      },
    ),
    { numRuns: 3000 },
  );
});

test("an ordinary head becomes the request that HTTP/1.1 would have made", () => {
  const request = read([...start, "accept", "*/*", "cookie", "a=1", "x-b", "2", "cookie", "c=3"]);
  assert.equal(request.refusal, undefined);
  assert.equal(request.hostText(), "a.test");
  assert.equal(request.routePathText(), "/x");
  assert.deepEqual(forwarded(request), [
    ["accept", "*/*"],
    ["x-b", "2"],
    ["cookie", "a=1; c=3"],
  ]);
  assert.equal(request.bodyKind, BODY_NONE);
});

test("a body is framed by its length, or anew", () => {
  assert.equal(read(start, false).bodyKind, BODY_CHUNKED);
  const sized = read([...start, "content-length", "7"], false);
  assert.deepEqual([sized.bodyKind, sized.bodyLength], [BODY_LENGTH, 7]);
});

test("crumbs are counted apart from fields, and both are limited", () => {
  const crumbs = (count: number): string[] => Array.from({ length: count }, () => ["cookie", "a=1"]).flat();
  const others = Array.from({ length: 60 }, (_, at) => [`x-${at}`, "1"]).flat();
  assert.equal(read([...start, ...others, ...crumbs(COOKIE_CRUMBS_MAX)]).refusal, undefined);
  assert.equal(read([...start, ...crumbs(COOKIE_CRUMBS_MAX + 1)]).refusal, reasons.cookieCrumbs);
  const large = Array.from({ length: 20 }, (_, at) => [`x-${at}`, "v".repeat(1000)]).flat();
  assert.equal(read([...start, ...large]).refusal, reasons.headerBytes);
});

test("values that the layer below lets through by mistake end the request", () => {
  for (const value of ["1\r\nx-injected: 1", "1\nx: 1", "1\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n", "\0"])
    assert.notEqual(read([...start, "x-a", value]).refusal, undefined, JSON.stringify(value));
  for (const name of ["x-a: 1\r\nx-b", "x-a:", ":path", "X-A", "", "x a"])
    assert.notEqual(read([...start, name, "1"]).refusal, undefined, JSON.stringify(name));
});
