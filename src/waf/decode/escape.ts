import { copySpan, type Decode, hexDigit, hexQuad, UNCHANGED, writeCodePoint } from "./decoder.ts";

/**
 * Backslash escapes of JavaScript, JSON, C and SQL strings: `\u0041`, `\u{41}`, `\x41`, octal, the short ones, an escaped
 * line end. A backslash before anything else stays: `C:\windows` is no escape, and the path view wants it.
 */
export const decodeScript: Decode = (source, start, end, out) => {
  // Most strings of a text that has escapes have none.
  let first = start;
  while (first < end && source[first] !== 0x5c) first++;
  if (first + 1 >= end) return UNCHANGED;
  let to = copySpan(source, start, first, out, 0);
  let changed = false;
  for (let at = first; at < end; at++) {
    const byte = source[at]!;
    if (byte !== 0x5c || at + 1 >= end) {
      out[to++] = byte;
      continue;
    }
    const next = source[at + 1]!;
    let code = -1;
    let used = 0;
    if (next === 0x75) {
      code = hexQuad(source, at + 2, end);
      used = 5;
      if (code >= 0xd800 && code < 0xdc00 && source[at + 6] === 0x5c && source[at + 7] === 0x75) {
        const low = hexQuad(source, at + 8, end);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          used = 11;
        }
      }
      if (code < 0 && source[at + 2] === 0x7b) {
        const close = braced(source, at + 3, end);
        if (close !== 0) {
          code = bracedCode(source, at + 3, close);
          used = close - at;
        }
      }
    } else if (next === 0x78) {
      const high = at + 3 < end ? hexDigit(source[at + 2]) : -1;
      const low = high < 0 ? -1 : hexDigit(source[at + 3]);
      if (low >= 0) {
        out[to++] = (high << 4) | low;
        at += 3;
        changed = true;
        continue;
      }
    } else if (next >= 0x30 && next <= 0x37) {
      code = next - 0x30;
      used = 1;
      const most = next <= 0x33 ? 3 : 2;
      while (used < most && at + 1 + used < end) {
        const digit = source[at + 1 + used]! - 0x30;
        if (digit < 0 || digit > 7) break;
        code = code * 8 + digit;
        used++;
      }
      out[to++] = code;
      at += used;
      changed = true;
      continue;
    } else if (next === 0x0a || next === 0x0d) {
      at += next === 0x0d && source[at + 2] === 0x0a && at + 2 < end ? 2 : 1;
      changed = true;
      continue;
    } else {
      code = shortEscape(next);
      used = 1;
    }
    if (code < 0) {
      out[to++] = byte;
      continue;
    }
    to = writeCodePoint(code, out, to);
    at += used;
    changed = true;
  }
  return changed ? to : UNCHANGED;
};

/** Position of the `}` of `\u{41}`, 0 when there is none. Zeros in front are allowed, so the length is bounded. */
function braced(source: Uint8Array, at: number, end: number): number {
  const until = Math.min(end, at + 24);
  for (let next = at; next < until; next++) {
    if (source[next] === 0x7d) return next === at ? 0 : next;
    if (hexDigit(source[next]) < 0) return 0;
  }
  return 0;
}

function bracedCode(source: Uint8Array, at: number, close: number): number {
  let code = 0;
  for (let next = at; next < close; next++) code = Math.min(code * 16 + hexDigit(source[next]), 0x110000);
  return code;
}

function shortEscape(byte: number): number {
  switch (byte) {
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x76:
      return 0x0b;
    case 0x61:
      return 0x07;
    case 0x22:
    case 0x27:
    case 0x2f:
    case 0x5c:
    case 0x60:
    case 0x3f:
      return byte;
    default:
      return -1;
  }
}

/** CSS escapes (CSS Syntax 3, 4.3.7): up to six hex digits and one white space, or any character but a line end. */
export const decodeCss: Decode = (source, start, end, out) => {
  let to = 0;
  let changed = false;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (byte !== 0x5c || at + 1 >= end) {
      out[to++] = byte;
      continue;
    }
    changed = true;
    let next = at + 1;
    if (hexDigit(source[next]) < 0) {
      // An escaped line end is nothing; an escaped character is itself.
      if (source[next] !== 0x0a) out[to++] = source[next]!;
      at = next;
      continue;
    }
    let code = 0;
    while (next < end && next < at + 7 && hexDigit(source[next]) >= 0)
      code = code * 16 + hexDigit(source[next++]);
    if (next < end && isSpace(source[next]!)) next++;
    to = writeCodePoint(code, out, to);
    at = next - 1;
  }
  return changed ? to : UNCHANGED;
};

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b);
}
