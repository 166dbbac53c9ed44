import type { Outbox } from "../std/outbox.ts";

/**
 * The fields of an HTTP/2 request from the head as it was printed for HTTP/1.1: name and value in turn. One printer
 * for both protocols: what goes upstream does not depend on which one is spoken (RFC 9113 §8.2, §8.3.1).
 */
export function http2RequestFields(printed: Outbox, secure: boolean, wantsTrailers: boolean): string[] {
  const lines = printed.bytes.latin1Slice(0, printed.end - 4).split("\r\n");
  const [method, target] = lines[0]!.split(" ", 2);
  const fields = [
    ":method",
    method!,
    ":scheme",
    secure ? "https" : "http",
    ":authority",
    "",
    ":path",
    target!,
  ];
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index]!;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 2);
    if (name === "host") fields[AUTHORITY] = value;
    else if (name !== "transfer-encoding") fields.push(name, value);
  }
  if (wantsTrailers) fields.push("te", "trailers");
  return fields;
}

/** Place of the value of `:authority`. */
const AUTHORITY = 5;

/**
 * Prints the head of an HTTP/2 answer as one of HTTP/1.1, for `readResponseHead`: one strict reading for both
 * protocols. `raw` is name and value in turn. `bodiless`: no content can follow by its request or status. Returns the
 * bytes written to the start of `out`, or 0 when the head is larger than `bytesMax`.
 */
export function printHttp2Answer(
  raw: readonly string[],
  status: number,
  ended: boolean,
  bodiless: boolean,
  bytesMax: number,
  out: Buffer,
): number {
  let text = `HTTP/1.1 ${status} \r\n`;
  let framed = false;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    if (name.charCodeAt(0) === COLON) continue;
    if (name === "content-length") framed = true;
    text += `${name}: ${raw[at + 1]}\r\n`;
  }
  if (!framed && !bodiless) text += ended ? "content-length: 0\r\n" : "transfer-encoding: chunked\r\n";
  text += "\r\n";
  return text.length > bytesMax || text.length > out.length ? 0 : out.latin1Write(text, 0);
}

const COLON = 58;
