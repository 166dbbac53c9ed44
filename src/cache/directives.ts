/** What a `Cache-Control` says (RFC 9111 §5.2, RFC 8246, RFC 5861). Seconds; -1 = it does not say. */
export interface Directives {
  noStore: boolean;
  noCache: boolean;
  isPrivate: boolean;
  isPublic: boolean;
  mustRevalidate: boolean;
  /** `proxy-revalidate` or `s-maxage`: what `must-revalidate` is, to caches that many share. */
  proxyRevalidate: boolean;
  onlyIfCached: boolean;
  immutable: boolean;
  mustUnderstand: boolean;
  maxAgeSecs: number;
  sharedMaxAgeSecs: number;
  /** Infinity = however old. */
  maxStaleSecs: number;
  minFreshSecs: number;
  staleWhileRevalidateSecs: number;
  staleIfErrorSecs: number;
}

/** More than this is "for ever" (RFC 9111 §1.2.2). */
export const SECONDS_MAX = 2 ** 31;
/** Longer ones are read up to here, and as if they said `no-store`. */
const TEXT_MAX = 4096;

export function noDirectives(): Directives {
  return {
    noStore: false,
    noCache: false,
    isPrivate: false,
    isPublic: false,
    mustRevalidate: false,
    proxyRevalidate: false,
    onlyIfCached: false,
    immutable: false,
    mustUnderstand: false,
    maxAgeSecs: -1,
    sharedMaxAgeSecs: -1,
    maxStaleSecs: -1,
    minFreshSecs: -1,
    staleWhileRevalidateSecs: -1,
    staleIfErrorSecs: -1,
  };
}

/**
 * Reads a field value; lines of one field are joined by commas. One pass, and never throws. What is not well-formed is
 * read to the safe side: a time that is no number is 0, of two times the shorter one counts, and `private` and `no-cache`
 * with field names count as if they had none. A quoted string without an end makes it all `no-store`.
 */
export function readDirectives(text: string): Directives {
  const into = noDirectives();
  if (text.length > TEXT_MAX) into.noStore = true;
  const end = Math.min(text.length, TEXT_MAX);
  let at = 0;
  while (at < end) {
    const start = at;
    let equals = -1;
    let isOpen = false;
    for (; at < end; at++) {
      const char = text.charCodeAt(at);
      if (isOpen) {
        if (char === BACKSLASH) at++;
        else if (char === QUOTE) isOpen = false;
      } else if (char === QUOTE) isOpen = true;
      else if (char === COMMA) break;
      else if (char === EQUALS && equals < 0) equals = at;
    }
    if (isOpen) into.noStore = true;
    take(into, text, start, equals, Math.min(at, end));
    at++;
  }
  return into;
}

function take(into: Directives, text: string, start: number, equals: number, end: number): void {
  const hasValue = equals >= 0;
  const name = text.slice(start, hasValue ? equals : end);
  // A space before `=` is no directive with a value; the value of a name that we know is then no number.
  const value = hasValue ? text.slice(equals + 1, end) : undefined;
  switch (name.trim().toLowerCase()) {
    case "no-store":
      into.noStore = true;
      break;
    case "no-cache":
      into.noCache = true;
      break;
    case "private":
      into.isPrivate = true;
      break;
    case "public":
      into.isPublic = true;
      break;
    case "must-revalidate":
      into.mustRevalidate = true;
      break;
    case "proxy-revalidate":
      into.proxyRevalidate = true;
      break;
    case "only-if-cached":
      into.onlyIfCached = true;
      break;
    case "immutable":
      into.immutable = true;
      break;
    case "must-understand":
      into.mustUnderstand = true;
      break;
    case "max-age":
      into.maxAgeSecs = shorter(into.maxAgeSecs, deltaSeconds(name, value));
      break;
    case "s-maxage":
      into.sharedMaxAgeSecs = shorter(into.sharedMaxAgeSecs, deltaSeconds(name, value));
      into.proxyRevalidate = true;
      break;
    case "max-stale":
      into.maxStaleSecs = shorter(
        into.maxStaleSecs,
        value === undefined ? Infinity : deltaSeconds(name, value),
      );
      break;
    case "min-fresh":
      into.minFreshSecs = Math.max(into.minFreshSecs, deltaSeconds(name, value));
      break;
    case "stale-while-revalidate":
      into.staleWhileRevalidateSecs = shorter(into.staleWhileRevalidateSecs, deltaSeconds(name, value));
      break;
    case "stale-if-error":
      into.staleIfErrorSecs = shorter(into.staleIfErrorSecs, deltaSeconds(name, value));
      break;
  }
}

function shorter(present: number, next: number): number {
  return present < 0 ? next : Math.min(present, next);
}

/** 0 = not a number of seconds (RFC 9111 §4.2.1: such an answer is stale). */
function deltaSeconds(name: string, value: string | undefined): number {
  if (value === undefined || name !== name.trimEnd()) return 0;
  const match = /^(?:(\d+)|"(\d+)")[ \t]*$/.exec(value);
  if (match === null) return 0;
  const digits = match[1] ?? match[2]!;
  return digits.length > 10 ? SECONDS_MAX : Math.min(SECONDS_MAX, Number(digits));
}

const QUOTE = 34;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;
