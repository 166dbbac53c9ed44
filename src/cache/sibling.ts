import type { CanonicalRequest } from "../http/request.ts";

/**
 * Path and query of a URI in `Location` or `Content-Location`, where it is of the request's own origin: nobody makes us
 * forget another's answers (RFC 9111 §4.4). Undefined: it is not, or cannot be read.
 */
export function siblingOf(request: CanonicalRequest, uri: string): string | undefined {
  if (uri.length > 8192 || !/^[\x21-\x7e]+$/.test(uri)) return undefined;
  const port = request.port >= 0 ? `:${request.port}` : "";
  const base = `${request.secure ? "https" : "http"}://${request.hostText()}${port}`;
  if (!URL.canParse(uri, base + request.text(request.pathStart, request.pathEnd))) return undefined;
  const named = new URL(uri, base + request.text(request.pathStart, request.pathEnd));
  return named.origin === new URL(base).origin ? named.pathname + named.search : undefined;
}
