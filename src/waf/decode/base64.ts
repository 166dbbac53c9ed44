import { type Decode, UNCHANGED } from "./decoder.ts";

/**
 * Finds base64 (also URL-safe, also without padding) that decodes to text, and returns that text: the whole value, or
 * runs in it, one per line. Sessions, hashes, images and long words decode to rubbish and cost one look at 16 characters.
 */
export const decodeBase64: Decode = (source, start, end, out) => {
  let at = runEnd(source, start, end);
  if (at - start >= WHOLE_MIN && afterPadding(source, at, end) === end)
    return written(decodeRun(source, start, at, out, 0));
  let to = at - start >= RUN_MIN ? decodeRun(source, start, at, out, 0) : 0;
  // A run has no gap, so looking at every RUN_MIN-th byte finds it.
  for (let probe = at + RUN_MIN - 1; probe < end; probe = at + RUN_MIN - 1) {
    if (digits[source[probe]!]! < 0) {
      at = probe + 1;
      continue;
    }
    let from = probe;
    while (from > at && digits[source[from - 1]!]! >= 0) from--;
    at = runEnd(source, probe + 1, end);
    if (at - from >= RUN_MIN) to = decodeRun(source, from, at, out, to);
  }
  return written(to);
};

function written(to: number): number {
  return to > 0 ? to : UNCHANGED;
}

function runEnd(source: Uint8Array, at: number, end: number): number {
  while (at < end && digits[source[at]!]! >= 0) at++;
  return at;
}

/** Fewer characters than this decode to text by chance too often, or hide nothing. */
export const RUN_MIN = 16;
/** The same for a value that is nothing else. */
export const WHOLE_MIN = 8;

/** Value of a base64 digit of either alphabet, -1 for other bytes. */
export function base64Digit(byte: number): number {
  return digits[byte]!;
}

const digits = buildDigits();

function buildDigits(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let at = 0; at < 64; at++) table[alphabet.charCodeAt(at)] = at;
  table[0x2d] = 62;
  table[0x5f] = 63;
  return table;
}

function afterPadding(source: Uint8Array, at: number, end: number): number {
  let left = 3;
  while (at < end && source[at] === 0x3d && left-- > 0) at++;
  return at;
}

/** Decodes a run if it is text. A path holds base64 in a segment, so each `/` may begin another try. */
function decodeRun(source: Uint8Array, at: number, until: number, out: Uint8Array, to: number): number {
  let tries = TRIES_MAX;
  for (let from = at; from < until && tries-- > 0; ) {
    if (until - from < WHOLE_MIN) return to;
    const next = decodeText(source, from, until, out, to === 0 ? 0 : to + 1);
    if (next !== UNCHANGED) {
      if (to !== 0) out[to] = 0x0a;
      return next;
    }
    while (from < until && source[from] !== 0x2f) from++;
    from++;
    if (until - from < RUN_MIN) return to;
  }
  return to;
}

/** Segments of one run that are tried. */
const TRIES_MAX = 16;

/** The position behind the text, or UNCHANGED when it is no text. UTF-16 loses its NULs (PowerShell's -enc). */
function decodeText(source: Uint8Array, at: number, until: number, out: Uint8Array, to: number): number {
  const first = to;
  let bits = 0;
  let held = 0;
  let nuls = 0;
  // Continuation bytes that the last UTF-8 lead byte asked for.
  let pending = 0;
  for (; at < until; at++) {
    bits = ((bits << 6) | digits[source[at]!]!) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    const byte = (bits >> held) & 0xff;
    if (byte === 0) {
      if (++nuls > to - first + 1) return UNCHANGED;
      continue;
    }
    if (pending > 0 && (byte & 0xc0) !== 0x80) return UNCHANGED;
    if (byte >= 0xc2 && byte < 0xf5) pending = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    else if (byte >= 0x80) {
      if (pending-- <= 0) return UNCHANGED;
    } else if (byte === 0x7f || (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d))
      return UNCHANGED;
    out[to++] = byte;
  }
  const length = to - first;
  return length < 4 || (nuls > 0 && nuls < length - 1) ? UNCHANGED : to;
}
