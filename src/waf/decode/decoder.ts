/**
 * One decoding step over bytes. Reads `source[start, end)`, writes at most as many bytes to `out` from 0 on, and returns
 * how many; UNCHANGED when there was nothing to decode (`out` then holds rubbish). Pure, linear, never throws. `out` has
 * room for `end - start` bytes and is never `source`.
 */
export type Decode = (source: Uint8Array, start: number, end: number, out: Uint8Array) => number;

export const UNCHANGED = -1;

/** Copies `source[start, end)` to `out[to…]`; returns where it ends there. */
export function copySpan(
  source: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
): number {
  if (end - start > COPY_BYTES) out.set(source.subarray(start, end), to);
  else for (let at = start; at < end; at++) out[to + at - start] = source[at]!;
  return to + end - start;
}

/** Below this a loop is faster than a view and a copy. */
const COPY_BYTES = 32;

/** Value of a hex digit, -1 for any other byte; also for `undefined`, so that callers may read past the end. */
export function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Four hex digits at `at`, -1 when they are not all there. */
export function hexQuad(source: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1;
  let code = 0;
  for (let digit = 0; digit < 4; digit++) {
    const value = hexDigit(source[at + digit]);
    if (value < 0) return -1;
    code = (code << 4) | value;
  }
  return code;
}

/** Writes a code point as UTF-8 and returns the next position; what is no scalar value becomes `?`. */
export function writeCodePoint(code: number, out: Uint8Array, at: number): number {
  if (code < 0x80) {
    out[at] = code;
    return at + 1;
  }
  if (code < 0x800) {
    out[at] = 0xc0 | (code >> 6);
    out[at + 1] = 0x80 | (code & 0x3f);
    return at + 2;
  }
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    out[at] = 0x3f;
    return at + 1;
  }
  if (code < 0x10000) {
    out[at] = 0xe0 | (code >> 12);
    out[at + 1] = 0x80 | ((code >> 6) & 0x3f);
    out[at + 2] = 0x80 | (code & 0x3f);
    return at + 3;
  }
  out[at] = 0xf0 | (code >> 18);
  out[at + 1] = 0x80 | ((code >> 12) & 0x3f);
  out[at + 2] = 0x80 | ((code >> 6) & 0x3f);
  out[at + 3] = 0x80 | (code & 0x3f);
  return at + 4;
}

/** Letters, digits and `_`, and every byte of a UTF-8 sequence: what a word is made of. */
export function isWordByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f || byte >= 0x80
  );
}
