import { crc32 } from "node:zlib";

/**
 * Length of the gzip member header (RFC 1952 §2.3) that `bytes` starts with, or -1 when there is none that is whole
 * and right. Headers longer than `HEADER_BYTES_MAX` (a name or a comment can be of any length) are refused.
 */
export function gzipHeaderLength(bytes: Uint8Array): number {
  if (bytes.length < FIXED_BYTES || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== DEFLATE) return -1;
  const flags = bytes[3]!;
  if (flags & RESERVED) return -1;
  let at = FIXED_BYTES;
  if (flags & EXTRA) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
  if (flags & NAME) at = afterZero(bytes, at);
  if (flags & COMMENT) at = afterZero(bytes, at);
  const checked = at;
  if (flags & HEADER_CRC) at += 2;
  if (at > bytes.length || at > HEADER_BYTES_MAX) return -1;
  if (flags & HEADER_CRC) {
    const sum = crc32(bytes.subarray(0, checked)) & 0xffff;
    if (sum !== (bytes[checked]! | (bytes[checked + 1]! << 8))) return -1;
  }
  return at;
}

const HEADER_BYTES_MAX = 4096;
const FIXED_BYTES = 10;
const DEFLATE = 8;
const HEADER_CRC = 0x02;
const EXTRA = 0x04;
const NAME = 0x08;
const COMMENT = 0x10;
const RESERVED = 0xe0;

function afterZero(bytes: Uint8Array, start: number): number {
  const zero = start < bytes.length ? bytes.indexOf(0, start) : -1;
  return zero < 0 ? HEADER_BYTES_MAX + 1 : zero + 1;
}
