import { z } from "zod";
import { choice, flag, int, keyDocs, optionalFlag, optionalInt, optionalText, text } from "./keys.ts";
import { optionalStatuses } from "./statuses.ts";

/** The keys of `[upstream.NAME]` and its tables: types and ranges only. Loaded in the primary only. */

const hour = 3_600_000;

const member = z.preprocess(
  (value) => (typeof value === "string" ? { url: value } : value),
  z.strictObject(
    {
      url: optionalText({ type: "url", example: "http://10.0.0.6:8080", doc: "As `url` above." }),
      weight: int({
        min: 1,
        max: 1000,
        default: 1,
        doc: "Share of the requests, relative to the other members.",
      }),
    },
    { error: "expected a URL string or a table { url, weight }" },
  ),
);

const members = z.array(member, { error: "expected an array of URLs" }).default([]);
keyDocs.add(members, {
  type: "array of urls or { url, weight }",
  preset: "[]",
  example: undefined,
  doc: 'Members, in addition to `url`. A member is a URL or a table: { url = "http://10.0.0.6:8080", weight = 2 }, weight 1..1000, default 1.',
});

/** `[upstream.NAME.health]`. */
export const health = z.strictObject({
  path: text({ default: "/", doc: "Path and query of the probe, a GET." }),
  interval_ms: int({
    min: 0,
    max: hour,
    default: 30_000,
    doc: "Between probes of a healthy member; more often while it is down. 0 = no probes.",
  }),
  timeout_ms: int({ min: 10, max: 120_000, default: 5000, doc: "Deadline of one probe." }),
  expected_status: optionalStatuses({
    example: ["200-399"],
    doc: 'Statuses that count as healthy: 204 or "200-399". Absent: 200-399, and up to 499 where path is /, since many applications have no page there.',
  }),
  grpc: flag(
    false,
    "Ask gRPC's health service for the whole server, instead of `path`. Needs protocol = h2 or h2c.",
  ),
});

/** `[upstream.NAME.retry]`. */
export const retry = z.strictObject({
  attempts: int({
    min: 0,
    max: 5,
    default: 1,
    doc: "Further attempts after the first, where nothing was sent or the method is idempotent.",
  }),
  budget_pct: int({ min: 0, max: 100, default: 20, doc: "Largest share of requests that may be retries." }),
});

/** `[upstream.NAME.circuit_breaker]`. */
export const circuitBreaker = z.strictObject({
  error_rate_pct: int({
    min: 1,
    max: 100,
    default: 50,
    doc: "Share of 502, 503 and 504 that opens the breaker.",
  }),
  min_requests: int({
    min: 1,
    max: 1_000_000,
    default: 20,
    doc: "Requests in the window before it may open.",
  }),
  window_secs: int({ min: 1, max: 60, default: 10, doc: "Sliding window." }),
  open_secs: int({ min: 1, max: 3600, default: 30, doc: "Time open before one request may try." }),
});

/** `[upstream.NAME.outlier_detection]`. */
export const outlierDetection = z.strictObject({
  error_rate_pct: int({ min: 1, max: 100, default: 50, doc: "Share of errors that ejects a member." }),
  min_requests: int({
    min: 1,
    max: 1_000_000,
    default: 20,
    doc: "Requests to the member in the window before it may be ejected.",
  }),
  window_secs: int({ min: 1, max: 60, default: 10, doc: "Sliding window." }),
  eject_secs: int({
    min: 1,
    max: 3600,
    default: 30,
    doc: "First ejection; later ones are longer, up to 10 times.",
  }),
  max_ejected_pct: int({ min: 1, max: 100, default: 50, doc: "Largest share of the pool out at once." }),
});

