import { hexDigit, hexValue, writeHex } from "../std/hex.ts";
import type { RandomPool } from "../std/random-pool.ts";

/** Bytes of a version 00 traceparent: `00-<32 hex>-<16 hex>-<2 hex>`. */
export const TRACEPARENT_BYTES = 55;

/**
 * Whether `bytes[start, end)` is a W3C traceparent of version 00: lower-case hex, neither id zero. A later version
 * counts as malformed and is replaced: we would have to forward parts that we cannot check.
 */
export function isTraceparent(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== TRACEPARENT_BYTES) return false;
  if (bytes[start] !== ZERO || bytes[start + 1] !== ZERO) return false;
  if (bytes[start + 2] !== HYPHEN || bytes[start + 35] !== HYPHEN || bytes[start + 52] !== HYPHEN)
    return false;
  return (
    isId(bytes, start + 3, start + 35) &&
    isId(bytes, start + 36, start + 52) &&
    isLowerHex(bytes[start + 53]!) &&
    isLowerHex(bytes[start + 54]!)
  );
}

/** Writes a new traceparent, sampled, at `out[at]`. Returns its end. */
export function writeTraceparent(out: Uint8Array, at: number, pool: RandomPool): number {
  const from = pool.take(24);
  out[at++] = ZERO;
  out[at++] = ZERO;
  out[at++] = HYPHEN;
  at = writeHex(pool.bytes, from, 16, out, at);
  out[at++] = HYPHEN;
  at = writeHex(pool.bytes, from + 16, 8, out, at);
  out[at++] = HYPHEN;
  out[at++] = ZERO;
  out[at++] = ZERO + 1;
  return at;
}

/** Where the ids and the flags stand in a traceparent. */
export const TRACE_AT = 3;
export const SPAN_AT = 36;
const LAST_WORD_AT = 27;
const FLAGS_AT = 53;

/** A span id of 16 hex digits at `out[at]`. */
export function writeSpanId(out: Uint8Array, at: number, pool: RandomPool): void {
  writeHex(pool.bytes, pool.take(8), 8, out, at);
}

/** Of the traceparent at `bytes[at]`. */
export function isSampled(bytes: Uint8Array, at: number): boolean {
  return (hexValue[bytes[at + FLAGS_AT + 1]!]! & 1) === 1;
}

/** Sets or clears the sampled flag, and leaves the others (W3C Trace Context §3.2.2.5). */
export function markSampled(bytes: Uint8Array, at: number, sampled: boolean): void {
  const flags = hexValue[bytes[at + FLAGS_AT + 1]!]!;
  bytes[at + FLAGS_AT + 1] = hexDigit[sampled ? flags | 1 : flags & ~1]!;
}

/** Whether the last 32 bits of the trace id are below `below`, 0 to 2^32: random in every id (§3.2.2.3). */
export function isChosen(bytes: Uint8Array, at: number, below: number): boolean {
  let word = 0;
  for (let index = at + LAST_WORD_AT; index < at + LAST_WORD_AT + 8; index++)
    word = word * 16 + hexValue[bytes[index]!]!;
  return word < below;
}

/**
 * Whether `bytes[start, end)` may go on as tracestate: at most 512 bytes and 32 list members, each empty or
 * `key=value` in the bytes that W3C Trace Context §3.3 allows. Keys are not checked for being unique.
 */
export function isTracestate(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > TRACESTATE_MAX) return false;
  let members = 0;
  for (let at = start; at <= end; at++) {
    if (++members > MEMBERS_MAX) return false;
    const memberStart = at;
    while (at < end && bytes[at] !== COMMA) at++;
    if (!isMember(bytes, memberStart, at)) return false;
  }
  return true;
}

const TRACESTATE_MAX = 512;
const MEMBERS_MAX = 32;
const PART_MAX = 256;
const ZERO = 0x30;
const HYPHEN = 0x2d;
const COMMA = 0x2c;
const EQUALS = 0x3d;

/** 1 for bytes of a tracestate key. */
const keyByte = buildKeyBytes();

function isMember(bytes: Uint8Array, start: number, end: number): boolean {
  while (start < end && isBlank(bytes[start]!)) start++;
  while (end > start && isBlank(bytes[end - 1]!)) end--;
  if (start === end) return true;
  let at = start;
  while (at < end && keyByte[bytes[at]!] === 1) at++;
  if (at === start || at - start > PART_MAX || bytes[at] !== EQUALS || at === end) return false;
  const valueStart = ++at;
  if (valueStart === end || end - valueStart > PART_MAX) return false;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte < 0x20 || byte > 0x7e || byte === EQUALS) return false;
  }
  return true;
}

function isId(bytes: Uint8Array, start: number, end: number): boolean {
  let anySet = false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (!isLowerHex(byte)) return false;
    if (byte !== ZERO) anySet = true;
  }
  return anySet;
}

function isLowerHex(byte: number): boolean {
  return (byte >= ZERO && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

function buildKeyBytes(): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const byte of Buffer.from("abcdefghijklmnopqrstuvwxyz0123456789_-*/@", "latin1")) bytes[byte] = 1;
  return bytes;
}
