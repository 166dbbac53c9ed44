import { type Decode, UNCHANGED } from "./decoder.ts";

/**
 * A path as a file system reads it: `\` is `/`, doubled slashes and `./` are one, parameters after `;` are gone. `..` stays:
 * it is what detectors look for. The two slashes of `scheme://` stay as well.
 */
export const flattenPath: Decode = (source, start, end, out) => {
  if (!mayChange(source, start, end)) return UNCHANGED;
  let to = 0;
  let changed = false;
  for (let at = start; at < end; at++) {
    let byte = source[at]!;
    if (byte === 0x5c) {
      byte = 0x2f;
      changed = true;
    }
    if (byte === 0x2f && to > 0 && out[to - 1] === 0x2f && !(to > 1 && out[to - 2] === 0x3a)) {
      changed = true;
      continue;
    }
    if (byte === 0x2e && isSlash(source[at + 1]) && at + 1 < end && (to === 0 || out[to - 1] === 0x2f)) {
      at++;
      changed = true;
      continue;
    }
    if (byte === 0x3b && isDots(out, to)) {
      const slash = nextSlash(source, at, end);
      if (slash !== 0) {
        at = slash - 1;
        changed = true;
        continue;
      }
    }
    out[to++] = byte;
  }
  return changed ? to : UNCHANGED;
};

/** Whether anything stands in it that could be undone: nearly always nothing, and then nothing need be copied. */
function mayChange(source: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (isMark[byte] === 0) continue;
    if (byte === 0x5c) return true;
    const before = at > start ? source[at - 1] : 0x2f;
    if (
      byte === 0x2f
        ? at > start && before === 0x2f && source[at - 2] !== 0x3a
        : before === 0x2f || byte === 0x3b
    )
      return true;
  }
  return false;
}

/** 1 for slashes, dots and semicolons. */
const isMark: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x2f || byte === 0x5c || byte === 0x2e || byte === 0x3b ? 1 : 0,
);

function isSlash(byte: number | undefined): boolean {
  return byte === 0x2f || byte === 0x5c;
}

function isDots(out: Uint8Array, to: number): boolean {
  return to >= 2 && out[to - 1] === 0x2e && out[to - 2] === 0x2e && (to === 2 || out[to - 3] === 0x2f);
}

/** Tomcat reads `..;x=1/` as `../`. */
function nextSlash(source: Uint8Array, at: number, end: number): number {
  const until = Math.min(end, at + 32);
  for (let next = at; next < until; next++) if (isSlash(source[next])) return next;
  return 0;
}