/** `[upstream.NAME.sticky]`. */
export const sticky = z.strictObject({
  cookie: optionalText({
    type: "cookie name",
    example: "zion_sticky",
    doc: "Absent = `zion_sticky_` and six characters that stand for the upstream: each has a cookie of its own.",
  }),
  ttl_secs: int({
    min: 60,
    max: 31_536_000,
    default: 86_400,
    doc: "How long a cookie is good. It is renewed when half of that is over.",
  }),
  path: text({ default: "/", doc: "Path of the cookie." }),
  secure: optionalFlag("The cookie is for TLS only. Absent = where the request came over TLS."),
  http_only: flag(true, "Scripts of a page do not see the cookie."),
  same_site: choice(
    ["lax", "strict", "none"],
    "lax",
    "Whether requests that other sites cause carry it. none needs `secure = true`.",
  ),
  forward: flag(false, "Send the cookie upstream as well."),
  key_file: optionalText({
    type: "path",
    example: "/etc/zion/sticky.key",
    doc: "File of mode 0600 with at least 32 random bytes that signs the cookies, for several machines that share clients. Absent = a key in `state_dir`; without that, one that a restart forgets.",
  }),
});

/** `[upstream.NAME]`. */
export const upstream = z.strictObject({
  url: optionalText({
    type: "url",
    example: "http://127.0.0.1:3000",
    doc: "A member: http://host:port, https://host:port or unix:/path. `url` or `urls` is required.",
  }),
  urls: members,
  load_balancing: choice(
    ["p2c", "round_robin", "least_requests", "lowest_latency", "consistent_hash"],
    "p2c",
    "How a member is chosen. p2c = the less loaded and faster of two random ones.",
  ),
  hash_key: text({
    default: "client_ip",
    doc: "For consistent_hash: client_ip, path, header:NAME or cookie:NAME.",
  }),
  connect_timeout_ms: int({ min: 0, max: hour, default: 3000, doc: "TCP and TLS connect. 0 = none." }),
  request_timeout_ms: int({ min: 1, max: hour, default: 30_000, doc: "To the response head, per attempt." }),
  idle_timeout_ms: int({ min: 1, max: hour, default: 60_000, doc: "Longest pause inside a response body." }),
  total_timeout_ms: int({ min: 0, max: 24 * hour, default: hour, doc: "Whole exchange. 0 = none." }),
  protocol: choice(
    ["http1", "h2", "h2c", "auto"],
    "http1",
    "HTTP/1.1; h2 = HTTP/2 over TLS; h2c = HTTP/2 without TLS, which the upstream must know; auto = what a TLS upstream chooses. gRPC needs HTTP/2. WebSockets go over HTTP/1.1 whatever it is.",
  ),
  keepalive: int({
    min: 0,
    max: 10_000,
    default: 128,
    doc: "Idle connections kept, all members together, per worker; more wait half a second for the next request. 0 = none.",
  }),
  keepalive_timeout_ms: int({
    min: 100,
    max: hour,
    default: 30_000,
    doc: "Idle connections older than this are closed.",
  }),
  max_in_flight: optionalInt({
    min: 1,
    max: 1_000_000,
    example: 500,
    doc: "Exchanges at once, per worker: 503 above. Absent = no limit.",
  }),
  preserve_host: flag(false, "Send the client's Host instead of the upstream's authority."),
  tls: optionalFlag("Declares that every member is https. Absent = as the URLs say."),
  ca_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/upstream-ca.pem",
    doc: "PEM of a private CA, instead of the system's. https only.",
  }),
  client_cert_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/client.crt",
    doc: "Client certificate for the upstream. https only, with client_key_path.",
  }),
  client_key_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/client.key",
    doc: "Its private key.",
  }),
  server_name: optionalText({
    type: "host name",
    example: "app.internal",
    doc: "Name to ask for and verify in TLS. Absent = the URL's host. https only.",
  }),
  health_host: optionalText({
    type: "host name",
    example: "app.internal",
    doc: "Host header of probes. Absent = the URL's authority.",
  }),
  unhealthy_threshold: int({
    min: 1,
    max: 10,
    default: 2,
    doc: "Failed probes in a row that take a member out.",
  }),
  healthy_threshold: int({ min: 1, max: 10, default: 1, doc: "Good probes in a row that bring it back." }),
  health: health.prefault({}),
  retry: retry.prefault({}),
  circuit_breaker: circuitBreaker.optional(),
  outlier_detection: outlierDetection.optional(),
  sticky: sticky.optional(),
});

export type UpstreamInput = z.infer<typeof upstream>;

/** An upstream with every key at its default, for the short form. */
export function upstreamDefaults(): UpstreamInput {
  return upstream.parse({});
}
