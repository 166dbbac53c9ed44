import { type Case, chunked } from "./case.ts";

const cut = (id: string, reason: string, chunks: string, refused = 400): Case => ({
  id,
  bytes: chunked(chunks),
  refused,
  reason,
  upstream: "unfinished",
});
const sizes = (id: string, ...lines: string[]): Case[] =>
  lines.map((line) => cut(id, "chunk", `${line}\r\nhello\r\n0\r\n\r\n`));
const passes = (id: string, chunks: string, body: string, lacks: readonly string[] = []): Case => ({
  id,
  bytes: chunked(chunks),
  line: "POST /x HTTP/1.1",
  has: ["Transfer-Encoding: chunked"],
  lacks: ["content-length", "trailer", ...lacks],
  body,
});

/** RFC 9112 §7.1. */
export const chunkedCases: readonly Case[] = [
  ...sizes("CH1", "0x5", "+5", "-5", "0_5", "5x", "", " 5", "\t5", "g"),
  ...sizes("CH2", "5 ", "5\t", "5 ;a"),
  passes("CH3", "5;a=b\r\nhello\r\n0\r\n\r\n", "hello"),
  passes("CH3", '5;a="b c";d\r\nhello\r\n0;z=1\r\n\r\n', "hello"),
  cut("CH3", "chunk_ext", `5;a=${"b".repeat(300)}\r\nhello\r\n0\r\n\r\n`),
  ...['5;a="\r\n"', '5;a="\n"', "5;a\rb", "5;a\nb"].map((line) =>
    cut("CH4", "chunk", `${line}\r\nhello\r\n0\r\n\r\n`),
  ),
  cut("CH5", "chunk_ext", `5;a=${"b".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`),
  cut("CH6", "chunk", "5\nhello\r\n0\r\n\r\n"),
  cut("CH7", "chunk", "5\r\nhello\n0\r\n\r\n"),
  cut("CH7", "chunk", "5\r\nhello\r0\r\n\r\n"),
  cut("CH7", "chunk", "5\r\nhelloXX0\r\n\r\n"),
  cut("CH7", "chunk", "5\r\nhello\rX0\r\n\r\n"),
  cut("CH7", "chunk", "5\rXhello\r\n0\r\n\r\n"),
  cut("CH7", "chunk", "5\r\nhello\r\n0\rX\r\n"),
  cut("CH7", "chunk", "5\r\nhello\r\n0\r\n\rX"),
  cut("CH7", "trailer_syntax", "5\r\nhello\r\n0\r\nX: 1\rY\r\n"),
  cut("CH8", "trailer_syntax", "5\r\nhello\r\n0\r\nXX\r\n\r\n"),
  cut("CH8", "body_timeout", "5\r\nhello\r\n0\r\nXX", 408),
  cut("CH9", "chunk", "0\n\n"),
  cut("CH10", "chunk", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
  cut("CH11", "body_cap", "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", 413),
  passes("CH12", "00000000000000005\r\nhello\r\n0\r\n\r\n", "hello"),
  passes("CH12", "5\r\nhello\r\n000\r\n\r\n", "hello"),
  passes("CH12", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"),
  cut("CH13", "chunk", "5\r\nhello!\r\n0\r\n\r\n"),
  cut("CH14", "chunk_tiny", `${"1\r\nx\r\n".repeat(3000)}0\r\n\r\n`),
  passes("CH15", "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", "hello", ["x-t"]),
  cut("CH16", "trailer_syntax", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
  cut("CH16", "trailer_syntax", "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
  passes(
    "CH17",
    "5\r\nhello\r\n0\r\nHost: evil\r\nAuthorization: x\r\nCookie: a=1\r\nX-Forwarded-For: 1.1.1.1\r\nContent-Type: a/b\r\n\r\n",
    "hello",
    ["authorization", "cookie", "content-type"],
  ),
  cut("CH18", "trailer_syntax", "5\r\nhello\r\n0\r\nnocolon\r\n\r\n"),
  cut("CH18", "trailer_syntax", "5\r\nhello\r\n0\r\nX : 1\r\n\r\n"),
  cut("CH18", "trailer_syntax", "5\r\nhello\r\n0\r\nX: \x00\r\n\r\n"),
  cut("CH18", "trailer_bytes", `5\r\nhello\r\n0\r\nX: ${"y".repeat(20_000)}\r\n\r\n`, 431),
];
