import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  get,
  HEADERS,
  head,
  RST_STREAM,
  request,
  uint32,
} from "../support/h2-frames.ts";

/** Outcomes: a status, `reset CODE`, `goaway CODE`. RFC 9113 §8.1.1 leaves the choice. 1 is PROTOCOL_ERROR. */
export interface MessageCase {
  readonly id: string;
  readonly title: string;
  readonly send: Uint8Array;
  readonly outcome: string;
  /** What must have been counted, beside nothing reaching the origin. */
  readonly reason?: string;
}

const post: Fields = head("POST", "/x");
const withField = (name: string, value: string): Uint8Array => request(1, get("/x", [name, value]));
const withPath = (path: string): Uint8Array => request(1, get(path));
const without = (name: string): Uint8Array =>
  request(
    1,
    get("/x").filter(([given]) => given !== name),
  );
const withAuthority = (authority: string, ...more: Fields): Uint8Array =>
  request(1, [[":method", "GET"], [":scheme", "https"], [":authority", authority], [":path", "/x"], ...more]);
const withMethod = (method: string): Uint8Array => request(1, head(method, "/x"));
const withScheme = (scheme: string): Uint8Array =>
  request(
    1,
    get("/x").map(([name, value]) => [name, name === ":scheme" ? scheme : value] as const),
  );
const withBody = (length: string, body: string): Uint8Array =>
  request(1, head("POST", "/x", ["content-length", length]), body);

function refused(id: string, title: string, send: Uint8Array, outcome: string, reason?: string): MessageCase {
  return { id, title, send, outcome, ...(reason === undefined ? {} : { reason }) };
}

