import { F } from "./field.ts";
import { fieldLines } from "./field-lines.ts";
import { readHttpDate } from "./http-date.ts";
import { type CanonicalRequest, GET, HEAD } from "./request.ts";

/** What tells one version of a file or of a stored answer from another; see `makeVersion`. */
export interface Version {
  /** With its quotes, and `W/` where it is weak; "" = none. */
  readonly etag: string;
  /** Seconds since the epoch; -1 = not known. */
  readonly modifiedSecs: number;
  /** What `If-Modified-Since` is compared with; -1 = nothing. */
  readonly changedSecs: number;
  /** A second version cannot have come within the second of `modifiedSecs` (RFC 9110 §8.8.2.2). */
  readonly isDateStrong: boolean;
}

/**
 * `madeSecs`, when it was made, counts where nobody knows when it was changed (RFC 9111 §4.3.2); -1 = not known either.
 */
export function makeVersion(
  etag: string,
  modifiedSecs: number,
  isDateStrong: boolean,
  madeSecs = -1,
): Version {
  return { etag, modifiedSecs, changedSecs: modifiedSecs >= 0 ? modifiedSecs : madeSecs, isDateStrong };
}

/** What the conditions of a request make of it: it goes on, gets a 304, or a 412. */
export type Condition = "met" | "not_modified" | "failed";

/**
 * Looks at the conditions in the order of RFC 9110 §13.2.2, for a representation that is there. A date that cannot be read
 * is no condition.
 */
export function checkConditions(
  request: CanonicalRequest,
  { etag, modifiedSecs, changedSecs }: Version,
  nowSecs: number,
): Condition {
  const { firstField, method } = request;
  const reads = method === GET || method === HEAD;
  if (firstField[F.ifMatch]! >= 0) {
    if (!matchesStrongly(valuesOf(request, F.ifMatch), etag)) return "failed";
  } else if (firstField[F.ifUnmodifiedSince]! >= 0) {
    const since = readHttpDate(valuesOf(request, F.ifUnmodifiedSince), nowSecs);
    if (since >= 0 && modifiedSecs >= 0 && modifiedSecs > since) return "failed";
  }
  if (firstField[F.ifNoneMatch]! >= 0) {
    if (matchesAny(valuesOf(request, F.ifNoneMatch), etag)) return reads ? "not_modified" : "failed";
  } else if (reads && firstField[F.ifModifiedSince]! >= 0) {
    const since = readHttpDate(valuesOf(request, F.ifModifiedSince), nowSecs);
    if (since >= 0 && changedSecs >= 0 && changedSecs <= since) return "not_modified";
  }
  return "met";
}

/** Whether a Range counts: only for GET, and only where If-Range is still about this version (RFC 9110 §13.1.5). */
export function isRangeMeant(
  request: CanonicalRequest,
  { etag, modifiedSecs, isDateStrong }: Version,
  nowSecs: number,
): boolean {
  if (request.method !== GET || request.firstField[F.range]! < 0) return false;
  if (request.firstField[F.ifRange]! < 0) return true;
  const version = valuesOf(request, F.ifRange);
  if (version.startsWith('"') || version.startsWith("W/")) return version === etag && !etag.startsWith("W/");
  return isDateStrong && modifiedSecs >= 0 && readHttpDate(version, nowSecs) === modifiedSecs;
}

/** Whether a list of entity tags, or `*`, names this one by weak comparison (RFC 9110 §8.8.3.2). */
export function matchesAny(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  const own = etag.startsWith("W/") ? etag.slice(2) : etag;
  for (const [, , opaque] of list.matchAll(TAG)) if (opaque === own) return true;
  return false;
}

/** The same by strong comparison, which finds no weak ones. */
function matchesStrongly(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  if (etag.startsWith("W/")) return false;
  for (const [, weak, opaque] of list.matchAll(TAG)) if (weak === undefined && opaque === etag) return true;
  return false;
}

/** A quoted tag may hold commas, so a list cannot be split at them. */
const TAG = /(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

function valuesOf({ arena, fields, fieldCount }: CanonicalRequest, id: number): string {
  return fieldLines(arena, fields, fieldCount, id);
}
