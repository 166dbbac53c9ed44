import { type Reason, reasons } from "../reason.ts";
import { upperHexDigit } from "../std/hex.ts";
import { hidesDotSegment } from "./path-depth.ts";
import { escapedUtf8End, escapeValue, unreserved } from "./percent.ts";
import type { CanonicalRequest } from "./request.ts";

export interface PathOptions {
  /** Percent-encode raw `{ } | ^` and backtick instead of refusing them, as `[` and `]` always are. */
  readonly encodeRawChars: boolean;
  /** Most `/` a path may hold as it came. */
  readonly segmentsMax: number;
}

/**
 * Writes the canonical form of the path `source[start, end)` at `request.arenaEnd`, sets the path and route path spans
 * and `hasEncodedSlash`, and advances `arenaEnd`. `source` must not overlap the arena from `arenaEnd` on.
 *
 * Canonical (RFC 3986 §6.2.2, reliability.md §2.7): escapes of unreserved characters decoded once, other escapes in
 * upper case, dot segments resolved, `//` kept in the path and merged in the route path. Doing it twice changes
 * nothing. A path that some server would read as another path is refused, never repaired.
 */
export function writePath(
  source: Uint8Array,
  start: number,
  end: number,
  request: CanonicalRequest,
  options: PathOptions,
): Reason | undefined {
  if (start >= end || source[start] !== SLASH_BYTE) return reasons.targetForm;
  request.hasEncodedSlash = false;
  request.reserve(end - start);
  const arena = request.arena;
  let out = request.arenaEnd;
  let segments = 0;
  // Nearly every real path is canonical already: one table read per byte, and the copy is the canonical form.
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    const kind = rawKind[byte]!;
    if (kind >= SLASH) {
      if (kind !== SLASH || startsDotOrEmpty(source, at + 1, end)) {
        return rewritePath(source, start, end, request, options);
      }
      segments++;
    }
    arena[out++] = byte;
  }
  if (segments > options.segmentsMax) return reasons.pathSegments;
  setPath(request, out);
  return undefined;
}

const SLASH_BYTE = 0x2f;
const PERCENT_BYTE = 0x25;

// Kinds of raw bytes. From SLASH on, the plain copy must look closer.
const PLAIN = 0;
const DOT = 1;
const SLASH = 2;
const PARAM = 3;
const ESCAPE = 4;
/** Browsers leave these raw although RFC 3986 does not allow them. */
const LOOSE = 5;
const REFUSED = 6;
const rawKind = buildRawKinds();

// Kinds of escaped bytes.
const KEPT = 0;
const UNRESERVED = 1;
const ENCODED_SLASH = 2;
const ENCODED_PARAM = 3;
const SPACE = 4;
const PERCENT = 5;
const CONTROL = 6;
const BACKSLASH = 7;
const escapeKind = buildEscapeKinds();

// What stands beside or between the dots of a piece that would be a dot segment. None: a plain one, to be resolved.
const BY_ENCODED_SLASH = 1;
const BY_PARAM = 2;
const BY_ENCODED_DOT = 4;
const BY_SPACE = 8;

/** `dots` of a piece that holds anything but dots; counting on from here stays above 2. */
const NOT_DOTS = 3;

/**
 * The full form: escapes, parameters, dot segments and empty segments. A segment falls into pieces at `%2F`, `;` and
 * `%3B`, where some server ends a segment; a piece that is `.` or `..` there has two readings and is refused.
 */
