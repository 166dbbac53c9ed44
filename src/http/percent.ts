import { hexValue, NOT_HEX } from "../std/hex.ts";

/** 1 for the bytes that mean the same escaped and raw (RFC 3986 §2.3), 0 for all others. */
export const unreserved: Uint8Array = buildUnreserved();

/** Byte that the escape `%XX` at `source[at]` stands for, or -1 when there is no whole escape before `end`. */
export function escapeValue(source: Uint8Array, at: number, end: number): number {
  if (at + 2 >= end || source[at] !== 0x25) return -1;
  const high = hexValue[source[at + 1]!]!;
  const low = hexValue[source[at + 2]!]!;
  return high === NOT_HEX || low === NOT_HEX ? -1 : (high << 4) | low;
}

/**
 * End of the one UTF-8 sequence whose escapes start at `source[at]`, or -1. Follows the table of well-formed sequences
 * (Unicode 15 §3.9, table 3-7), so overlong forms (`%C0%AE` as a dot), surrogates, values above U+10FFFF, lone
 * continuations and truncated sequences are all -1. `lead` is the value of the escape at `at`, 0x80 or more.
 */
export function escapedUtf8End(source: Uint8Array, at: number, end: number, lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return -1;
  let continuations = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  // Only the second byte has a narrower range.
  let least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  let most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  for (at += 3; continuations > 0; continuations--, at += 3) {
    const value = escapeValue(source, at, end);
    if (value < least || value > most) return -1;
    least = 0x80;
    most = 0xbf;
  }
  return at;
}

function buildUnreserved(): Uint8Array {
  const bytes = new Uint8Array(256);
  const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (const byte of Buffer.from(chars, "latin1")) bytes[byte] = 1;
  return bytes;
}
