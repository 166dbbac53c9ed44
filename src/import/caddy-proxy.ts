import { readHostName } from "../config/address.ts";
import { readEndpoint } from "../config/endpoint.ts";
import { translateFields } from "./caddy-answers.ts";
import type { CaddyPlace, CaddyStep, FixedRow } from "./caddy-place.ts";
import { always } from "./caddy-place.ts";
import type { Segment } from "./caddyfile-syntax.ts";
import { addChange } from "./changes.ts";
import type { Keys, Value } from "./draft.ts";
import { clamp, readMs } from "./measure.ts";
import { rowNamed } from "./row-named.ts";
import { addSticky } from "./sticky-cookie.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** The upstream of a `reverse_proxy`: its name, or why it has none. */
export function buildProxy(
  step: CaddyStep,
  place: CaddyPlace,
): { readonly name: string } | { readonly problem: string } {
  const { segment } = step;
  const block = segment.block ?? [];
  const dials = [...step.args, ...block.filter(({ name }) => name === "to").flatMap(({ args }) => args)];
  const keys: Keys = {};
  const options: ProxyOptions = {
    route: place.route,
    keys,
    isSecure: dials.some((dial) => dial.startsWith("https://")),
    problem: undefined,
  };
  // `transport` says whether TLS is spoken: before the members are written.
  for (const inner of block) applyOption(inner, options, place, "");
  const members: Value[] = [];
  for (const dial of dials) {
    const url = memberUrl(dial, options);
    if (url === undefined || !("value" in readEndpoint(url)))
      return { problem: `\`${dial}\` cannot be a member of an upstream here` };
    members.push(url);
  }
  if (options.problem !== undefined) return { problem: options.problem };
  if (members.length === 0) return { problem: "its upstreams are found while it runs" };
  const unique = [...new Set(members)];
  if (unique.length === 1) delete keys["outlier_detection"];
  const first = unique[0] as string;
  const all: Keys = unique.length === 1 ? { url: first } : { urls: unique, load_balancing: "p2c" };
  if (!first.startsWith("https://"))
    for (const key of ["ca_path", "server_name", "client_cert_path", "client_key_path"]) delete keys[key];
  const health = keys["health"] ?? { interval_ms: 0 };
  const table = { ...all, ...place.upstream, ...keys, health };
  if (keys["protocol"] !== undefined) place.upstream["protocol"] = keys["protocol"];
  const wish = dials[0]!
    .replace(/^\w+:\/\//, "")
    .replace(/^unix\//, "")
    .replace(/^(?:localhost|127\.0\.0\.1)?(?=:)/, "local");
  return { name: place.draft.name("upstream", wish, table) };
}

interface ProxyOptions {
  readonly keys: Keys;
  readonly route: Keys;
  isSecure: boolean;
  problem: string | undefined;
}

/** "localhost:9000", ":9000", "h2c://x:1", "unix//run/x.sock". */
function memberUrl(dial: string, options: ProxyOptions): string | undefined {
  if (dial.startsWith("unix/")) return `unix:${dial.slice("unix/".length)}`;
  if (dial.startsWith("h2c://")) {
    options.keys["protocol"] = "h2c";
    return `http://${dial.slice("h2c://".length)}`;
  }
  const bare = /^https?:\/\//.test(dial)
    ? dial
    : `${options.isSecure ? "https" : "http"}://${dial.replace(/^:/, "127.0.0.1:")}`;
  return bare.replace(/\/$/, "");
}

/** Options stand in the block of `reverse_proxy`, those of `transport http` and `tls` in theirs. */
function applyOption(segment: Segment, options: ProxyOptions, place: CaddyPlace, within: string): void {
  const name = within === "" ? segment.name : `${within}.${segment.name}`;
  const row = rowNamed(proxyRows, name);
  const outcome =
    row?.apply?.(segment, options) ??
    (row === undefined
      ? needsYou("this importer does not know it")
      : { verdict: row.verdict, explanation: row.note });
  place.ledger.decide(segment.item, outcome);
  if (segment.name === "transport" && segment.args[0] !== "http")
    options.problem = `it speaks ${segment.args[0] ?? "something else"}`;
  for (const inner of segment.block ?? []) {
    if (segment.name === "transport") applyOption(inner, options, place, "transport");
    else place.ledger.decide(inner.item, outcome);
  }
}

interface ProxyRow extends FixedRow {
  readonly apply?: (segment: Segment, options: ProxyOptions) => Outcome;
}

function time(keys: readonly string[], min: number): ProxyRow {
  return {
    verdict: "translated",
    becomes: keys.join(", "),
    note: "the same",
    apply({ args }, options) {
      const ms = readMs(args[0] ?? "");
      if (ms === undefined) return needsYou("this is not a time");
      for (const key of keys) options.keys[key] = clamp(ms, min, 3_600_000);
      return translated(keys.map((key) => `\`${key}\``).join(", "));
    },
  };
}

function health(key: string, read: (text: string) => Value | undefined): ProxyRow {
  return {
    verdict: "translated",
    becomes: `health.${key}`,
    note: "the same",
    apply({ args }, options) {
      const value = read(args[0] ?? "");
      if (value === undefined) return needsYou("this cannot be said here");
      options.keys["health"] = { ...(options.keys["health"] as Keys | undefined), [key]: value };
      return translated(`\`health.${key}\``);
    },
  };
}

function passive(note: string): ProxyRow {
  return {
    verdict: "differs",
    becomes: "outlier_detection",
    note,
    apply(_, options) {
      options.keys["outlier_detection"] = {};
      return differs(note);
    },
  };
}

const balanced = "a member is left out when half of at least 20 requests in 10 s fail";

/** Options of `reverse_proxy`; those of `transport http` with `transport.` in front. */
export const proxyRows: Readonly<Record<string, ProxyRow>> = {
  to: always("translated", "members", "urls"),
  dynamic: always("needs_you", "members stand in the file; names are looked up every `dns_refresh_secs`"),
  lb_policy: {
    verdict: "translated",
    becomes: "load_balancing",
    note: "round_robin, least_conn, random, ip_hash, hashes, and cookie, which is `sticky`; others need you",
    apply({ args: [policy = "", name = ""] }, { keys }) {
      if (policy === "cookie") {
        keys["load_balancing"] = "p2c";
        const session = { maxAgeSecs: undefined, path: "", domain: "", secure: false };
        return addSticky(keys, { ...session, name: name || "lb", httpOnly: true, sameSite: "" });
      }
      const kinds: Readonly<Record<string, string>> = {
        round_robin: "round_robin",
        least_conn: "least_requests",
        random: "p2c",
        random_choose: "p2c",
        ip_hash: "consistent_hash",
        client_ip_hash: "consistent_hash",
        uri_hash: "consistent_hash",
        header: "consistent_hash",
      };
      const kind = rowNamed(kinds, policy);
      if (kind === undefined)
        return needsYou(
          "this policy cannot be said here: requests go to the less loaded of two random members",
        );
      keys["load_balancing"] = kind;
      if (policy === "uri_hash") keys["hash_key"] = "path";
      if (policy === "header" && /^[A-Za-z0-9-]{1,64}$/.test(name)) keys["hash_key"] = `header:${name}`;
      return kind === "consistent_hash"
        ? differs("the same keys stay together, on other members")
        : translated(`\`load_balancing = "${kind}"\``);
    },
  },
  lb_retries: {
    verdict: "translated",
    becomes: "retry.attempts",
    note: "at most 5",
    apply({ args }, { keys }) {
      const retries = Number(args[0]);
      if (!Number.isInteger(retries) || retries < 0) return needsYou("a number is expected");
      keys["retry"] = { attempts: clamp(retries, 0, 5) };
      return retries <= 5 ? translated("`retry.attempts`") : differs("at most 5 further attempts");
    },
  },
  lb_try_duration: always("differs", "retries end with `total_timeout_ms` and their budget"),
  lb_try_interval: always("differs", "retries do not wait"),
  lb_retry_match: always("differs", "an answer is never asked for again"),
  health_uri: health("path", (text) =>
    /^\/[\x21-\x7e]*$/.test(text) && !text.includes("#") ? text : undefined,
  ),
  health_path: health("path", (text) =>
    /^\/[\x21-\x7e]*$/.test(text) && !text.includes("#") ? text : undefined,
  ),
  health_interval: health("interval_ms", (text) => {
    const ms = readMs(text);
    return ms === undefined ? undefined : clamp(ms, 1, 3_600_000);
  }),
  health_timeout: health("timeout_ms", (text) => {
    const ms = readMs(text);
    return ms === undefined ? undefined : clamp(ms, 10, 120_000);
  }),
  health_status: health("expected_status", (text) =>
    /^[1-5]\d\d$/.test(text) ? [text] : /^[1-5]xx$/.test(text) ? [`${text[0]}00-${text[0]}99`] : undefined,
  ),
  health_port: always("needs_you", "probes go to the address of the member"),
  health_upstream: always("needs_you", "probes go to the address of the member"),
  health_headers: always("needs_you", "probes are plain GETs"),
  health_body: always("needs_you", "only the status of a probe counts"),
  health_method: always("needs_you", "probes are plain GETs"),
  health_follow_redirects: always("needs_you", "only the status of a probe counts"),
  fail_duration: passive(balanced),
  max_fails: passive(balanced),
  unhealthy_status: passive(balanced),
  unhealthy_latency: always("needs_you", "members are not left out for being slow"),
  unhealthy_request_count: always("needs_you", "`max_in_flight` is for the whole upstream"),
  flush_interval: always("translated", "answers flow as they come"),
  request_buffers: always("differs", "bodies are held up to `inspect_buffer_kb` of the WAF profile"),
  response_buffers: always("translated", "answers flow as they come"),
  buffer_requests: always("differs", "bodies are held up to `inspect_buffer_kb` of the WAF profile"),
  buffer_responses: always("translated", "answers flow as they come"),
  stream_timeout: always("differs", "`websocket_idle_secs` ends streams that are idle"),
  stream_close_delay: always("translated", "streams outlive a reload"),
  trusted_proxies: always("needs_you", "name the balancers in `server.trusted_proxies`"),
  header_up: {
    verdict: "translated",
    becomes: "preserve_host, request_headers",
    note: "Host and what this gateway sends anyway; others are set as they are",
    apply: ({ args }, options) => headerUp(args, options),
  },
  header_down: {
    verdict: "translated",
    becomes: "response_headers",
    note: "set, add and remove; replacing parts of a value needs you",
    apply: ({ args }, { route }) =>
      translateFields([{ words: args, decide: () => {} }], "response_headers", route),
  },
  method: {
    verdict: "needs_you",
    becomes: "",
    note: "the method that the client used is sent: the route is closed",
    apply(_, options) {
      options.problem = "the method is changed";
      return needsYou("the method that the client used is sent: the route is closed");
    },
  },
  rewrite: {
    verdict: "needs_you",
    becomes: "",
    note: "a path that the upstream alone gets is `rewrite` of the route: the route is closed",
    apply(_, options) {
      options.problem = "the path is changed";
      return needsYou("a path that the upstream alone gets is `rewrite` of the route: the route is closed");
    },
  },
  handle_response: always("needs_you", "`intercept` of the route gives clients pages in place of errors"),
  replace_status: always("needs_you", "the upstream's answers go to clients as they are"),
  copy_response: always("needs_you", "the upstream's answers go to clients as they are"),
  transport: always("translated", "its options follow"),
  "transport.tls": {
    verdict: "differs",
    becomes: "url",
    note: "https:// members; certificates of upstreams are verified",
    apply(_, options) {
      options.isSecure = true;
      return translated("https:// members");
    },
  },
  "transport.tls_insecure_skip_verify": {
    verdict: "differs",
    becomes: "ca_path",
    note: "certificates of upstreams are always verified: give `ca_path`",
    apply(_, options) {
      options.isSecure = true;
      return differs(
        "certificates of upstreams are always verified: give `ca_path` where the authority is your own",
      );
    },
  },
  "transport.tls_server_name": text("server_name"),
  "transport.tls_trusted_ca_certs": text("ca_path"),
  "transport.tls_trust_pool": always("needs_you", "`ca_path` names the PEM of your authority"),
  "transport.tls_client_auth": {
    verdict: "translated",
    becomes: "client_cert_path, client_key_path",
    note: "a file with the certificate and one with its key",
    apply({ args }, { keys }) {
      if (args.length !== 2) return needsYou("files are expected: `client_cert_path` and `client_key_path`");
      Object.assign(keys, { client_cert_path: args[0]!, client_key_path: args[1]! });
      return translated("`client_cert_path` and `client_key_path`");
    },
  },
  "transport.tls_timeout": always("differs", "`connect_timeout_ms` includes the handshake"),
  "transport.dial_timeout": time(["connect_timeout_ms"], 1),
  "transport.response_header_timeout": time(["request_timeout_ms"], 1),
  "transport.read_timeout": time(["idle_timeout_ms"], 1),
  "transport.write_timeout": always(
    "differs",
    "how long an upstream may take to read is the pause that `idle_timeout_ms` allows",
  ),
  "transport.keepalive": {
    verdict: "translated",
    becomes: "keepalive_timeout_ms",
    note: "off is `keepalive = 0`",
    apply({ args }, { keys }) {
      const ms = readMs(args[0] ?? "");
      if (args[0] === "off") keys["keepalive"] = 0;
      else if (ms === undefined) return needsYou("this is not a time");
      else keys["keepalive_timeout_ms"] = clamp(ms, 100, 3_600_000);
      return translated("`keepalive_timeout_ms`");
    },
  },
  "transport.keepalive_idle_conns": {
    verdict: "translated",
    becomes: "keepalive",
    note: "per worker",
    apply({ args }, { keys }) {
      if (!/^\d{1,5}$/.test(args[0] ?? "")) return needsYou("a number is expected");
      keys["keepalive"] = clamp(Number(args[0]), 0, 10_000);
      return differs("`keepalive`, for each worker");
    },
  },
  "transport.versions": {
    verdict: "translated",
    becomes: "protocol",
    note: "h2c and 2 are HTTP/2",
    apply({ args }, { keys }) {
      if (args.includes("h2c")) keys["protocol"] = "h2c";
      return args.includes("3") ? needsYou("there is no HTTP/3 to upstreams") : translated("`protocol`");
    },
  },
  "transport.compression": always("translated", "bodies of upstreams are not unpacked"),
  "transport.max_conns_per_host": always("needs_you", "`max_in_flight` is for the whole upstream"),
  "transport.proxy_protocol": always("needs_you", "no PROXY header is sent to upstreams"),
};

function text(key: string): ProxyRow {
  return {
    verdict: "translated",
    becomes: key,
    note: "the same",
    apply({ args }, options) {
      const value = args[0] ?? "";
      if (value === "" || /[{}]/.test(value)) return needsYou("a placeholder cannot be here");
      if (key === "server_name" && !("value" in readHostName(value, false)))
        return needsYou("this is no host name");
      options.isSecure = true;
      options.keys[key] = value;
      return args.length > 1 ? differs("the first of them") : translated(`\`${key}\``);
    },
  };
}

function headerUp(args: readonly string[], { keys, route }: ProxyOptions): Outcome {
  const [name = "", value = ""] = args;
  switch (name.toLowerCase()) {
    case "host":
      if (/^\{(?:host|hostport|http\.request\.hostport|http\.request\.host)\}$/.test(value))
        return translated("`preserve_host = true`");
      if (
        /^\{(?:upstream_hostport|http\.reverse_proxy\.upstream\.hostport|http\.reverse_proxy\.upstream\.host)\}$/.test(
          value,
        )
      ) {
        keys["preserve_host"] = false;
        return translated("`preserve_host = false`");
      }
      return addChange(route, "rewrite", { host: value })
        ? translated("`rewrite.host`")
        : needsYou("this Host cannot be said here");
    case "x-real-ip":
      return /remote|client_ip/.test(value)
        ? translated("X-Real-IP is always sent")
        : differs("X-Real-IP is always the client's address");
    case "x-forwarded-for":
    case "x-forwarded-proto":
    case "x-forwarded-host":
    case "x-forwarded-port":
      return differs("X-Forwarded-* are always the gateway's own");
    default:
      return translateFields([{ words: args, decide: () => {} }], "request_headers", route);
  }
}
