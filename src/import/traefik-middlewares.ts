import { readCidr } from "../config/address.ts";
import { readEndpoint } from "../config/endpoint.ts";
import { isOriginPattern } from "../gate/origin-rule.ts";
import { addChange, addField, literal, removeField } from "./changes.ts";
import { addCodings, compressionKey, guarded } from "./compression.ts";
import type { Keys } from "./draft.ts";
import { clamp, readMs, wholeMib } from "./measure.ts";
import type { RoutePlace } from "./route-place.ts";
import { rowNamed } from "./row-named.ts";
import { option } from "./traefik-options.ts";
import { listOf, type Tree, tableOf, textOf } from "./tree.ts";
import { differs, needsYou, type Outcome, translated, type Verdict } from "./verdict.ts";

/** A middleware of Traefik, by its type. A row that does nothing is always the same. */
export interface MiddlewareRow {
  readonly verdict: Verdict;
  readonly becomes: string;
  readonly note: string;
  readonly apply?: (options: Tree, place: RoutePlace, name: string) => Outcome;
}

function closes(note: string): MiddlewareRow {
  return {
    verdict: "needs_you",
    becomes: "",
    note: `${note}: the route is closed`,
    apply(_, { closed }) {
      closed.push(note);
      return needsYou(`${note}: the route is closed`);
    },
  };
}

function texts(tree: Tree | undefined): readonly string[] {
  return listOf(tree).map(textOf);
}

function allowList(options: Tree, place: RoutePlace, name: string): Outcome {
  const asked = texts(option(options, "sourceRange"));
  const cidrs = asked.map((text) => {
    const reading = readCidr(text);
    return "value" in reading ? reading.value : reading.suggestion;
  });
  const good = cidrs.filter((cidr) => cidr !== undefined);
  if (
    good.length === 0 ||
    good.length < asked.length ||
    option(options, "ipStrategy", "excludedIPs") !== undefined
  ) {
    place.closed.push("addresses that cannot be read");
    return needsYou("who may come in cannot be said in a list: the route is closed");
  }
  place.lists.push(place.draft.name("list", name, { action: "allow", cidrs: good }));
  return option(options, "ipStrategy") === undefined
    ? translated("a list of addresses")
    : differs("the client's address is the last one that no `trusted_proxies` have, not one at a depth");
}

function rateLimit(options: Tree, place: RoutePlace, name: string): Outcome {
  const average = Number(textOf(option(options, "average")) || 0);
  const period = readMs(textOf(option(options, "period")) || "1s") ?? 1000;
  const burst = Number(textOf(option(options, "burst")) || 1);
  if (!Number.isInteger(average) || !Number.isInteger(burst)) return needsYou("numbers are expected");
  if (average === 0) return translated("no limit, as there");
  const seconds = Math.max(1, Math.ceil(period / 1000));
  const keys: Keys = { rate: Math.max(1, Math.round((average * seconds * 1000) / period)) };
  if (seconds !== 1) keys["window_secs"] = clamp(seconds, 1, 86_400);
  keys["burst"] = Math.max(1, burst);
  const header = textOf(option(options, "sourceCriterion", "requestHeaderName"));
  const isByHost = textOf(option(options, "sourceCriterion", "requestHost")) === "true";
  if (header !== "" && /^[A-Za-z0-9-]{1,64}$/.test(header)) keys["key"] = [`header:${header.toLowerCase()}`];
  else if (isByHost) keys["key"] = [];
  place.limits.push(place.draft.name("limit", name, keys));
  return differs(
    `${average} in ${period / 1000} s for each gateway, ${burst} at once; Traefik delays a little before it refuses${header === "" && !isByHost ? "; IPv6 clients are counted by /64" : ""}`,
  );
}

function buffering(options: Tree, { route }: RoutePlace): Outcome {
  const bytes = Number(textOf(option(options, "maxRequestBodyBytes")) || 0);
  if (bytes > 0) route["max_body_mb"] = wholeMib(bytes);
  const retry = option(options, "retryExpression");
  const sentences = [
    bytes > 0 && bytes % 2 ** 20 !== 0
      ? `${bytes} bytes are ${wholeMib(bytes)} MiB here: whole MiB, rounded up`
      : "",
    option(options, "maxResponseBodyBytes") === undefined ? "" : "answers have no limit",
    retry === undefined ? "" : "an answer is never asked for again",
  ].filter((text) => text !== "");
  return sentences.length === 0 ? translated("`max_body_mb`") : differs(sentences.join("; "));
}

