import { z } from "zod";
import { methodNames, TRACE } from "../http/request.ts";
import { accessLog, logSample } from "./access-log.ts";
import { acme, acmeAccount, acmeCertificate } from "./acme-schema.ts";
import { admin, adminToken } from "./admin.ts";
import { audit, redact } from "./audit-schema.ts";
import { authProfile, routeAuthKeys } from "./auth-schema.ts";
import { ban } from "./ban.ts";
import { cacheProfile } from "./cache.ts";
import { capture } from "./capture-schema.ts";
import { clientAuthKeys, routeClientAuth, sniClientAuthKeys } from "./client-auth-schema.ts";
import { compression } from "./compression.ts";
import { cors } from "./cors.ts";
import { errorPage } from "./error-pages.ts";
import { geo } from "./geo.ts";
import { headerProfile } from "./header-profile.ts";
import {
  choice,
  flag,
  int,
  keyDocs,
  optionalFlag,
  optionalInt,
  optionalText,
  optionalTexts,
  text,
  texts,
} from "./keys.ts";
import { limit } from "./limit-schema.ts";
import { limitStore } from "./limit-store-schema.ts";
import { list } from "./list-schema.ts";
import { mesh, meshAlias } from "./mesh-schema.ts";
import { mirror } from "./mirror.ts";
import { enforce, enforceTarpit, sovereign } from "./sovereign.ts";
import { staticKeys, staticLimits } from "./static-schema.ts";
import { tarpit } from "./tarpit.ts";
import { tracing } from "./tracing.ts";
import {
  redirect,
  requestHeaders,
  respond,
  responseHeaders,
  rewrite,
  split,
  transformKeys,
} from "./transform-schema.ts";
import { circuitBreaker, health, outlierDetection, retry, sticky, upstream } from "./upstream-schema.ts";
import { exclude, routeWafKeys, waf, wafProfile } from "./waf-schema.ts";

/**
 * The keys of zion.toml (zion-reference §3 plus our own). Types and ranges only: what needs more than one key, a file
 * or a format of its own is checked in server.ts, tls.ts, upstreams.ts and routes.ts. Loaded in the primary only.
 */

/** Methods a route can list. TRACE and CONNECT are never served. */
export const servedMethods: readonly string[] = methodNames.slice(0, TRACE);

const hour = 3_600_000;

