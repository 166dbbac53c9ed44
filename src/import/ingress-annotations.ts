import { readCidr } from "../config/address.ts";
import { readEndpoint } from "../config/endpoint.ts";
import { addChange, literal } from "./changes.ts";
import type { Keys } from "./draft.ts";
import { type AnnotationRow, always, type IngressPlace, noIncludes } from "./ingress-row.ts";
import { clamp, readBytes, readMs, wholeMib } from "./measure.ts";
import { readModSecurity } from "./modsecurity.ts";
import { type Directive, readNginx } from "./nginx-syntax.ts";
import { hashRow } from "./nginx-upstream.ts";
import { differs, needsYou, type Outcome, refused, translated, verdicts } from "./verdict.ts";

const hour = 3_600_000;

const structure = (note: string, becomes = ""): AnnotationRow => always("translated", note, becomes);
const canary = always("translated", "`split` of the route that it is the canary of", "split");
const sessionCookie = always("needs_you", "see `affinity`");
const cors = (note = "part of [route.cors]"): AnnotationRow => always("translated", note, "route.cors");
const authPart = always("needs_you", "see `auth-url`");
const certificateAuth = always("needs_you", "see `auth-tls-secret`");
const sizing = always("translated", "buffers have fixed sizes here");
const tracing = always("differs", "[tracing] is for all routes");
const mirrorPart = always("translated", "part of `mirror-target`", "mirror");
const globalLimit = always("needs_you", 'a [limit.NAME] with `store = "valkey"` counts for all machines');

/** "https://copy.test$request_uri": who gets copies. */
function mirrorTarget(value: string, { draft, namespace, route, settings }: IngressPlace): Outcome {
  const url = /^(https?:\/\/[^/$]+)\/?\$request_uri$/.exec(value)?.[1];
  if (url === undefined || !("value" in readEndpoint(url)))
    return needsYou("a server with `$request_uri` behind it is expected: no copies are sent");
  const upstream = draft.name("upstream", `${namespace}-mirror`, { url, health: { interval_ms: 0 } });
  const withBody = settings.get("mirror-request-body") !== "off";
  route["mirror"] = withBody
    ? { upstream, methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] }
    : { upstream };
  return differs(
    "at most `max_in_flight` copies at once, of requests with bodies up to `max_body_kb`; they are marked with X-Zion-Mirror",
  );
}

/** What keeps people out there and cannot be said here. */
function closes(note: string): AnnotationRow {
  return {
    verdict: "needs_you",
    becomes: "",
    note: `${note}: the route is closed`,
    apply(value, { closed }) {
      if (value === "" || value === "false" || value === "off") return translated("off");
      closed.push(note);
      return needsYou(`${note}: the route is closed`);
    },
  };
}

function upstreamTime(keys: readonly string[]): AnnotationRow {
  return {
    verdict: "translated",
    becomes: keys.join(", "),
    note: "seconds",
    apply(value, { upstream }) {
      const ms = readMs(value);
      if (ms === undefined) return needsYou("this is not a time");
      for (const key of keys) upstream[key] = clamp(ms, 1, hour);
      return ms >= 1 && ms <= hour
        ? translated(keys.map((key) => `\`${key}\``).join(", "))
        : differs("at most an hour here");
    },
  };
}

/** Addresses with commas between them as a list. */
function addresses(action: "allow" | "deny"): AnnotationRow {
  return {
    verdict: "translated",
    becomes: "lists",
    note: "a list of addresses",
    apply(value, place) {
      const blocks = value
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "");
      const read = blocks.map((block) => {
        const reading = readCidr(block);
        return "value" in reading ? reading.value : reading.suggestion;
      });
      const good = read.filter((block) => block !== undefined);
      if (good.length === 0 || good.length < blocks.length) {
        place.closed.push("addresses that cannot be read");
        return needsYou("one of these is no address or block of addresses: the route is closed");
      }
      place.lists.push(
        place.draft.name("list", action === "allow" ? "allowed" : "denied", { action, cidrs: good }),
      );
      return translated("a list of addresses");
    },
  };
}

