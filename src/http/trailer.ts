import { fieldIdOf, nameByte, ODD_NAME } from "./field.ts";

/**
 * A trailer section (RFC 9110 §6.5) as it travels on: name and value in turn, names in lower case, values as latin-1
 * without control characters or padding. Only what may stand there is in it; see `takeTrailer`.
 */
export type Trailers = readonly string[];

/** More fields in one section are refused by whoever reads it. */
export const TRAILER_FIELDS_MAX = 64;

/**
 * Adds one trailer field to `trailers` if it may travel on. Trailers that frame, route, authenticate or say how to
 * read the content (RFC 9110 §6.5.1) are dropped, as are all that mean something to this gateway: a receiver that
 * merges trailers into the head would read past every check of the head (reliability.md CH17, H2-26).
 */
export function takeTrailer(trailers: string[], name: string, value: string, fromClient: boolean): void {
  const lower = name.toLowerCase();
  if (fieldIdOf(lower) !== 0 || headOnly.has(lower)) return;
  // As in heads: `_`, `.` and their like become `-` in CGI-like servers.
  if (fromClient && isOdd(lower)) return;
  trailers.push(lower, value);
}

function isOdd(name: string): boolean {
  let odd = 0;
  for (let at = 0; at < name.length; at++) odd |= nameByte[name.charCodeAt(at)]!;
  return (odd & ODD_NAME) !== 0;
}

/** Names that field.ts does not know and that a receiver must not find behind the content. */
const headOnly: ReadonlySet<string> = new Set([
  "accept-ranges",
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "access-control-max-age",
  "age",
  "allow",
  "alt-svc",
  "clear-site-data",
  "content-disposition",
  "content-security-policy",
  "cookie2",
  "expires",
  "http2-settings",
  "max-forwards",
  "p3p",
  "permissions-policy",
  "pragma",
  "refresh",
  "set-cookie2",
  "strict-transport-security",
  "www-authenticate",
  "x-content-type-options",
  "x-frame-options",
]);
