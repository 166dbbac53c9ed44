import { copy, latin1, put, putNumber } from "../std/byte-print.ts";
import type { Outbox } from "../std/outbox.ts";
import { F } from "./field.ts";
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  methodNames,
  NAME_START,
  PATCH,
  POST,
  PUT,
  VALUE_END,
  VALUE_START,
} from "./request.ts";

/** What the gateway says about itself and the hop, built once per snapshot. */
export interface HopFacts {
  /** `Via: 1.1 zion-…` and `Via: 1.0 zion-…`, with CRLF. */
  readonly via11: Uint8Array;
  readonly via10: Uint8Array;
  /** `Via: 2.0 zion-…`. */
  readonly via20: Uint8Array;
  readonly xffMode: "append" | "rewrite" | "drop";
}

/** What a route's upstream wants in the head. */
export interface UpstreamHeadFacts {
  /** `Host: authority` with CRLF; undefined = the client's Host. */
  readonly hostLine: Uint8Array | undefined;
  /** Send `//` as `/`. */
  readonly mergeSlashes: boolean;
}

/** Largest head that `printRequest` can produce beyond the arena's bytes: our own lines. */
export const OWN_HEAD_BYTES_MAX = 2048;

/**
 * Prints the upstream head from the canonical request alone (reliability.md C19): Content-Length or
 * Transfer-Encoding, never both, hop-by-hop fields gone, our own identity fields in place of the client's.
 * `out` must have room for the arena plus OWN_HEAD_BYTES_MAX.
 */
export function printRequest(
  request: CanonicalRequest,
  hop: HopFacts,
  upstream: UpstreamHeadFacts,
  memo: ForwardedMemo,
  peerText: string,
  out: Outbox,
): void {
  const arena = request.arena;
  const bytes = out.bytes;
  let at = put(bytes, out.end, methodPrefix[request.method]!);
  if (request.sentTargetEnd > request.sentTargetStart) {
    at = copy(bytes, at, arena, request.sentTargetStart, request.sentTargetEnd);
  } else {
    const pathStart = upstream.mergeSlashes ? request.routePathStart : request.pathStart;
    const pathEnd = upstream.mergeSlashes ? request.routePathEnd : request.pathEnd;
    at = copy(bytes, at, arena, pathStart, pathEnd);
    at = copy(bytes, at, arena, request.queryStart, request.queryEnd);
  }
  at = put(bytes, at, VERSION_LINE);
  const hostLine = request.sentHostLine ?? upstream.hostLine;
  if (hostLine !== undefined) {
    at = put(bytes, at, hostLine);
  } else {
    at = put(bytes, at, HOST);
    at = copyAuthority(bytes, at, request);
    at = put(bytes, at, CRLF);
  }

  // Field lines stand in the arena as they will be sent: runs of forwarded lines go over in one copy each.
  const fields = request.fields;
  let runStart = -1;
  let runEnd = -1;
  for (let index = 0; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FORWARD] === 0) continue;
    const lineStart = fields[slot + NAME_START]!;
    if (lineStart !== runEnd) {
      if (runStart >= 0) at = copy(bytes, at, arena, runStart, runEnd);
      runStart = lineStart;
    }
    runEnd = fields[slot + VALUE_END]! + 2;
  }
  if (runStart >= 0) at = copy(bytes, at, arena, runStart, runEnd);

  at = printForwarded(request, hop, memo, peerText, bytes, at);
  at = put(bytes, at, viaOf(request.version, hop));
  at = copy(bytes, at, arena, request.idLinesStart, request.idLinesEnd);
  if (request.webSocket) at = put(bytes, at, SWITCH_LINES);
  if (request.bodyKind === BODY_CHUNKED) {
    at = put(bytes, at, CHUNKED_LINE);
  } else if (request.bodyKind === BODY_LENGTH) {
    at = put(bytes, at, LENGTH);
    at = putNumber(bytes, at, request.bodyLength);
    at = put(bytes, at, CRLF);
  } else if (request.method === POST || request.method === PUT || request.method === PATCH) {
    // RFC 9110 §8.6: a method that anticipates content says that there is none.
    at = put(bytes, at, ZERO_LENGTH);
  }
  bytes[at] = 13;
  bytes[at + 1] = 10;
  out.end = at + 2;
}

