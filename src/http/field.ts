/**
 * The field names that mean something to the gateway, and what it does with each (RFC 9110 §7.6.1, reliability.md
 * §2.2). A name that is not here is forwarded as it is.
 */

/** What happens to a field on its way upstream. Bits, because one name can be several things. */
export const HOP = 1; // connection-specific: never forwarded
export const OURS = 2; // replaced by a value of our own
export const SCRUB = 4; // removed without replacement, counted: overrides, identity, httpoxy
export const SINGLETON = 8; // twice is a refusal
export const ASCII = 16; // frames, routes or authenticates: no byte outside ASCII
export const GUARDED = 32; // `Connection` must not name it; an `_` variant of it is refused

/** A field with any of these is not forwarded as the client sent it. */
export const FORWARD_MASK = HOP | OURS | SCRUB;

interface KnownField {
  readonly name: string;
  readonly flags: number;
}

const table: KnownField[] = [{ name: "", flags: 0 }];

function known(name: string, flags = 0): number {
  table.push({ name, flags });
  return table.length - 1;
}

export const F = {
  host: known("host", OURS | ASCII | GUARDED),
  contentLength: known("content-length", OURS | ASCII | GUARDED),
  transferEncoding: known("transfer-encoding", HOP | ASCII | GUARDED),
  connection: known("connection", HOP | ASCII),
  keepAlive: known("keep-alive", HOP),
  proxyConnection: known("proxy-connection", HOP),
  proxyAuthenticate: known("proxy-authenticate", HOP),
  proxyAuthorization: known("proxy-authorization", HOP | ASCII),
  te: known("te", HOP | ASCII),
  trailer: known("trailer", HOP | ASCII),
  upgrade: known("upgrade", HOP | ASCII),
  http2Settings: known("http2-settings", HOP),
  expect: known("expect", HOP | ASCII | SINGLETON),
  contentType: known("content-type", SINGLETON | ASCII | GUARDED),
  contentEncoding: known("content-encoding", SINGLETON | ASCII | GUARDED),
  authorization: known("authorization", SINGLETON | ASCII | GUARDED),
  cookie: known("cookie", GUARDED),
  range: known("range", SINGLETON | ASCII),
  origin: known("origin", SINGLETON | ASCII | GUARDED),
  accessControlRequestMethod: known("access-control-request-method", SINGLETON | ASCII | GUARDED),
  secFetchSite: known("sec-fetch-site", SINGLETON | ASCII | GUARDED),
  userAgent: known("user-agent"),
  referer: known("referer"),
  accept: known("accept"),
  acceptEncoding: known("accept-encoding"),
  acceptLanguage: known("accept-language"),
  cacheControl: known("cache-control"),
  ifMatch: known("if-match"),
  ifNoneMatch: known("if-none-match"),
  ifModifiedSince: known("if-modified-since"),
  ifUnmodifiedSince: known("if-unmodified-since"),
  ifRange: known("if-range"),
  contentLanguage: known("content-language"),
  contentLocation: known("content-location"),
  contentRange: known("content-range"),
  date: known("date"),
  pragma: known("pragma"),
  via: known("via", ASCII | GUARDED), // ours comes after it: without the others' names no loop through two of us ends
  forwarded: known("forwarded", OURS | ASCII | GUARDED),
  xForwardedFor: known("x-forwarded-for", OURS | ASCII | GUARDED),
  xForwardedHost: known("x-forwarded-host", OURS | ASCII | GUARDED),
  xForwardedProto: known("x-forwarded-proto", OURS | ASCII | GUARDED),
  xForwardedPort: known("x-forwarded-port", OURS | ASCII | GUARDED),
  xForwardedPrefix: known("x-forwarded-prefix", SCRUB | ASCII | GUARDED),
  xForwardedServer: known("x-forwarded-server", SCRUB | ASCII | GUARDED),
  xForwardedScheme: known("x-forwarded-scheme", SCRUB | ASCII | GUARDED),
  xForwardedSsl: known("x-forwarded-ssl", SCRUB | ASCII | GUARDED),
  xRealIp: known("x-real-ip", OURS | ASCII | GUARDED),
  xRequestId: known("x-request-id", OURS | GUARDED),
  traceparent: known("traceparent", OURS | GUARDED),
  tracestate: known("tracestate", GUARDED),
  xOriginalUrl: known("x-original-url", SCRUB | GUARDED),
  xRewriteUrl: known("x-rewrite-url", SCRUB | GUARDED),
  xHost: known("x-host", SCRUB | GUARDED),
  xHttpHostOverride: known("x-http-host-override", SCRUB | GUARDED),
  xOriginalHost: known("x-original-host", SCRUB | GUARDED),
  xHttpMethodOverride: known("x-http-method-override", SCRUB | GUARDED),
  xHttpMethod: known("x-http-method", SCRUB | GUARDED),
  xMethodOverride: known("x-method-override", SCRUB | GUARDED),
  proxy: known("proxy", SCRUB | GUARDED),
  xAuthSubject: known("x-auth-subject", SCRUB | GUARDED),
  xAuthEmail: known("x-auth-email", SCRUB | GUARDED),
  xZionMeshScore: known("x-zion-mesh-score", SCRUB | GUARDED),
  xZionMirror: known("x-zion-mirror", SCRUB | GUARDED), // what copies are known by
  xZionOriginClass: known("x-zion-origin-class", SCRUB | GUARDED),
  xClientCertFingerprint: known("x-client-cert-fingerprint", SCRUB | GUARDED),
  xClientCertSubject: known("x-client-cert-subject", SCRUB | GUARDED),
  xClientCertSan: known("x-client-cert-san", SCRUB | GUARDED),
  clientCert: known("client-cert", SCRUB | GUARDED), // RFC 9440 §3: sanitized, whether or not we send it
  clientCertChain: known("client-cert-chain", SCRUB | GUARDED),
  xClientTlsJa4: known("x-client-tls-ja4", SCRUB | GUARDED),
  xClientTlsAllowlisted: known("x-client-tls-allowlisted", SCRUB | GUARDED),
  xForwardedClientCert: known("x-forwarded-client-cert", SCRUB | GUARDED),
  trueClientIp: known("true-client-ip", SCRUB | GUARDED),
  cfConnectingIp: known("cf-connecting-ip", SCRUB | GUARDED),
  xClientIp: known("x-client-ip", SCRUB | GUARDED),
  xClusterClientIp: known("x-cluster-client-ip", SCRUB | GUARDED),
  // Response side.
  server: known("server"),
  location: known("location", SINGLETON),
  setCookie: known("set-cookie"),
  surrogateKey: known("surrogate-key"),
  xZionCache: known("x-zion-cache"),
  retryAfter: known("retry-after"),
  age: known("age"),
  expires: known("expires"),
  etag: known("etag"),
  lastModified: known("last-modified"),
  vary: known("vary"),
  secWebsocketKey: known("sec-websocket-key", SINGLETON | ASCII | GUARDED),
  secWebsocketVersion: known("sec-websocket-version", SINGLETON | ASCII | GUARDED),
  secWebsocketAccept: known("sec-websocket-accept"),
  secWebsocketProtocol: known("sec-websocket-protocol"),
  secWebsocketExtensions: known("sec-websocket-extensions"),
} as const;

