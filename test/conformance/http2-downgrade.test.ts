import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { startEdge } from "../support/edge.ts";
import {
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  get,
  HEADERS,
  head,
  openFrames,
  request,
} from "../support/h2-frames.ts";
import { type HazardOrigin, startHazardOrigin } from "../support/hazard-origin.ts";
import { askRaw } from "./bench.ts";

// HTTP/2 has lengths where HTTP/1.1 has line ends, so every byte can stand everywhere. Whatever a client sends, what an
// HTTP/1.1 upstream gets is one message that can be read in one way, or nothing.

const post = head("POST", "/x");
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

const one = (...fields: Fields): Uint8Array => request(1, get("/x", ...fields));
const withBody = (body: string, ...fields: Fields): Uint8Array => request(1, [...post, ...fields], body);
const pseudo = (name: string, value: string): Uint8Array =>
  request(
    1,
    get("/x").map(([at, was]) => [at, at === name ? value : was] as const),
  );

const cases: readonly (readonly [title: string, send: Uint8Array])[] = [
  // Header injection.
  ["CRLF and a field in a value", one(["x-a", "1\r\nx-injected: 1"])],
  ["LF and a field in a value", one(["x-a", "1\nx-injected: 1"])],
  ["CR and a field in a value", one(["x-a", "1\rx-injected: 1"])],
  ["a whole request in a value", one(["x-a", `1\r\n\r\n${smuggled}`])],
  ["NUL in a value", one(["x-a", "1\0x"])],
  ["CRLF and a field in a name", one(["x-a: 1\r\nx-injected", "1"])],
  ["a colon in a name", one(["x-injected: 1", "1"])],
  ["a space in a name", one(["x-injected ", "1"])],
  ["a tab in front of a name", one(["\tx-injected", "1"])],
  ["an empty name", one(["", "x-injected: 1"])],
  ["a name in upper case", one(["X-Injected", "1"])],
  ["a value that folds", one(["x-a", "1\r\n x-injected: 1"])],
  ["CRLF in a cookie crumb", one(["cookie", "a=1"], ["cookie", "b=2\r\nx-injected: 1"])],
  // Transfer-Encoding.
  ["transfer-encoding: chunked", withBody(`0\r\n\r\n${smuggled}`, ["transfer-encoding", "chunked"])],
  [
    "transfer-encoding beside a length",
    withBody(`0\r\n\r\n${smuggled}`, ["transfer-encoding", "chunked"], ["content-length", "0"]),
  ],
  ["transfer-encoding in upper case", withBody("0\r\n\r\n", ["Transfer-Encoding", "chunked"])],
  ["transfer-encoding behind a space", withBody("0\r\n\r\n", [" transfer-encoding", "chunked"])],
  ["transfer-encoding with a colon", withBody("0\r\n\r\n", ["transfer-encoding:", "chunked"])],
  ["transfer_encoding", withBody("0\r\n\r\n", ["transfer_encoding", "chunked"])],
  ["transfer-encoding in a value", withBody("0\r\n\r\n", ["x-a", "1\r\ntransfer-encoding: chunked"])],
  [
    "transfer-encoding behind a vertical tab",
    withBody("0\r\n\r\n", ["x-a", "1\x0btransfer-encoding: chunked"]),
  ],
  ["a chunked end inside a body", withBody(`5\r\nhello\r\n0\r\n\r\n${smuggled}`)],
  // Content-Length.
  ["a length shorter than the body", withBody(`ab${smuggled}`, ["content-length", "2"])],
  ["a length longer than the body", withBody("abc", ["content-length", "99"])],
  ["a length of 0 with a body", withBody(smuggled, ["content-length", "0"])],
  ["a length without a body", one(["content-length", "43"])],
  ["two equal lengths", withBody("ab", ["content-length", "2"], ["content-length", "2"])],
  ["two lengths", withBody("ab", ["content-length", "2"], ["content-length", "0"])],
  ["a list of lengths", withBody("ab", ["content-length", "2, 2"])],
  ["a signed length", withBody("ab", ["content-length", "+2"])],
  ["a length in hexadecimal", withBody("ab", ["content-length", "0x2"])],
  ["an empty length", withBody("ab", ["content-length", ""])],
  ["a length with CRLF", withBody("ab", ["content-length", "2\r\nx-injected: 1"])],
  ["content_length", withBody("ab", ["content_length", "0"])],
  ["a length in a GET", request(1, [...get("/x"), ["content-length", "43"]], smuggled)],
  // Request line.
  [":path with a request line", pseudo(":path", `/x HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`)],
  [":path with a space", pseudo(":path", "/x HTTP/1.1")],
  [":path with CRLF", pseudo(":path", "/x\r\nx-injected: 1")],
  [":path with LF", pseudo(":path", "/x\nx-injected: 1")],
  [":path with NUL", pseudo(":path", "/x\0")],
  [":path without a slash", pseudo(":path", "x")],
  [":path that is empty", pseudo(":path", "")],
  [":path with another authority", pseudo(":path", "@evil.test/x")],
  [":path in absolute form", pseudo(":path", "http://evil.test/x")],
  [":path with two slashes", pseudo(":path", "//evil.test/x")],
  [":path with a fragment", pseudo(":path", "/x#y")],
  [":path with dots", pseudo(":path", "/a/../../smuggled")],
  [":path with encoded CRLF", pseudo(":path", "/x%0d%0ax-injected:%201")],
  [":method with a request line", pseudo(":method", `GET /smuggled HTTP/1.1\r\nx-a: 1\r\n\r\nGET`)],
  [":method with a space", pseudo(":method", "GET /smuggled")],
  [":method CONNECT", pseudo(":method", "CONNECT")],
  [":scheme with a URL", pseudo(":scheme", "https://evil.test/smuggled?")],
  [":scheme with CRLF", pseudo(":scheme", "https\r\nx-injected: 1")],
  [":authority with CRLF", pseudo(":authority", "localhost\r\nx-injected: 1")],
  [":authority with a user", pseudo(":authority", "localhost@evil.test")],
  [":authority with a path", pseudo(":authority", "localhost/smuggled")],
  ["two paths", request(1, [[":path", "/smuggled"], ...get("/x")])],
  ["a path behind a field", request(1, [...get("/x"), [":path", "/smuggled"]])],
  // Fields of a hop.
  ["connection that names a field", one(["connection", "authorization, x-a"], ["x-a", "1"])],
  ["connection: close", one(["connection", "close"])],
  ["keep-alive", one(["keep-alive", "timeout=99"])],
  ["proxy-connection", one(["proxy-connection", "keep-alive"])],
  ["upgrade: h2c", one(["upgrade", "h2c"], ["http2-settings", "AAAA"])],
  ["te: chunked", one(["te", "trailers, chunked"])],
  ["host beside :authority", one(["host", "evil.test"])],
  ["two hosts", one(["host", "localhost"], ["host", "localhost"])],
  // Bodies.
  ["a request in a body of no length", withBody(smuggled)],
  ["an empty body", request(1, post, "")],
  [
    "trailers that frame",
    Buffer.concat([
      frame(HEADERS, END_HEADERS, 1, block(post)),
      frame(DATA, 0, 1, Buffer.from("abc")),
      frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        block([
          ["content-length", "99"],
          ["x-a", "1\r\nx-injected: 1"],
        ]),
      ),
    ]),
  ],
];

