import { type Decode, UNCHANGED } from "./decoder.ts";

/**
 * The text in binary data, as strings(1) finds it: runs of at least 8 printable ASCII characters, one per line. What is
 * hidden in an image is such a run; noise of the same length is all but never one. A longer run may hold a few control
 * characters between its words: databases read them as spaces, and padding behind a comment makes any value look binary.
 */
export const extractStrings: Decode = (source, start, end, out) => {
  let to = 0;
  let from = start;
  let last = start;
  let printable = 0;
  for (let at = start; at <= end; at++) {
    if (at < end && isPrintable(source[at]!)) {
      if (printable++ === 0) from = at;
      last = at + 1;
      continue;
    }
    if (at < end && printable > 0 && isGap(source[at]!) && at - last < GAP_MAX) continue;
    if (printable >= (last - from === printable ? RUN_MIN : SPACED_MIN)) {
      if (to > 0) out[to++] = 0x0a;
      for (let copied = from; copied < last; copied++) out[to++] = source[copied]!;
    }
    printable = 0;
  }
  return to === end - start ? UNCHANGED : to;
};

/** Printable characters of a run with gaps. */
const SPACED_MIN = 16;
const GAP_MAX = 4;
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

function isGap(byte: number): boolean {
  return (byte > 0 && byte < 0x20) || byte === 0xa0;
}