const server = z.strictObject({
  listen_http: optionalText({
    type: "ip:port",
    example: "0.0.0.0:8080",
    doc: "Plain listener. One of listen_http and listen_https is required.",
  }),
  listen_https: optionalText({ type: "ip:port", example: "0.0.0.0:8443", doc: "TLS listener. Needs [tls]." }),
  http_mode: choice(
    ["redirect", "serve"],
    "redirect",
    "What the plain listener does when there is a TLS listener: 301 to https, or serve the same routes. Without a TLS listener it always serves.",
  ),
  workers: int({
    min: 0,
    max: 256,
    default: 0,
    doc: "Worker processes. 0 = one per CPU this process may use, at least 2.",
  }),
  max_connections: int({
    min: 0,
    max: 10_000_000,
    default: 0,
    doc: "Client connections, all workers together. 0 = derived from memory and half the file descriptor limit.",
  }),
  max_connections_per_ip: int({
    min: 0,
    max: 10_000_000,
    default: 256,
    doc: "Client connections per address (IPv6: per /64) and worker; `trusted_proxies` are not counted. 0 = off.",
  }),
  trusted_proxies: texts({
    type: "array of addresses or CIDR blocks",
    default: [],
    doc: "Peers whose X-Forwarded-For is believed.",
  }),
  proxy_protocol: texts({
    type: "array of addresses or CIDR blocks",
    default: [],
    doc: "Peers whose connections begin with a PROXY header, version 1 or 2: the client it names is the peer from there on. They must send one; nobody else may.",
  }),
  internal_networks: texts({
    type: "array of addresses or CIDR blocks",
    default: [],
    doc: "What counts as internal for internal_only and expose_internal. Empty = loopback, private, link-local and unique local addresses.",
  }),
  log_level: choice(
    ["info", "warn", "error"],
    "info",
    "What the gateway's own log on standard error has. What goes wrong again in the same way is told once in 30 s, with the number of those that were not.",
  ),
  expose_internal: flag(
    false,
    "Serve /metrics and /_zion/snapshot.json to clients in internal_networks on the listeners of clients, before any route: 403 for others.",
  ),
  lists: texts({
    type: "array of lists",
    default: [],
    doc: "Lists that judge every client, before its request has a route.",
  }),
  require_route_auth: flag(false, "Every route must declare auth_profile, public or internal_only."),
  xff_mode: choice(
    ["append", "rewrite", "drop"],
    "rewrite",
    "X-Forwarded-For to the upstream: append the peer, replace it by the client's address, or send none. `rewrite` is right at the edge.",
  ),
  limits: texts({
    type: "array of limits",
    default: [],
    doc: "Limits that count every request, in this order, before it has a route.",
  }),
  max_in_flight_per_ip: int({
    min: 0,
    max: 1_000_000,
    default: 0,
    doc: "Exchanges of one client address (IPv6: /64) at once, per worker, streams among them: 429 above. 0 = no limit.",
  }),
  rate_limit_rps: int({
    min: 0,
    max: 1_000_000,
    default: 0,
    doc: "Requests per address and second in a fixed window: short for a [limit.NAME] in `limits`. 0 = off.",
  }),
  rate_limit_window_secs: int({
    min: 1,
    max: 3600,
    default: 1,
    doc: "Window of rate_limit_rps, in which rate_limit_rps times as many requests pass.",
  }),
  rate_limit_max_tracked_ips: int({
    min: 2,
    max: 10_000_000,
    default: 100_000,
    doc: "Addresses that rate_limit_rps remembers; those not used for longest are forgotten above it.",
  }),
  tcp_keepalive_secs: int({
    min: 0,
    max: 86_400,
    default: 60,
    doc: "Idle time before TCP keep-alive probes to clients. 0 = off.",
  }),
  dns_stale_secs: int({
    min: 0,
    max: 604_800,
    default: 3600,
    doc: "How long the last good answer for an upstream name is used while lookups fail. 0 = never.",
  }),
  dns_timeout_ms: int({ min: 0, max: 60_000, default: 2000, doc: "Deadline of one lookup. 0 = none." }),
  dns_refresh_secs: int({
    min: 1,
    max: 86_400,
    default: 30,
    doc: "How often upstream names are looked up again.",
  }),
  max_header_bytes: int({
    min: 1024,
    max: 262_144,
    default: 16_384,
    doc: "Request head, in bytes: 431 above.",
  }),
  max_headers: int({ min: 8, max: 1000, default: 64, doc: "Request header fields: 431 above." }),
  max_header_value_bytes: int({
    min: 256,
    max: 262_144,
    default: 8192,
    doc: "One field value, in bytes: 431 above.",
  }),
  max_uri_bytes: int({ min: 256, max: 131_072, default: 8192, doc: "Request target, in bytes: 414 above." }),
  max_query_params: int({ min: 1, max: 100_000, default: 256, doc: "Parameters in a query: 400 above." }),
  max_body_mb: int({
    min: 1,
    max: 1_048_576,
    default: 10,
    doc: "Request body in MiB, for routes that set none: 413 above.",
  }),
  header_timeout_ms: int({
    min: 100,
    max: hour,
    default: 10_000,
    doc: "From the first byte of a request head to its last.",
  }),
  body_idle_timeout_ms: int({
    min: 100,
    max: hour,
    default: 15_000,
    doc: "Longest pause inside a request body.",
  }),
  body_min_rate: int({
    min: 0,
    max: 1_073_741_824,
    default: 1024,
    doc: "Bytes per second a request body must average after 10 s. 0 = off.",
  }),
  write_timeout_ms: int({
    min: 100,
    max: hour,
    default: 20_000,
    doc: "How long a client may read nothing while an answer waits for it.",
  }),
  keepalive_timeout_ms: int({
    min: 100,
    max: hour,
    default: 60_000,
    doc: "Idle time of a kept-alive client connection.",
  }),
  keepalive_requests: int({
    min: 1,
    max: 1_000_000_000,
    default: 1000,
    doc: "Requests on one client connection.",
  }),
  connection_max_age_secs: int({ min: 1, max: 604_800, default: 3600, doc: "Life of a client connection." }),
  h2c: flag(false, "HTTP/2 by prior knowledge on `listen_http`, beside HTTP/1.1."),
  h2_control_frames_per_sec: int({
    min: 0,
    max: 1_000_000,
    default: 0,
    doc: "Control frames per second on one HTTP/2 connection, closed above it. 0 = only the built-in guard.",
  }),
  handshake_rate_per_ip: int({
    min: 0,
    max: 1_000_000,
    default: 0,
    doc: "TLS connections per second of one client address (IPv6: /64) and worker, twice as many at once; closed above, before the handshake; `trusted_proxies` are not counted. 0 = no limit.",
  }),
  handshake_timeout_ms: int({ min: 100, max: 120_000, default: 10_000, doc: "TLS handshake." }),
  ...staticLimits,
  shutdown_delay_ms: int({
    min: 0,
    max: 300_000,
    default: 5000,
    doc: "After SIGTERM: not ready, but still accepting, so that balancers can take the instance out.",
  }),
  shutdown_grace_ms: int({
    min: 0,
    max: hour,
    default: 30_000,
    doc: "Then the longest wait for running exchanges.",
  }),
  raw_path_chars: choice(
    ["refuse", "encode"],
    "refuse",
    "Raw { } | ^ and backtick in a path: refuse with 400, or percent-encode, as [ and ] are in either case.",
  ),
  cache_max_memory_mb: int({
    min: 0,
    max: 1_048_576,
    default: 0,
    doc: "Memory for stored answers, all workers together, in MiB. 0 = an eighth of what the process may use, at least 32.",
  }),
  state_dir: optionalText({
    type: "path",
    example: "/var/lib/zion",
    doc: "Directory of this gateway alone, mode 0700: its lock, the socket of `zion upgrade`, bans and revoked tokens, the last-gasp file.",
  }),
});