function viaOf(version: number, hop: HopFacts): Uint8Array {
  if (version === 11) return hop.via11;
  return version === 20 ? hop.via20 : hop.via10;
}

/**
 * Lines that depend on the client alone, printed once for as long as a connection carries the same client: 0.2 us a
 * request. One per connection; a proxied connection whose client changes prints them anew.
 */
export class ForwardedMemo {
  client = "";
  hop: HopFacts | undefined = undefined;
  lines: Uint8Array = new Uint8Array(0);
}

/** X-Forwarded-*, X-Real-IP and Forwarded (RFC 7239): what we know of the client, in place of what it said. */
function printForwarded(
  request: CanonicalRequest,
  hop: HopFacts,
  memo: ForwardedMemo,
  peerText: string,
  out: Buffer,
  at: number,
): number {
  if (hop.xffMode === "append") at = printAppended(request, peerText, out, at);
  if (memo.client !== request.clientAddress || memo.hop !== hop) {
    memo.client = request.clientAddress;
    memo.hop = hop;
    memo.lines = latin1(clientLines(request.clientAddress, request.secure, hop));
  }
  at = put(out, at, memo.lines);
  const hasHost = request.hostEnd > request.hostStart;
  if (hop.xffMode !== "drop") {
    if (hasHost) {
      at = put(out, at, FORWARDED_QUOTED_HOST);
      at = copyAuthority(out, at, request);
      out[at++] = 34;
    }
    at = put(out, at, CRLF);
  }
  if (hasHost) {
    at = put(out, at, FORWARDED_HOST);
    at = copyAuthority(out, at, request);
    at = put(out, at, CRLF);
  }
  at = put(out, at, FORWARDED_PORT);
  at = putNumber(out, at, request.port >= 0 ? request.port : request.secure ? 443 : 80);
  return put(out, at, CRLF);
}

/** Whole lines, and the beginning of Forwarded unless `xff_mode = "drop"`. */
function clientLines(client: string, secure: boolean, hop: HopFacts): string {
  const scheme = secure ? "https" : "http";
  const known = `X-Real-IP: ${client}\r\nX-Forwarded-Proto: ${scheme}\r\n`;
  if (hop.xffMode === "drop") return known;
  const hops = hop.xffMode === "rewrite" ? `X-Forwarded-For: ${client}\r\n` : "";
  const node = client.includes(":") ? `"[${client}]"` : client;
  return `${hops}${known}Forwarded: for=${node};proto=${scheme}`;
}

/** The client's own list with the peer at its end (`xff_mode = "append"`). */
function printAppended(request: CanonicalRequest, peerText: string, out: Buffer, at: number): number {
  at = put(out, at, FORWARDED_FOR);
  for (let index = request.firstField[F.xForwardedFor]!; index >= 0 && index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (request.fields[slot + FIELD_ID] !== F.xForwardedFor) continue;
    at = copy(out, at, request.arena, request.fields[slot + VALUE_START]!, request.fields[slot + VALUE_END]!);
    out[at++] = 44;
    out[at++] = 32;
  }
  return at + out.latin1Write(`${peerText}\r\n`, at);
}

/** The client's authority: host and the port it named. */
function copyAuthority(out: Buffer, at: number, request: CanonicalRequest): number {
  at = copy(out, at, request.arena, request.hostStart, request.hostEnd);
  if (request.port < 0) return at;
  out[at++] = 58;
  return putNumber(out, at, request.port);
}

const methodPrefix: readonly Uint8Array[] = methodNames.map((name) => latin1(`${name} `));
const VERSION_LINE = latin1(" HTTP/1.1\r\n");
const HOST = latin1("Host: ");
const CRLF = latin1("\r\n");
const SWITCH_LINES = latin1("Connection: Upgrade\r\nUpgrade: websocket\r\n");
const CHUNKED_LINE = latin1("Transfer-Encoding: chunked\r\n");
const LENGTH = latin1("Content-Length: ");
const ZERO_LENGTH = latin1("Content-Length: 0\r\n");
const FORWARDED_FOR = latin1("X-Forwarded-For: ");
const FORWARDED_HOST = latin1("X-Forwarded-Host: ");
const FORWARDED_PORT = latin1("X-Forwarded-Port: ");
const FORWARDED_QUOTED_HOST = latin1(';host="');
