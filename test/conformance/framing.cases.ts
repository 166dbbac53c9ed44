import { type Case, chunked, get, head, post } from "./case.ts";

const hello = "5\r\nhello\r\n0\r\n\r\n";
const refusal = (id: string, reason: string, bytes: string, refused = 400): Case => ({
  id,
  bytes,
  refused,
  reason,
});
const lengths = (id: string, reason: string, ...values: string[]): Case[] =>
  values.map((value) => refusal(id, reason, post("hello", `Content-Length: ${value}`)));
const codings = (id: string, reason: string, refused: number, ...values: string[]): Case[] =>
  values.map((value) => refusal(id, reason, post(hello, `Transfer-Encoding: ${value}`), refused));
const reframed = (
  id: string,
  bytes: string,
  framing: string,
  body: string,
  line = "POST /x HTTP/1.1",
): Case => ({
  id,
  bytes,
  line,
  has: [framing],
  lacks: [framing.startsWith("Content-Length") ? "transfer-encoding" : "content-length"],
  body,
});

/** RFC 9112 §6. */
export const framingCases: readonly Case[] = [
  refusal("FR1", "cl_te", post(hello, "Content-Length: 5", "Transfer-Encoding: chunked")),
  refusal("FR1", "cl_te", post(hello, "Transfer-Encoding: chunked", "Content-Length: 5")),
  refusal("FR1", "cl_te", post(hello, "Transfer-Encoding: chunked", "X: 1", "content-length: 0")),
  refusal("FR2", "cl", post("hello", "Content-Length: 5", "Content-Length: 5")),
  refusal("FR2", "cl", post("hello", "Content-Length: 5", "Content-Length: 6")),
  ...lengths("FR2", "cl", "5, 5", "5,5", "5,6"),
  ...lengths("FR3", "cl", "+5", "-5", "0x5", "0_5", "5x", "5 5", "", "5.0", "5e0", '"5"'),
  ...lengths("FR3", "value_char", "\x0b5", "5\x0b"),
  ...lengths("FR3", "value_8bit", "\xa05", "\xb2"),
  ...lengths("FR4", "cl", "005", "00"),
  ...lengths("FR5", "body_cap", "9007199254740993", "1048577").map((one) => ({ ...one, refused: 413 })),
  ...lengths("FR6", "cl", "18446744073709551621", "1".repeat(400)),
  refusal("FR7", "field_syntax", post("hello", "Content-Length : 5")),
  refusal("FR7", "field_syntax", post(hello, "Transfer-Encoding : chunked")),
  reframed("FR8", `${get("/x", "Content-Length: 5")}hello`, "Content-Length: 5", "hello", "GET /x HTTP/1.1"),
  reframed(
    "FR8",
    get("/x", "Transfer-Encoding: chunked") + hello,
    "Transfer-Encoding: chunked",
    "hello",
    "GET /x HTTP/1.1",
  ),
  reframed(
    "FR8",
    `${head("DELETE /x HTTP/1.1", "Host: a.test", "Content-Length: 5")}hello`,
    "Content-Length: 5",
    "hello",
    "DELETE /x HTTP/1.1",
  ),
  reframed("FR9", post(""), "Content-Length: 0", ""),
  { id: "FR9", bytes: get("/x"), line: "GET /x HTTP/1.1", lacks: ["content-length", "transfer-encoding"] },
  ...codings("FR10", "te", 501, "identity", "gzip", "xchunked", "chunkedx"),
  ...codings("FR10", "te", 501, "chunked;q=1", "chunked;"),
  ...codings("FR10", "te_syntax", 400, '"chunked"', ""),
  ...codings("FR10", "value_char", 400, "\x0bchunked", "chunked\x0b", "chunked\x00"),
  ...codings("FR10", "value_8bit", 400, "\xa0chunked", "chunked\xa0"),
  ...codings("FR11", "te", 501, "gzip, chunked", "identity, chunked"),
  ...codings("FR12", "te_syntax", 400, ",chunked", "chunked,", ", chunked"),
  ...codings("FR13", "te_syntax", 400, "chunked, gzip", "chunked, chunked", "chunked chunked"),
  refusal("FR13", "te_syntax", post(hello, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
  refusal("FR13", "te_syntax", post(hello, "Transfer-Encoding: chunked", "Transfer-Encoding: cow")),
  refusal("FR13", "te_syntax", post(hello, "Transfer-Encoding: cow", "Transfer-Encoding: chunked")),
  reframed("FR14", post(hello, "Transfer-Encoding: CHUNKED"), "Transfer-Encoding: chunked", "hello"),
  reframed("FR14", post(hello, "tRANSFER-eNCODING:\tchunked "), "Transfer-Encoding: chunked", "hello"),
  reframed("FR14", post(hello, "Transfer-Encoding: chunked\t"), "Transfer-Encoding: chunked", "hello"),
  refusal(
    "FR15",
    "te_http10",
    `POST /x HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${hello}`,
  ),
  refusal("FR16", "underscore", post(hello, "Transfer_Encoding: chunked", "Content-Length: 5")),
  {
    id: "FR22",
    bytes: get(
      "/x",
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAAQAAP__",
    ),
    line: "GET /x HTTP/1.1",
    lacks: ["upgrade", "http2-settings", "connection"],
  },
  // An upgrade that is not served is a plain request (RFC 9110 §7.8), with its body.
  {
    ...reframed(
      "FR22",
      post("hello", "Content-Length: 5", "Connection: Upgrade", "Upgrade: x"),
      "Content-Length: 5",
      "hello",
    ),
    lacks: ["upgrade", "connection"],
  },
  // A chunked body over the cap in all, and exactly the cap (max_body_mb = 1).
  {
    ...refusal("CH20", "body_cap", chunked(`100001\r\n${"x".repeat(0x100001)}\r\n0\r\n\r\n`), 413),
    upstream: "unfinished",
  },
  reframed(
    "CH20",
    chunked(`100000\r\n${"x".repeat(0x100000)}\r\n0\r\n\r\n`),
    "Transfer-Encoding: chunked",
    "x".repeat(0x100000),
  ),
];