/** Ids run from 1 to fieldIdCount - 1; 0 is "not known". */
export const fieldIdCount = table.length;
export const fieldNames: readonly string[] = table.map((field) => field.name);
export const fieldFlags: Uint8Array = Uint8Array.from(table, (field) => field.flags);

/** Bit of `nameByte` entries that make a name odd. */
export const ODD_NAME = 0x80;

/**
 * Byte classes of field names: 0 = not a token character (RFC 9110 §5.6.2), otherwise the lower-cased byte, with
 * ODD_NAME set for the token characters that no ordinary name holds (`_ . ! # …`): servers map some of those to `-`.
 * One table read per byte validates, folds and finds odd names.
 */
export const nameByte: Uint8Array = buildNameBytes();

/** FNV-1a step over folded bytes; start with HASH_START. Fits in int32. */
export const HASH_START = 0x811c9dc5 | 0;
export const HASH_PRIME = 0x01000193;

const SLOTS = 1024;
const slots = new Uint8Array(SLOTS);
const encodedNames: readonly Uint8Array[] = table.map((field) => Buffer.from(field.name, "latin1"));
fillSlots();

/**
 * Id of the field name `bytes[start, end)` whose folded FNV-1a hash is `hash`, or 0. The name is compared byte by
 * byte, so a collision can never make an unknown name known.
 */
export function fieldId(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  for (let id = slots[slot]!; id !== 0; id = slots[(slot = (slot + 1) & (SLOTS - 1))]!) {
    const name = encodedNames[id]!;
    if (name.length !== end - start) continue;
    let at = 0;
    while (at < name.length && nameByte[bytes[start + at]!] === name[at]) at++;
    if (at === name.length) return id;
  }
  return 0;
}

/** Id of a name given as text, or 0: for configuration and tests. */
export function fieldIdOf(name: string): number {
  const bytes = Buffer.from(name, "latin1");
  let hash = HASH_START;
  for (const byte of bytes) hash = Math.imul(hash ^ nameByte[byte]!, HASH_PRIME);
  return fieldId(bytes, 0, bytes.length, hash);
}

function fillSlots(): void {
  for (let id = 1; id < table.length; id++) {
    let hash = HASH_START;
    for (const byte of encodedNames[id]!) hash = Math.imul(hash ^ byte, HASH_PRIME);
    let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    slots[slot] = id;
  }
}

function buildNameBytes(): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const char of "-0123456789abcdefghijklmnopqrstuvwxyz") bytes[char.charCodeAt(0)] = char.charCodeAt(0);
  for (const char of "!#$%&'*+.^_`|~") bytes[char.charCodeAt(0)] = char.charCodeAt(0) | ODD_NAME;
  for (let upper = 65; upper <= 90; upper++) bytes[upper] = upper + 32;
  return bytes;
}