/** Heads that are refused: malformed ones (RFC 9113 §8.1.1) by a reset, what this gateway does not take by a status. */
export const headRefusals: readonly MessageCase[] = [
  refused("H2-1", "an upper-case name", withField("X-A", "1"), "reset 1", "h2_head"),
  refused("H2-5", "a value with CRLF", withField("x-bad", "1\r\nx-injected: 1"), "reset 1", "h2_head"),
  refused("H2-5", "a value with LF", withField("x-bad", "1\nx-injected: 1"), "reset 1", "h2_head"),
  refused("H2-5", "a value with NUL", withField("x-bad", "1\0injected"), "reset 1", "h2_head"),
  refused("H2-5", "a value with a control", withField("x-bad", "1\x01injected"), "reset 1", "h2_head"),
  refused("H2-5", "a value with a space in front", withField("x-bad", " 1"), "reset 1", "h2_head"),
  refused("H2-5", "a value with a tab behind", withField("x-bad", "1\t"), "reset 1", "h2_head"),
  refused("H2-6", "a name with a colon", withField("x-bad: 1", "2"), "reset 1", "h2_head"),
  refused("H2-6", "a name with a space", withField("x bad", "2"), "reset 1", "h2_head"),
  refused("H2-6", "a name with CRLF", withField("x-bad\r\nx-injected", "2"), "reset 1", "h2_head"),
  refused("H2-6", "an empty name", withField("", "2"), "reset 1", "h2_head"),
  refused("H2-6", "a name with 8 bits", withField("x-b\xe9d", "2"), "reset 1", "h2_head"),
  refused(
    "H2-6",
    "transfer-encoding with a space behind it",
    request(1, [...post, ["transfer-encoding ", "chunked"]], "abc"),
    "reset 1",
    "h2_head",
  ),
  refused("H2-2", "connection", withField("connection", "close"), "reset 1", "h2_head"),
  refused("H2-2", "connection that nominates", withField("connection", "x-a"), "reset 1"),
  refused("H2-2", "keep-alive", withField("keep-alive", "timeout=5"), "reset 1"),
  refused("H2-2", "proxy-connection", withField("proxy-connection", "close"), "reset 1"),
  refused("H2-2", "upgrade", withField("upgrade", "h2c"), "reset 1"),
  refused("H2-2", "transfer-encoding", withField("transfer-encoding", "chunked"), "reset 1"),
  refused("H2-2", "te: gzip", withField("te", "gzip"), "reset 1"),
  refused(
    "H2-8",
    "an imitated forwarding field",
    withField("x_forwarded_for", "1.2.3.4"),
    "400",
    "underscore",
  ),
  refused(
    "H2-8",
    "an imitated framing field",
    withField("transfer_encoding", "chunked"),
    "400",
    "underscore",
  ),
  refused(
    "H2-9",
    "host is not :authority",
    withAuthority("localhost", ["host", "b.test"]),
    "400",
    "authority_mismatch",
  ),
  refused("H2-11", "neither host nor :authority", without(":authority"), "reset 1"),
  refused(
    "H2-11",
    "two hosts",
    request(1, [
      [":method", "GET"],
      [":scheme", "https"],
      [":path", "/x"],
      ["host", "a.test"],
      ["host", "a.test"],
    ]),
    "reset 1",
  ),
  refused("H2-11", "userinfo", withAuthority("me@localhost"), "reset 1"),
  refused("H2-11", "a slash in :authority", withAuthority("localhost/x"), "reset 1"),
  refused("H2-11", "a space in :authority", withAuthority("local host"), "reset 1"),
  refused("H2-11", "CRLF in :authority", withAuthority("a\r\nx: y"), "reset 1"),
  refused("H2-11", "an empty :authority", withAuthority(""), "reset 1"),
  refused("H2-12", ":path without slash", withPath("x"), "reset 1"),
  refused("H2-12", "an empty :path", withPath(""), "reset 1"),
  refused("H2-12", "* with GET", withPath("*"), "reset 1"),
  refused("H2-12", "an absolute URL", withPath("http://localhost/x"), "reset 1"),
  refused("H2-12", "a space in :path", withPath("/a b"), "reset 1"),
  refused("H2-12", "a request line in :path", withPath("/a HTTP/1.1\r\nx: y"), "reset 1"),
  refused("H2-12", "NUL in :path", withPath("/a\0"), "reset 1"),
  refused("H2-12", "a control in :path", withPath("/a\x01"), "reset 1"),
  refused("H2-12", ":path missing", without(":path"), "reset 1"),
  refused("H2-13", "a fragment in :path", withPath("/a#b"), "400", "fragment"),
  refused("H2-13", "a backslash in :path", withPath("/a\\b"), "400", "backslash"),
  refused("H2-13", "a raw byte in :path", withPath("/a\xe9"), "400", "target_char"),
  refused("H2-13", "an encoded dot segment", withPath("/a/%2e%2e/%2e%2e/b"), "400"),
  refused("H2-13", "an encoded NUL", withPath("/a%00"), "400", "path_control"),
  refused("H2-14", "a space in :method", withMethod("GE T"), "reset 1"),
  refused("H2-14", "CRLF in :method", withMethod("GET / HTTP/1.1\r\nx: y\r\n\r\nGET"), "reset 1"),
  refused("H2-14", "an empty :method", withMethod(""), "reset 1"),
  refused("H2-14", ":method missing", without(":method"), "reset 1"),
  refused("H2-15", "a lower-case method", withMethod("get"), "400", "method_syntax"),
  refused("H2-15", "an unknown method", withMethod("FOO"), "501", "method_unknown"),
  refused("H2-15", "TRACE", withMethod("TRACE"), "405", "method"),
  refused("H2-15", "the preface's method", withMethod("PRI"), "501", "method_unknown"),
  refused(
    "H2-16",
    "CONNECT",
    request(1, [
      [":method", "CONNECT"],
      [":authority", "127.0.0.1:22"],
    ]),
    "405",
    "method",
  ),
  refused("H2-16", "CONNECT with a path", withMethod("CONNECT"), "reset 1"),
  refused(
    "H2-17",
    "an extended CONNECT",
    request(1, head("CONNECT", "/x", [":protocol", "websocket"])),
    "reset 1",
  ),
  refused("H2-18", "scheme ftp", withScheme("ftp"), "400", "scheme"),
  refused("H2-18", "scheme http over TLS", withScheme("http"), "400", "scheme"),
  refused("H2-19", "a scheme that is a URL", withScheme("https://a/"), "reset 1"),
  refused("H2-19", "scheme missing", without(":scheme"), "reset 1"),
  refused("H2-20", "a pseudo-field twice", request(1, [[":path", "/y"], ...get("/x")]), "reset 1"),
  refused("H2-20", "a pseudo-field behind a field", request(1, [["x-a", "1"], ...get("/x")]), "reset 1"),
  refused("H2-20", "an unknown pseudo-field", request(1, head("GET", "/x", [":host", "a"])), "reset 1"),
  refused("H2-20", ":status in a request", request(1, head("GET", "/x", [":status", "200"])), "reset 1"),
  refused("H2-22", "content-length with END_STREAM", withField("content-length", "5"), "reset 1"),
  refused(
    "H2-22",
    "two content-lengths",
    request(1, [...post, ["content-length", "2"], ["content-length", "2"]], "ab"),
    "reset 1",
  ),
  refused("H2-22", "content-length 5x", withBody("5x", "abcde"), "reset 1"),
  refused("H2-22", "content-length +5", withBody("+5", "abcde"), "reset 1"),
  refused("H2-5", "content-length with CRLF", withBody("0\r\nx-injected: 1", "abc"), "reset 1"),
  refused("H2-23", "content-length 005", withBody("005", "abcde"), "400", "cl"),
  refused(
    "H2-23",
    "two authorizations",
    request(1, get("/x", ["authorization", "a"], ["authorization", "b"])),
    "400",
    "singleton_dup",
  ),
  refused(
    "H2-23",
    "two content-types",
    request(1, [...post, ["content-type", "a/b"], ["content-type", "a/c"]], "x"),
    "400",
    "singleton_dup",
  ),
  refused(
    "H2-24",
    "200 cookie crumbs",
    request(1, get("/x", ...many("cookie", 200))),
    "431",
    "cookie_crumbs",
  ),
  refused("H2-27", "65 fields", request(1, get("/x", ...many("x-a", 65))), "431", "header_count"),
  refused(
    "H2-27",
    "a head too large",
    continued(get("/x", ...many("x-a", 25, "v".repeat(1000)))),
    "431",
    "header_bytes",
  ),
  refused("H2-27", "far too many fields", request(1, get("/x", ...many("x-a", 250))), "431", "header_count"),
  refused(
    "H2-23",
    "a value too large",
    request(1, get("/x", ["x-a", "v".repeat(9000)])),
    "431",
    "header_value",
  ),
  refused(
    "H2-24",
    "cookie crumbs that are too large together",
    request(1, get("/x", ...many("cookie", 100, "v".repeat(100)))),
    "431",
    "header_value",
  ),
  refused(
    "H2-23",
    "expect other than 100-continue",
    request(1, [...post, ["expect", "y"]], "x"),
    "417",
    "expect",
  ),
];

