import { readCidr } from "../config/address.ts";
import { addCodings, compressionKey, effortOf, guarded } from "./compression.ts";
import type { Draft } from "./draft.ts";
import { annotationRows } from "./ingress-annotations.ts";
import { always, type ConfigMapRow } from "./ingress-row.ts";
import { clamp, readBytes, readMs } from "./measure.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** Settings of the controller that are those of every Ingress which does not say otherwise. */
export const sharedSettings: ReadonlySet<string> = new Set([
  "proxy-body-size",
  "proxy-connect-timeout",
  "proxy-read-timeout",
  "proxy-send-timeout",
  "proxy-next-upstream",
  "proxy-next-upstream-tries",
  "proxy-request-buffering",
  "whitelist-source-range",
  "denylist-source-range",
  "ssl-redirect",
  "force-ssl-redirect",
  "enable-modsecurity",
  "modsecurity-snippet",
  "limit-rate",
  "limit-rate-after",
  "load-balance",
  "upstream-hash-by",
]);

const snippet = always("refused", "text for nginx.conf");
const fixedTls = always("differs", "ciphers and groups are fixed");
const logging = always("differs", "lines are JSON with fixed fields: docs/operating/logs.md");
const platform = always("translated", "the gateway's own");
const tracing = always("needs_you", "[tracing] sends spans by OTLP");
const authPart = always("needs_you", "see `global-auth-url`");
const hsts = always("needs_you", "write them in `response_headers` of the routes");

function serverMillis(key: string): ConfigMapRow {
  return {
    verdict: "translated",
    becomes: `server.${key}`,
    note: "seconds",
    apply(value, { server }) {
      const ms = readMs(value);
      if (ms === undefined) return needsYou("this is not a time");
      server[key] = clamp(ms, 100, 3_600_000);
      return translated(`\`server.${key}\``);
    },
  };
}

/** Compression of all routes. */
function codes(coding: "gzip" | "br"): ConfigMapRow {
  return {
    verdict: "differs",
    becomes: "compression",
    note: guarded,
    apply(value, draft) {
      if (value !== "true") return translated("off");
      addCodings(draft, [coding]);
      draft.compression.everywhere = true;
      return differs(guarded);
    },
  };
}

function whileOn(key: string, act: (value: string, draft: Draft) => Outcome): ConfigMapRow {
  return {
    verdict: "translated",
    becomes: "compression",
    note: `where \`${key}\` is on`,
    apply: (value, draft, data) =>
      data.get(key) === "true" ? act(value, draft) : translated(`\`${key}\` is off`),
  };
}

function least(value: string, draft: Draft): Outcome {
  const bytes = Number(value);
  return bytes >= 1 && bytes <= 1_048_576
    ? compressionKey(draft, "min_bytes", bytes)
    : needsYou("this is not a size");
}

function blocks(value: string): readonly string[] {
  return value
    .split(",")
    .map((part) => readCidr(part.trim()))
    .flatMap((reading) => ("value" in reading ? [reading.value] : (reading.suggestion ?? [])));
}

/** Whoever is believed says who the client is: only where the controller believed them too. */
function believe(value: string, { server }: Draft, data: ReadonlyMap<string, string>): Outcome {
  const found = blocks(value);
  const key =
    data.get("use-proxy-protocol") === "true"
      ? "proxy_protocol"
      : data.get("use-forwarded-headers") === "true"
        ? "trusted_proxies"
        : undefined;
  if (key === undefined) return translated("nobody is believed");
  if (found.length === 0 || found.some((block) => block.endsWith("/0")))
    return needsYou(`name the balancers in \`server.${key}\`: nobody is believed until then`);
  server[key] = found;
  return translated(`\`server.${key}\``);
}

/** A list in `server.lists`, for every client. */
function denied(
  keys: (value: string) => Readonly<Record<string, readonly string[]>> | undefined,
): ConfigMapRow {
  return {
    verdict: "translated",
    becomes: "server.lists",
    note: "a list for every client",
    apply(value, draft): Outcome {
      const found = keys(value);
      if (found === undefined) return needsYou("this cannot be said in a list");
      addServerList(draft, { action: "deny", ...found });
      return translated("`server.lists`");
    },
  };
}

function addServerList(draft: Draft, keys: Readonly<Record<string, string | readonly string[]>>): void {
  const before = draft.server["lists"];
  const name = draft.name("list", "blocked", keys);
  draft.server["lists"] = [...(Array.isArray(before) ? (before as readonly string[]) : []), name];
}

