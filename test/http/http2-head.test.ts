import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fieldFacts } from "../../src/http/field-facts.ts";
import { type HeadLimits, readHead } from "../../src/http/head.ts";
import { COOKIE_CRUMBS_MAX, Http2HeadReader } from "../../src/http/http2-head.ts";
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
const reader = new Http2HeadReader();
const start = [":method", "GET", ":scheme", "https", ":authority", "a.test", ":path", "/x"];

/** `fields`: name and value in turn, latin-1. */
function read(fields: readonly string[], isOver = true, takesWebSocket = false): CanonicalRequest {
  const request = new CanonicalRequest();
  request.secure = true;
  reader.begin(request, limits);
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name, value] = [fields[at]!, fields[at + 1]!];
    const line = Buffer.from(`${name}: ${value}\r\n`, "latin1");
    reader.onField(line, 0, name.length, value.length, fieldFacts(line, 0, name.length, value.length));
  }
  reader.end(isOver, takesWebSocket);
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
    // A field is bytes: each character one.
    fc.string({ maxLength: 5, unit: fc.nat(255).map((code) => String.fromCharCode(code)) }),
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

test("malformed fields end the request, and the log can say why", () => {
  for (const value of [
    "1\r\nx-injected: 1",
    "1\nx: 1",
    "1\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
    "\0",
    "\x7f",
    " 1",
    "1\t",
  ])
    assert.equal(read([...start, "x-a", value]).refusal, reasons.http2Head, JSON.stringify(value));
  for (const name of ["x-a: 1\r\nx-b", "x-a:", ":path", "X-A", "", "x a", "connection", "upgrade", "h\xe9"])
    assert.equal(read([...start, name, "1"]).refusal, reasons.http2Head, JSON.stringify(name));
  assert.equal(read([...start, ":path", "/y"]).refusalDetail, "pseudo_field");
  assert.equal(read(start.slice(2)).refusalDetail, "method");
  assert.equal(read([...start, "content-length", "5"]).refusalDetail, "content_length");
});

test("what HTTP/1.1 would refuse is refused for the same reason", () => {
  const reasonOf = (...fields: string[]): string | undefined => read([...start, ...fields]).refusal?.code;
  assert.equal(reasonOf("content-type", "a/b", "content-type", "a/c"), "singleton_dup");
  assert.equal(reasonOf("authorization", "\xe9"), "value_8bit");
  assert.equal(reasonOf("x_forwarded_for", "1.2.3.4"), "underscore");
  assert.equal(reasonOf("host", "b.test"), "authority_mismatch");
  assert.equal(reasonOf("x-a", "v".repeat(9000)), "header_value");
  const target = (path: string): string | undefined => read([...start.slice(0, 7), path]).refusal?.code;
  assert.equal(target("/a#b"), "fragment");
  assert.equal(target("/a%00"), "path_control");
  assert.equal(target(`/${"a".repeat(9000)}`), "uri_len");
});

test("one head says the same by both protocols, whatever is in it", () => {
  const name = fc.oneof(
    fc.constantFrom("accept", "range", "x-forwarded-for", "via", "authorization", "content-type", "origin"),
    fc.constantFrom("x_real_ip", "is_xhr", "x-http-method-override", "traceparent", "trailer", "expect"),
    fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,12}$/),
  );
  const value = fc
    .uint8Array({ maxLength: 30 })
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte >= 32 && byte !== 127)).latin1Slice())
    .map((text) => text.replaceAll(/^ +| +$/g, ""));
  const path = fc
    .array(
      fc.constantFrom(
        "/",
        "a",
        "..",
        ".",
        "%2e",
        "%2F",
        "%",
        "\\",
        "#",
        "?",
        "b=1",
        "&",
        ";",
        "\xe9",
        "//",
        "%41",
      ),
    )
    .map((pieces) => `/${pieces.join("")}`);
  const hopOnly = new Set(["host", "cookie", "te", "connection", "keep-alive", "upgrade", "content-length"]);
  fc.assert(
    fc.property(path, fc.array(fc.tuple(name, value), { maxLength: 8 }), (target, list) => {
      const fields = list.filter(([one]) => !hopOnly.has(one));
      const two = read([...start.slice(0, 7), target, ...fields.flat()]);
      const lines = fields.map(([one, text]) => `${one}: ${text}\r\n`).join("");
      const printed = Buffer.from(`GET ${target} HTTP/1.1\r\nhost: a.test\r\n${lines}\r\n`, "latin1");
      const one = new CanonicalRequest();
      one.secure = true;
      readHead(printed, 0, printed.length, one, limits);
      assert.equal(two.refusal?.code, one.refusal?.code);
      if (one.refusal !== undefined) return;
      assert.equal(two.text(two.pathStart, two.queryEnd), one.text(one.pathStart, one.queryEnd));
      assert.equal(two.routePathText(), one.routePathText());
      assert.equal(two.hostText(), one.hostText());
      assert.deepEqual(forwarded(two), forwarded(one));
      assert.deepEqual(two.firstField, one.firstField);
      assert.equal(two.droppedNames + two.scrubbed, one.droppedNames + one.scrubbed);
    }),
    { numRuns: 3000 },
  );
});

test("fields are scrubbed, dropped and kept as over HTTP/1.1", () => {
  const request = read([...start, "x-forwarded-for", "1.2.3.4", "proxy", "x", "is_xhr", "1", "x-a", "\xe9"]);
  assert.equal(request.refusal, undefined);
  assert.deepEqual(forwarded(request), [["x-a", "\xe9"]]);
  assert.equal(request.scrubbed, 1);
  assert.equal(request.droppedNames, 1);
});

test("an extended CONNECT is the handshake that it stands for, where it is understood", () => {
  const head = [
    ":method",
    "CONNECT",
    ":protocol",
    "websocket",
    ...start.slice(2),
    "sec-websocket-version",
    "13",
  ];
  assert.equal(read(head, false).refusal, reasons.http2Head);
  const request = read(head, false, true);
  assert.equal(request.refusal, undefined);
  assert.equal(request.upgrade, true);
  assert.equal(request.bodyKind, BODY_NONE);
  assert.equal(read([":method", "CONNECT", ":authority", "a.test:22"]).refusal, reasons.method);
});

test("nothing of a head is left in the next one", () => {
  read([...start, "cookie", "secret=1", "x-a", "1"]);
  const request = read(start);
  assert.equal(request.fieldCount, 1);
  assert.deepEqual(forwarded(request), []);
});
