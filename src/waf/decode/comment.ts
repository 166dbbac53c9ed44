import { copySpan, type Decode, isWordByte, UNCHANGED } from "./decoder.ts";

/**
 * Words apart: C and SQL comments become a space, but the content of MySQL's executable comments stays; control characters
 * become a space; runs of white space become one. An unclosed comment is only its two characters: it hides nothing.
 */
export const spaceOut: Decode = (source, start, end, out) => {
  let to = 0;
  let changed = false;
  // Where the next comment ends, so that many unclosed ones do not search the rest again and again.
  const searched = { close: -1 };
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    let used = 0;
    if (byte === 0x2f && source[at + 1] === 0x2a && at + 1 < end)
      used = commentLength(source, at, end, searched);
    else if (byte === 0x2a && source[at + 1] === 0x2f && at + 1 < end) used = 2;
    if (used === 0 && byte > 0x20 && byte !== 0x7f) {
      out[to++] = byte;
      continue;
    }
    if (used !== 0) at += used - 1;
    const after = to > 0 && out[to - 1] === 0x20;
    if (used !== 0 || byte !== 0x20 || after) changed = true;
    if (!after) out[to++] = 0x20;
  }
  return changed ? to : UNCHANGED;
};

/**
 * Words together: what a filter or a browser drops before it reads is removed. Comments (but not the content of executable
 * ones), control characters, and line ends and tabs in what may be a URL scheme (WHATWG URL removes them).
 */
export const squeeze: Decode = (source, start, end, out) => {
  let to = 0;
  // Copied up to here: most texts have nothing to drop, and are only looked at.
  let copied = start;
  const searched = { close: -1 };
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (isDroppable[byte] === 0) continue;
    let used = 1;
    if (byte === 0x2f) {
      if (source[at + 1] !== 0x2a || at + 1 >= end) continue;
      used = commentLength(source, at, end, searched);
    } else if (byte >= 0x09 && byte <= 0x0d && !inScheme(source, at, start, end)) continue;
    to = copySpan(source, copied, at, out, to);
    at += used - 1;
    copied = at + 1;
  }
  return copied === start ? UNCHANGED : copySpan(source, copied, end, out, to);
};

/** 1 for control characters and `/`. */
const isDroppable: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === 0x7f || byte === 0x2f ? 1 : 0,
);

/** Bytes to drop at a comment's start: all of it, or only its mark when it is unclosed or executable. */
function commentLength(source: Uint8Array, at: number, end: number, searched: { close: number }): number {
  if (source[at + 2] === 0x21 && at + 2 < end) {
    let next = at + 3;
    // `/*!50000`: a version of up to six digits belongs to the mark. MariaDB writes `/*M!`.
    while (next < end && next < at + 9 && source[next]! >= 0x30 && source[next]! <= 0x39) next++;
    return next - at;
  }
  if (source[at + 2] === 0x4d && source[at + 3] === 0x21 && at + 3 < end) return 4;
  if (searched.close < at + 2) searched.close = findClose(source, at + 2, end);
  return searched.close >= end ? 2 : searched.close + 2 - at;
}

/** Position of the next star and slash, `end` when there is none. */
function findClose(source: Uint8Array, at: number, end: number): number {
  for (; at + 1 < end; at++) if (source[at] === 0x2a && source[at + 1] === 0x2f) return at;
  return end;
}

/** A white control between word characters of which the right part leads to a colon within 40 bytes. */
function inScheme(source: Uint8Array, at: number, start: number, end: number): boolean {
  if (at === start || !isWordByte(source[at - 1]) || source[at - 1]! >= 0x80) return false;
  const until = Math.min(end, at + 40);
  for (let next = at + 1; next < until; next++) {
    const byte = source[next]!;
    if (byte === 0x3a) return true;
    if (!isWordByte(byte) && (byte < 0x09 || byte > 0x0d)) return false;
  }
  return false;
}
