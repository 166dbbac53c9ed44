import { STATUS_CODES } from "node:http";
import { type CanonicalRequest, COMMON_METHODS, HEAD, methodNames } from "../http/request.ts";
import { allReasons, type Reason, reasons } from "../reason.ts";
import type { Outbox } from "../std/outbox.ts";
import type { OwnBody } from "./error-page.ts";

/**
 * Prints the fixed answer for a refusal: status, a few words that name no rule, request id and traceparent. Which
 * reason it was, the log tells.
 */
export function printRefusal(
  reason: Reason,
  request: CanonicalRequest,
  keepAlive: boolean,
  retryAfterSecs: number,
  methods: number,
  /** In place of the fixed words. `out` must have room for it. */
  page: OwnBody | undefined,
  dateLine: Uint8Array,
  out: Outbox,
): void {
  let fields = refusalFields[reason.index]!;
  if (reason.status === 405) fields += `Allow: ${allowed(methods)}\r\n`;
  if (retryAfterSecs > 0) fields += `Retry-After: ${retryAfterSecs}\r\n`;
  const body = page?.body ?? refusalText(reason);
  print(reason.status, fields, page?.type ?? PLAIN, body, request, keepAlive, dateLine, out);
}

/** Prints an answer of our own; `fields` are whole lines with CRLF, `body` is plain text. */
export function printOwnAnswer(
  status: number,
  fields: string,
  body: string,
  request: CanonicalRequest,
  keepAlive: boolean,
  dateLine: Uint8Array,
  out: Outbox,
): void {
  print(status, fields, PLAIN, body, request, keepAlive, dateLine, out);
}

const PLAIN = "text/plain; charset=utf-8";

/** The same few bytes for every reason of one status. */
export function refusalText(reason: Reason): string {
  // The reference gateway's words, for every rule and gate of the WAF alike.
  if (reason.stage === "waf") return "request rejected";
  // The one thing that a client can put right by itself.
  if (reason === reasons.tokenExpired) return "token expired\n";
  return statusText(reason.status);
}

/** A body of few words. */
export function statusText(status: number): string {
  return `${(STATUS_CODES[status] ?? "error").toLowerCase()}\n`;
}

/** Fields that some refusals add (RFC 9110 §15.5.6; X-Zion-* as in the reference gateway). */
const refusalFields: readonly string[] = allReasons.map((reason) => {
  if (reason === reasons.upstreamBusy) return "X-Zion-Bulkhead: full\r\n";
  if (reason === reasons.upstreamOpen) return "X-Zion-Circuit: open\r\n";
  // RFC 6455 §4.2.2, RFC 9110 §15.5.22.
  if (reason === reasons.websocketVersion)
    return "Sec-WebSocket-Version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  return "";
});

/** Methods for Allow (RFC 9110 §10.2.1): those of the bits, the common ones when there are none. */
function allowed(methods: number): string {
  return methodNames
    .filter((_, method) => (methods === 0 ? method < COMMON_METHODS : (methods & (1 << method)) !== 0))
    .join(", ");
}

function print(
  status: number,
  fields: string,
  mediaType: string,
  body: string,
  request: CanonicalRequest,
  keepAlive: boolean,
  dateLine: Uint8Array,
  out: Outbox,
): void {
  const bytes = out.bytes;
  const type = body === "" ? "" : `Content-Type: ${mediaType}\r\nX-Content-Type-Options: nosniff\r\n`;
  // 204 must not carry a length (RFC 9110 §8.6).
  const length = status === 204 ? "" : `Content-Length: ${body.length}\r\n`;
  const connection = keepAlive
    ? request.version === 10
      ? "Connection: keep-alive\r\n"
      : ""
    : "Connection: close\r\n";
  let at = out.end;
  at += bytes.latin1Write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${fields}${request.answerLines}${type}Cache-Control: no-store\r\n${length}${connection}`,
    at,
  );
  bytes.set(dateLine, at);
  at += dateLine.length;
  request.arena.copy(bytes, at, request.idLinesStart, request.idLinesEnd);
  at += request.idLinesEnd - request.idLinesStart;
  bytes[at++] = 13;
  bytes[at++] = 10;
  if (!isSilent(request)) at += bytes.latin1Write(body, at);
  out.end = at;
}

/** Its answers have no content. HTTP/1 does not know the method of a head that was refused, and closes. */
export function isSilent(request: CanonicalRequest): boolean {
  return request.method === HEAD && (request.refusal === undefined || request.version === 20);
}