const secondPair = {
  second_cert_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/shop-rsa.crt",
    doc: "Certificate for the same names with the other kind of key, RSA beside ECDSA; a client gets what it can verify, ECDSA first.",
  }),
  second_key_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/shop-rsa.key",
    doc: "Its PEM private key.",
  }),
};

const sniEntry = z.strictObject({
  server_name: optionalText({
    type: "host name",
    example: "shop.example.org",
    doc: "Exact name, or *.example.org for one label below.",
  }),
  cert_path: optionalText({ type: "path", example: "/etc/zion/tls/shop.crt", doc: "PEM chain, leaf first." }),
  key_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/shop.key",
    doc: "PEM private key, mode 0600.",
  }),
  ...secondPair,
  ...sniClientAuthKeys,
});

const tls = z.strictObject({
  cert_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/tls.crt",
    doc: "PEM chain of the default certificate, leaf first. Required.",
  }),
  key_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/tls.key",
    doc: "Its PEM private key, mode 0600. Required.",
  }),
  min_version: choice(["1.3", "1.2"], "1.3", "Oldest TLS version."),
  ...secondPair,
  pq_mode: choice(
    ["prefer", "require", "off"],
    "prefer",
    "Key exchange with X25519MLKEM768: where the client has it, from every client, or not at all.",
  ),
  alpn: texts({
    default: ["h2", "http/1.1"],
    doc: "Protocols offered, the preferred one first: `h2`, `http/1.1`.",
  }),
  session_tickets: int({
    min: 0,
    max: 16,
    default: 2,
    doc: "0 = no resumption. Every other value acts as 2 tickets per handshake: Node offers no count.",
  }),
  ...clientAuthKeys,
  sni: z.array(sniEntry, { error: "expected an array of tables" }).default([]),
  acme: acme.optional(),
});