/** Keys of the controller's ConfigMap. */
export const configMapRows: Readonly<Record<string, ConfigMapRow>> = {
  ...Object.fromEntries(
    [...sharedSettings].map((key): [string, ConfigMapRow] => {
      const { verdict, becomes, note } = annotationRows[key] ?? always("translated", "as the annotation");
      return [key, { verdict, becomes, note: `for every Ingress that does not say otherwise: ${note}` }];
    }),
  ),
  "keep-alive": serverMillis("keepalive_timeout_ms"),
  "keep-alive-requests": {
    verdict: "translated",
    becomes: "server.keepalive_requests",
    note: "the same",
    apply(value, { server }) {
      if (!/^[1-9]\d{0,8}$/.test(value)) return needsYou("a number is expected");
      server["keepalive_requests"] = Number(value);
      return translated("`server.keepalive_requests`");
    },
  },
  "client-header-timeout": serverMillis("header_timeout_ms"),
  "client-body-timeout": serverMillis("body_idle_timeout_ms"),
  "large-client-header-buffers": {
    verdict: "translated",
    becomes: "server.max_header_bytes",
    note: "one buffer is the longest line, all of them the head",
    apply(value, { server }) {
      const [count = "", size = ""] = value.split(/\s+/);
      const bytes = readBytes(size);
      if (bytes === undefined || !/^\d{1,4}$/.test(count))
        return needsYou("a number and a size are expected");
      server["max_header_bytes"] = clamp(Number(count) * bytes, 1024, 262_144);
      server["max_uri_bytes"] = clamp(bytes, 256, 131_072);
      server["max_header_value_bytes"] = clamp(bytes, 256, 262_144);
      return translated("`server.max_header_bytes`");
    },
  },
  "client-header-buffer-size": platform,
  "client-body-buffer-size": always(
    "differs",
    "bodies are held up to `inspect_buffer_kb` of the WAF profile",
  ),
  "worker-processes": {
    verdict: "translated",
    becomes: "server.workers",
    note: "auto is 0",
    apply(value, { server }) {
      if (value === "auto") return translated("one worker per CPU, at least 2");
      const workers = Number(value);
      if (!Number.isInteger(workers) || workers < 1 || workers > 256) return needsYou("1 to 256 workers");
      server["workers"] = workers;
      return translated("`server.workers`");
    },
  },
  "worker-shutdown-timeout": serverMillis("shutdown_grace_ms"),
  "max-worker-connections": always(
    "differs",
    "`max_connections` is derived from memory and file descriptors",
  ),
  "max-worker-open-files": platform,
  "worker-cpu-affinity": platform,
  "reuse-port": platform,
  "upstream-keepalive-connections": always("differs", "`keepalive` of each upstream"),
  "upstream-keepalive-timeout": always("differs", "`keepalive_timeout_ms` of each upstream"),
  "upstream-keepalive-requests": always("differs", "connections end when they were idle"),
  "use-forwarded-headers": {
    verdict: "translated",
    becomes: "server.trusted_proxies",
    note: "`proxy-real-ip-cidr` says whose headers",
    apply: (value, _, data) =>
      value !== "true"
        ? translated("X-Forwarded-For of clients is not believed")
        : data.has("proxy-real-ip-cidr")
          ? translated("`proxy-real-ip-cidr` says whose headers")
          : needsYou("name the balancers in `trusted_proxies`: nobody is believed until then"),
  },
  "compute-full-forwarded-for": always("differs", '`xff_mode = "append"` keeps what came'),
  "forwarded-for-header": always("differs", "the client's address is read from X-Forwarded-For"),
  "enable-real-ip": always("differs", "`trusted_proxies` says who is believed"),
  "proxy-real-ip-cidr": {
    verdict: "translated",
    becomes: "server.trusted_proxies, server.proxy_protocol",
    note: "with `use-forwarded-headers` or `use-proxy-protocol`; the whole internet needs you",
    apply: believe,
  },
  "use-proxy-protocol": {
    verdict: "translated",
    becomes: "server.proxy_protocol",
    note: "`proxy-real-ip-cidr` says who sends it",
    apply: (value, _, data) =>
      value !== "true"
        ? translated("no PROXY headers")
        : data.has("proxy-real-ip-cidr")
          ? translated("`proxy-real-ip-cidr` says who sends it")
          : needsYou("name the balancers in `server.proxy_protocol`"),
  },
  "block-cidrs": denied((value) => {
    const cidrs = blocks(value);
    return cidrs.length === 0 ? undefined : { cidrs };
  }),
  "block-user-agents": denied((value) => {
    const parts = value.split(",").map((part) => part.trim().replace(/^~\*?/, ""));
    return parts.every((part) => /^[\w ./-]{3,256}$/.test(part))
      ? { user_agents: parts.slice(0, 64) }
      : undefined;
  }),
  "block-referers": always("needs_you", "lists know addresses and User-Agents"),
  "ssl-protocols": {
    verdict: "translated",
    becomes: "tls.min_version",
    note: "1.2 or 1.3 is the oldest",
    apply(value, { tls }) {
      const words = value.split(/\s+/);
      tls["min_version"] = words.some((word) => word !== "TLSv1.3") ? "1.2" : "1.3";
      const old = words.filter((word) => /^(?:SSLv|TLSv1$|TLSv1\.1$)/.test(word));
      return old.length === 0
        ? translated("`tls.min_version`")
        : differs(`no ${old.join(", ")}: TLS 1.2 is the oldest`);
    },
  },
  "ssl-ciphers": fixedTls,
  "ssl-ecdh-curve": fixedTls,
  "ssl-dh-param": always("translated", "only ECDHE: nothing to set"),
  "ssl-session-cache": platform,
  "ssl-session-cache-size": platform,
  "ssl-session-tickets": always("differs", "tickets are on; `tls.session_tickets = 0` turns them off"),
  "ssl-session-timeout": always("differs", "ticket keys are renewed every hour"),
  "ssl-buffer-size": platform,
  "ssl-early-data": always("differs", "no early data: it can be replayed"),
  "ssl-reject-handshake": always(
    "differs",
    "names without a certificate get that of [tls]; requests for them have no route",
  ),
  "use-http2": platform,
  "http2-max-field-size": always("differs", "heads have the limits of HTTP/1.1: `max_header_bytes`"),
  "http2-max-concurrent-streams": always(
    "differs",
    "streams of a connection have a limit of this gateway's own",
  ),
  "http-redirect-code": always("differs", "301, and 308 for methods other than GET and HEAD"),
  "no-tls-redirect-locations": always("needs_you", "the plain listener redirects everything"),
  hsts,
  "hsts-max-age": hsts,
  "hsts-include-subdomains": hsts,
  "hsts-preload": hsts,
  "add-headers": hsts,
  "hide-headers": hsts,
  "proxy-set-headers": always("needs_you", "write them in `request_headers` of the routes"),
  "server-tokens": platform,
  "enable-underscores-in-headers": always(
    "differs",
    "fields with odd names are refused or removed as this gateway decides",
  ),
  "ignore-invalid-headers": always("differs", "fields that are not valid are refused"),
  "use-gzip": codes("gzip"),
  "gzip-level": whileOn("use-gzip", (value, draft) =>
    compressionKey(draft, "effort", effortOf(Number(value))),
  ),
  "gzip-types": whileOn("use-gzip", (value, draft) =>
    compressionKey(draft, "types", ["text/html", ...value.split(/\s+/)]),
  ),
  "gzip-min-length": whileOn("use-gzip", least),
  "enable-brotli": codes("br"),
  "brotli-level": whileOn("enable-brotli", (value, draft) =>
    compressionKey(draft, "effort", effortOf(Number(value))),
  ),
  "brotli-types": whileOn("enable-brotli", (value, draft) =>
    compressionKey(draft, "types", ["text/html", ...value.split(/\s+/)]),
  ),
  "log-format-upstream": logging,
  "log-format-escape-json": logging,
  "access-log-path": logging,
  "access-log-params": logging,
  "error-log-level": logging,
  "error-log-path": logging,
  "disable-access-log": logging,
  "skip-access-log-urls": logging,
  "enable-owasp-modsecurity-crs": always("translated", "the rules that come with this gateway"),
  "custom-http-errors": always("needs_you", "pages are [error_page.STATUS], and `intercept` of the routes"),
  "global-auth-url": always(
    "needs_you",
    "an [auth_profile] of kind forward, on every route that asks for it",
  ),
  "global-auth-signin": authPart,
  "global-auth-method": authPart,
  "global-auth-response-headers": authPart,
  "global-auth-snippet": snippet,
  "no-auth-locations": authPart,
  "enable-opentelemetry": tracing,
  "otlp-collector-host": tracing,
  "otlp-collector-port": tracing,
  "otel-sampler": tracing,
  "enable-opentracing": tracing,
  "generate-request-id": platform,
  "allow-snippet-annotations": always("translated", "snippets are never carried over"),
  "annotations-risk-level": always("translated", "snippets are never carried over"),
  "annotation-value-word-blocklist": always("translated", "values pass a serializer"),
  "strict-validate-path-type": platform,
  "allow-backend-server-header": always("translated", "Server of the upstream goes through"),
  "bind-address": always("needs_you", "`listen_http` and `listen_https` have one address each"),
  "main-snippet": snippet,
  "http-snippet": snippet,
  "server-snippet": snippet,
  "location-snippet": snippet,
  "stream-snippet": snippet,
};
