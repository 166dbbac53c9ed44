import type { CanonicalRequest } from "../http/request.ts";

/**
 * The URI of a request as bytes: scheme, host, port as it was named, path and query, as they are read by everybody in the
 * gateway. What is not in it an upstream must not answer by, unless it says so in `Vary`: all other fields that say where
 * a request went are removed or written by us from these.
 *
 *     s a.test NUL 8443 NUL /path?query
 *
 * One per worker: it is written over by the next one.
 */
export class KeyWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(1024);
  length = 0;
  /** 32 bits; the same in all workers. */
  hash = 0;

  write(request: CanonicalRequest, mergeSlashes: boolean, sortQuery: boolean): void {
    const pathStart = mergeSlashes ? request.routePathStart : request.pathStart;
    const pathEnd = mergeSlashes ? request.routePathEnd : request.pathEnd;
    const { arena, hostStart, hostEnd, queryStart, queryEnd } = request;
    this.#begin(hostEnd - hostStart + pathEnd - pathStart + queryEnd - queryStart);
    this.#byte(request.secure ? SECURE : PLAIN);
    this.#span(arena, hostStart, hostEnd);
    this.#byte(0);
    // Not the default one: what the client named is in the Host that goes upstream.
    if (request.port >= 0) this.#text(String(request.port));
    this.#byte(0);
    this.#span(arena, pathStart, pathEnd);
    if (!sortQuery || queryEnd - queryStart < 2) this.#span(arena, queryStart, queryEnd);
    else this.#text(sortedQuery(arena.latin1Slice(queryStart, queryEnd)));
  }

  /** The same for another path and query on the same host. */
  writeSibling(request: CanonicalRequest, pathAndQuery: string): void {
    const { arena, hostStart, hostEnd } = request;
    this.#begin(hostEnd - hostStart + pathAndQuery.length);
    this.#byte(request.secure ? SECURE : PLAIN);
    this.#span(arena, hostStart, hostEnd);
    this.#byte(0);
    if (request.port >= 0) this.#text(String(request.port));
    this.#byte(0);
    this.#text(pathAndQuery);
  }

  /** One that was written before, here or in another worker. */
  adopt(key: Uint8Array): void {
    this.#begin(key.length);
    this.#span(key, 0, key.length);
  }

  /** Whether the last one written is this one. */
  is(key: Buffer): boolean {
    return key.length === this.length && this.bytes.compare(key, 0, key.length, 0, this.length) === 0;
  }

  take(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }

  #begin(bytes: number): void {
    this.length = 0;
    this.hash = HASH_START;
    // Scheme, two separators and a port.
    if (this.bytes.length < bytes + 16) this.bytes = Buffer.allocUnsafeSlow(bytes * 2 + 16);
  }

  #byte(byte: number): void {
    this.bytes[this.length++] = byte;
    this.hash = Math.imul(this.hash ^ byte, HASH_PRIME);
  }

  #span(source: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let { length, hash } = this;
    for (let at = start; at < end; at++) {
      const byte = source[at]!;
      bytes[length++] = byte;
      hash = Math.imul(hash ^ byte, HASH_PRIME);
    }
    this.length = length;
    this.hash = hash;
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#byte(text.charCodeAt(i) & 0xff);
  }
}

/** What a key says, for whoever purges by a URL. */
export function uriOf(key: Buffer): { readonly origin: string; readonly path: string } {
  const scheme = key[0] === SECURE ? "https" : "http";
  const [host = "", port = "", ...path] = key.latin1Slice(1).split("\0");
  const isDefault = port === "" || port === (scheme === "https" ? "443" : "80");
  return { origin: isDefault ? `${scheme}://${host}` : `${scheme}://${host}:${port}`, path: path.join("\0") };
}

/** By name, and otherwise as it came: `a=1&a=2` and `a=2&a=1` are two queries. */
export function sortedQuery(query: string): string {
  const pairs = query.slice(1).split("&");
  const nameOf = (pair: string) => pair.split("=", 1)[0]!;
  const sorted = pairs
    .map((pair) => ({ pair, name: nameOf(pair) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return `?${sorted.map(({ pair }) => pair).join("&")}`;
}

/** FNV-1a. */
const HASH_START = 0x811c9dc5 | 0;
const HASH_PRIME = 0x01000193;
const SECURE = 115;
const PLAIN = 104;
