import assert from "node:assert/strict";
import { readDirectives } from "../../src/cache/directives.ts";
import { readVary } from "../../src/cache/vary.ts";
import { noWeights, readWeights } from "../../src/http/accept-encoding.ts";
import { readRanges } from "../../src/http/byte-range.ts";
import { CHUNK_BAD, CHUNK_DATA, CHUNK_END, CHUNK_MORE, ChunkDecoder } from "../../src/http/chunked.ts";
import { HpackDecoder } from "../../src/http/hpack-decoder.ts";
import { readHttpDate } from "../../src/http/http-date.ts";
import { ResponseHead, readResponseHead } from "../../src/http/response-head.ts";
import { PROXY_MORE, readProxyHeader } from "../../src/identity/proxy-header.ts";
import { type FrameSink, Http2Input } from "../../src/listener/http2-input.ts";
import { allReasons } from "../../src/reason.ts";
import { preface } from "../support/h2-frames.ts";
import { readAsHead } from "../support/head-reading.ts";
import { cutOf, type Target } from "./target.ts";

const codes = new Set(allReasons.map(({ code }) => code));

/** What comes over a socket before anything else looks at it. */
export const wireTargets: readonly Target[] = [
  {
    name: "head",
    covers: [
      "/src/http/head",
      "/src/http/target",
      "/src/http/path",
      "/src/http/authority",
      "/src/http/framing",
    ],
    seeds: [
      "GET /a/%7e/../b?c=%zz&d HTTP/1.1\r\nHost: A.test:80\r\nCookie: a=\xff\r\n\r\n",
      "POST http://a.test/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
      "OPTIONS * HTTP/1.0\r\nConnection: close, x\r\n\r\n",
    ],
    words: [
      "\r\n",
      "Host: ",
      "Content-Length: 5",
      "Transfer-Encoding: chunked",
      "%2e%2e/",
      "://",
      "[::1]",
      " HTTP/1.1",
      "\r\n ",
      "\r\n\r\n",
    ],
    run(bytes) {
      const whole = readAsHead(bytes);
      if (whole.outcome === "refused") assert.ok(codes.has(whole.reason), whole.reason);
      const part = readAsHead(bytes.subarray(0, cutOf(bytes)));
      if (part.outcome === "accepted") assert.deepEqual(part, whole);
      if (part.outcome === "refused") assert.equal(whole.outcome, "refused");
    },
  },
  {
    name: "chunked",
    covers: ["/src/http/chunked", "/src/http/trailer"],
    seeds: ["5\r\nhello\r\n0\r\n\r\n", "a;x=y\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n"],
    words: ["\r\n", "0\r\n\r\n", "ffffffff", ';a="b"', "Content-Length: 1\r\n"],
    run(bytes) {
      const whole = dechunk([bytes]);
      assert.deepEqual(dechunk([bytes.subarray(0, cutOf(bytes)), bytes.subarray(cutOf(bytes))]), whole);
    },
  },
  {
    name: "response-head",
    covers: ["/src/http/response-head"],
    seeds: [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive, X-A\r\nX-A: 1\r\n\r\nhello",
      "HTTP/1.0 304 Not Modified\r\nDate: x\r\n\r\n",
    ],
    words: ["\r\n", "Transfer-Encoding: chunked", "Content-Length: 0", "HTTP/1.1 101 ", "Connection: close"],
    run(bytes) {
      const head = new ResponseHead();
      const end = readResponseHead(bytes, 0, bytes.length, false, head);
      assert.ok(end <= bytes.length);
      if (end === -1) assert.notEqual(head.fault, "");
      if (end > 0) assert.ok(head.fieldCount <= 100 && head.status >= 100 && head.status <= 999);
    },
  },
  {
    name: "http2-frames",
    covers: ["/src/listener/http2-input"],
    seeds: [
      `${preface}\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x03\x00\x08\x00\x00\x00\x01\x02ab`,
      `${preface}\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678`,
    ],
    words: [
      "\x00\x00\x00\x04\x01\x00\x00\x00\x00",
      "\x00\x00\x04\x08\x00\x00\x00\x00\x01\x7f\xff\xff\xff",
      "\x00\x00\x01\x09\x04\x00\x00\x00\x01\x82",
    ],
    run(bytes) {
      const whole = framesOf([bytes]);
      assert.deepEqual(framesOf([...bytes].map((_, at) => bytes.subarray(at, at + 1))), whole);
    },
  },
  {
    name: "hpack",
    covers: ["/src/http/hpack"],
    seeds: ["\x82\x86\x84\x41\x0fwww.example.com", "\x40\x0acustom-key\x0ccustom-value", "\x3f\xe1\x1f\x82"],
    words: [
      "\x82",
      "\xbe",
      "\x20",
      "\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
      "\x7f\xff\xff\xff\xff\x0f",
    ],
    run(bytes) {
      const decoder = new HpackDecoder();
      let total = 0;
      const sink = {
        onField(line: Buffer, start: number, nameLength: number, valueLength: number) {
          total += nameLength + valueLength;
          assert.equal(line.latin1Slice(start + nameLength, start + nameLength + 2), ": ");
        },
      };
      decoder.decode(bytes, 0, bytes.length, sink, { bytes: Buffer.alloc(0) }, 65_536);
      assert.ok(total <= 65_536);
    },
  },
  {
    name: "proxy-header",
    covers: ["/src/identity/proxy-header", "/src/identity/address"],
    seeds: [
      "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n",
      "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x01\xbb",
    ],
    words: ["PROXY UNKNOWN\r\n", "TCP6 ::1 ::2 ", "\r\n", "\x21\x21\x00\x24"],
    run(bytes) {
      const whole = readProxyHeader(bytes);
      const part = readProxyHeader(bytes.subarray(0, cutOf(bytes)));
      if (part !== PROXY_MORE) assert.deepEqual(part, whole);
    },
  },
  {
    name: "field-values",
    covers: [
      "/src/http/accept-encoding",
      "/src/http/byte-range",
      "/src/http/http-date",
      "/src/cache/directives",
      "/src/cache/vary",
    ],
    seeds: [
      "gzip;q=0.5, br, *;q=0",
      "bytes=0-4, -5, 7-",
      "Sun, 06 Nov 1994 08:49:37 GMT",
      'max-age=60, private="a, b"',
      "Accept, *",
    ],
    words: ["q=", "bytes=", ",", "max-age=", "no-cache", '"', "s-maxage=99999999999", " GMT"],
    run(bytes) {
      const text = bytes.toString("latin1");
      readWeights(text, noWeights());
      const ranges = readRanges(text, 1000);
      if (typeof ranges !== "string")
        for (const { start, end } of ranges) assert.ok(start >= 0 && start < end && end <= 1000, text);
      const date = readHttpDate(text, 1_700_000_000);
      assert.ok(Number.isNaN(date) || Number.isInteger(date));
      const directives = readDirectives(text);
      for (const value of Object.values(directives))
        if (typeof value === "number") assert.ok(value >= -1 && value <= 2 ** 31, text);
      readVary(text);
    },
  },
];

