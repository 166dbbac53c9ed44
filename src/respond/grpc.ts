import { STATUS_CODES } from "node:http";
import type { CanonicalRequest } from "../http/request.ts";
import type { Trailers } from "../http/trailer.ts";
import { type Reason, reasons } from "../reason.ts";
import type { Outbox } from "../std/outbox.ts";
import { refusalText } from "./own.ts";

/**
 * Prints the refusal of a gRPC call as gRPC knows it: 200 with `grpc-status` and `grpc-message` in the head and
 * nothing after it (gRPC over HTTP/2, "Trailers-Only"). Any other status would be an error of the transport to most
 * clients, and none that they may try again.
 */
export function printGrpcRefusal(
  reason: Reason,
  request: CanonicalRequest,
  dateLine: Uint8Array,
  out: Outbox,
): void {
  const { bytes } = out;
  let at = out.end;
  const accepted = reason === reasons.wafCoding ? `grpc-accept-encoding: ${ACCEPTED}\r\n` : "";
  at += bytes.latin1Write(
    `HTTP/1.1 200 ${STATUS_CODES[200]}\r\nContent-Type: application/grpc\r\ngrpc-status: ${grpcStatus(reason)}\r\ngrpc-message: ${refusalText(reason).trim()}\r\n${accepted}`,
    at,
  );
  bytes.set(dateLine, at);
  at += dateLine.length;
  at += request.arena.copy(bytes, at, request.idLinesStart, request.idLinesEnd);
  bytes[at++] = 13;
  bytes[at++] = 10;
  out.end = at;
}

/** The end of a call that failed when its answer had begun. */
export function grpcTrailers(reason: Reason): Trailers {
  return ["grpc-status", String(grpcStatus(reason)), "grpc-message", refusalText(reason).trim()];
}

/** The gRPC status that says the same as a reason. */
export function grpcStatus(reason: Reason): number {
  if (reason === reasons.grpcDeadline) return DEADLINE_EXCEEDED;
  // "A compressed message with an unsupported encoding": the client may send it again as it is.
  if (reason === reasons.wafCoding) return UNIMPLEMENTED;
  // What never reached an application may be tried again; so may what ended because we do.
  if (reason === reasons.upstreamConnectTimeout || reason.status === 0) return UNAVAILABLE;
  return statuses[reason.status] ?? (reason.status < 500 ? INVALID_ARGUMENT : INTERNAL);
}

/** What the WAF can look into (body/coding.ts). */
const ACCEPTED = "identity,gzip,deflate,br,zstd";

const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

const statuses: Readonly<Record<number, number>> = {
  401: UNAUTHENTICATED,
  403: PERMISSION_DENIED,
  404: UNIMPLEMENTED,
  405: UNIMPLEMENTED,
  408: DEADLINE_EXCEEDED,
  413: RESOURCE_EXHAUSTED,
  429: RESOURCE_EXHAUSTED,
  431: RESOURCE_EXHAUSTED,
  501: UNIMPLEMENTED,
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: DEADLINE_EXCEEDED,
};
