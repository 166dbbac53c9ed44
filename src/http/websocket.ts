import { createHash } from "node:crypto";
import { type Reason, reasons } from "../reason.ts";
import { F } from "./field.ts";
import {
  BODY_LENGTH,
  BODY_NONE,
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  FORWARD,
  GET,
  VALUE_END,
  VALUE_START,
} from "./request.ts";
import type { ResponseHead } from "./response-head.ts";

/**
 * What a request that asks for an upgrade is: nothing (it goes on as a plain request, without its hop-by-hop fields),
 * WebSocket's opening handshake, or the reason why it is neither (RFC 6455 §4.2.1). Strict, because a gateway that
 * takes a request for an upgrade which the upstream does not hands a raw connection to whoever sent it
 * (reliability.md WS1-WS6). Called for routes that serve WebSocket, when a head is complete and `request.upgrade` is
 * set.
 */
export function readHandshake(request: CanonicalRequest): Reason | typeof PLAIN | typeof WEBSOCKET {
  // RFC 9110 §7.8: an Upgrade in HTTP/1.0 is ignored. Over HTTP/2 it was an extended CONNECT (RFC 8441).
  if (!request.upgrade || request.version === 10) return PLAIN;
  const protocol = onlyValue(request, F.upgrade);
  if (protocol === undefined || protocol.toLowerCase() !== "websocket") {
    // Other protocols are not served: such a request is a plain one. A list with WebSocket in it could be either.
    return mentionsWebSocket(request) ? reasons.websocketHandshake : PLAIN;
  }
  if (request.bodyKind !== BODY_NONE && !(request.bodyKind === BODY_LENGTH && request.bodyLength === 0))
    return reasons.upgradeBody;
  if (request.method !== GET) return reasons.websocketHandshake;
  const version = onlyValue(request, F.secWebsocketVersion);
  if (version === undefined) return reasons.websocketHandshake;
  if (version !== "13") return reasons.websocketVersion;
  const key = onlyValue(request, F.secWebsocketKey);
  return key !== undefined && KEY.test(key) ? WEBSOCKET : reasons.websocketHandshake;
}

export const PLAIN = 0;
export const WEBSOCKET = 1;

/** Takes the extensions out of a handshake: compressed messages are none that anybody can look at. */
export function dropExtensions({ fields, fieldCount, firstField }: CanonicalRequest): void {
  const first = firstField[F.secWebsocketExtensions]!;
  for (let index = first; index >= 0 && index < fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FIELD_ID] === F.secWebsocketExtensions) fields[slot + FORWARD] = 0;
  }
}

/** Whether the upstream was told of any. */
function offersExtensions({ fields, fieldCount, firstField }: CanonicalRequest): boolean {
  const first = firstField[F.secWebsocketExtensions]!;
  for (let index = first; index >= 0 && index < fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FIELD_ID] === F.secWebsocketExtensions && fields[slot + FORWARD] === 1) return true;
  }
  return false;
}

/**
 * Whether a 101 is the answer to this handshake (RFC 6455 §4.1): "" or what is wrong, a closed word for
 * the log. Anything else that calls itself 101 must not become a tunnel.
 */
export function switchFault(head: ResponseHead, request: CanonicalRequest): string {
  const key = request.fieldText(F.secWebsocketKey) ?? "";
  // RFC 6455 §4.1: what was not offered cannot be agreed on.
  if (hasExtensions(head) && !offersExtensions(request)) return "switch_extension";
  if (head.version !== 11) return "switch_version";
  let upgrades = 0;
  let accepts = 0;
  let connection = false;
  for (let index = 0; index < head.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const id = head.fields[slot + FIELD_ID]!;
    if (id === F.transferEncoding) return "switch_body";
    if (id !== F.upgrade && id !== F.connection && id !== F.secWebsocketAccept) continue;
    const value = head.source.latin1Slice(head.fields[slot + VALUE_START]!, head.fields[slot + VALUE_END]!);
    if (id === F.upgrade) {
      upgrades++;
      if (value.toLowerCase() !== "websocket") return "switch_protocol";
    } else if (id === F.connection) {
      connection ||= value.split(",", 32).some((part) => part.trim().toLowerCase() === "upgrade");
    } else {
      accepts++;
      if (value !== acceptOf(key)) return "switch_accept";
    }
  }
  if (upgrades !== 1 || !connection) return "switch_protocol";
  return accepts === 1 ? "" : "switch_accept";
}

/** `Sec-WebSocket-Accept` for a key (RFC 6455 §4.2.2). */
export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, "latin1").digest("base64");
}

/** Whether the upstream's 101 agreed on an extension: reserved bits then mean something (RFC 6455 §5.2). */
export function hasExtensions(head: ResponseHead): boolean {
  for (let index = 0; index < head.fieldCount; index++) {
    if (head.fields[index * FIELD_SLOTS + FIELD_ID] === F.secWebsocketExtensions) return true;
  }
  return false;
}

/** 16 bytes in base64, written in the one way there is: the last digit has four unused bits. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** The value of a field that occurs once; undefined when it is absent or repeated. */
function onlyValue(request: CanonicalRequest, id: number): string | undefined {
  const first = request.firstField[id]!;
  if (first < 0) return undefined;
  for (let index = first + 1; index < request.fieldCount; index++) {
    if (request.fields[index * FIELD_SLOTS + FIELD_ID] === id) return undefined;
  }
  return request.fieldText(id);
}

function mentionsWebSocket(request: CanonicalRequest): boolean {
  for (let index = request.firstField[F.upgrade]!; index >= 0 && index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (request.fields[slot + FIELD_ID] !== F.upgrade) continue;
    const value = request.text(request.fields[slot + VALUE_START]!, request.fields[slot + VALUE_END]!);
    if (/websocket/i.test(value)) return true;
  }
  return false;
}
