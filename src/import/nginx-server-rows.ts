import { readCidr } from "../config/address.ts";
import type { Keys } from "./draft.ts";
import { clamp, readBytes, readMs } from "./measure.ts";
import { always, type NginxRow, type NginxRows } from "./nginx-row.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

const sizing = always("translated", "nothing to size here");
const process = always("translated", "the service manager's business here");
const platform = always("translated", "the gateway's own");
const variables = always("needs_you", "variables that requests give their values have no like here");
const structure = always("translated", "what is in it has rows of its own");
const otherProtocol = always("needs_you", "another protocol than HTTP to an upstream: the route is closed");
const staticFiles = always(
  "needs_you",
  "files are served as they are, to GET and HEAD alone: the route is closed",
);

/** A number of [server], one for all servers: the largest that is written anywhere. */
function serverNumber(
  key: string,
  read: (text: string) => number | undefined,
  min: number,
  max: number,
): NginxRow {
  return {
    verdict: "translated",
    becomes: `server.${key}`,
    note: "one value for all servers: the largest",
    once({ args }, { draft: { server } }) {
      const value = read(args[0] ?? "");
      if (value === undefined) return needsYou("this is not a value that it can have");
      const kept = clamp(value, min, max);
      return setLargest(server, key, kept, kept === value ? "" : `${kept} is the nearest that can be said`);
    },
  };
}

function setLargest(server: Keys, key: string, value: number, sentence: string): Outcome {
  const before = server[key];
  server[key] = Math.max(typeof before === "number" ? before : 0, value);
  const others = before !== undefined && before !== value ? "one value for all servers: the largest" : "";
  const sentences = [sentence, others].filter((text) => text !== "");
  return sentences.length === 0 ? translated(`\`server.${key}\``) : differs(sentences.join("; "));
}

