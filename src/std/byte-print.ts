/**
 * Printing into a byte buffer: each function writes at `at` and returns the offset after it. The caller has made room.
 */

/** Bytes of a text of ours; made once, at module level or per snapshot. */
export function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

export function put(out: Uint8Array, at: number, bytes: Uint8Array): number {
  out.set(bytes, at);
  return at + bytes.length;
}

/** Copies `source[start, end)`; short spans byte by byte: 10 ns against 30 ns for a call into C++ at 20 bytes. */
export function copy(out: Buffer, at: number, source: Buffer, start: number, end: number): number {
  if (end - start < 32) {
    while (start < end) out[at++] = source[start++]!;
    return at;
  }
  source.copy(out, at, start, end);
  return at + end - start;
}

/** Decimal digits of a non-negative safe integer. */
export function putNumber(out: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    out[at] = 48 + value;
    return at + 1;
  }
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  for (let i = digits - 1; i >= 0; i--) {
    const next = Math.floor(value / 10);
    out[at + i] = 48 + (value - next * 10);
    value = next;
  }
  return at + digits;
}
