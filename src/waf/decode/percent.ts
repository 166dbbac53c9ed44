import { type Decode, hexDigit, hexQuad, UNCHANGED, writeCodePoint } from "./decoder.ts";

/** `%41` and IIS's `%u0041`. What is not an escape stays as it is. */
export const decodePercent: Decode = (source, start, end, out) => decode(source, start, end, out, false);

/** The same with `+` as space: names and values of queries and urlencoded forms. */
export const decodeForm: Decode = (source, start, end, out) => decode(source, start, end, out, true);

function decode(source: Uint8Array, start: number, end: number, out: Uint8Array, plus: boolean): number {
  let to = 0;
  let changed = false;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (byte === 0x25) {
      const high = at + 2 < end ? hexDigit(source[at + 1]) : -1;
      const low = high < 0 ? -1 : hexDigit(source[at + 2]);
      if (low >= 0) {
        out[to++] = (high << 4) | low;
        at += 2;
        changed = true;
        continue;
      }
      const code = at + 1 < end && (source[at + 1]! | 0x20) === 0x75 ? hexQuad(source, at + 2, end) : -1;
      if (code >= 0) {
        to = writeCodePoint(code, out, to);
        at += 5;
        changed = true;
        continue;
      }
    } else if (byte === 0x2b && plus) {
      out[to++] = 0x20;
      changed = true;
      continue;
    }
    out[to++] = byte;
  }
  return changed ? to : UNCHANGED;
}
