import { F, nameByte } from "../http/field.ts";
import {
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { KeyHash } from "../limit/key-hash.ts";

/** What a limit counts by, compiled. */
export interface KeyPart {
  readonly kind:
    | typeof ADDRESS
    | typeof HEADER
    | typeof COOKIE
    | typeof SEGMENT
    | typeof CLAIM
    | typeof API_KEY
    | typeof CLIENT_CERT;
  /** Of the field in lower case, or of the cookie. */
  readonly name: Uint8Array;
  /** Of the claim. */
  readonly claim: string;
  /** Number of the path's segment, from 0. */
  readonly segment: number;
  /** The segment and all behind it: `{*name}`. */
  readonly toEnd: boolean;
}

export const ADDRESS = 0;
export const HEADER = 1;
export const COOKIE = 2;
export const SEGMENT = 3;
export const CLAIM = 4;
export const API_KEY = 5;
export const CLIENT_CERT = 6;

/** Known after authentication only: keys of the configuration, by the name of their kind. */
export function isIdentityKind(kind: string): boolean {
  return kind === "claim" || kind === "api_key";
}

/** Adds one part of a request's key to the hash. False: the request has none. Nothing is allocated. */
export function hashPart(
  request: CanonicalRequest,
  part: KeyPart,
  ipv6Mask: Int32Array,
  hash: KeyHash,
): boolean {
  hash.word(part.kind);
  switch (part.kind) {
    case ADDRESS:
      hashAddress(request, ipv6Mask, hash);
      return true;
    case HEADER:
      return hashHeader(request, part.name, hash);
    case COOKIE:
      return hashCookie(request, part.name, hash);
    case SEGMENT:
      return hashSegment(request, part, hash);
    case CLAIM:
      return hashText(request.identity?.claim(part.claim), hash);
    case API_KEY:
      return hashText(request.identity?.apiKeyId, hash);
    case CLIENT_CERT:
      return hashText(request.clientCertificate?.fingerprint, hash);
  }
}

/** The IPv4 address, or the prefix of an IPv6 address: one subscriber has a whole /64 to choose from. */
export function hashAddress(request: CanonicalRequest, ipv6Mask: Int32Array, hash: KeyHash): void {
  const { clientIp } = request;
  if (clientIp.v4) {
    hash.word(clientIp.w3);
    return;
  }
  hash.word(clientIp.w0 & ipv6Mask[0]!);
  hash.word(clientIp.w1 & ipv6Mask[1]!);
  hash.word(clientIp.w2 & ipv6Mask[2]!);
  hash.word(clientIp.w3 & ipv6Mask[3]!);
}

/** All lines of the name: which of them an upstream takes is not known here. */
function hashHeader(request: CanonicalRequest, name: Uint8Array, hash: KeyHash): boolean {
  const { arena, fields } = request;
  let found = false;
  for (let index = 0; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (!isName(arena, fields[slot + NAME_START]!, fields[slot + NAME_END]!, name)) continue;
    hash.bytes(arena, fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
    found = true;
  }
  return found;
}

function isName(arena: Buffer, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let at = 0; at < name.length; at++) {
    // The lowest seven bits are the folded byte; the highest marks odd ones.
    if ((nameByte[arena[start + at]!]! & 0x7f) !== name[at]) return false;
  }
  return true;
}

/** All cookies of the name, as browsers write them: `name=value` between `; `. */
function hashCookie(request: CanonicalRequest, name: Uint8Array, hash: KeyHash): boolean {
  const { arena, fields } = request;
  const first = request.firstField[F.cookie]!;
  if (first < 0) return false;
  let found = false;
  for (let index = first; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (fields[slot + FIELD_ID] !== F.cookie) continue;
    const end = fields[slot + VALUE_END]!;
    for (let at = fields[slot + VALUE_START]!; at < end; at++) {
      while (at < end && isBlank(arena[at]!)) at++;
      const start = at;
      while (at < end && arena[at] !== SEMICOLON) at++;
      const value = valueStart(arena, start, at, name);
      if (value < 0) continue;
      hash.bytes(arena, value, at);
      found = true;
    }
  }
  return found;
}

/** Where the value of `name=value` begins, or -1 where it is another cookie's. */
function valueStart(arena: Buffer, start: number, end: number, name: Uint8Array): number {
  if (end - start <= name.length || arena[start + name.length] !== EQUALS) return -1;
  for (let at = 0; at < name.length; at++) if (arena[start + at] !== name[at]) return -1;
  return start + name.length + 1;
}

/** Of the canonical path, as the route matched it. A segment that is not there is empty. */
function hashSegment(request: CanonicalRequest, part: KeyPart, hash: KeyHash): boolean {
  const { arena, routePathEnd } = request;
  let start = request.routePathStart + 1;
  for (let segment = 0; segment < part.segment; segment++) {
    while (start < routePathEnd && arena[start] !== SLASH) start++;
    start++;
  }
  if (start > routePathEnd) start = routePathEnd;
  let end = start;
  while (end < routePathEnd && (part.toEnd || arena[end] !== SLASH)) end++;
  hash.bytes(arena, start, end);
  return true;
}

/** Of a verified identity or a certificate; false where it has none of the kind. */
function hashText(text: string | undefined, hash: KeyHash): boolean {
  if (text === undefined || text === "") return false;
  hash.text(text);
  return true;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const SLASH = 0x2f;