function many(name: string, count: number, value = "v"): Fields {
  return Array.from(
    { length: count },
    (_, at) => [name === "cookie" ? name : `${name}${at}`, value] as const,
  );
}

/** One head in two frames. */
function continued(fields: Fields): Uint8Array {
  const bytes = block(fields);
  return Buffer.concat([
    frame(HEADERS, END_STREAM, 1, bytes.subarray(0, 16_000)),
    frame(CONTINUATION, END_HEADERS, 1, bytes.subarray(16_000)),
  ]);
}

/** Bodies that are not what was said of them: no origin may see a whole request. In steps, as they are sent. */
export const bodyFaults: readonly (readonly [title: string, ...send: Uint8Array[]])[] = [
  ["H2-21: content-length shorter than the data", withBody("2", "abcdefgh")],
  ["H2-22: content-length longer than the data", withBody("9", "abc")],
  [
    "reset with NO_ERROR inside the body",
    frame(HEADERS, END_HEADERS, 1, block([...post])),
    frame(DATA, 0, 1, Buffer.from("GET /smuggled HTTP/1.1")),
    frame(RST_STREAM, 0, 1, uint32(0)),
  ],
  [
    "reset with CANCEL inside the body",
    frame(HEADERS, END_HEADERS, 1, block([...post, ["content-length", "100"]])),
    frame(DATA, 0, 1, Buffer.from("half")),
    frame(RST_STREAM, 0, 1, uint32(8)),
  ],
  ["H2-25: trailers with a pseudo-field", ...withTrailers([[":path", "/y"]])],
  ["H2-26: trailers with content-length", ...withTrailers([["content-length", "99"]])],
  ["H2-25: trailers with te", ...withTrailers([["te", "gzip"]])],
  ["H2-25: trailers without END_STREAM", ...withTrailers([["x-t", "1"]], END_HEADERS)],
];