function rewritePath(
  source: Uint8Array,
  start: number,
  end: number,
  request: CanonicalRequest,
  options: PathOptions,
): Reason | undefined {
  request.reserve((end - start) * 3);
  const arena = request.arena;
  const pathStart = request.arenaEnd;
  let out = pathStart;
  arena[out++] = SLASH_BYTE;
  let segmentStart = out;
  let segments = 1;
  let dots = 0;
  let marks = 0;
  let hasParam = false;
  let hasEmpty = false;
  let hasEncodedSlash = false;
  let hasPercent = false;

  for (let at = start + 1; at <= end; at++) {
    const byte = at === end ? SLASH_BYTE : source[at]!;
    switch (rawKind[byte]) {
      case PLAIN:
        arena[out++] = byte;
        dots = NOT_DOTS;
        break;
      case DOT:
        arena[out++] = byte;
        dots++;
        break;
      case SLASH: {
        const isDots = dots === 1 || dots === 2;
        if (isDots && marks !== 0) return dotReason(marks);
        if (isDots) {
          if (dots === 2) {
            const parent = parentStart(arena, pathStart, segmentStart);
            if (parent < 0) return parentReason(parent);
            segmentStart = parent;
          }
          out = segmentStart;
        }
        if (at === end) break;
        // `/a;x/b`: routers that drop parameters and those that keep them see different paths (CVE-2026-73551).
        if (hasParam) return reasons.pathParams;
        if (++segments > options.segmentsMax) return reasons.pathSegments;
        if (!isDots) {
          if (out === segmentStart) hasEmpty = true;
          arena[out++] = SLASH_BYTE;
          segmentStart = out;
        }
        dots = 0;
        marks = 0;
        break;
      }
      case PARAM:
        if (dots === 1 || dots === 2) return dotReason(marks | BY_PARAM);
        arena[out++] = byte;
        hasParam = true;
        dots = 0;
        marks = BY_PARAM;
        break;
      case ESCAPE: {
        const value = escapeValue(source, at, end);
        if (value < 0) return reasons.pathPercent;
        if (value >= 0x80) {
          const next = escapedUtf8End(source, at, end, value);
          if (next < 0) return reasons.pathUtf8;
          for (; at < next; at += 3) out = writeEscape(arena, out, escapeValue(source, at, next));
          at = next - 1;
          dots = NOT_DOTS;
          break;
        }
        at += 2;
        switch (escapeKind[value]) {
          case UNRESERVED:
            arena[out++] = value;
            if (value === 0x2e) {
              dots++;
              marks |= BY_ENCODED_DOT;
            } else {
              dots = NOT_DOTS;
            }
            break;
          case ENCODED_SLASH:
          case ENCODED_PARAM: {
            const mark = escapeKind[value] === ENCODED_SLASH ? BY_ENCODED_SLASH : BY_PARAM;
            if (dots === 1 || dots === 2) return dotReason(marks | mark);
            if (mark === BY_ENCODED_SLASH) hasEncodedSlash = true;
            out = writeEscape(arena, out, value);
            dots = 0;
            marks = mark;
            break;
          }
          case SPACE:
            // Trimmed by Windows and stripped by WHATWG parsers: `..%20` and `.%09.` are still dots to them.
            out = writeEscape(arena, out, value);
            marks |= BY_SPACE;
            break;
          case CONTROL:
            return reasons.pathControl;
          case BACKSLASH:
            return reasons.backslash;
          default:
            if (value === PERCENT_BYTE) hasPercent = true;
            out = writeEscape(arena, out, value);
            dots = NOT_DOTS;
        }
        break;
      }
      case LOOSE:
        // Browsers leave [ and ] as they are (`photo[1].pdf`); RFC 3986 has no place for them in a path.
        if (!options.encodeRawChars && byte !== 0x5b && byte !== 0x5d) return reasons.targetChar;
        out = writeEscape(arena, out, byte);
        dots = NOT_DOTS;
        break;
      default:
        return byte === 0x5c ? reasons.backslash : byte === 0x23 ? reasons.fragment : reasons.targetChar;
    }
  }

  if (endsInSpace(arena, pathStart, out)) return reasons.pathSpaceTail;
  request.hasEncodedSlash = hasEncodedSlash;
  setPath(request, out);
  if (hasPercent && hidesDotSegment(request)) return reasons.pathDouble;
  if (hasEmpty) writeMergedPath(request);
  return undefined;
}

function setPath(request: CanonicalRequest, end: number): void {
  request.pathStart = request.routePathStart = request.arenaEnd;
  request.pathEnd = request.routePathEnd = request.arenaEnd = end;
}

