/** An answer that no origin should give, and the fault that the log names. Ids: the catalogue's FR25. */
export interface GarbageCase {
  readonly title: string;
  readonly answer: string;
  /** What the origin does after it. */
  readonly after: "keep" | "end" | "reset";
  /**
   * `invalid`: the head itself is refused, so the client gets 502. `cut`: the head was fine and has been passed on;
   * the answer must be cut. `exact`: the answer is whole and passed on, and what follows it is thrown away.
   */
  readonly outcome: "invalid" | "cut" | "exact";
}

const whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const head = (...lines: readonly string[]): string => `HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n`;
const invalid = (title: string, answer: string): GarbageCase => ({
  title,
  answer,
  after: "keep",
  outcome: "invalid",
});
const hello = "5\r\nhello\r\n0\r\n\r\n";

export const garbageOriginCases: readonly GarbageCase[] = [
  invalid(
    "Content-Length and Transfer-Encoding",
    `${head("Content-Length: 5", "Transfer-Encoding: chunked")}${hello}`,
  ),
  invalid("Transfer-Encoding: chunked, gzip", `${head("Transfer-Encoding: chunked, gzip")}${hello}`),
  invalid("Transfer-Encoding: gzip", `${head("Transfer-Encoding: gzip")}${hello}`),
  invalid(
    "Transfer-Encoding twice",
    `${head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")}${hello}`,
  ),
  invalid("Transfer-Encoding in HTTP/1.0", `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${hello}`),
  invalid("two different Content-Lengths", `${head("Content-Length: 5", "Content-Length: 6")}hello!`),
  invalid("Content-Length: 5, 5", `${head("Content-Length: 5, 5")}hello`),
  invalid("Content-Length: -5", `${head("Content-Length: -5")}hello`),
  invalid("Content-Length: 0x5", `${head("Content-Length: 0x5")}hello`),
  invalid("HTTP/0.9", "<html>hello</html>\r\n\r\n"),
  invalid("HTTP/2 preface", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
  invalid("SSH banner", "SSH-2.0-OpenSSH_9.6\r\n"),
  invalid("TLS alert", "\x15\x03\x01\x00\x02\x02\x46"),
  invalid(
    "1,000 fields",
    `${head(...Array.from({ length: 1000 }, (_, n) => `A${n}: 1`), "Content-Length: 2")}ok`,
  ),
  invalid(
    "101 that nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  ),
  invalid("100 interim answers", `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)}${whole}`),
  invalid("status 99", "HTTP/1.1 99 No\r\nContent-Length: 0\r\n\r\n"),
  invalid("status 099", "HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"),
  invalid("status 1000", "HTTP/1.1 1000 No\r\nContent-Length: 0\r\n\r\n"),
  invalid("status abc", "HTTP/1.1 abc No\r\nContent-Length: 0\r\n\r\n"),
  invalid("CR in the reason", "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok"),
  invalid("LF line ends", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
  invalid("NUL in a value", `${head("X: a\0b", "Content-Length: 2")}ok`),
  invalid("CR in a value", `${head("X: a\rSet-Cookie: b", "Content-Length: 2")}ok`),
  invalid("obs-fold", `${head("X: a", " b", "Content-Length: 2")}ok`),
  invalid("field without a colon", `${head("nocolon", "Content-Length: 2")}ok`),
  invalid("space before the colon", `${head("Content-Length : 2")}ok`),
  invalid("40 KiB head", `${head(`X: ${"v".repeat(40 * 1024)}`, "Content-Length: 2")}ok`),
  invalid(
    "40 KiB head in many fields",
    `${head(...Array.from({ length: 90 }, (_, n) => `A${n}: ${"v".repeat(450)}`))}`,
  ),
  {
    title: "negative chunk",
    answer: `${head("Transfer-Encoding: chunked")}-5\r\nhello\r\n0\r\n\r\n`,
    after: "keep",
    outcome: "cut",
  },
  {
    title: "chunk size without end",
    answer: `${head("Transfer-Encoding: chunked")}${"0".repeat(100)}5\r\nhello`,
    after: "keep",
    outcome: "cut",
  },
  {
    title: "chunk data too long",
    answer: `${head("Transfer-Encoding: chunked")}5\r\nhello!\r\n0\r\n\r\n`,
    after: "keep",
    outcome: "cut",
  },
  {
    title: "chunk closed by LF",
    answer: `${head("Transfer-Encoding: chunked")}5\nhello\n0\n\n`,
    after: "keep",
    outcome: "cut",
  },
  {
    title: "Content-Length longer than the data",
    answer: `${head("Content-Length: 50")}hello`,
    after: "end",
    outcome: "cut",
  },
  {
    title: "Content-Length longer, then a reset",
    answer: `${head("Content-Length: 50")}hello`,
    after: "reset",
    outcome: "cut",
  },
  {
    title: "Content-Length shorter than the data",
    answer: `${head("Content-Length: 2")}ok and more`,
    after: "keep",
    outcome: "exact",
  },
  {
    title: "a second answer",
    answer: `${whole}${whole.replace("ok", "no")}`,
    after: "keep",
    outcome: "exact",
  },
];
