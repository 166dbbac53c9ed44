import { type Decode, UNCHANGED } from "./decoder.ts";

/**
 * The text in binary data, as strings(1) finds it: runs of at least 8 printable ASCII characters, one per line. What is
 * hidden in an image is such a run; noise of the same length is all but never one.
 */
export const extractStrings: Decode = (source, start, end, out) => {
  let to = 0;
  let run = start;
  for (let at = start; at <= end; at++) {
    if (at < end && isPrintable(source[at]!)) continue;
    if (at - run >= RUN_MIN) {
      if (to > 0) out[to++] = 0x0a;
      for (let from = run; from < at; from++) out[to++] = source[from]!;
    }
    run = at + 1;
  }
  return to === end - start ? UNCHANGED : to;
};

const RUN_MIN = 8;
/** Shorter values are not asked whether they are binary. Bytes. */
const BINARY_MIN = 128;

/**
 * Whether bytes are no text in any encoding: control characters (white space and UTF-16's NULs aside) are at least one of
 * 32. In random data they are one of nine.
 */
export function isBinary(source: Uint8Array, start: number, end: number): boolean {
  if (end - start < BINARY_MIN) return false;
  let left = (end - start) >> 5;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if ((byte < 0x20 && byte !== 0 && (byte < 0x09 || byte > 0x0d)) || byte === 0x7f)
      if (--left <= 0) return true;
  }
  return false;
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09;
}