/** A second copy with each run of `/` as one: what routes and the WAF see. */
function writeMergedPath(request: CanonicalRequest): void {
  request.reserve(request.pathEnd - request.pathStart);
  const arena = request.arena;
  let out = request.arenaEnd;
  request.routePathStart = out;
  let previous = 0;
  for (let at = request.pathStart; at < request.pathEnd; at++) {
    const byte = arena[at]!;
    if (byte !== SLASH_BYTE || previous !== SLASH_BYTE) arena[out++] = byte;
    previous = byte;
  }
  request.routePathEnd = request.arenaEnd = out;
}

const ABOVE_ROOT = -1;
const EMPTY_PARENT = -2;
const SLASHED_PARENT = -3;

/**
 * Start of the segment before `segmentStart`, which a `..` removes; negative when that has no single reading. What is
 * scanned here is removed, so all scans of one path together are linear.
 */
function parentStart(arena: Uint8Array, pathStart: number, segmentStart: number): number {
  let at = segmentStart - 2;
  if (at < pathStart) return ABOVE_ROOT;
  // `/a//../b` is `/a/b`, or `/b` where slashes are merged first.
  if (arena[at] === SLASH_BYTE) return EMPTY_PARENT;
  for (; arena[at] !== SLASH_BYTE; at--) {
    // `/a%2Fb/../c` is `/c`, or `/a/c` where the escape is decoded first.
    if (arena[at] === PERCENT_BYTE && arena[at + 1] === 0x32 && arena[at + 2] === 0x46) return SLASHED_PARENT;
  }
  return at + 1;
}

function parentReason(parent: number): Reason {
  if (parent === ABOVE_ROOT) return reasons.pathEscape;
  return parent === EMPTY_PARENT ? reasons.pathSlashes : reasons.pathEncodedSlash;
}

function dotReason(marks: number): Reason {
  if (marks & BY_ENCODED_SLASH) return reasons.pathEncodedSlash;
  if (marks & BY_PARAM) return reasons.pathParams;
  return marks & BY_ENCODED_DOT ? reasons.pathEncodedDot : reasons.pathSpaceTail;
}

function startsDotOrEmpty(source: Uint8Array, at: number, end: number): boolean {
  return at < end && (source[at] === SLASH_BYTE || source[at] === 0x2e);
}

/** `/admin%20` and `/admin%09` are `/admin` to a server that trims. */
function endsInSpace(arena: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4 || arena[end - 3] !== PERCENT_BYTE) return false;
  return escapeKind[escapeValue(arena, end - 3, end)] === SPACE;
}

function writeEscape(arena: Uint8Array, out: number, value: number): number {
  arena[out] = PERCENT_BYTE;
  arena[out + 1] = upperHexDigit[value >> 4]!;
  arena[out + 2] = upperHexDigit[value & 15]!;
  return out + 3;
}

function buildRawKinds(): Uint8Array {
  const kinds = new Uint8Array(256).fill(REFUSED);
  const put = (chars: string, kind: number) => {
    for (const byte of Buffer.from(chars, "latin1")) kinds[byte] = kind;
  };
  for (let byte = 0; byte < 256; byte++) if (unreserved[byte]) kinds[byte] = PLAIN;
  put("!$&'()*+,=:@", PLAIN); // the rest of pchar, RFC 3986 §3.3
  put(".", DOT);
  put("/", SLASH);
  put(";", PARAM);
  put("%", ESCAPE);
  put("{}|^[]`", LOOSE);
  return kinds;
}

function buildEscapeKinds(): Uint8Array {
  const kinds = new Uint8Array(128).fill(KEPT);
  kinds.fill(CONTROL, 0, 0x20);
  kinds[0x7f] = CONTROL;
  for (let byte = 0; byte < 128; byte++) if (unreserved[byte]) kinds[byte] = UNRESERVED;
  kinds[0x2f] = ENCODED_SLASH;
  kinds[0x3b] = ENCODED_PARAM;
  kinds[0x09] = kinds[0x20] = SPACE; // a tab inside a path occurs in real requests; at its end it is refused
  kinds[PERCENT_BYTE] = PERCENT;
  kinds[0x5c] = BACKSLASH;
  return kinds;
}
