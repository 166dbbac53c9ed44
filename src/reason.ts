/**
 * Every way an exchange can be refused: one row each. The wire gets the status and the fixed text; the operator's
 * log, the metrics (`zion_reject_total{stage,reason}`) and the audit get the code. Adding a row is the only way to
 * add an ending.
 */
export interface Reason {
  /** Position in `allReasons`; the index of its counter. */
  readonly index: number;
  /** Stable snake_case name: metric label and log value. */
  readonly code: string;
  /** HTTP status of the answer; 0 when the connection is closed without one. */
  readonly status: number;
  /** Which stage or gate says it. */
  readonly stage: Stage;
  /** `client` at fault, `upstream` at fault, or `gateway` (us, or a limit of ours). */
  readonly blame: Blame;
  /** Close the client connection after the answer (the framing of what follows cannot be trusted). */
  readonly close: boolean;
  /** One sentence for operators; never sent to a client. */
  readonly doc: string;
}

export type Stage =
  | "connection"
  | "tls"
  | "framing"
  | "target"
  | "fields"
  | "body"
  | "gate"
  | "waf"
  | "route"
  | "upstream"
  | "gateway";
export type Blame = "client" | "upstream" | "gateway";

const rows: Reason[] = [];

function row(code: string, status: number, stage: Stage, blame: Blame, close: boolean, doc: string): Reason {
  const reason: Reason = Object.freeze({ index: rows.length, code, status, stage, blame, close, doc });
  rows.push(reason);
  return reason;
}

const c = "client";
const u = "upstream";
const g = "gateway";