function count(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

const hour = 3_600_000;
const millis = (key: string, max = hour): NginxRow => serverNumber(key, readMs, 100, max);

/** Directives of processes, listeners and TLS: what the gateway has once, or does by itself. */
export const nginxServerRows: NginxRows = {
  http: structure,
  server: always("translated", "its locations became routes"),
  location: always("translated", "[[route]]", "[[route]]"),
  upstream: always("translated", "[upstream]", "[upstream.NAME]"),
  events: structure,
  include: always("translated", "its directives follow"),
  listen: always("translated", "one plain and one TLS listener", "server.listen_http, listen_https"),
  server_name: always("translated", "`hosts`; expressions where they are a few names", "route.hosts"),
  proxy_pass: always("translated", "`upstream`; a path in it is `rewrite`", "route.upstream, rewrite"),
  grpc_pass: always("translated", 'an upstream with `protocol = "h2c"` or "h2"', "upstream.protocol"),
  return: always(
    "translated",
    "an answer of its own or a redirect, that to https by `http_mode`",
    "redirect, respond, server.http_mode",
  ),
  rewrite: always("needs_you", "`break` in a location is `rewrite`; others need you", "rewrite, redirect"),
  if: always(
    "needs_you",
    "methods, User-Agents and the redirect to https are translated",
    "route.methods, lists",
  ),
  try_files: always(
    "needs_you",
    "`$uri $uri/ =404` and an index page behind them are translated; of a named location, only that",
    "serve_dir, spa_fallback",
  ),
  auth_request: always("differs", "an [auth_profile] of kind forward", "auth_profile"),
  map: always("needs_you", "only the one of $http_upgrade is understood", "route.mode"),
  limit_req_zone: always("translated", "[limit]", "[limit.NAME]"),
  limit_conn_zone: always("translated", "see `limit_conn`"),
  modsecurity_rules: always("translated", "its rules follow", "[[exclude]], waf_shadow"),
  modsecurity_rules_file: always("translated", "its rules follow", "[[exclude]], waf_shadow"),
  fastcgi_pass: otherProtocol,
  uwsgi_pass: otherProtocol,
  scgi_pass: otherProtocol,
  memcached_pass: otherProtocol,
  empty_gif: staticFiles,
  stub_status: always("needs_you", "the telemetry listener has metrics: the route is closed"),
  mp4: staticFiles,
  flv: staticFiles,
  dav_methods: staticFiles,
  break: always("needs_you", "there are no rewrites to end"),
  geo: variables,
  geoip_country: variables,
  geoip2: variables,
  split_clients: variables,
  map_hash_max_size: sizing,
  map_hash_bucket_size: sizing,
  types: always("differs", "the type of a file goes by its ending, from a list of the gateway's own"),
  types_hash_max_size: sizing,
  types_hash_bucket_size: sizing,
  server_names_hash_max_size: sizing,
  server_names_hash_bucket_size: sizing,
  variables_hash_max_size: sizing,
  variables_hash_bucket_size: sizing,
  default_type: always("translated", "answers have the type that the upstream gives"),
  charset: always("translated", "answers have the type that the upstream gives"),
  stream: always("needs_you", "other protocols than HTTP are not proxied here"),
  mail: always("needs_you", "mail is not proxied here"),
  user: process,
  pid: process,
  daemon: process,
  master_process: process,
  env: process,
  load_module: always("translated", "there are no modules"),
  lock_file: process,
  working_directory: process,
  worker_rlimit_nofile: always(
    "translated",
    "limits of the process are the service manager's; `max_connections` follows them",
  ),
  worker_rlimit_core: process,
  worker_priority: process,
  worker_cpu_affinity: platform,
  worker_shutdown_timeout: serverNumber("shutdown_grace_ms", readMs, 0, hour),
  worker_processes: {
    verdict: "translated",
    becomes: "server.workers",
    note: "auto is 0: one per CPU, at least 2",
    once({ args }, { draft: { server } }) {
      const workers = count(args[0] ?? "");
      if (args[0] === "auto") return translated("one worker per CPU, at least 2");
      if (workers === undefined || workers < 1 || workers > 256) return needsYou("1 to 256 workers");
      server["workers"] = workers;
      return translated("`server.workers`");
    },
  },
  worker_connections: always(
    "differs",
    "`max_connections` counts clients only; 0 derives it from memory and file descriptors",
    "server.max_connections",
  ),
  use: platform,
  multi_accept: platform,
  accept_mutex: platform,
  accept_mutex_delay: platform,
  worker_aio_requests: platform,
  pcre_jit: platform,
  thread_pool: platform,
  aio: platform,
  directio: platform,
  sendfile: platform,
  sendfile_max_chunk: platform,
  tcp_nopush: platform,
  tcp_nodelay: platform,
  reset_timedout_connection: platform,
  lingering_close: platform,
  lingering_time: platform,
  lingering_timeout: platform,
  postpone_output: platform,
  output_buffers: sizing,
  request_pool_size: sizing,
  connection_pool_size: sizing,
  open_file_cache: platform,
  open_file_cache_valid: platform,
  open_file_cache_min_uses: platform,
  open_file_cache_errors: platform,
  log_not_found: platform,
  log_subrequest: platform,
  server_tokens: always("translated", "answers never name this gateway or its version"),
  msie_padding: platform,
  chunked_transfer_encoding: platform,
  if_modified_since: platform,
  max_ranges: platform,
  error_log: always("differs", "the gateway's own log is JSON on standard error"),
  log_format: always("differs", "lines are JSON with fixed fields: docs/operating/logs.md"),
  access_log: {
    verdict: "differs",
    becomes: "access_log.enabled",
    note: "JSON lines on standard output, for all routes",
    once: ({ args }) =>
      args[0] === "off"
        ? differs("one access log for all routes: this one's requests are in it")
        : differs("JSON lines on standard output: `access_log.path` names a file"),
  },
  keepalive_timeout: millis("keepalive_timeout_ms"),
  keepalive_requests: serverNumber("keepalive_requests", count, 1, 1_000_000_000),
  keepalive_time: {
    ...serverNumber("connection_max_age_secs", (text) => seconds(text), 1, 604_800),
    note: "whole seconds; one value for all servers",
  },
  keepalive_disable: platform,
  client_header_timeout: millis("header_timeout_ms"),
  client_body_timeout: millis("body_idle_timeout_ms"),
  send_timeout: millis("write_timeout_ms"),
  client_header_buffer_size: sizing,
  large_client_header_buffers: {
    verdict: "translated",
    becomes: "server.max_header_bytes, max_uri_bytes, max_header_value_bytes",
    note: "one buffer is the longest line, all of them the head",
    once({ args }, { draft: { server } }) {
      const buffers = count(args[0] ?? "");
      const bytes = readBytes(args[1] ?? "");
      if (buffers === undefined || bytes === undefined) return needsYou("a number and a size are expected");
      server["max_header_bytes"] = clamp(buffers * bytes, 1024, 262_144);
      server["max_uri_bytes"] = clamp(bytes, 256, 131_072);
      server["max_header_value_bytes"] = clamp(bytes, 256, 262_144);
      return buffers * bytes <= 262_144 ? translated("`max_header_bytes`") : differs("256 KiB at most");
    },
  },
  http2: always("translated", "HTTP/2 is offered on the TLS listener", "tls.alpn"),
  http2_max_concurrent_streams: always(
    "differs",
    "streams of a connection have a limit of this gateway's own",
  ),
  http2_max_field_size: always("differs", "heads have the limits of HTTP/1.1: `max_header_bytes`"),
  http2_max_header_size: always("differs", "heads have the limits of HTTP/1.1: `max_header_bytes`"),
  http2_max_requests: always("differs", "`keepalive_requests`"),
  http2_recv_timeout: always("differs", "`keepalive_timeout_ms`"),
  http2_idle_timeout: always("differs", "`keepalive_timeout_ms`"),
  http2_push: always("translated", "no push, as in browsers"),
  http2_push_preload: always("translated", "no push, as in browsers"),
  http3: always("needs_you", "there is no HTTP/3 yet"),
  ssl: always("translated", "see `listen`"),
  ssl_certificate: always("translated", "`cert_path`", "tls.cert_path, tls.sni"),
  ssl_certificate_key: always("translated", "`key_path`", "tls.key_path, tls.sni"),
  ssl_password_file: always("needs_you", "keys are not encrypted here: mode 0600"),
  ssl_protocols: {
    verdict: "translated",
    becomes: "tls.min_version",
    note: "1.2 or 1.3 is the oldest, for all names",
    once({ args }, { draft: { tls } }) {
      const old = args.filter((arg) => /^(?:SSLv|TLSv1$|TLSv1\.1$)/.test(arg));
      // The oldest that any server asks for: clients of that server would be cut off otherwise.
      if (args.some((arg) => arg !== "TLSv1.3")) tls["min_version"] = "1.2";
      else tls["min_version"] ??= "1.3";
      return old.length === 0
        ? translated("`tls.min_version`, for all names")
        : differs(`no ${old.join(", ")}: TLS 1.2 is the oldest`);
    },
  },
  ssl_ciphers: always("differs", "ciphers are fixed: ECDHE with AEAD, the client's order"),
  ssl_conf_command: always("differs", "TLS is configured by `[tls]` alone"),
  ssl_prefer_server_ciphers: always("differs", "ciphers are fixed"),
  ssl_ecdh_curve: always("differs", "groups are fixed"),
  ssl_dhparam: always("translated", "only ECDHE: nothing to set"),
  ssl_session_cache: always("translated", "tickets, shared by all workers"),
  ssl_session_timeout: always("differs", "ticket keys are renewed every hour"),
  ssl_session_ticket_key: always("differs", "ticket keys are made and renewed here"),
  ssl_session_tickets: {
    verdict: "translated",
    becomes: "tls.session_tickets",
    note: "off is 0: no resumption",
    once({ args }, { draft: { tls } }) {
      if (args[0] !== "off") return translated("tickets are on");
      tls["session_tickets"] = 0;
      return translated("`tls.session_tickets = 0`");
    },
  },
  ssl_buffer_size: sizing,
  ssl_early_data: {
    verdict: "translated",
    becomes: "",
    note: "no early data, ever",
    once: ({ args }) =>
      args[0] === "on" ? differs("no early data: it can be replayed") : translated("no early data"),
  },
  ssl_reject_handshake: always(
    "differs",
    "names without a certificate get that of [tls]; requests for them have no route",
  ),
  ssl_stapling: always("differs", "stapled wherever the certificate names a responder"),
  ssl_stapling_verify: always("differs", "a responder's answers are always verified"),
  ssl_stapling_file: always("differs", "answers are asked for at the responder, not read from a file"),
  ssl_trusted_certificate: always(
    "differs",
    "for stapling the issuer has to be in `cert_path`, behind the certificate",
  ),
  ssl_crl: always("needs_you", "see `ssl_verify_client`"),
  ssl_client_certificate: always("needs_you", "see `ssl_verify_client`"),
  ssl_verify_depth: always("needs_you", "see `ssl_verify_client`"),
  resolver: {
    verdict: "differs",
    becomes: "",
    note: "names are looked up as the system does, every `dns_refresh_secs`",
  },
  resolver_timeout: { ...serverNumber("dns_timeout_ms", readMs, 0, 60_000) },
  set_real_ip_from: {
    verdict: "translated",
    becomes: "server.trusted_proxies",
    note: "for all servers",
    once({ args }, { draft: { server } }) {
      const reading = readCidr(args[0] ?? "");
      const block = "value" in reading ? reading.value : reading.suggestion;
      if (block === undefined) return needsYou("an address or a block of addresses is expected");
      if (block.endsWith("/0"))
        return needsYou("name the balancers in `trusted_proxies`: nobody is believed until then");
      const before = server["trusted_proxies"];
      const all = new Set([...(Array.isArray(before) ? (before as readonly string[]) : []), block]);
      server["trusted_proxies"] = [...all];
      return translated("`trusted_proxies`");
    },
  },
  real_ip_header: {
    verdict: "translated",
    becomes: "server.trusted_proxies",
    note: "X-Forwarded-For; other fields need you",
    once({ args }) {
      const name = (args[0] ?? "").toLowerCase();
      if (name === "x-forwarded-for") return translated("X-Forwarded-For of `trusted_proxies`");
      if (name === "proxy_protocol") return needsYou("name the balancers in `server.proxy_protocol`");
      return needsYou(`the client's address is read from X-Forwarded-For, not from ${args[0] ?? ""}`);
    },
  },
  real_ip_recursive: {
    verdict: "translated",
    becomes: "",
    note: "on is what this gateway does",
    once: ({ args }) =>
      args[0] === "on"
        ? translated("the last address that no trusted proxy has")
        : differs("the last address that no trusted proxy has, not the last one"),
  },
};

function seconds(text: string): number | undefined {
  const ms = readMs(text);
  return ms === undefined ? undefined : Math.round(ms / 1000);
}
