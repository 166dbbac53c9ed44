import { STATUS_CODES } from "node:http";
import { makeVersion, type Version } from "../../http/conditional.ts";
import type { Choice } from "./choice.ts";
import { mediaTypeOf } from "./media-type.ts";
import type { StaticSite } from "./static-site.ts";

/** What a file says of its version. A change that keeps size and time to the nanosecond is the only one it misses. */
export function versionOf({ file, coding }: Choice, nowSecs: number): Version {
  const tag = `"${file.modifiedNs.toString(36)}-${file.size.toString(36)}${coding === undefined ? "" : `-${coding}`}"`;
  const modifiedSecs = Number(file.modifiedNs / 1_000_000_000n);
  const etag = file.isSettled ? tag : `W/${tag}`;
  // RFC 9110 §8.8.2.1: never later than Date.
  return makeVersion(etag, modifiedSecs > nowSecs ? -1 : modifiedSecs, file.isSettled);
}

/** Lines of an answer with this file, a 304 included. */
export function versionLines(choice: Choice, site: StaticSite, { etag, modifiedSecs }: Version): string {
  let lines = `ETag: ${etag}\r\n`;
  if (modifiedSecs >= 0) lines += `Last-Modified: ${new Date(modifiedSecs * 1000).toUTCString()}\r\n`;
  // Whoever comes to the path when it has a file must get it.
  lines += choice.isFallback ? "Cache-Control: no-cache\r\n" : site.cacheLine;
  if (site.codings.length > 0) lines += "Vary: Accept-Encoding\r\n";
  return lines;
}

/** Lines of an answer with the file's bytes, all or some. */
export function bodyLines(choice: Choice, site: StaticSite, version: Version): string {
  const coding = choice.coding === undefined ? "" : `Content-Encoding: ${choice.coding}\r\n`;
  return `Accept-Ranges: bytes\r\n${coding}${versionLines(choice, site, version)}`;
}

export function typeLine({ name }: Choice): string {
  return `Content-Type: ${mediaTypeOf(name)}\r\n`;
}

/** A whole head. `bodyBytes` undefined: a status that has no length. */
export function printHead(status: number, lines: string, bodyBytes: number | undefined): Buffer {
  const length = bodyBytes === undefined ? "" : `Content-Length: ${bodyBytes}\r\n`;
  return Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}${length}\r\n`, "latin1");
}
