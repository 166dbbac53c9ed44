import { readHostName } from "../config/address.ts";
import { addField, removeField } from "./changes.ts";
import { compressionRows } from "./compression.ts";
import { clamp, readBytes, readMs, wholeMib } from "./measure.ts";
import { translateAccess, translateLimitExcept } from "./nginx-access.ts";
import { translateRequestField } from "./nginx-fields.ts";
import { translateLimitConn, translateLimitReq } from "./nginx-limits.ts";
import { always, type NginxRow, type NginxRows } from "./nginx-row.ts";
import { effective, type Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { templateOf } from "./nginx-template.ts";
import { translateVerifyClient } from "./nginx-tls.ts";
import { translateModSecurity } from "./nginx-waf.ts";
import { differs, needsYou, type Outcome, translated, type Verdict } from "./verdict.ts";

const hour = 3_600_000;
const cache = always(
  "needs_you",
  "write a [cache_profile.NAME] and name it in the route: docs/operating/cache.md",
);
const code = always("refused", "code in a configuration is never run");

/** A time of nginx as a key of the upstream. */
function upstreamTime(keys: readonly string[], note: string): NginxRow {
  return {
    verdict: "translated",
    becomes: keys.join(", "),
    note,
    each({ args }, place) {
      const ms = readMs(args[0] ?? "");
      if (ms === undefined) return needsYou("this is not a time");
      for (const key of keys) place.upstream[key] = clamp(ms, 1, hour);
      return ms >= 1 && ms <= hour
        ? translated(keys.map((key) => `\`${key}\``).join(", "))
        : differs("at most an hour here");
    },
  };
}

/** What refuses clients there and cannot be said here: the route is closed. */
function closes(note: string, verdict: Verdict = "needs_you"): NginxRow {
  return {
    verdict,
    becomes: "",
    note: `${note}: the route is closed`,
    each({ name, args }, place): Outcome {
      if (args[0] === "off") return translated("off");
      place.closed.push(name);
      return { verdict, explanation: `${note}: the route is closed` };
    },
  };
}

/** Off is what this gateway does; anything else needs somebody. */
function offOnly(note: string): NginxRow {
  return {
    verdict: "needs_you",
    becomes: "",
    note,
    each: ({ args }) => (args[0] === "off" ? translated("off") : needsYou(note)),
  };
}

/** Directives that are in force in locations: what they do to the route and to its upstream. */
export const nginxRouteRows: NginxRows = {
  client_max_body_size: {
    verdict: "translated",
    becomes: "max_body_mb",
    note: "whole MiB, rounded up; 0 is 1 TiB",
    each({ args }, place) {
      const bytes = readBytes(args[0] ?? "");
      if (bytes === undefined) return needsYou("this is not a size");
      const mib = wholeMib(bytes);
      place.route["max_body_mb"] = mib;
      if (bytes === 0) return differs("no limit there, 1 TiB here");
      return mib * 2 ** 20 === bytes
        ? translated("`max_body_mb`")
        : differs(`${args[0]} is ${mib} MiB here: whole MiB, rounded up`);
    },
  },
  proxy_connect_timeout: upstreamTime(["connect_timeout_ms"], "the same"),
  proxy_read_timeout: {
    ...upstreamTime(["request_timeout_ms", "idle_timeout_ms"], "also the idle time of WebSockets"),
  },
  proxy_send_timeout: always(
    "differs",
    "how long an upstream may take to read is the pause that `idle_timeout_ms` allows",
  ),
  grpc_read_timeout: upstreamTime(["request_timeout_ms", "idle_timeout_ms"], "the same"),
  grpc_connect_timeout: upstreamTime(["connect_timeout_ms"], "the same"),
  grpc_send_timeout: always(
    "differs",
    "how long an upstream may take to read is the pause that `idle_timeout_ms` allows",
  ),
  grpc_set_header: {
    verdict: "translated",
    becomes: "preserve_host, xff_mode",
    note: "as proxy_set_header",
    each: translateRequestField,
  },
  proxy_set_header: {
    verdict: "translated",
    becomes: "preserve_host, xff_mode, mode, request_headers",
    note: "Host, X-Forwarded-*, X-Real-IP, Upgrade and Connection; others are set as they are",
    each: translateRequestField,
  },
  proxy_http_version: {
    verdict: "translated",
    becomes: "",
    note: "upstreams are spoken to in HTTP/1.1",
    each: ({ args }) =>
      args[0] === "1.1" ? translated("HTTP/1.1, always") : differs("HTTP/1.1 to the upstream, not 1.0"),
  },
  proxy_next_upstream: {
    verdict: "translated",
    becomes: "retry.attempts",
    note: "off is no retry; otherwise connection failures and requests that may be sent twice",
    each({ args }, place) {
      if (args.includes("off")) {
        place.upstream["retry"] = { attempts: 0 };
        return translated("`retry.attempts = 0`");
      }
      const statuses = args.filter((arg) => /^http_|^invalid_header|^non_idempotent/.test(arg));
      return statuses.length === 0
        ? translated("failed connections are tried again elsewhere")
        : differs(
            `${statuses.join(", ")}: an answer is never asked for again, nor a request that may not be sent twice`,
          );
    },
  },
  proxy_next_upstream_tries: {
    verdict: "translated",
    becomes: "retry.attempts",
    note: "one less: attempts after the first",
    each({ args }, place) {
      const tries = Number(args[0]);
      if (!Number.isInteger(tries)) return needsYou("this is not a number");
      const attempts = tries === 0 ? 5 : clamp(tries - 1, 0, 5);
      place.upstream["retry"] = { attempts };
      return tries >= 1 && tries <= 6
        ? translated(`\`retry.attempts = ${attempts}\``)
        : differs("at most 5 further attempts");
    },
  },
  proxy_next_upstream_timeout: always("differs", "retries end with `total_timeout_ms` and their budget"),
  proxy_buffering: {
    verdict: "translated",
    becomes: "mode",
    note: "answers always flow as they come; `off` is event streams, mostly",
    each({ args }, place) {
      if (args[0] === "off" && place.route["mode"] === undefined) place.route["mode"] = "sse_stream";
      return translated(
        args[0] === "off" ? '`mode = "sse_stream"`, unless it serves WebSocket' : "answers flow as they come",
      );
    },
  },
  proxy_request_buffering: {
    verdict: "translated",
    becomes: "body",
    note: 'off is `body = "stream"`; bodies are inspected all the same',
    each({ args }, place) {
      if (args[0] === "off") place.route["body"] = "stream";
      return args[0] === "off"
        ? translated('`body = "stream"`')
        : differs("held up to `inspect_buffer_kb` only, then as it is inspected");
    },
  },
  proxy_buffers: always("translated", "buffers have fixed sizes here"),
  proxy_buffer_size: always("translated", "buffers have fixed sizes here"),
  proxy_busy_buffers_size: always("translated", "buffers have fixed sizes here"),
  proxy_headers_hash_max_size: always("translated", "nothing to size here"),
  proxy_headers_hash_bucket_size: always("translated", "nothing to size here"),
  proxy_max_temp_file_size: always("translated", "nothing is written to temporary files"),
  proxy_temp_path: always("translated", "nothing is written to temporary files"),
  proxy_socket_keepalive: always("differs", "TCP keep-alive is the gateway's own"),
  proxy_ignore_client_abort: offOnly("a client that goes away ends its exchange"),
  proxy_intercept_errors: {
    verdict: "translated",
    becomes: "intercept",
    note: "for the statuses that `error_page` names",
    each: ({ args }) =>
      translated(
        args[0] === "on"
          ? "`intercept`, for what `error_page` names"
          : "the upstream's errors go to clients as they are",
      ),
  },
  proxy_redirect: {
    verdict: "differs",
    becomes: "",
    note: "Location of answers goes to clients as it is",
    each: ({ args }) =>
      args[0] === "off"
        ? translated("Location is never changed")
        : needsYou("Location of answers goes to clients as it is"),
  },
  proxy_cookie_path: always("needs_you", "cookies of answers go to clients as they are"),
  proxy_cookie_domain: always("needs_you", "cookies of answers go to clients as they are"),
  proxy_cookie_flags: always("needs_you", "cookies of answers go to clients as they are"),
  proxy_hide_header: {
    verdict: "translated",
    becomes: "response_headers.remove",
    note: "the same; Server and X-Powered-By go through otherwise",
    each: ({ args }, place) =>
      removeField(place.route, "response_headers", args[0] ?? "")
        ? translated("`response_headers.remove`")
        : needsYou("this field cannot be removed here"),
  },
  proxy_pass_header: always("needs_you", "fields of answers go through as this gateway decides"),
  proxy_ignore_headers: always("differs", "fields of answers such as X-Accel-Redirect mean nothing here"),
  proxy_pass_request_headers: always("needs_you", "fields of requests always go upstream"),
  proxy_pass_request_body: {
    verdict: "needs_you",
    becomes: "",
    note: "bodies always go upstream, and never to a service that decides",
    each: ({ args }, place) =>
      place.isService || args[0] === "on"
        ? translated("as it is here")
        : needsYou("bodies always go upstream"),
  },
  proxy_method: closes("the method that the client used is sent"),
  proxy_set_body: closes("bodies go upstream as they came"),
  proxy_bind: always("needs_you", "connections leave from the address that the system chooses"),
  proxy_store: always("needs_you", "answers are not stored"),
  proxy_cache: {
    ...cache,
    each: ({ args }) => (args[0] === "off" ? translated("off") : needsYou(cache.note)),
  },
  proxy_cache_path: cache,
  proxy_cache_key: cache,
  proxy_cache_valid: cache,
  proxy_cache_use_stale: cache,
  proxy_cache_lock: cache,
  proxy_cache_bypass: cache,
  proxy_no_cache: cache,
  proxy_cache_methods: cache,
  proxy_cache_min_uses: cache,
  proxy_cache_revalidate: cache,
  proxy_cache_background_update: cache,
  proxy_ssl_server_name: always("translated", "the server name is always sent"),
  proxy_ssl_session_reuse: always("translated", "sessions are resumed"),
  proxy_ssl_protocols: always("differs", "TLS 1.2 and 1.3 to upstreams"),
  proxy_ssl_ciphers: always("differs", "ciphers to upstreams are fixed"),
  proxy_ssl_verify_depth: always("differs", "certificates of upstreams are verified to a known authority"),
  proxy_ssl_verify: {
    verdict: "differs",
    becomes: "",
    note: "certificates of upstreams are always verified",
    each: ({ args }) =>
      args[0] === "on"
        ? translated("certificates of upstreams are always verified")
        : differs(
            "certificates of upstreams are always verified: give `ca_path` where the authority is your own",
          ),
  },
  proxy_ssl_trusted_certificate: upstreamText("ca_path"),
  proxy_ssl_certificate: upstreamText("client_cert_path"),
  proxy_ssl_certificate_key: upstreamText("client_key_path"),
  proxy_ssl_name: upstreamText("server_name"),
  allow: { verdict: "translated", becomes: "lists", note: "lists of addresses", all: translateAccess },
  deny: { verdict: "translated", becomes: "lists", note: "lists of addresses", all: translateAccess },
  limit_except: {
    verdict: "translated",
    becomes: "methods",
    note: "`deny all` in it",
    each: translateLimitExcept,
  },
  limit_req: {
    verdict: "differs",
    becomes: "[limit], limits",
    note: "the same rate and burst; bursts are not delayed, and the answer is 429",
    each: translateLimitReq,
  },
  limit_conn: {
    verdict: "differs",
    becomes: "max_in_flight_per_ip, max_in_flight",
    note: "exchanges under way at once, in each worker",
    each: translateLimitConn,
  },
  limit_req_status: {
    verdict: "differs",
    becomes: "",
    note: "the answer is 429",
    each: ({ args }) => (args[0] === "429" ? translated("the answer is 429") : differs("the answer is 429")),
  },
  limit_conn_status: always("differs", "429 for a client's limit, 503 for a route's"),
  limit_req_log_level: always("translated", "refusals are in the access log"),
  limit_conn_log_level: always("translated", "refusals are in the access log"),
  limit_req_dry_run: always("translated", "`shadow = true`", "shadow"),
  limit_conn_dry_run: always("needs_you", "there is no shadow for exchanges under way"),
  limit_rate: always("needs_you", "answers are not slowed down"),
  limit_rate_after: always("needs_you", "answers are not slowed down"),
  auth_basic: closes(
    "passwords of nginx cannot be used: make lines with `zion password NAME`, and an [auth_profile] of kind basic",
  ),
  auth_basic_user_file: always("needs_you", "see `auth_basic`"),
  auth_jwt: closes("make an [auth_profile] of kind jwt"),
  auth_jwt_key_file: always("needs_you", "see `auth_jwt`"),
  auth_jwt_key_request: always("needs_you", "see `auth_jwt`"),
  ssl_verify_client: {
    verdict: "translated",
    becomes: "client_auth, tls.client_ca_path",
    note: "`on`, with one authority for all names; anything else closes the route",
    each: translateVerifyClient,
  },
  secure_link: closes("signed links are not known here"),
  secure_link_md5: always("needs_you", "see `secure_link`"),
  valid_referers: always("needs_you", "see the `if` that uses it; `csrf_guard` may be what you need"),
  satisfy: {
    verdict: "needs_you",
    becomes: "",
    note: "all is what this gateway does; any closes the route",
    each({ args }, place) {
      if (args[0] !== "any") return translated("all");
      place.closed.push("satisfy any");
      return needsYou("one of several ways in cannot be said here: the route is closed");
    },
  },
  modsecurity: {
    verdict: "translated",
    becomes: "waf_shadow",
    note: "the WAF of this gateway, with rules of its own",
    all: translateModSecurity,
  },
  add_header: {
    verdict: "translated",
    becomes: "response_headers.add",
    note: "on answers of every status; without `always` nginx adds it to some",
    each({ args: [name = "", value = "", when] }, place) {
      const template = templateOf(value, place.scope);
      if (template === undefined || !addField(place.route, "response_headers", "add", name, template))
        return needsYou("this field cannot be added here");
      return when === "always"
        ? translated("`response_headers.add`")
        : differs("`response_headers.add`, on errors too");
    },
  },
  add_trailer: always("needs_you", "write them in `response_headers` of the routes"),
  expires: offOnly("write them in `response_headers` of the routes"),
  sub_filter: always("needs_you", "bodies of answers are not changed"),
  sub_filter_once: always("needs_you", "bodies of answers are not changed"),
  sub_filter_types: always("needs_you", "bodies of answers are not changed"),
  ...compressionRows,
  gzip_static: always("needs_you", '`precompressed` of a route with `mode = "static"`'),
  root: files("serve_dir"),
  alias: files("serve_dir, rewrite.strip_prefix"),
  index: files("static_index"),
  autoindex: offOnly("directories are never listed"),
  etag: always("translated", "ETags of upstreams go through"),
  error_page: {
    verdict: "needs_you",
    becomes: "intercept",
    note: "pages are [error_page.STATUS], for all routes; with `proxy_intercept_errors` the route has `intercept`",
    all: errorPages,
  },
  recursive_error_pages: always("needs_you", "see `error_page`"),
  mirror: always("differs", "a location with a `proxy_pass` that ends in `$request_uri`", "mirror"),
  mirror_request_body: always("translated", "off: only GET and HEAD are copied", "mirror.methods"),
  merge_slashes: {
    verdict: "translated",
    becomes: "merge_slashes",
    note: "routes always see // as /",
    each: ({ args }) =>
      args[0] === "off"
        ? differs("routes always see // as /; what is forwarded keeps it")
        : translated("routes see // as /"),
  },
  underscores_in_headers: always(
    "differs",
    "fields with odd names are refused or removed as this gateway decides",
  ),
  ignore_invalid_headers: always("differs", "fields that are not valid are refused"),
  absolute_redirect: always("translated", "redirects are absolute"),
  port_in_redirect: always("differs", "redirects name the port of `listen_https` unless it is 443"),
  server_name_in_redirect: always("differs", "redirects name the client's Host"),
  client_body_buffer_size: always(
    "differs",
    "bodies are held up to `inspect_buffer_kb` of the WAF profile",
    "inspect_buffer_kb",
  ),
  client_body_temp_path: always("translated", "nothing is written to temporary files"),
  client_body_in_file_only: offOnly("bodies are never written to files"),
  client_body_in_single_buffer: always("translated", "nothing to size here"),
  internal: closes("only nginx itself may ask for this place"),
  set: {
    verdict: "needs_you",
    becomes: "",
    note: "variables: only those with one fixed value are put in their places",
    each: ({ args }) =>
      (args[1] ?? "$").includes("$")
        ? needsYou("variables: only those with one fixed value are put in their places")
        : translated("put in its places"),
  },
  uninitialized_variable_warn: always("translated", "there are no variables"),
  rewrite_log: always("translated", "there are no rewrites"),
  auth_request_set: always("needs_you", "see `auth_request`"),
  js_content: code,
  js_import: code,
  js_include: code,
  js_set: code,
  js_header_filter: code,
  js_body_filter: code,
  perl: code,
  perl_set: code,
  perl_modules: code,
  perl_require: code,
};

/** `error_page 500 502 /50x.html`: which statuses, but not the pages, whose files are elsewhere. */
function errorPages(directives: readonly Directive[], place: Place): Outcome {
  const own = "write the page as [error_page.STATUS]: there is one for all routes";
  if (effective(place.scope, "proxy_intercept_errors")[0]?.args[0] !== "on") return needsYou(own);
  const statuses = new Set<number>();
  for (const { args } of directives) {
    const target = args.at(-1) ?? "";
    // Another answer in place of an error: `=200`, a named location, another server.
    if (args.some((arg) => arg.startsWith("=")) || !target.startsWith("/"))
      return needsYou("an error becomes another answer there: that cannot be said here");
    for (const arg of args.slice(0, -1)) if (/^[45]\d\d$/.test(arg)) statuses.add(Number(arg));
  }
  if (statuses.size === 0) return needsYou(own);
  place.route["intercept"] = [...statuses].sort((a, b) => a - b);
  return needsYou(`\`intercept\`: until then clients get a few words; ${own}`);
}

/** Read where the content of a location is (nginx-files.ts). */
function files(key: string): NginxRow {
  return {
    verdict: "differs",
    becomes: key,
    note: "where a location serves files and no expression takes some of them: hidden ones are not served",
    each: () => translated("where files are served"),
  };
}

function upstreamText(key: string): NginxRow {
  return {
    verdict: "translated",
    becomes: key,
    note: "the same, for https upstreams",
    each({ args }, place) {
      const text = args[0] ?? "";
      if (text === "" || text.includes("$")) return needsYou("a variable cannot be here");
      if (key === "server_name" && !("value" in readHostName(text, false)))
        return needsYou("this is no host name");
      place.upstream[key] = text;
      return translated(`\`${key}\``);
    },
  };
}

/** Rows of everything that is in force in a location. */
export function applyRouteRows(place: Place): void {
  closeForCode(place);
  for (const [name, row] of Object.entries(nginxRouteRows)) {
    if (row.each === undefined && row.all === undefined) continue;
    // `deny` comes with `allow`: both are one list of rules.
    if (name === "deny" || (place.isService && !name.startsWith("proxy_"))) continue;
    const directives = name === "allow" ? accessRules(place) : effective(place.scope, name);
    if (directives.length === 0) continue;
    const all = row.all?.(directives, place);
    for (const directive of directives)
      place.nginx.ledger.decide(directive.item, all ?? row.each!(directive, place));
  }
}

/** Lua that can refuse a request: without it the route would be more open than it was. */
function closeForCode({ scope, closed }: Place): void {
  for (let at: Place["scope"] | undefined = scope; at !== undefined; at = at.parent)
    for (const { name } of at.directives)
      if (/^(?:access|rewrite|server_rewrite|content|set)_by_lua/.test(name))
        closed.push(`${name} decides there`);
}

/** `allow` and `deny` are inherited together. */
function accessRules(place: Place) {
  for (let at: Place["scope"] | undefined = place.scope; at !== undefined; at = at.parent) {
    const found = at.directives.filter(({ name }) => name === "allow" || name === "deny");
    if (found.length > 0) return found;
  }
  return [];
}