function check(origin: HazardOrigin, title: string): void {
  for (const { raw, target, fields, hazards } of origin.messages) {
    const about = `${title}: ${JSON.stringify(raw)}`;
    assert.deepEqual(hazards, [], about);
    assert.ok(
      (!target.startsWith("/smuggled") && !target.includes("evil.test/")) || target.startsWith("//"),
      about,
    );
    for (const [name] of fields)
      assert.ok(
        !/^(x-injected|connection|keep-alive|proxy-connection|upgrade|te|http2-settings)$/.test(name),
        about,
      );
    assert.equal(fields.find(([name]) => name === "host")?.[1], "localhost", about);
  }
}

test("the origin sees each hazard that it looks for", async (t) => {
  const origin = await startHazardOrigin(t);
  const hazards: readonly (readonly [hazard: string, message: string])[] = [
    ["ctl", "GET / HTTP/1.1\r\nHost: a\r\nx: 1\n2\r\n\r\n"],
    ["fold", "GET / HTTP/1.1\r\nHost: a\r\n x: 1\r\n\r\n"],
    ["name", "GET / HTTP/1.1\r\nHost: a\r\nx : 1\r\n\r\n"],
    ["nocolon", "GET / HTTP/1.1\r\nHost: a\r\nx\r\n\r\n"],
    [
      "cl+te",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["cl", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n"],
    ["te", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n"],
    ["lookalike", "GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n"],
    ["line", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["host", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"],
    ["extra", "GET / HTTP/1.1\r\nHost: a\r\n\r\nG"],
  ];
  for (const [hazard, message] of hazards) {
    await askRaw(origin.port, message);
    await origin.settled();
    assert.deepEqual(origin.messages.at(-1)?.hazards, [hazard]);
  }
});

test("nothing in an HTTP/2 message becomes anything else in the HTTP/1.1 message that is made of it", async (t) => {
  const origin = await startHazardOrigin(t);
  const edge = await startEdge(config(origin.port), { tlsNames: [], tls: 'alpn = ["h2"]' });
  t.after(() => edge.stop());
  for (const [title, send] of cases) {
    await t.test(title, async () => {
      const client = await openFrames(edge.tlsPort);
      client.send(send);
      await client.outcome(1);
      client.end();
      await origin.settled();
      check(origin, title);
    });
  }
  // A plain request shows that the others were looked at where they would have come.
  const before = origin.messages.length;
  const client = await openFrames(edge.tlsPort);
  client.send(withBody("hello", ["content-length", "5"]));
  assert.equal(await client.outcome(1), "200");
  client.end();
  await origin.settled();
  assert.equal(origin.messages.length, before + 1);
  assert.ok(origin.messages.at(-1)!.isWhole);
});

test("nor do random bytes anywhere in it", async (t) => {
  const origin = await startHazardOrigin(t);
  const edge = await startEdge(config(origin.port), { tlsNames: [], tls: 'alpn = ["h2"]' });
  t.after(() => edge.stop());
  const piece = fc.oneof(
    fc.constantFrom(
      "\r\n",
      "\n",
      "\r",
      "\0",
      " ",
      "\t",
      ":",
      ": ",
      ",",
      ";",
      "/",
      "chunked",
      "0",
      "5",
      "x-a",
    ),
    fc.constantFrom(
      "transfer-encoding",
      "content-length",
      "host",
      "connection",
      "GET /smuggled HTTP/1.1",
      "#",
    ),
    fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  );
  const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
  const name = fc.oneof(fc.constantFrom("content-length", "transfer-encoding", "te", "cookie", "x-b"), text);
  const message = fc.record({
    path: fc.oneof(
      fc.constant("/x"),
      text.map((tail) => `/x${tail}`),
    ),
    method: fc.constantFrom("GET", "POST", "PUT"),
    fields: fc.array(fc.tuple(name, text), { maxLength: 4 }),
    body: fc.option(text, { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(message, async ({ path, method, fields, body }) => {
      const client = await openFrames(edge.tlsPort);
      client.send(request(1, head(method, path, ...fields), body));
      await client.outcome(1);
      client.end();
      await origin.settled();
      for (const { raw, hazards } of origin.messages) assert.deepEqual(hazards, [], JSON.stringify(raw));
    }),
    { numRuns: 150 },
  );
});

function config(originPort: number): string {
  return `
[server]
http_mode = "serve"
body_idle_timeout_ms = 1000
[upstream.app]
url = "http://127.0.0.1:${originPort}"
preserve_host = true
[[route]]
path = "/{*rest}"
upstream = "app"
waf = false
`;
}