function withTrailers(trailers: Fields, flags = END_HEADERS | END_STREAM): Uint8Array[] {
  return [
    Buffer.concat([frame(HEADERS, END_HEADERS, 1, block(post)), frame(DATA, 0, 1, Buffer.from("abc"))]),
    frame(HEADERS, flags, 1, block(trailers)),
  ];
}

export interface PassedCase {
  readonly title: string;
  readonly send: readonly Uint8Array[];
  /** Of the head at the origin, as printed. */
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
  readonly body?: string;
}

/** Messages that are passed on, and say the same at the origin. */
export const passedMessages: readonly PassedCase[] = [
  {
    title: "a plain GET",
    send: [request(1, get("/x?q=1"))],
    has: [/^GET \/x\?q=1 HTTP\/1\.1\r\n/, /\r\nX-Forwarded-Host: localhost\r\n/, /\r\nVia: 2\.0 /],
  },
  {
    title: "H2-3: te: trailers is not passed on as it is",
    send: [withField("te", "trailers")],
    lacks: [/^te: gzip/im],
  },
  {
    title: "H2-4: http2-settings is removed",
    send: [withField("http2-settings", "AAMAAABk")],
    lacks: [/http2-settings/i],
  },
  {
    title: "H2-10: host alone names the target",
    send: [
      request(1, [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "/x"],
        ["host", "a.test:444"],
      ]),
    ],
    has: [/\r\nX-Forwarded-Host: a\.test:444\r\n/],
  },
  {
    title: "host beside the same :authority",
    send: [withAuthority("localhost", ["host", "LOCALHOST"])],
    has: [/\r\nX-Forwarded-Host: localhost\r\n/],
  },
  { title: "H2-8: odd names are dropped", send: [withField("__proto__", "1")], lacks: [/__proto__/] },
  {
    title: "H2-24: cookie crumbs become one field",
    send: [request(1, get("/x", ["cookie", "a=1"], ["x-a", "b"], ["cookie", "c=2"], ["cookie", "d=3"]))],
    has: [/\r\ncookie: a=1; c=2; d=3\r\n/],
  },
  {
    title: "46 cookie crumbs, as browsers send them",
    send: [request(1, get("/x", ...many("cookie", 46, "k=v")))],
    has: [/cookie: (k=v; ){45}k=v\r\n/],
  },
  {
    title: "a body without a length is chunked anew",
    send: [request(1, post, "abc")],
    has: [/\r\nTransfer-Encoding: chunked\r\n/],
    lacks: [/content-length/i],
    body: "abc",
  },
  {
    title: "a body with its length",
    send: [withBody("3", "abc")],
    has: [/\r\nContent-Length: 3\r\n/],
    lacks: [/transfer-encoding/i],
    body: "abc",
  },
  {
    title: "bytes that look like a request stay in their body",
    send: [request(1, post, "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")],
    body: "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
  },
  { title: "an empty body", send: [request(1, post, "")], body: "" },
  {
    title: "padded DATA",
    send: [
      frame(HEADERS, END_HEADERS, 1, block(post)),
      frame(DATA, END_STREAM | 8, 1, Buffer.from("\x03abc\0\0\0")),
    ],
    body: "abc",
  },
  {
    title: "H2-26: trailers that frame or authenticate go no further",
    send: withTrailers([
      ["authorization", "x"],
      ["host", "b.test"],
      ["x-forwarded-for", "10.0.0.1"],
      ["x_real_ip", "10.0.0.1"],
    ]),
    lacks: [/authorization/i, /b\.test/, /10\.0\.0\.1/],
    body: "abc",
  },
];
