/** What an answer says of its version; "" = nothing. */
export interface Validators {
  readonly etag: string;
  readonly lastModified: string;
  /** Seconds since the epoch; -1 = not said, or not to be read. */
  readonly lastModifiedSecs: number;
  /** When it was made; -1 = not said. */
  readonly dateSecs: number;
}

/** Whether `If-None-Match` names this version, by weak comparison (RFC 9110 §13.1.2). */
export function matchesAny(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === "*") return true;
  if (etag === "") return false;
  const opaque = opaqueOf(etag);
  let at = 0;
  while (at < ifNoneMatch.length) {
    const open = ifNoneMatch.indexOf('"', at);
    if (open < 0) return false;
    const close = ifNoneMatch.indexOf('"', open + 1);
    if (close < 0) return false;
    if (ifNoneMatch.slice(open, close + 1) === opaque) return true;
    at = close + 1;
  }
  return false;
}

/**
 * Whether a client that has what its conditions say has this version (RFC 9110 §13.2.2, for GET and HEAD). Undefined = it
 * did not say. A date that cannot be read is no condition.
 */
export function isUnchanged(
  ifNoneMatch: string | undefined,
  ifModifiedSinceSecs: number,
  { etag, lastModifiedSecs, dateSecs }: Validators,
): boolean {
  if (ifNoneMatch !== undefined) return matchesAny(ifNoneMatch, etag);
  if (ifModifiedSinceSecs < 0) return false;
  // RFC 9111 §4.3.2: without Last-Modified by the date of the answer.
  const changedSecs = lastModifiedSecs >= 0 ? lastModifiedSecs : dateSecs;
  return changedSecs >= 0 && changedSecs <= ifModifiedSinceSecs;
}

/** Whether `If-Range` lets a range be answered (RFC 9110 §13.1.5): only by strong comparison. */
export function allowsRange(ifRange: string | undefined, { etag, lastModified }: Validators): boolean {
  if (ifRange === undefined) return true;
  const wanted = ifRange.trim();
  if (wanted.startsWith('"')) return wanted === etag;
  return lastModified !== "" && wanted === lastModified;
}

function opaqueOf(etag: string): string {
  return etag.startsWith("W/") ? etag.slice(2) : etag;
}