function dechunk(pieces: readonly Buffer[]): readonly unknown[] {
  const decoder = new ChunkDecoder(true);
  decoder.reset();
  let body = "";
  let before = 0;
  for (const bytes of pieces) {
    for (let at = 0; ; at = decoder.position) {
      const result = decoder.next(bytes, at, bytes.length);
      if (result === CHUNK_BAD) return ["refused", decoder.refusal.code, body];
      if (result === CHUNK_END) return ["end", before + decoder.position, body];
      if (result === CHUNK_MORE) break;
      assert.equal(result, CHUNK_DATA);
      body += bytes.toString("latin1", decoder.dataStart, decoder.dataEnd);
    }
    before += bytes.length;
  }
  return ["more", before, body];
}

function framesOf(pieces: readonly Buffer[]): readonly string[] {
  const events: string[] = [];
  let data = "";
  let isOpen = true;
  const sink: FrameSink = {
    get takesFrames() {
      return isOpen;
    },
    onDataHead(stream, length, padding) {
      events.push(`data ${stream} ${length} ${padding}`);
      data = "";
    },
    onData: (bytes, start, end) => void (data += bytes.toString("hex", start, end)),
    onDataEnd: (flags) => void events.push(`end ${flags} ${data}`),
    onFrame: (type, flags, stream, source, start, end) =>
      void events.push(`frame ${type} ${flags} ${stream} ${source.toString("hex", start, end)}`),
    onFrameFault(code) {
      events.push(`fault ${code}`);
      isOpen = false;
    },
  };
  const input = new Http2Input(sink);
  // A connection that broke a rule is read no further.
  for (const piece of pieces) if (isOpen) input.read(Buffer.from(piece), piece.length);
  return events;
}