const route = z.strictObject({
  path: optionalText({
    type: "pattern",
    example: "/{*rest}",
    doc: "Pattern: {name} is one segment, {*rest} the rest. Required. Specificity decides, not file order.",
  }),
  upstream: optionalText({
    example: "app",
    doc: "Name of the upstream. Required, unless serve_dir, [route.redirect] or [route.respond] answers.",
  }),
  name: optionalText({
    example: "shop",
    doc: "Name in logs and metrics, unique. Absent = made of methods, hosts and path.",
  }),
  hosts: optionalTexts({
    type: "array of host names",
    example: ["shop.example.org", "*.shop.example.org"],
    doc: "Names this route answers to; *.suffix = any depth below it. Absent = any.",
  }),
  methods: optionalTexts({
    type: "array of methods",
    example: ["GET", "HEAD"],
    doc: "Absent = all of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS. Those of WebDAV are served where they are named.",
  }),
  internal_only: flag(false, "Only for clients in internal_networks: 403 for others."),
  public: flag(false, "Says that the route is meant for everyone; for require_route_auth."),
  merge_slashes: flag(false, "Forward // as /. Routing and inspection always see it merged."),
  refuse_encoded_slash: flag(false, "Refuse %2F in the path."),
  mode: choice(
    ["standard", "sse_stream", "websocket", "static", "static_cache"],
    "standard",
    "static: files of serve_dir, see static-files.md. static_cache: answers are stored, as cache_profile says, see cache.md. websocket: WebSocket handshakes are served too, on other routes they are plain requests. sse_stream: event streams and long polling; the upstream may take its time to begin, and answers are never to be stored.",
  ),
  ...staticKeys,
  websocket_origins: optionalTexts({
    type: "array of origins",
    example: ["https://shop.example.org", "https://*.shop.example.org"],
    doc: 'Pages that may open a WebSocket: scheme://host[:port], *.suffix = any depth below it, "*" = all. Absent = pages of the request\'s own host. Clients that send no Origin pass.',
  }),
  websocket_idle_secs: int({
    min: 1,
    max: 604_800,
    default: 600,
    doc: "A WebSocket without a byte in either direction for this long is closed.",
  }),
  websocket_inspect: flag(
    false,
    "The WAF looks at each message of a client, text and binary, before the upstream gets it; compression (permessage-deflate) is not negotiated then.",
  ),
  websocket_max_message_kb: int({
    min: 1,
    max: 65_536,
    default: 1024,
    doc: "One message of a client in KiB, where `websocket_inspect` is on: close 1009 above.",
  }),
  max_streams: int({
    min: 0,
    max: 10_000_000,
    default: 0,
    doc: "WebSockets and event streams open at once, per worker: 503 above. 0 = no limit of its own.",
  }),
  trailers: flag(false, "Let trailers through, both ways. gRPC answers have theirs without it."),
  max_body_mb: optionalInt({
    min: 1,
    max: 1_048_576,
    example: 5,
    doc: "Request body in MiB: 413 above. Absent = the server's. The WAF has a limit of its own: `max_body_mb` of the profile.",
  }),
  lists: texts({
    type: "array of lists",
    default: [],
    doc: "Lists that judge the clients of this route, after those of [server].",
  }),
  csrf_guard: flag(
    false,
    "Refuse requests that may change something from pages of other sites, unless [route.cors] lists them. For routes that know their users by cookies.",
  ),
  cors: cors.optional(),
  cache_profile: optionalText({
    example: "pages",
    doc: "Stores answers as this cache profile says. Absent = nothing is stored, unless the mode is static_cache, which then takes [cache_profile.default], which is built in.",
  }),
  compress: optionalFlag("Compress answers. Absent = where there is a [compression] table."),
  ...transformKeys,
  header_profile: optionalText({
    example: "default",
    doc: 'Name of the header profile. Absent = "default", which is built in.',
  }),
  csp: optionalText({
    example: "default-src 'self'",
    doc: "Content-Security-Policy of answers to which the upstream gives none. Absent = as the header profile says.",
  }),
  max_in_flight: int({
    min: 0,
    max: 10_000_000,
    default: 0,
    doc: "Exchanges of this route at once, per worker, streams among them: 503 above. 0 = no limit.",
  }),
  limits: texts({
    type: "array of limits",
    default: [],
    doc: "Limits that count every request of this route, in this order, after those of [server].",
  }),
  client_auth: routeClientAuth,
  ...routeAuthKeys,
  ...routeWafKeys,
});