/** limit-rps and limit-rpm: per client and pod, `limit-burst-multiplier` (5) times as many at once. */
function rate(windowSecs: number): AnnotationRow {
  return {
    verdict: "differs",
    becomes: "[limit], limits",
    note: "the same rate for each gateway; bursts and status as written in the report",
    apply(value, place) {
      const number = Number(value);
      if (!/^\d{1,7}$/.test(value) || number < 1) return needsYou("a number of requests is expected");
      const multiplier = Number(place.settings.get("limit-burst-multiplier") ?? 5) || 5;
      const keys: Keys = { rate: number };
      if (windowSecs !== 1) keys["window_secs"] = windowSecs;
      keys["burst"] = Math.round(number * multiplier) + 1;
      place.limits.push(
        place.draft.name("limit", `${place.namespace}-${windowSecs === 1 ? "rps" : "rpm"}`, keys),
      );
      const unit = windowSecs === 1 ? "s" : "min";
      return differs(
        `${number}/${unit} per client and controller pod before; ${number}/${unit} per client and gateway here (IPv6 by /64), and in all of them with \`store = "valkey"\`; ${keys["burst"]} at once, and 429 instead of 503`,
      );
    },
  };
}

function redirect(codeName: string, preset: number): AnnotationRow {
  return {
    verdict: "translated",
    becomes: "redirect",
    note: "a fixed URL; variables close the route",
    apply(value, { route, settings, closed }) {
      const status = Number(settings.get(codeName) ?? preset);
      const isFixed = !value.includes("$");
      if (isFixed && addChange(route, "redirect", { to: literal(value), status }))
        return translated("[route.redirect]");
      closed.push("a redirect");
      return needsYou("where it leads cannot be said here: the route is closed");
    },
  };
}

/** Directives in a snippet that decide who comes in, or where a request goes. */
const decides =
  /^(?:allow|deny|return|if|rewrite|auth_|access_by|rewrite_by|content_by|set_by|limit_|proxy_pass|satisfy|internal|valid_referers|secure_link|location|modsecurity|js_|error_page|try_files)/;

/** Says what a snippet tried to do, and closes the route where that was to keep somebody out. */
function snippet(): AnnotationRow {
  return {
    verdict: "refused",
    becomes: "",
    note: "text for nginx.conf; where it decides about requests the route is closed",
    apply(value, { closed }) {
      if (value.trim() === "") return translated("empty");
      const { directives, problems } = readNginx({ file: "snippet", text: value }, noIncludes);
      const names = [...new Set(namesOf(directives))];
      const said = names.length === 0 ? "it cannot be read" : `it says ${names.join(", ")}`;
      if (problems.length === 0 && !names.some((name) => decides.test(name)))
        return refused(`snippets are not carried over; ${said}`);
      closed.push("a snippet decides there");
      return refused(`snippets are not carried over; ${said}: the route is closed`);
    },
  };
}

function namesOf(directives: readonly Directive[]): readonly string[] {
  return directives.flatMap(({ name, block }) => [name, ...namesOf(block ?? [])]);
}

function modSecuritySnippet(value: string, place: IngressPlace): Outcome {
  const found = readModSecurity(value);
  for (const { excludes } of found) place.excludes.push(...excludes);
  const rank = Math.max(0, ...found.map(({ outcome }) => verdicts.indexOf(outcome.verdict)));
  const sentences = found
    .filter(({ outcome }) => rank === 0 || outcome.verdict !== "translated")
    .map(({ name, outcome }) => `${name}: ${outcome.explanation}`);
  return { verdict: verdicts[rank]!, explanation: [...new Set(sentences)].join("; ") || "empty" };
}

/** Whether the WAF was on and refused: by annotation, by the controller's settings, by the rules beside them. */
export function wafRefuses({ settings }: IngressPlace): boolean {
  if (settings.get("enable-modsecurity") !== "true") return false;
  const rules = readModSecurity(settings.get("modsecurity-snippet") ?? "");
  return rules.findLast(({ engine }) => engine !== undefined)?.engine === "on";
}

