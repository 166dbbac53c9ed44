import { type Reason, reasons } from "../reason.ts";
import { F, fieldFlags, fieldId, GUARDED, HASH_PRIME, HASH_START, nameByte, ODD_NAME } from "./field.ts";
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  type CanonicalRequest,
  FIELD_SLOTS,
  FORWARD,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "./request.ts";

/**
 * Decides how the body is framed and what the connection does afterwards (RFC 9112 §6, RFC 9110 §7.6.1, §10.1.1).
 * Every form that two servers could frame differently is refused; nothing is repaired.
 */
export function readFraming(request: CanonicalRequest): Reason | undefined {
  const { firstField } = request;
  return (
    (firstField[F.transferEncoding]! >= 0 ? readTransferEncoding(request) : undefined) ??
    (firstField[F.contentLength]! >= 0 ? readContentLength(request) : undefined) ??
    readConnection(request) ??
    (firstField[F.expect]! >= 0 ? readExpect(request) : undefined) ??
    (firstField[F.trailer]! >= 0 ? readTrailer(request) : undefined) ??
    readRest(request)
  );
}

function readTransferEncoding(request: CanonicalRequest): Reason | undefined {
  if (request.firstField[F.contentLength]! >= 0) return reasons.clTe;
  if (request.version === 10) return reasons.transferEncodingVersion;
  const slot = request.firstField[F.transferEncoding]! * FIELD_SLOTS;
  const start = request.fields[slot + VALUE_START]!;
  const end = request.fields[slot + VALUE_END]!;
  if (equalsFolded(request.arena, start, end, CHUNKED)) {
    request.bodyKind = BODY_CHUNKED;
    return undefined;
  }
  // Refused either way; the status tells a coding we lack (501) from a list that makes no sense (400).
  const text = request.arena.latin1Slice(start, end).toLowerCase();
  const codings = text.split(",", 8).map((coding) => coding.trim());
  const wellFormed = codings.every((coding) => /^[a-z0-9!#$%&'*+.^_`|~-]+(\s*;.*)?$/.test(coding));
  const chunkedEarly = codings.slice(0, -1).some((coding) => coding.startsWith("chunked"));
  return wellFormed && !chunkedEarly ? reasons.transferEncoding : reasons.transferEncodingSyntax;
}

function readContentLength(request: CanonicalRequest): Reason | undefined {
  const slot = request.firstField[F.contentLength]! * FIELD_SLOTS;
  const start = request.fields[slot + VALUE_START]!;
  const end = request.fields[slot + VALUE_END]!;
  const arena = request.arena;
  const digits = end - start;
  if (digits === 0) return reasons.contentLength;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = arena[at]! - 48;
    if (digit < 0 || digit > 9) return reasons.contentLength;
    if (at - start < 16) length = length * 10 + digit;
  }
  // `005` is legal but has been read as octal and as nothing; no real client sends it.
  if (digits > 1 && arena[start] === 48) return reasons.contentLength;
  if (digits > 19) return reasons.contentLength;
  if (digits > 15) return reasons.bodyTooLarge;
  request.bodyKind = BODY_LENGTH;
  request.bodyLength = length;
  return undefined;
}

/** Keep-alive, upgrade, and the fields that `Connection` makes hop-by-hop. */
function readConnection(request: CanonicalRequest): Reason | undefined {
  const { firstField, fields } = request;
  request.keepAlive = request.version !== 10;
  const first = firstField[F.connection]!;
  if (first < 0) return undefined;
  const slot = first * FIELD_SLOTS;
  // Nearly every request says just this.
  const start = fields[slot + VALUE_START]!;
  const end = fields[slot + VALUE_END]!;
  if (end - start === 10 && request.version === 11 && countOf(request, F.connection) === 1) {
    if (equalsFolded(request.arena, start, end, KEEP_ALIVE)) return undefined;
  }
  let tokens = 0;
  let close = false;
  let keep = false;
  for (let index = first; index < request.fieldCount; index++) {
    const at = index * FIELD_SLOTS;
    if (fields[at + 4] !== F.connection) continue;
    const text = request.arena.latin1Slice(fields[at + VALUE_START]!, fields[at + VALUE_END]!).toLowerCase();
    for (const part of text.split(",", TOKENS_MAX + 1)) {
      const token = part.trim();
      if (token === "") continue;
      if (++tokens > TOKENS_MAX || !TOKEN.test(token)) return reasons.connectionSyntax;
      if (token === "close") close = true;
      else if (token === "keep-alive") keep = true;
      else if (token === "upgrade") request.upgrade = firstField[F.upgrade]! >= 0;
      else {
        const fault = nominate(request, token);
        if (fault !== undefined) return fault;
      }
    }
  }
  if (close) request.keepAlive = false;
  else if (keep) request.keepAlive = true;
  return undefined;
}

/** `Connection: name` takes the field away from the next hop; no client may do that to a field that protects it. */
function nominate(request: CanonicalRequest, token: string): Reason | undefined {
  const name = Buffer.from(token, "latin1");
  let hash = HASH_START;
  for (const byte of name) hash = Math.imul(hash ^ nameByte[byte]!, HASH_PRIME);
  const id = fieldId(name, 0, name.length, hash);
  if (id !== 0 && (fieldFlags[id]! & GUARDED) !== 0) return reasons.hopNominated;
  for (let index = 0; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const start = request.fields[slot + NAME_START]!;
    const end = request.fields[slot + NAME_END]!;
    if (end - start === name.length && equalsFolded(request.arena, start, end, name))
      request.fields[slot + FORWARD] = 0;
  }
  return undefined;
}

function readExpect(request: CanonicalRequest): Reason | undefined {
  const slot = request.firstField[F.expect]! * FIELD_SLOTS;
  const start = request.fields[slot + VALUE_START]!;
  const end = request.fields[slot + VALUE_END]!;
  if (!equalsFolded(request.arena, start, end, CONTINUE)) return reasons.expect;
  if (request.bodyKind === BODY_NONE || (request.bodyKind === BODY_LENGTH && request.bodyLength === 0))
    return reasons.expect;
  request.expectContinue = request.version === 11; // RFC 9110 §10.1.1: ignored in HTTP/1.0
  return undefined;
}

/** Announced trailers must not be fields that frame, route or authenticate (RFC 9110 §6.5.1). */
function readTrailer(request: CanonicalRequest): Reason | undefined {
  const slot = request.firstField[F.trailer]! * FIELD_SLOTS;
  const text = request.arena.latin1Slice(
    request.fields[slot + VALUE_START]!,
    request.fields[slot + VALUE_END]!,
  );
  for (const part of text.toLowerCase().split(",", TOKENS_MAX)) {
    const name = Buffer.from(part.trim(), "latin1");
    let hash = HASH_START;
    for (const byte of name) hash = Math.imul(hash ^ nameByte[byte]!, HASH_PRIME);
    const id = fieldId(name, 0, name.length, hash);
    if (id !== 0 && (fieldFlags[id]! & GUARDED) !== 0) return reasons.trailer;
  }
  return undefined;
}

function readRest(request: CanonicalRequest): undefined {
  const { firstField, fields, arena } = request;
  if (firstField[F.te]! >= 0) {
    const slot = firstField[F.te]! * FIELD_SLOTS;
    const text = arena.latin1Slice(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!).toLowerCase();
    request.acceptsTrailers = text.split(",", TOKENS_MAX).some((coding) => coding.trim() === "trailers");
  }
  if (firstField[F.range]! >= 0) {
    // Many small ranges make a small request cost a large answer (CVE-2011-3192): the field is dropped, not obeyed.
    const slot = firstField[F.range]! * FIELD_SLOTS;
    let ranges = 1;
    for (let at = fields[slot + VALUE_START]!; at < fields[slot + VALUE_END]!; at++)
      if (arena[at] === COMMA) ranges++;
    if (ranges > RANGES_MAX) fields[slot + FORWARD] = 0;
  }
}

const TOKENS_MAX = 32;
const RANGES_MAX = 8;
const COMMA = 44;
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const CHUNKED = Buffer.from("chunked", "latin1");
const KEEP_ALIVE = Buffer.from("keep-alive", "latin1");
const CONTINUE = Buffer.from("100-continue", "latin1");

function countOf(request: CanonicalRequest, id: number): number {
  let count = 0;
  for (let index = request.firstField[id]!; index >= 0 && index < request.fieldCount; index++) {
    if (request.fields[index * FIELD_SLOTS + 4] === id) count++;
  }
  return count;
}

/** Whether the bytes are `lower` in any case. `lower` holds token characters only. */
function equalsFolded(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const folded = nameByte[bytes[start + i]!]! & ~ODD_NAME;
    if (folded === 0 || folded !== (lower[i]! & ~ODD_NAME)) return false;
  }
  return true;
}
