import { base64Digit } from "./base64.ts";
import { type Decode, UNCHANGED } from "./decoder.ts";

/**
 * UTF-7 (RFC 2152): `+ADw-script+AD4-`. Only runs of ASCII characters are decoded; they begin with A and A-H, which
 * keeps plus signs of other texts.
 */
export const decodeUtf7: Decode = (source, start, end, out) => {
  let to = 0;
  let changed = false;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (byte === 0x2b && source[at + 1] === 0x41 && at + 3 < end) {
      const written = decodeRun(source, at + 1, end, out, to);
      if (written > 0) {
        to += written;
        at = runEnd(source, at + 1, end) - 1;
        if (source[at + 1] === 0x2d && at + 1 < end) at++;
        changed = true;
        continue;
      }
    }
    out[to++] = byte;
  }
  return changed ? to : UNCHANGED;
};

/** More than this is no disguised word. Base64 digits. */
const RUN_MAX = 1_024;

function runEnd(source: Uint8Array, at: number, end: number): number {
  const until = Math.min(end, at + RUN_MAX);
  while (at < until && base64Digit(source[at]!) >= 0 && source[at] !== 0x2d && source[at] !== 0x5f) at++;
  return at;
}

/** Bytes written; 0 when the run is not ASCII in UTF-16BE. */
function decodeRun(source: Uint8Array, at: number, end: number, out: Uint8Array, to: number): number {
  const until = runEnd(source, at, end);
  let bits = 0;
  let held = 0;
  let written = 0;
  for (; at < until; at++) {
    bits = ((bits << 6) | base64Digit(source[at]!)) & 0xffffff;
    held += 6;
    if (held < 16) continue;
    held -= 16;
    const unit = (bits >> held) & 0xffff;
    if (unit > 0x7f) return 0;
    out[to + written++] = unit;
  }
  return written;
}