function forwardAuth(options: Tree, place: RoutePlace, name: string): Outcome {
  const close = (why: string): Outcome => {
    place.closed.push("forwardAuth");
    return needsYou(`${why}: the route is closed`);
  };
  const match = /^(https?:\/\/[^/?#]+)(\/[^?#]*)?$/.exec(textOf(option(options, "address")));
  if (match === null || !("value" in readEndpoint(match[1]!)))
    return close("the service's address cannot be an upstream here");
  const servicePath = match[2] ?? "/";
  if (!/^\/[!-"$-~]*$/.test(servicePath)) return close(`${servicePath} is no path`);
  if (option(options, "tls", "ca") !== undefined || option(options, "tls", "cert") !== undefined)
    return close("the service has a certificate of its own: give `ca_path` of its upstream");
  const service = place.draft.name("upstream", name, { url: match[1]!, health: { interval_ms: 0 } });
  const keys: Keys = { kind: "forward", service_upstream: service, service_path: servicePath };
  const own =
    /^(?:x-auth-(?:subject|email)|x-(?!forwarded|real|request)[a-z0-9-]{1,60}|remote-[a-z]{1,20})$/i;
  const answers = texts(option(options, "authResponseHeaders"));
  const kept = answers.filter((field) => own.test(field)).slice(0, 16);
  if (kept.length > 0) keys["answer_fields"] = kept;
  place.route["auth_profile"] = place.draft.name("auth_profile", name, keys);
  const lost = answers.filter((field) => !kept.includes(field));
  return differs(
    `the service is sent Authorization and Cookie (\`request_fields\` names more), X-Forwarded-Method and X-Forwarded-Uri; where it answers with a redirect, clients get 503${lost.length === 0 ? "" : `; ${lost.join(", ")} cannot be taken from its answer`}`,
  );
}

function rewriteWith(route: Keys, closed: string[], keys: Readonly<Keys>): Outcome {
  if (addChange(route, "rewrite", keys)) return translated("[route.rewrite]");
  closed.push("the path is changed");
  return needsYou("what becomes of the path cannot be said here: the route is closed");
}

/** Options of `headers` that are one field of answers. */
const securityFields: Readonly<Record<string, (value: string) => readonly [string, string] | undefined>> = {
  framedeny: (value) => (value === "true" ? ["X-Frame-Options", "DENY"] : undefined),
  customframeoptionsvalue: (value) => ["X-Frame-Options", value],
  contenttypenosniff: (value) => (value === "true" ? ["X-Content-Type-Options", "nosniff"] : undefined),
  browserxssfilter: (value) => (value === "true" ? ["X-XSS-Protection", "1; mode=block"] : undefined),
  custombrowserxssvalue: (value) => ["X-XSS-Protection", value],
  contentsecuritypolicy: (value) => ["Content-Security-Policy", value],
  referrerpolicy: (value) => ["Referrer-Policy", value],
  permissionspolicy: (value) => ["Permissions-Policy", value],
};

/** CORS and fields of requests and answers. */
function headers(options: Tree, { route }: RoutePlace): Outcome {
  const lost: string[] = [];
  for (const [key, value] of tableOf(options)) {
    const name = key.toLowerCase();
    const fixed = rowNamed(securityFields, name);
    if (/^accesscontrol|^addvaryheader|^sts/.test(name)) continue;
    if (name === "customrequestheaders" || name === "customresponseheaders") {
      const whose = name === "customrequestheaders" ? "request_headers" : "response_headers";
      for (const [field, text] of tableOf(value))
        if (!changeField(route, whose, field, textOf(text))) lost.push(field);
    } else if (fixed !== undefined) {
      const line = fixed(textOf(value));
      if (line !== undefined && !addField(route, "response_headers", "set", line[0], literal(line[1])))
        lost.push(key);
    } else lost.push(key);
  }
  const sts = strictTransport(options);
  if (sts !== undefined && !addField(route, "response_headers", "set", "Strict-Transport-Security", sts))
    lost.push("stsSeconds");
  const cors = addCors(options, route);
  if (cors !== undefined) lost.push(cors);
  return lost.length === 0
    ? translated("`request_headers`, `response_headers`, [route.cors]")
    : needsYou(`not here: ${lost.join(", ")}`);
}

/** An empty text takes the field away. */
function changeField(
  route: Keys,
  whose: "request_headers" | "response_headers",
  name: string,
  text: string,
): boolean {
  return text === "" ? removeField(route, whose, name) : addField(route, whose, "set", name, literal(text));
}

function strictTransport(options: Tree): string | undefined {
  const seconds = textOf(option(options, "stsSeconds"));
  if (!/^[1-9]\d{0,11}$/.test(seconds)) return undefined;
  const all = textOf(option(options, "stsIncludeSubdomains")) === "true" ? "; includeSubDomains" : "";
  return `max-age=${seconds}${all}${textOf(option(options, "stsPreload")) === "true" ? "; preload" : ""}`;
}

/** Returns what is wrong with it, where CORS is asked for and cannot be had. */
function addCors(options: Tree, route: Keys): string | undefined {
  if (![...tableOf(options).keys()].some((key) => /^accessControl/i.test(key))) return undefined;
  const origins = texts(option(options, "accessControlAllowOriginList"));
  const credentials = textOf(option(options, "accessControlAllowCredentials")) === "true";
  const isGood =
    origins.length > 0 &&
    origins.every((origin) => isOriginPattern(origin)) &&
    !(credentials && origins.includes("*"));
  if (!isGood) return "[route.cors] wants named origins";
  const served = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
  const methods = texts(option(options, "accessControlAllowMethods")).filter((method) =>
    served.includes(method),
  );
  const fields = (tree: Tree | undefined): readonly string[] =>
    texts(tree)
      .filter((field) => /^[A-Za-z0-9-]{1,64}$/.test(field))
      .slice(0, 64);
  const cors: Keys = { allowed_origins: origins, allow_credentials: credentials };
  if (methods.length > 0) cors["allowed_methods"] = methods;
  const allowed = fields(option(options, "accessControlAllowHeaders"));
  if (allowed.length > 0) cors["allowed_headers"] = allowed;
  const exposed = fields(option(options, "accessControlExposeHeaders"));
  if (exposed.length > 0) cors["exposed_headers"] = exposed;
  const maxAge = Number(textOf(option(options, "accessControlMaxAge")) || 0);
  cors["max_age"] = clamp(Number.isFinite(maxAge) ? Math.round(maxAge) : 0, 0, 604_800);
  route["cors"] = cors;
  return undefined;
}

/** Middlewares by type, in lower case. */
export const middlewareRows: Readonly<Record<string, MiddlewareRow>> = {
  addprefix: {
    verdict: "translated",
    becomes: "rewrite.add_prefix",
    note: "the same",
    apply: (options, { route, closed }) =>
      rewriteWith(route, closed, { add_prefix: textOf(option(options, "prefix")).replace(/\/$/, "") }),
  },
  stripprefix: {
    verdict: "translated",
    becomes: "rewrite.strip_prefix",
    note: "one prefix, by whole segments; several close the route",
    apply(options, { route, closed }) {
      const prefixes = texts(option(options, "prefixes"));
      if (prefixes.length === 1)
        return rewriteWith(route, closed, { strip_prefix: prefixes[0]!.replace(/\/$/, "") });
      closed.push("several prefixes are taken off");
      return needsYou("several prefixes are taken off: the route is closed");
    },
  },
  stripprefixregex: closes("what becomes of the path cannot be said here"),
  replacepath: {
    verdict: "translated",
    becomes: "rewrite",
    note: "the path that is written",
    apply: (options, { route, closed }) =>
      rewriteWith(route, closed, {
        regex: "^.*$",
        replacement: textOf(option(options, "path")).replaceAll("$", "$$$$"),
      }),
  },
  replacepathregex: {
    verdict: "translated",
    becomes: "rewrite",
    note: "RE2, as in Traefik",
    apply: (options, { route, closed }) =>
      rewriteWith(route, closed, {
        regex: textOf(option(options, "regex")),
        replacement: textOf(option(options, "replacement")).replace(/\$\{(\d)\}/g, "$$$1"),
      }),
  },
  redirectregex: closes("redirects by parts of the path are not known here"),
  redirectscheme: {
    verdict: "translated",
    becomes: "server.http_mode",
    note: '`http_mode = "redirect"`; other redirects need you',
    apply(options, { closed }) {
      if (textOf(option(options, "scheme")) !== "https") {
        closed.push("write a route with `redirect`");
        return needsYou("only redirects to https are understood: the route is closed");
      }
      return textOf(option(options, "permanent")) === "true"
        ? translated('`http_mode = "redirect"`: 301, and 308 for methods other than GET and HEAD')
        : differs('`http_mode = "redirect"`: 301 or 308, not 302');
    },
  },
  ipallowlist: { verdict: "translated", becomes: "lists", note: "a list of addresses", apply: allowList },
  ipwhitelist: { verdict: "translated", becomes: "lists", note: "a list of addresses", apply: allowList },
  ratelimit: {
    verdict: "differs",
    becomes: "[limit], limits",
    note: "the same average and burst, for each gateway",
    apply: rateLimit,
  },
  inflightreq: {
    verdict: "differs",
    becomes: "max_in_flight",
    note: "exchanges of the route under way at once, in each worker",
    apply(options, { route }) {
      const amount = Number(textOf(option(options, "amount")));
      if (!Number.isInteger(amount) || amount < 1) return needsYou("a number is expected");
      route["max_in_flight"] = amount;
      return differs("all clients of the route together, in each worker; 503 above, not 429");
    },
  },
  buffering: {
    verdict: "translated",
    becomes: "max_body_mb",
    note: "whole MiB, rounded up",
    apply: buffering,
  },
  basicauth: closes(
    "passwords of Traefik cannot be used: make lines with `zion password NAME`, and an [auth_profile] of kind basic",
  ),
  digestauth: closes("digests are not spoken here: an [auth_profile] of kind basic is the like of it"),
  forwardauth: {
    verdict: "differs",
    becomes: "auth_profile",
    note: "an [auth_profile] of kind forward",
    apply: forwardAuth,
  },
  headers: {
    verdict: "translated",
    becomes: "request_headers, response_headers, cors",
    note: "fields and CORS; others need you",
    apply: headers,
  },
  retry: {
    verdict: "translated",
    becomes: "retry.attempts",
    note: "at most 5 after the first",
    apply(options, { upstream }) {
      const attempts = Number(textOf(option(options, "attempts")));
      if (!Number.isInteger(attempts) || attempts < 1) return needsYou("a number is expected");
      upstream["retry"] = { attempts: clamp(attempts - 1, 0, 5) };
      return attempts <= 6
        ? translated("`retry.attempts`: one less, those after the first")
        : differs("at most 5 further attempts");
    },
  },
  circuitbreaker: {
    verdict: "differs",
    becomes: "circuit_breaker",
    note: "opens by the share of 502, 503 and 504",
    apply(options, { upstream }) {
      upstream["circuit_breaker"] = {};
      return differs(
        `${textOf(option(options, "expression"))}: here it opens when half of at least 20 requests in 10 s end in 502, 503 or 504`,
      );
    },
  },
  compress: {
    verdict: "differs",
    becomes: "compression",
    note: guarded,
    apply(options, { draft, route }) {
      route["compress"] = true;
      const encodings = texts(option(options, "encodings"));
      addCodings(draft, encodings.length === 0 ? ["br", "zstd", "gzip"] : encodings);
      const least = Number(textOf(option(options, "minResponseBodyBytes")) || 0);
      if (least >= 1) compressionKey(draft, "min_bytes", clamp(least, 1, 1_048_576));
      return differs(guarded);
    },
  },
  contenttype: { verdict: "translated", becomes: "", note: "answers have the type that the upstream gives" },
  errors: {
    verdict: "needs_you",
    becomes: "",
    note: "pages are [error_page.STATUS], and `intercept` of the routes",
  },
  grpcweb: closes("gRPC-Web is not translated"),
  passtlsclientcert: closes("put the authority on disk, and write `client_ca_path` and `client_auth`"),
  plugin: {
    verdict: "refused",
    becomes: "",
    note: "code of others is not run: the route is closed",
    apply(_, { closed }) {
      closed.push("a plugin decides there");
      return { verdict: "refused", explanation: "code of others is not run: the route is closed" };
    },
  },
};