const telemetry = z.strictObject({
  listen: text({
    type: 'ip:port or "off"',
    default: "127.0.0.1:9464",
    doc: "/livez, /readyz and /metrics: read-only, no secrets.",
  }),
});

const legacyUpstreams = z.record(z.string(), z.string({ error: "expected a URL" })).default({});
keyDocs.add(legacyUpstreams, {
  type: "table of name = url",
  preset: undefined,
  example: undefined,
  doc: "Short form: NAME = URL, every other key at its default.",
});

const table = { error: "expected a table" };

/** Keys outside any table. */
export const topLevelKeys = {
  schema_version: int({ min: 1, max: 1, default: 1, doc: "Format of this file. Absent always means 1." }),
  amnesia: flag(
    false,
    "Write nothing to any disk: no state, no log files; the audit log goes to standard output.",
  ),
};

/** The whole file. */
export const documentSchema = z.strictObject({
  ...topLevelKeys,
  server: server.optional(),
  tls: tls.optional(),
  upstreams: legacyUpstreams,
  upstream: z.record(z.string(), upstream, table).default({}),
  route: z.array(route, { error: "expected an array of tables: write [[route]]" }).default([]),
  limit: z.record(z.string(), limit, table).default({}),
  valkey: limitStore.optional(),
  auth_profile: z.record(z.string(), authProfile, table).default({}),
  list: z.record(z.string(), list, table).default({}),
  geo: geo.optional(),
  ban: ban.optional(),
  tarpit: tarpit.optional(),
  sovereign: sovereign.optional(),
  mesh: mesh.optional(),
  sovereign_aimp: meshAlias.optional(),
  error_page: z.record(z.string(), errorPage, table).default({}),
  header_profile: z.record(z.string(), headerProfile, table).default({}),
  compression: compression.optional(),
  cache_profile: z.record(z.string(), cacheProfile, table).default({}),
  waf: waf.prefault({}),
  waf_profile: z.record(z.string(), wafProfile, table).default({}),
  exclude: z.array(exclude, { error: "expected an array of tables: write [[exclude]]" }).default([]),
  audit: audit.optional(),
  redact: redact.prefault({}),
  access_log: accessLog.prefault({}),
  tracing: tracing.optional(),
  capture: capture.optional(),
  telemetry: telemetry.prefault({}),
  admin: admin.prefault({}),
});

export type DocumentInput = z.infer<typeof documentSchema>;
export type ServerInput = z.infer<typeof server>;
export type TlsInput = z.infer<typeof tls>;
export type RouteInput = z.infer<typeof route>;

