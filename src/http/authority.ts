import { isIPv6 } from "node:net";
import { type Reason, reasons } from "../reason.ts";
import type { CanonicalRequest } from "./request.ts";

/**
 * Writes the host of the authority `source[start, end)` at `request.arenaEnd`, in lower case and without one trailing
 * dot, sets the host span and `port` (-1 when there is none) and advances `arenaEnd`. `source` must not overlap the
 * arena from `arenaEnd` on.
 *
 * Narrower than RFC 3986 §3.2, because this text chooses the route and the certificate: LDH labels (RFC 5890 §2.3.1)
 * of 1 to 63 bytes, 253 in all, with `_` as real hosts have it; a dotted IPv4; or an IPv6 literal without zone. No
 * percent-encoding, no U-labels, and nothing that an address parser reads in more than one way (`127.1`, `0x7f.1`).
 */
export function writeAuthority(
  source: Uint8Array,
  start: number,
  end: number,
  request: CanonicalRequest,
): Reason | undefined {
  if (end - start > AUTHORITY_MAX) return refusal(source, start, end);
  request.reserve(end - start);
  const hostStart = request.arenaEnd;
  const arena = request.arena;
  const bracketed = source[start] === 0x5b;
  const at = bracketed
    ? copyLiteral(source, start, end, arena, hostStart)
    : copyName(source, start, end, arena, hostStart);
  if (at < 0) return refusal(source, start, end);

  let hostEnd = hostStart + at - start;
  if (bracketed) {
    // Text for a rare form: writing a second parser of IPv6 for it would be a second reading.
    if (!isIPv6(request.text(hostStart + 1, hostEnd - 1))) return refusal(source, start, end);
  } else {
    if (hostEnd > hostStart && arena[hostEnd - 1] === DOT) hostEnd--;
    if (!isHostName(arena, hostStart, hostEnd)) return refusal(source, start, end);
  }

  let port = -1;
  if (at < end) {
    port = portValue(source, at, end);
    if (port < 0) return refusal(source, start, end);
  }
  request.hostStart = hostStart;
  request.hostEnd = request.arenaEnd = hostEnd;
  request.port = port;
  return undefined;
}

/** 253 bytes of host, a trailing dot, and `:65535`. */
const AUTHORITY_MAX = 253 + 1 + 6;
const HOST_MAX = 253;
const LABEL_MAX = 63;
const COLON = 0x3a;
const DOT = 0x2e;
const HYPHEN = 0x2d;
const ZERO = 0x30;

/** Lower-cased byte of host names, dot included; 0 for every other byte. */
const hostByte = buildHostBytes();

/** Copies up to `:` or `end`, lower-cased. Returns where it stopped, or -1 at a byte that no host name holds. */
function copyName(source: Uint8Array, start: number, end: number, arena: Uint8Array, out: number): number {
  let at = start;
  for (; at < end; at++) {
    const byte = source[at]!;
    if (byte === COLON) break;
    const folded = hostByte[byte]!;
    if (folded === 0) return -1;
    arena[out++] = folded;
  }
  return at;
}

/** Copies `[...]`, lower-cased. Returns what follows the bracket, or -1. A zone's `%` is no byte of a literal. */
function copyLiteral(source: Uint8Array, start: number, end: number, arena: Uint8Array, out: number): number {
  arena[out++] = source[start]!;
  for (let at = start + 1; at < end; at++) {
    const byte = source[at]!;
    if (byte === 0x5d) {
      arena[out] = byte;
      return at + 1;
    }
    const folded = byte === COLON ? COLON : hostByte[byte]!;
    if (folded === 0) return -1;
    arena[out++] = folded;
  }
  return -1;
}

/** Whether `arena[start, end)`, known to hold host bytes only, is a host name or a dotted IPv4. */
function isHostName(arena: Uint8Array, start: number, end: number): boolean {
  if (end - start > HOST_MAX) return false;
  let labelStart = start;
  for (let at = start; at <= end; at++) {
    if (at < end && arena[at] !== DOT) continue;
    if (at === labelStart || at - labelStart > LABEL_MAX) return false;
    if (arena[labelStart] === HYPHEN || arena[at - 1] === HYPHEN) return false;
    if (at < end) labelStart = at + 1;
  }
  return isNumeric(arena, labelStart, end) ? isDottedQuad(arena, start, end) : true;
}

/** A last label of digits, or `0x` and hex digits, makes the whole host an IPv4 address to browsers and resolvers. */
function isNumeric(arena: Uint8Array, start: number, end: number): boolean {
  const hex = end - start >= 2 && arena[start] === ZERO && arena[start + 1] === 0x78;
  for (let at = hex ? start + 2 : start; at < end; at++) {
    const byte = arena[at]!;
    if (!isDigit(byte) && !(hex && byte >= 0x61 && byte <= 0x66)) return false;
  }
  return true;
}

function isDottedQuad(arena: Uint8Array, start: number, end: number): boolean {
  let octets = 0;
  let value = 0;
  let digits = 0;
  for (let at = start; at <= end; at++) {
    const byte = at < end ? arena[at]! : DOT;
    if (byte === DOT) {
      if (digits === 0 || value > 255) return false;
      octets++;
      value = digits = 0;
    } else {
      if (!isDigit(byte) || (digits > 0 && value === 0) || digits === 3) return false;
      value = value * 10 + byte - ZERO;
      digits++;
    }
  }
  return octets === 4;
}

/** Value of `:digits` in `source[at, end)`: 1 to 65535 without leading zeros, or -1. */
function portValue(source: Uint8Array, at: number, end: number): number {
  const length = end - at - 1;
  if (source[at] !== COLON || length < 1 || length > 5 || source[at + 1] === ZERO) return -1;
  let value = 0;
  for (at++; at < end; at++) {
    const byte = source[at]!;
    if (!isDigit(byte)) return -1;
    value = value * 10 + byte - ZERO;
  }
  return value <= 65535 ? value : -1;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39;
}

/** Userinfo has a reason of its own: it is how one URL shows a host and goes to another. */
function refusal(source: Uint8Array, start: number, end: number): Reason {
  for (let at = start; at < end; at++) if (source[at] === 0x40) return reasons.userinfo;
  return reasons.hostSyntax;
}

function buildHostBytes(): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const byte of Buffer.from("abcdefghijklmnopqrstuvwxyz0123456789-_.", "latin1")) bytes[byte] = byte;
  for (let upper = 0x41; upper <= 0x5a; upper++) bytes[upper] = upper + 32;
  return bytes;
}
