import { escapeValue, unreserved } from "./percent.ts";
import type { CanonicalRequest } from "./request.ts";

/**
 * Whether the canonical path of `request`, decoded up to 3 more times than it should be, holds a dot segment, a
 * backslash or a control character: `/%252e%252e/` is `/../` to a server that decodes twice. Other nested escapes are
 * opaque and real (a URL inside a path). Needs the path written and `arenaEnd` behind it; the arena's free end is the
 * scratch space. Linear, and only run for paths with `%25`.
 */
export function hidesDotSegment(request: CanonicalRequest): boolean {
  request.reserve(request.pathEnd - request.pathStart);
  const view = request.arena;
  const start = request.arenaEnd;
  view.copyWithin(start, request.pathStart, request.pathEnd);
  let end = start + request.pathEnd - request.pathStart;
  for (let level = 0; level < LEVELS; level++) {
    const opened = openEscapes(view, start, end);
    if (opened === end) return false;
    end = opened;
    if (isHostile(view, start, end)) return true;
  }
  return false;
}

const LEVELS = 3;

/**
 * Opens one level of nesting in place: `%25` becomes `%` and escapes of unreserved characters are decoded, so that the
 * parts of an inner escape come together. Other escapes stay, to be judged as escapes. Returns the new end.
 */
function openEscapes(view: Uint8Array, start: number, end: number): number {
  let out = start;
  for (let at = start; at < end; at++) {
    const value = escapeValue(view, at, end);
    if (value === 0x25 || (value >= 0 && unreserved[value] === 1)) {
      view[out++] = value;
      at += 2;
    } else {
      view[out++] = view[at]!;
    }
  }
  return out;
}

/** The canonical path itself holds none of these, so what is found here was formed by decoding. */
function isHostile(view: Uint8Array, start: number, end: number): boolean {
  let dots = 0;
  for (let at = start; at < end; at++) {
    const escaped = escapeValue(view, at, end);
    const value = escaped < 0 ? view[at]! : escaped;
    if (escaped >= 0) at += 2;
    if (value === 0x2e) {
      dots++;
    } else if (value === 0x2f || value === 0x3b) {
      if (dots === 1 || dots === 2) return true;
      dots = 0;
    } else if (value === 0x5c || value === 0x7f || (value < 0x20 && value !== 0x09)) {
      return true;
    } else if (value !== 0x20 && value !== 0x09) {
      dots = 3;
    }
  }
  return dots === 1 || dots === 2;
}