/** Tables as the reference lists them, in file order. `header` is how the table is written. */
export const tableSchemas = [
  { header: "[server]", keys: server.shape, doc: "Listeners and limits. Required." },
  { header: "[tls]", keys: tls.shape, doc: "Certificates. Required with listen_https." },
  { header: "[[tls.sni]]", keys: sniEntry.shape, doc: "Further certificates by server name." },
  {
    header: "[tls.acme]",
    keys: acme.shape,
    doc: "Certificates that the gateway orders and renews by itself; see acme.md.",
  },
  {
    header: "[tls.acme.account.NAME]",
    keys: acmeAccount.shape,
    doc: "Another account, at the same CA or another one. Nothing that [tls.acme] says of its account holds here.",
  },
  { header: "[[tls.acme.certificate]]", keys: acmeCertificate.shape, doc: "Another certificate." },
  {
    header: "[upstream.NAME]",
    keys: upstream.shape,
    doc: "A pool of servers that answer requests. NAME: letters, digits, `_`, `-`, `.`. Short form: [upstreams] with lines NAME = url.",
  },
  { header: "[upstream.NAME.health]", keys: health.shape, doc: "Active probes." },
  { header: "[upstream.NAME.retry]", keys: retry.shape, doc: "Retries." },
  {
    header: "[upstream.NAME.circuit_breaker]",
    keys: circuitBreaker.shape,
    doc: "Stops sending to an upstream that fails. Off without this table.",
  },
  {
    header: "[upstream.NAME.outlier_detection]",
    keys: outlierDetection.shape,
    doc: "Takes single members out by their errors. Off without this table; needs two members.",
  },
  {
    header: "[upstream.NAME.sticky]",
    keys: sticky.shape,
    doc: "Clients keep to the member that answered them first, by a signed cookie. Off without this table; see transform.md.",
  },
  { header: "[[route]]", keys: route.shape, doc: "Which requests go to which upstream. At least one." },
  {
    header: "[route.cors]",
    keys: cors.shape,
    doc: "What scripts of other origins may do with the route above it. Without this table it is left to the upstream.",
  },
  {
    header: "[route.rewrite]",
    keys: rewrite.shape,
    doc: "What the upstream gets in place of the path and query that came. The route, the WAF and the logs see what came.",
  },
  {
    header: "[route.request_headers]",
    keys: requestHeaders.shape,
    doc: "Fields of the request on its way upstream. Values may hold facts: {client_ip} {host} {method} {path} {query} {uri} {request_id} {trace_id} {route} {scheme} {header:NAME} {cookie:NAME} {param:NAME}; {{ is a brace.",
  },
  {
    header: "[route.response_headers]",
    keys: responseHeaders.shape,
    doc: "Fields of the upstream's answer on its way to the client, with the same facts of the request.",
  },
  {
    header: "[route.redirect]",
    keys: redirect.shape,
    doc: "Sends clients elsewhere. The route has no upstream then.",
  },
  {
    header: "[route.respond]",
    keys: respond.shape,
    doc: "A fixed answer. The route has no upstream then.",
  },
  {
    header: "[[route.split]]",
    keys: split.shape,
    doc: "Sends a part of the route's requests to another upstream: those with a header or cookie, or so many of a hundred.",
  },
  {
    header: "[route.mirror]",
    keys: mirror.shape,
    doc: "Copies of requests, after all edits, for another upstream: nobody waits for its answers. See transform.md.",
  },
  {
    header: "[error_page.STATUS]",
    keys: errorPage.shape,
    doc: "What clients see that the gateway refuses, in place of a few fixed words. STATUS: 400 to 599, or default.",
  },
  {
    header: "[header_profile.NAME]",
    keys: headerProfile.shape,
    doc: "Fields that keep browsers from doing what the application did not mean, where the upstream sends none of the name, and fields that clients do not get. Routes that name no profile use [header_profile.default], which is built in.",
  },
  {
    header: "[compression]",
    keys: compression.shape,
    doc: "Compresses answers. Off without this table; `compress = false` keeps a route out. See compression.md.",
  },
  {
    header: "[cache_profile.NAME]",
    keys: cacheProfile.shape,
    doc: "What is stored of the answers of routes that name it in `cache_profile`. See cache.md.",
  },
  {
    header: "[limit.NAME]",
    keys: limit.shape,
    doc: "How often requests may come. Listed in `limits` of [server] or of routes. NAME: letters, digits, `_`, `-`, `.`; clients see it.",
  },
  {
    header: "[valkey]",
    keys: limitStore.shape,
    doc: 'A Valkey or Redis server that counts limits with store = "valkey" for several machines, and where the edges of [mesh] meet.',
  },
  {
    header: "[auth_profile.NAME]",
    keys: authProfile.shape,
    doc: "Whose bearer tokens (JWT) are good. One of keys_file, secret_env and secret_file is required.",
  },
  {
    header: "[list.NAME]",
    keys: list.shape,
    doc: "Clients by address, country, network operator or User-Agent. Listed in `lists` of [server] or of routes. NAME: letters, digits, `_`, `-`, `.`.",
  },
  { header: "[geo]", keys: geo.shape, doc: "Databases that lists look countries and networks up in." },
  {
    header: "[ban]",
    keys: ban.shape,
    doc: "Keeps clients out for what they did, on the whole machine, for a while. Where the table is absent, only operators ban.",
  },
  { header: "[tarpit]", keys: tarpit.shape, doc: "Refusals that are held back." },
  {
    header: "[sovereign]",
    keys: sovereign.shape,
    doc: "From what kind of network clients come: government, datacenter, residential, or what you call it.",
  },
  {
    header: "[sovereign.enforce]",
    keys: enforce.shape,
    doc: "Classes that are not let in. Exempt lists of [server] stand above it.",
  },
  { header: "[sovereign.enforce.tarpit]", keys: enforceTarpit.shape, doc: "Refuse them slowly." },
  {
    header: "[mesh]",
    keys: mesh.shape,
    doc: "Edges warn each other by signed claims, which they put into the store of [valkey]. See mesh.md.",
  },
  {
    header: "[sovereign_aimp]",
    keys: meshAlias.shape,
    doc: "The reference gateway's name for [mesh]: the same keys, and some that have no meaning here.",
  },
  { header: "[waf]", keys: waf.shape, doc: "What all profiles share." },
  {
    header: "[waf_profile.NAME]",
    keys: wafProfile.shape,
    doc: "How requests are inspected. Routes that name no profile use [waf_profile.default], which is built in.",
  },
  {
    header: "[[exclude]]",
    keys: exclude.shape,
    doc: "Takes a rule or a class of rules out where it is wrong, instead of everywhere.",
  },
  { header: "[audit]", keys: audit.shape, doc: "The audit log. Off without this table; see audit.md." },
  { header: "[redact]", keys: redact.shape, doc: "What audit records and the access log must not remember." },
  { header: "[access_log]", keys: accessLog.shape, doc: "The access log." },
  {
    header: "[[access_log.sample]]",
    keys: logSample.shape,
    doc: "Exchanges of which only a part gets a line: the first table that one fits decides. Without tables all get one.",
  },
  { header: "[tracing]", keys: tracing.shape, doc: "Spans for an OpenTelemetry collector." },
  {
    header: "[capture]",
    keys: capture.shape,
    doc: "Requests with their bodies, sealed, for `zion why` and `zion replay`. Off without this table; see explain.md.",
  },
  { header: "[telemetry]", keys: telemetry.shape, doc: "Health and metrics listener." },
  { header: "[admin]", keys: admin.shape, doc: "Admin listener: see admin.md." },
  {
    header: "[admin.token.NAME]",
    keys: adminToken.shape,
    doc: "Who may use the admin listener. As soon as there is one of these tables, reading takes a token, too. NAME: letters, digits, `_`, `-`, `.`; it is in the audit log.",
  },
] as const;
