import { writeHex } from "../std/hex.ts";
import type { RandomPool } from "../std/random-pool.ts";

/**
 * Whether a client's X-Request-ID may be kept: 8 to 64 bytes of `A-Z a-z 0-9 _ . -`. It goes into logs and answers, so
 * no quote, escape or control can be in it.
 */
export function isRequestId(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < 8 || length > 64) return false;
  for (let at = start; at < end; at++) if (idByte[bytes[at]!] === 0) return false;
  return true;
}

export const REQUEST_ID_BYTES = 32;

/** Writes a new request id at `out[at]`: 128 random bits as 32 lower-case hex digits. Returns its end. */
export function writeRequestId(out: Uint8Array, at: number, pool: RandomPool): number {
  const from = pool.take(REQUEST_ID_BYTES / 2);
  return writeHex(pool.bytes, from, REQUEST_ID_BYTES / 2, out, at);
}

const idByte = buildIdBytes();

function buildIdBytes(): Uint8Array {
  const bytes = new Uint8Array(256);
  const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  for (const byte of Buffer.from(chars, "latin1")) bytes[byte] = 1;
  return bytes;
}