export const reasons = {
  // Connections: counted, mostly closed without an answer.
  connCap: row(
    "conn_cap",
    0,
    "connection",
    g,
    true,
    "The process holds as many connections as `max_connections` allows.",
  ),
  connCapAddress: row(
    "conn_cap_address",
    0,
    "connection",
    g,
    true,
    "This address holds as many connections as `max_connections_per_ip` allows.",
  ),
  proxyHeader: row(
    "proxy_header",
    0,
    "connection",
    c,
    true,
    "A peer of `proxy_protocol` did not begin its connection with a whole, well-formed PROXY header in time.",
  ),
  idleTimeout: row(
    "idle_timeout",
    0,
    "connection",
    c,
    true,
    "A kept-alive connection was idle for too long.",
  ),
  headTimeout: row("head_timeout", 408, "connection", c, true, "The request head did not arrive in time."),
  bodyTimeout: row(
    "body_timeout",
    408,
    "body",
    c,
    true,
    "The request body stopped, or came slower than the minimum rate.",
  ),
  writeTimeout: row(
    "write_timeout",
    0,
    "connection",
    c,
    true,
    "The client did not read its answer for too long.",
  ),
  clientGone: row(
    "client_gone",
    0,
    "connection",
    c,
    true,
    "The client closed or reset the connection before its answer was complete.",
  ),
  drainDeadline: row(
    "drain_deadline",
    0,
    "connection",
    g,
    true,
    "The drain's grace period ended while the exchange was open.",
  ),
  streamAge: row(
    "stream_age",
    0,
    "connection",
    g,
    true,
    "A WebSocket or event stream reached `connection_max_age_secs`.",
  ),
  streamExpired: row(
    "stream_expired",
    0,
    "connection",
    c,
    true,
    "The token that opened a WebSocket or event stream expired while it was open.",
  ),
  streamIdle: row("stream_idle", 0, "connection", g, true, "A WebSocket was idle for `websocket_idle_secs`."),
  streamDrain: row(
    "stream_drain",
    0,
    "connection",
    g,
    true,
    "A WebSocket or event stream ended because the worker drains.",
  ),
  websocketProtocol: row(
    "websocket_protocol",
    0,
    "connection",
    c,
    true,
    "Bytes in a WebSocket that are no frames, from either end.",
  ),
  websocketFlood: row(
    "websocket_flood",
    0,
    "connection",
    c,
    true,
    "More WebSocket frames without content than 1000 at once and 100 a second.",
  ),
  websocketSize: row(
    "websocket_size",
    0,
    "connection",
    c,
    true,
    "A client's WebSocket message is longer than `websocket_max_message_kb`.",
  ),
  tlsFailed: row("tls_failed", 0, "tls", c, true, "The TLS handshake failed or was not TLS."),
  tlsTimeout: row("tls_timeout", 0, "tls", c, true, "The TLS handshake did not finish in time."),
  handshakeRate: row(
    "handshake_rate",
    0,
    "tls",
    c,
    true,
    "This address opens more TLS connections than `handshake_rate_per_ip` allows.",
  ),
  handshakeCap: row("handshake_cap", 0, "tls", g, true, "Too many TLS handshakes are in progress."),

  // HTTP/2 connections.
  http2Protocol: row("h2_protocol", 0, "connection", c, true, "The client broke the HTTP/2 protocol."),
  http2Flood: row(
    "h2_flood",
    0,
    "connection",
    c,
    true,
    "An HTTP/2 connection made work without purpose: control frames, empty frames, refused heads.",
  ),
  http2Head: row(
    "h2_head",
    0,
    "connection",
    c,
    false,
    "An HTTP/2 head is malformed (RFC 9113 §8.1.1): its stream was reset. Or it is too large to be read at all.",
  ),

  // Request line.
  requestLine: row(
    "request_line",
    400,
    "framing",
    c,
    true,
    "The request line is not METHOD SP target SP HTTP-version.",
  ),
  version: row("version", 400, "framing", c, true, "The HTTP version is not 1.0 or 1.1."),
  versionUnsupported: row(
    "version_unsupported",
    505,
    "framing",
    c,
    true,
    "The HTTP major version is not served on this connection.",
  ),
  protocol: row("protocol", 400, "framing", c, true, "The protocol name is not HTTP."),
  methodSyntax: row("method_syntax", 400, "framing", c, true, "The method is not an upper-case token."),
  methodUnknown: row("method_unknown", 501, "framing", c, true, "The method is not one this gateway knows."),
  method: row("method", 405, "gate", c, true, "The method is known but never served (TRACE, CONNECT)."),
  methodRoute: row("method_route", 405, "route", c, false, "The route does not serve this method."),
  bareLf: row("bare_lf", 400, "framing", c, true, "A line ends in LF without CR, or holds a bare CR."),

  // Target.
  targetForm: row(
    "target_form",
    400,
    "target",
    c,
    true,
    "The request-target has a form that its method does not allow.",
  ),
  targetChar: row(
    "target_char",
    400,
    "target",
    c,
    true,
    "The request-target holds a byte that must be percent-encoded.",
  ),
  fragment: row("fragment", 400, "target", c, true, "The request-target holds a fragment."),
  backslash: row("backslash", 400, "target", c, true, "The path holds a backslash, raw or encoded."),
  uriLength: row("uri_len", 414, "target", c, true, "The request-target is longer than the limit."),
  userinfo: row("userinfo", 400, "target", c, true, "The authority holds userinfo."),
  scheme: row("scheme", 400, "target", c, true, "The absolute-form scheme does not fit this listener."),
  authority: row("authority", 400, "target", c, true, "The absolute-form authority is empty or malformed."),
  authorityMismatch: row(
    "authority_mismatch",
    400,
    "target",
    c,
    true,
    "Host and the authority of the target name different hosts.",
  ),
  misdirected: row(
    "misdirected",
    421,
    "target",
    c,
    false,
    "The Host is served under another certificate than the one this connection was opened with.",
  ),
  pathEscape: row("path_escape", 400, "target", c, true, "Dot segments climb above the root."),
  pathEncodedDot: row("path_encoded_dot", 400, "target", c, true, "An encoded dot forms a dot segment."),
  pathEncodedSlash: row(
    "path_encoded_slash",
    400,
    "target",
    c,
    true,
    "An encoded slash forms a dot segment, or the route refuses encoded slashes.",
  ),
  pathDouble: row(
    "path_double",
    400,
    "target",
    c,
    true,
    "The path is encoded twice in a way that would change its meaning.",
  ),
  pathPercent: row(
    "path_percent",
    400,
    "target",
    c,
    true,
    "The path holds a percent sign that is not followed by two hex digits.",
  ),
  pathControl: row("path_control", 400, "target", c, true, "The path holds an encoded control character."),
  pathUtf8: row("utf8", 400, "target", c, true, "The decoded path is not valid UTF-8."),
  pathParams: row(
    "path_params",
    400,
    "target",
    c,
    true,
    "A path parameter stands where routers and servers disagree.",
  ),
  pathSpaceTail: row(
    "path_space_tail",
    400,
    "target",
    c,
    true,
    "The path ends in encoded white space, or a dot segment is padded with it.",
  ),
  pathSegments: row("path_segments", 400, "target", c, true, "The path has more segments than the limit."),
  pathSlashes: row(
    "path_slashes",
    400,
    "target",
    c,
    true,
    "Empty segments and dot segments together have no single reading.",
  ),
  queryCount: row("query_count", 400, "target", c, true, "The query has more parameters than the limit."),

  // Fields.
  headerBytes: row("header_bytes", 431, "fields", c, true, "The head is larger than the limit."),
  headerCount: row("header_count", 431, "fields", c, true, "The head has more fields than the limit."),
  headerValue: row("header_value", 431, "fields", c, true, "One field value is larger than the limit."),
  fieldSyntax: row(
    "field_syntax",
    400,
    "fields",
    c,
    true,
    "A field line has no colon, an empty name, or white space before the colon.",
  ),
  fieldName: row(
    "name_char",
    400,
    "fields",
    c,
    true,
    "A field name holds a byte that is not a token character.",
  ),
  fieldValue: row("value_char", 400, "fields", c, true, "A field value holds a control character."),
  fieldEightBit: row(
    "value_8bit",
    400,
    "fields",
    c,
    true,
    "A field that frames, routes or authenticates holds a byte outside ASCII.",
  ),
  obsFold: row("obs_fold", 400, "fields", c, true, "A field line is folded."),
  underscore: row(
    "underscore",
    400,
    "fields",
    c,
    true,
    "A field name with an underscore imitates a framing, forwarding or identity field.",
  ),
  singletonDup: row("singleton_dup", 400, "fields", c, true, "A field that may occur once occurs twice."),
  cookieCrumbs: row(
    "cookie_crumbs",
    431,
    "fields",
    c,
    true,
    "An HTTP/2 head has more Cookie fields than are joined.",
  ),
  host: row("host", 400, "fields", c, true, "HTTP/1.1 without Host, or with an empty one."),
  hostDup: row("host_dup", 400, "fields", c, true, "Host occurs more than once."),
  hostSyntax: row(
    "host_syntax",
    400,
    "fields",
    c,
    true,
    "Host is not a host name or IP literal with an optional port.",
  ),
  hopNominated: row(
    "hop_nominated",
    400,
    "fields",
    c,
    true,
    "Connection names a field that must not be hop-by-hop.",
  ),
  connectionSyntax: row("connection_syntax", 400, "fields", c, true, "Connection is not a list of tokens."),
  expect: row(
    "expect",
    417,
    "fields",
    c,
    true,
    "Expect is something other than 100-continue, or there is no body to wait for.",
  ),
  trailer: row("trailer", 400, "fields", c, true, "Trailer names a field that must not be a trailer."),
  upgradeBody: row("upgrade_body", 400, "fields", c, true, "An upgrade request carries a body."),
  websocketHandshake: row(
    "websocket_handshake",
    400,
    "fields",
    c,
    true,
    "An upgrade to WebSocket that is not RFC 6455's opening handshake.",
  ),
  websocketVersion: row(
    "websocket_version",
    426,
    "fields",
    c,
    true,
    "A WebSocket handshake with another version than 13.",
  ),
  websocketEarly: row(
    "websocket_early",
    400,
    "fields",
    c,
    true,
    "Bytes followed a WebSocket handshake before it was answered.",
  ),

  // Framing.
  clTe: row("cl_te", 400, "framing", c, true, "Content-Length and Transfer-Encoding together."),
  contentLength: row("cl", 400, "framing", c, true, "Content-Length is repeated or not plain digits."),
  transferEncoding: row("te", 501, "framing", c, true, "A transfer coding other than chunked."),
  transferEncodingSyntax: row(
    "te_syntax",
    400,
    "framing",
    c,
    true,
    "Transfer-Encoding is malformed or does not end in one chunked.",
  ),
  transferEncodingVersion: row("te_http10", 400, "framing", c, true, "Transfer-Encoding in HTTP/1.0."),
  bodyOnGet: row("body_on_get", 400, "framing", c, true, "A body on a method that the route allows none on."),
  chunk: row("chunk", 400, "body", c, true, "A chunk is malformed."),
  chunkTiny: row("chunk_tiny", 400, "body", c, true, "Very many very small chunks."),
  chunkExtension: row("chunk_ext", 400, "body", c, true, "Chunk extensions are larger than the limit."),
  trailerSyntax: row(
    "trailer_syntax",
    400,
    "body",
    c,
    true,
    "A trailer field is malformed or frames the message.",
  ),
  trailerBytes: row("trailer_bytes", 431, "body", c, true, "The trailer section is larger than the limit."),
  bodyTooLarge: row("body_cap", 413, "body", c, true, "The body is larger than the route allows."),
  bodyCut: row("body_cut", 400, "body", c, true, "The client ended the connection inside the body."),

  // Gates and routing.
  loop: row("loop", 508, "gate", c, false, "Via holds this gateway's own id."),
  routeNotFound: row("route_not_found", 404, "route", c, false, "No route for this host and path."),
  rateLimited: row(
    "rate_limited",
    429,
    "gate",
    c,
    false,
    "A limit of `[limit.NAME]` is used up for this key.",
  ),
  limitUnknown: row(
    "limit_unknown",
    503,
    "gate",
    g,
    false,
    'Whether a limit is used up cannot be told: the primary did not answer (`strict`), or the store is gone (`on_store_error = "deny"`).',
  ),
  inFlightAddress: row(
    "in_flight_address",
    429,
    "gate",
    c,
    false,
    "This address has as many exchanges under way as `max_in_flight_per_ip` allows.",
  ),
  inFlightRoute: row(
    "in_flight_route",
    503,
    "gate",
    g,
    false,
    "The route has as many exchanges under way as its `max_in_flight` allows.",
  ),
  internalOnly: row("internal_only", 403, "gate", c, false, "The route serves internal networks only."),
  listDenied: row("list_denied", 403, "gate", c, true, "The client is on a list with `action = deny`."),
  listNotAllowed: row(
    "list_not_allowed",
    403,
    "gate",
    c,
    true,
    "There are lists with `action = allow`, and the client is on none of them.",
  ),
  banned: row(
    "banned",
    403,
    "gate",
    c,
    true,
    "The client is banned on this machine: for what it did, or by an operator.",
  ),
  corsOrigin: row(
    "cors_origin",
    403,
    "gate",
    c,
    false,
    "A preflight, or a request that may change something, from a page that the route's CORS does not list.",
  ),
  crossSite: row(
    "cross_site",
    403,
    "gate",
    c,
    false,
    "A request that may change something from a page of another site, on a route with `csrf_guard`.",
  ),
  authMissing: row(
    "auth_missing",
    401,
    "gate",
    c,
    false,
    "The route asks for credentials, and none came that it takes.",
  ),
  authKeys: row("auth_keys", 503, "gate", g, false, "No key is known by which a token could be verified."),
  tokenSyntax: row(
    "token_syntax",
    403,
    "gate",
    c,
    false,
    "The token is larger than 8 KiB, no compact JWS, or its JSON has two readings.",
  ),
  tokenAlgorithm: row(
    "token_alg",
    403,
    "gate",
    c,
    false,
    "The token's `alg` is not listed, or is not the one of the key.",
  ),
  tokenKey: row("token_kid", 403, "gate", c, false, "The token's `kid` names no key."),
  tokenSignature: row("token_signature", 403, "gate", c, false, "The token's signature is wrong."),
  tokenExpired: row("token_expired", 401, "gate", c, false, "The token has expired."),
  tokenRevoked: row("token_revoked", 401, "gate", c, false, "The token was taken back by its `jti`."),
  tokenTime: row(
    "token_time",
    403,
    "gate",
    c,
    false,
    "The token has no end, a malformed time, or is not valid yet.",
  ),
  tokenLifetime: row(
    "token_lifetime",
    403,
    "gate",
    c,
    false,
    "The token lives longer than `max_token_lifetime_secs` allows.",
  ),
  tokenClaims: row(
    "token_claims",
    403,
    "gate",
    c,
    false,
    "The token's issuer or audience is another, a required claim is missing, or one cannot be sent upstream.",
  ),
  tokenScope: row(
    "token_scope",
    403,
    "gate",
    c,
    false,
    "The token lacks a scope or role that the route asks for.",
  ),
  apiKey: row("api_key", 403, "gate", c, false, "The API key is none of the profile's, or came twice."),
  password: row("password", 401, "gate", c, false, "The user's name or password is wrong."),
  passwordBusy: row(
    "password_busy",
    503,
    "gate",
    g,
    false,
    "More passwords wait for their verification than there is room for.",
  ),
  authDenied: row("auth_denied", 401, "gate", c, false, "The authentication service answered 401."),
  authForbidden: row("auth_forbidden", 403, "gate", c, false, "The authentication service answered 403."),
  authService: row(
    "auth_service",
    503,
    "gate",
    g,
    false,
    "The authentication service gave no answer, or none that lets in or refuses.",
  ),
  websocketOrigin: row(
    "websocket_origin",
    403,
    "gate",
    c,
    true,
    "A WebSocket handshake from a page of an origin that `websocket_origins` does not list.",
  ),
  streamCap: row(
    "stream_cap",
    503,
    "gate",
    g,
    true,
    "The route holds as many WebSockets and event streams as `max_streams` allows.",
  ),

  // The WAF. One answer for all of them: the record says which rule.
  wafHead: row("waf_head", 400, "waf", c, false, "A query or Cookie that cannot be read within its limits."),
  wafPatterns: row("waf_patterns", 400, "waf", c, false, "Rules fired with as many points as the threshold."),
  wafBodySize: row("waf_body_size", 400, "waf", c, false, "The body is larger than the profile inspects."),
  wafContentType: row(
    "waf_content_type",
    400,
    "waf",
    c,
    false,
    "The Content-Type is malformed, not allowed, or not what the body is.",
  ),
  wafCoding: row(
    "waf_coding",
    400,
    "waf",
    c,
    false,
    "The Content-Encoding is unknown, broken, or expands beyond its caps; or a gRPC message has a coding that is not undone.",
  ),
  wafJson: row("waf_json", 400, "waf", c, false, "The JSON is malformed or beyond the profile's limits."),
  wafEntropy: row("waf_entropy", 400, "waf", c, false, "Text whose bytes are as random as encrypted data."),
  wafBudget: row("waf_budget", 400, "waf", c, false, "Inspecting the request costs more work than it may."),

  // Upstream.
  upstreamUnavailable: row(
    "upstream_unavailable",
    503,
    "upstream",
    u,
    false,
    "No endpoint of the upstream can be used.",
  ),
  upstreamBusy: row("upstream_busy", 503, "upstream", g, false, "The upstream's bulkhead is full."),
  upstreamOpen: row("upstream_open", 503, "upstream", u, false, "The upstream's circuit breaker is open."),
  upstreamConnect: row(
    "upstream_connect",
    502,
    "upstream",
    u,
    false,
    "No connection to the upstream could be made.",
  ),
  upstreamConnectTimeout: row(
    "upstream_connect_timeout",
    504,
    "upstream",
    u,
    false,
    "The upstream did not accept a connection in time.",
  ),
  upstreamTls: row("upstream_tls", 502, "upstream", u, false, "The TLS handshake with the upstream failed."),
  upstreamTimeout: row(
    "upstream_timeout",
    504,
    "upstream",
    u,
    false,
    "The upstream's response head did not arrive in time.",
  ),
  upstreamIdle: row("upstream_idle", 504, "upstream", u, false, "The upstream's response body stopped."),
  upstreamTotal: row(
    "upstream_total",
    504,
    "upstream",
    u,
    false,
    "The exchange with the upstream took longer than its total time-out.",
  ),
  grpcDeadline: row(
    "grpc_deadline",
    504,
    "upstream",
    c,
    false,
    "A gRPC call took longer than its client's `grpc-timeout`.",
  ),
  upstreamReset: row(
    "upstream_reset",
    502,
    "upstream",
    u,
    false,
    "The upstream closed or reset the connection before its response was complete.",
  ),
  upstreamInvalid: row(
    "upstream_invalid",
    502,
    "upstream",
    u,
    false,
    "The upstream's response is not valid HTTP/1.",
  ),

  // Ourselves.
  draining: row("draining", 503, "gateway", g, true, "The worker is draining."),
  overload: row("overload", 503, "gateway", g, true, "A limit that protects the process is reached."),
  shed: row(
    "shed",
    503,
    "gateway",
    g,
    false,
    "Turned away before any work, because the worker is behind its work or short of memory.",
  ),
  shedConnection: row(
    "shed_connection",
    0,
    "connection",
    g,
    true,
    "Closed on arrival, because memory is all but used up.",
  ),
  defect: row("defect", 500, "gateway", g, true, "A bug in the gateway; the last-gasp record has the stack."),
} as const;

/** All rows, by `index`. */
export const allReasons: readonly Reason[] = rows;