function authUrl(value: string, place: IngressPlace): Outcome {
  const close = (why: string): Outcome => {
    place.closed.push("auth-url");
    return needsYou(`${why}: the route is closed`);
  };
  const match = /^(https?):\/\/([^/?#$]+)(\/[^?#$]*)?$/.exec(value);
  if (match === null) return close("the service is chosen by variables, or asked with a query");
  const url = `${match[1]}://${match[2]}`;
  if (!("value" in readEndpoint(url))) return close(`${url} cannot be an upstream here`);
  const path = match[3] ?? "/";
  if (!/^\/[!-"$-~]*$/.test(path)) return close(`${path} is no path`);
  const { draft, settings } = place;
  const service = draft.name("upstream", match[2]!.replace(/\.svc\.cluster\.local.*$|:\d+$/, ""), {
    url,
    health: { interval_ms: 0 },
  });
  const fields = (settings.get("auth-response-headers") ?? "")
    .split(",")
    .map((field) => field.trim())
    .filter((field) =>
      /^(?:x-auth-(?:subject|email)|x-(?!forwarded|real|request)[a-z0-9-]{1,60})$/i.test(field),
    );
  const keys: Keys = { kind: "forward", service_upstream: service, service_path: path };
  if (fields.length > 0) keys["answer_fields"] = [...new Set(fields)].slice(0, 16);
  place.route["auth_profile"] = draft.name("auth_profile", service, keys);
  return differs(
    "the service is asked with GET and sent Authorization and Cookie (`request_fields` names more), X-Forwarded-Method and X-Forwarded-Uri",
  );
}

function balance(value: string, { upstream }: IngressPlace): Outcome {
  if (value === "round_robin" || value === "") return translated("the Service spreads requests");
  upstream["load_balancing"] = value === "ewma" ? "lowest_latency" : "p2c";
  return differs("a Service is one member: give `urls` of the pods to balance over them");
}

/** Annotations of ingress-nginx without `nginx.ingress.kubernetes.io/`. */
export const annotationRows: Readonly<Record<string, AnnotationRow>> = {
  "proxy-body-size": {
    verdict: "translated",
    becomes: "max_body_mb",
    note: "whole MiB, rounded up; 0 is 1 TiB",
    apply(value, { route }) {
      const bytes = readBytes(value);
      if (bytes === undefined) return needsYou("this is not a size");
      const mib = wholeMib(bytes);
      route["max_body_mb"] = mib;
      if (bytes === 0) return differs("no limit there, 1 TiB here");
      return mib * 2 ** 20 === bytes
        ? translated("`max_body_mb`")
        : differs(`${value} is ${mib} MiB here: whole MiB, rounded up`);
    },
  },
  "proxy-connect-timeout": upstreamTime(["connect_timeout_ms"]),
  "proxy-read-timeout": upstreamTime(["request_timeout_ms", "idle_timeout_ms"]),
  "proxy-send-timeout": always(
    "differs",
    "how long an upstream may take to read is the pause that `idle_timeout_ms` allows",
  ),
  "proxy-next-upstream": {
    verdict: "translated",
    becomes: "retry.attempts",
    note: "off is no retry",
    apply(value, { upstream }) {
      if (value === "off") {
        upstream["retry"] = { attempts: 0 };
        return translated("`retry.attempts = 0`");
      }
      return /http_|invalid_header|non_idempotent/.test(value)
        ? differs("an answer is never asked for again, nor a request that may not be sent twice")
        : translated("failed connections are tried again");
    },
  },
  "proxy-next-upstream-tries": {
    verdict: "translated",
    becomes: "retry.attempts",
    note: "one less: attempts after the first",
    apply(value, { upstream }) {
      const tries = Number(value);
      if (!/^\d{1,4}$/.test(value)) return needsYou("this is not a number");
      upstream["retry"] = { attempts: tries === 0 ? 5 : clamp(tries - 1, 0, 5) };
      return tries >= 1 && tries <= 6
        ? translated("`retry.attempts`")
        : differs("at most 5 further attempts");
    },
  },
  "proxy-next-upstream-timeout": always("differs", "retries end with `total_timeout_ms` and their budget"),
  "proxy-request-buffering": {
    verdict: "translated",
    becomes: "body",
    note: 'off is `body = "stream"`',
    apply(value, { route }) {
      if (value === "off") route["body"] = "stream";
      return value === "off"
        ? translated('`body = "stream"`')
        : differs("held up to `inspect_buffer_kb` only, then as it is inspected");
    },
  },
  "proxy-buffering": always("translated", "answers flow as they come"),
  "proxy-buffer-size": sizing,
  "proxy-buffers-number": sizing,
  "proxy-busy-buffers-size": sizing,
  "proxy-max-temp-file-size": always("translated", "nothing is written to temporary files"),
  "client-body-buffer-size": always(
    "differs",
    "bodies are held up to `inspect_buffer_kb` of the WAF profile",
  ),
  "proxy-http-version": {
    verdict: "translated",
    becomes: "",
    note: "HTTP/1.1 to upstreams",
    apply: (value) =>
      value === "1.1" ? translated("HTTP/1.1, always") : differs("HTTP/1.1 to the upstream, not 1.0"),
  },
  "proxy-cookie-domain": always("needs_you", "cookies of answers go to clients as they are"),
  "proxy-cookie-path": always("needs_you", "cookies of answers go to clients as they are"),
  "proxy-redirect-from": always("needs_you", "Location of answers goes to clients as it is"),
  "proxy-redirect-to": always("needs_you", "Location of answers goes to clients as it is"),
  "backend-protocol": {
    verdict: "translated",
    becomes: "upstream.protocol",
    note: "HTTP, HTTPS, GRPC and GRPCS; certificates of upstreams are verified",
    apply(value, { upstream, closed }) {
      switch (value.toUpperCase()) {
        case "HTTP":
          return translated("http://");
        case "HTTPS":
          return differs(
            "the upstream's certificate is verified: give `ca_path` where the authority is your own",
          );
        case "GRPC":
          upstream["protocol"] = "h2c";
          return translated('`protocol = "h2c"`');
        case "GRPCS":
          upstream["protocol"] = "h2";
          return differs(
            "the upstream's certificate is verified: give `ca_path` where the authority is your own",
          );
        default:
          closed.push(`the upstream speaks ${value}`);
          return needsYou(`${value} is not spoken here: the route is closed`);
      }
    },
  },
  "secure-backends": always("needs_you", "see `backend-protocol`"),
  "proxy-ssl-secret": always(
    "needs_you",
    "put the files of the Secret on disk: `ca_path`, `client_cert_path`, `client_key_path`",
  ),
  "proxy-ssl-verify": {
    verdict: "differs",
    becomes: "",
    note: "certificates of upstreams are always verified",
    apply: (value) =>
      value === "on"
        ? translated("certificates of upstreams are always verified")
        : differs("certificates of upstreams are always verified"),
  },
  "proxy-ssl-name": always("needs_you", "`server_name` of the upstream is a host name"),
  "proxy-ssl-server-name": always("translated", "the server name is always sent"),
  "proxy-ssl-protocols": always("differs", "TLS 1.2 and 1.3 to upstreams"),
  "proxy-ssl-ciphers": always("differs", "ciphers to upstreams are fixed"),
  "proxy-ssl-verify-depth": always("differs", "certificates of upstreams are verified to a known authority"),
  "upstream-vhost": {
    verdict: "translated",
    becomes: "rewrite.host",
    note: "a fixed name; variables need you",
    apply: (value, { route }) =>
      addChange(route, "rewrite", { host: value })
        ? translated("`rewrite.host`")
        : needsYou("this Host cannot be said here"),
  },
  "upstream-hash-by": {
    verdict: "differs",
    becomes: "hash_key",
    note: "the client's address, the path, a header or a cookie",
    apply: (value, { upstream }) => hashRow(value, upstream),
  },
  "upstream-hash-by-subset": always("needs_you", "keys hash to one member, not to a group"),
  "upstream-hash-by-subset-size": always("needs_you", "keys hash to one member, not to a group"),
  "load-balance": {
    verdict: "differs",
    becomes: "load_balancing",
    note: "a Service is one member",
    apply: balance,
  },
  "service-upstream": structure("a Service is always one member"),
  affinity: always(
    "needs_you",
    "a Service is one member: give the upstream its pods as `urls` and [upstream.NAME.sticky], or the Service `sessionAffinity`",
    "upstream.sticky",
  ),
  "affinity-mode": sessionCookie,
  "affinity-canary-behavior": sessionCookie,
  "session-cookie-name": sessionCookie,
  "session-cookie-path": sessionCookie,
  "session-cookie-domain": sessionCookie,
  "session-cookie-change-on-failure": sessionCookie,
  "session-cookie-samesite": sessionCookie,
  "session-cookie-conditional-samesite-none": sessionCookie,
  "session-cookie-expires": sessionCookie,
  "session-cookie-max-age": sessionCookie,
  "session-cookie-secure": sessionCookie,
  "session-cookie-partitioned": sessionCookie,
  "whitelist-source-range": addresses("allow"),
  "allowlist-source-range": addresses("allow"),
  "denylist-source-range": addresses("deny"),
  "limit-rps": rate(1),
  "limit-rpm": rate(60),
  "limit-burst-multiplier": structure("`burst` of the limit", "limit.burst"),
  "limit-connections": {
    verdict: "differs",
    becomes: "max_in_flight_per_ip",
    note: "exchanges under way at once, over all routes, in each worker",
    apply(value, { draft: { server } }) {
      const number = Number(value);
      if (!/^\d{1,6}$/.test(value) || number < 1) return needsYou("a number is expected");
      server["max_in_flight_per_ip"] = Math.max(Number(server["max_in_flight_per_ip"] ?? 0), number);
      return differs(
        `\`max_in_flight_per_ip\` counts over all routes, in each worker: ${number} x workers at most, 429 above; the largest value counts`,
      );
    },
  },
  "limit-rate": always("needs_you", "answers are not slowed down"),
  "limit-rate-after": always("needs_you", "answers are not slowed down"),
  "limit-whitelist": always(
    "needs_you",
    "a limit counts every client: give these clients a route of their own",
  ),
  "limit-allowlist": always(
    "needs_you",
    "a limit counts every client: give these clients a route of their own",
  ),
  "global-rate-limit": globalLimit,
  "global-rate-limit-window": globalLimit,
  "global-rate-limit-key": globalLimit,
  "global-rate-limit-ignored-cidrs": globalLimit,
  "enable-cors": cors("[route.cors]"),
  "cors-allow-origin": cors(),
  "cors-allow-methods": cors(),
  "cors-allow-headers": cors(),
  "cors-expose-headers": cors(),
  "cors-allow-credentials": cors(),
  "cors-max-age": cors(),
  "auth-type": closes(
    "passwords of a Secret cannot be used: make lines with `zion password NAME`, and an [auth_profile] of kind basic",
  ),
  "auth-secret": always("needs_you", "see `auth-type`"),
  "auth-secret-type": always("needs_you", "see `auth-type`"),
  "auth-realm": always("needs_you", "see `auth-type`"),
  "auth-url": {
    verdict: "differs",
    becomes: "auth_profile",
    note: "an [auth_profile] of kind forward",
    apply: authUrl,
  },
  "auth-method": {
    verdict: "differs",
    becomes: "",
    note: "the service is asked with GET",
    apply: (value) => (value === "GET" ? translated("GET") : differs("the service is asked with GET")),
  },
  "auth-signin": always(
    "needs_you",
    "without credentials the answer is 401: the application sends people to the log-in",
  ),
  "auth-signin-redirect-param": always("needs_you", "see `auth-signin`"),
  "auth-response-headers": structure(
    "`answer_fields`, for names that begin with X- and are not the gateway's own",
    "auth_profile.answer_fields",
  ),
  "auth-request-redirect": always("differs", "the service finds the target in X-Forwarded-Uri"),
  "auth-cache-key": authPart,
  "auth-cache-duration": always("needs_you", "`cache_secs` of the [auth_profile] is the like of it"),
  "auth-keepalive": always("translated", "connections to the service are kept"),
  "auth-keepalive-share-vars": always("translated", "nothing to share"),
  "auth-keepalive-requests": always("differs", "connections end when they were idle"),
  "auth-keepalive-timeout": always("differs", "`keepalive_timeout_ms` of the service's upstream"),
  "auth-proxy-set-headers": authPart,
  "auth-always-set-cookie": authPart,
  "auth-snippet": snippet(),
  "enable-global-auth": always("needs_you", "see `global-auth-url` of the controller"),
  "auth-tls-secret": closes("put the authority on disk, and write `client_ca_path` and `client_auth`"),
  "auth-tls-verify-client": certificateAuth,
  "auth-tls-verify-depth": certificateAuth,
  "auth-tls-error-page": certificateAuth,
  "auth-tls-pass-certificate-to-upstream": certificateAuth,
  "auth-tls-match-cn": certificateAuth,
  satisfy: {
    verdict: "needs_you",
    becomes: "",
    note: "all is what this gateway does; any closes the route",
    apply(value, { closed }) {
      if (value !== "any") return translated("all");
      closed.push("one of several ways in");
      return needsYou("one of several ways in cannot be said here: the route is closed");
    },
  },
  "enable-modsecurity": {
    verdict: "translated",
    becomes: "waf_shadow",
    note: "the WAF of this gateway, with rules of its own; it refuses where SecRuleEngine was On",
    apply: (value, place) =>
      value !== "true"
        ? translated("the WAF is in shadow: it reports and refuses nothing")
        : wafRefuses(place)
          ? translated("the WAF refuses")
          : translated("`waf_shadow = true`, as detection only is the controller's preset"),
  },
  "enable-owasp-core-rules": structure("the rules that come with this gateway"),
  "modsecurity-snippet": {
    verdict: "differs",
    becomes: "[[exclude]], waf_shadow",
    note: "rule by rule",
    apply: modSecuritySnippet,
  },
  "modsecurity-transaction-id": always("translated", "every request has an id"),
  "configuration-snippet": snippet(),
  "server-snippet": snippet(),
  "stream-snippet": always("refused", "text for nginx.conf"),
  "use-regex": structure("expressions that are a few paths; others need you"),
  "rewrite-target": structure("`rewrite`: the expression of the path and what takes its place", "rewrite"),
  "app-root": always("needs_you", "write a route with `redirect`"),
  "permanent-redirect": redirect("permanent-redirect-code", 301),
  "permanent-redirect-code": structure("`redirect.status`", "redirect.status"),
  "temporal-redirect": redirect("temporal-redirect-code", 302),
  "temporal-redirect-code": structure("`redirect.status`", "redirect.status"),
  "from-to-www-redirect": always("needs_you", "write a route with `redirect`"),
  "relative-redirects": always("translated", "Location of answers goes to clients as it is"),
  "preserve-trailing-slash": always("translated", "paths stay as they are"),
  "ssl-redirect": structure('`http_mode = "redirect"`, for all hosts', "server.http_mode"),
  "force-ssl-redirect": structure('`http_mode = "redirect"`, for all hosts', "server.http_mode"),
  "ssl-passthrough": closes("TLS ends at this gateway"),
  "ssl-ciphers": always("differs", "ciphers are fixed"),
  "ssl-prefer-server-ciphers": always("differs", "ciphers are fixed"),
  "server-alias": structure("further `hosts`", "route.hosts"),
  "default-backend": always("needs_you", "an upstream that fails has no other one behind it"),
  "custom-http-errors": {
    verdict: "differs",
    becomes: "intercept",
    note: "pages are [error_page.STATUS], not those of the default backend",
    apply(value, { route, settings }) {
      if (settings.get("disable-proxy-intercept-errors") === "true")
        return translated("off: the upstream's errors go to clients as they are");
      const statuses = value.split(",").map((status) => status.trim());
      if (!statuses.every((status) => /^[45]\d\d$/.test(status)))
        return needsYou("statuses from 400 to 599 are expected");
      route["intercept"] = statuses.map(Number);
      return differs("a few words, or the page of [error_page.STATUS], not that of the default backend");
    },
  },
  "disable-proxy-intercept-errors": always(
    "translated",
    "true: the upstream's errors go to clients as they are",
  ),
  "custom-headers": always("needs_you", "write them in `response_headers` of the routes"),
  "x-forwarded-prefix": always("needs_you", "write them in `request_headers` of the routes"),
  "connection-proxy-header": always("differs", "Connection is the gateway's own"),
  "enable-access-log": {
    verdict: "differs",
    becomes: "",
    note: "one access log for all routes",
    apply: (value) =>
      value === "true"
        ? translated("one access log for all routes")
        : differs("one access log for all routes: this one's requests are in it"),
  },
  "enable-rewrite-log": always("translated", "there are no rewrites"),
  "enable-opentelemetry": tracing,
  "opentelemetry-trust-incoming-span": tracing,
  "opentelemetry-operation-name": tracing,
  "enable-opentracing": tracing,
  "opentracing-trust-incoming-span": tracing,
  "enable-influxdb": always("needs_you", "metrics are on the telemetry listener"),
  "http2-push-preload": always("translated", "no push, as in browsers"),
  "mirror-target": {
    verdict: "differs",
    becomes: "mirror",
    note: "a server, with `$request_uri` behind it",
    apply: mirrorTarget,
  },
  "mirror-request-body": mirrorPart,
  "mirror-host": always("needs_you", "copies have the server's own name as Host: see `rewrite.host`"),
  canary,
  "canary-by-header": canary,
  "canary-by-header-value": canary,
  "canary-by-header-pattern": canary,
  "canary-by-cookie": canary,
  "canary-weight": canary,
  "canary-weight-total": canary,
};
