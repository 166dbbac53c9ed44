import { readCidr } from "../config/address.ts";
import { readEndpoint } from "../config/endpoint.ts";
import { isOriginPattern } from "../gate/origin-rule.ts";
import type { Keys } from "./draft.ts";
import { clamp, readMs, wholeMib } from "./measure.ts";
import type { RoutePlace } from "./route-place.ts";
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

const compress = "answers are not compressed here yet";

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

const path = closes("paths are not changed here yet");

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

/** CORS is all that `headers` does and a route can. */
function headers(options: Tree, { route }: RoutePlace): Outcome {
  const names = [...tableOf(options).keys()];
  const corsKeys = names.filter((key) => /^(?:accessControl|addVaryHeader)/i.test(key));
  const origins = texts(option(options, "accessControlAllowOriginList"));
  const others = names.filter((key) => !corsKeys.includes(key));
  const later = others.length === 0 ? "" : `${others.join(", ")}: fields cannot be set here yet`;
  if (corsKeys.length === 0) return needsYou(later);
  const credentials = textOf(option(options, "accessControlAllowCredentials")) === "true";
  const isGood =
    origins.length > 0 &&
    origins.every((origin) => isOriginPattern(origin)) &&
    !(credentials && origins.includes("*"));
  if (!isGood)
    return needsYou(["[route.cors] wants named origins", later].filter((text) => text !== "").join("; "));
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
  return later === "" ? translated("[route.cors]") : needsYou(later);
}

/** Middlewares by type, in lower case. */
export const middlewareRows: Readonly<Record<string, MiddlewareRow>> = {
  addprefix: path,
  stripprefix: path,
  stripprefixregex: path,
  replacepath: path,
  replacepathregex: path,
  redirectregex: closes("redirects are not known here yet"),
  redirectscheme: {
    verdict: "translated",
    becomes: "server.http_mode",
    note: '`http_mode = "redirect"`; other redirects need you',
    apply(options, { closed }) {
      if (textOf(option(options, "scheme")) !== "https") {
        closed.push("redirects are not known here yet");
        return needsYou("redirects are not known here yet: the route is closed");
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
    verdict: "needs_you",
    becomes: "route.cors",
    note: "CORS; other fields need you",
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
  compress: { verdict: "needs_you", becomes: "", note: compress },
  contenttype: { verdict: "translated", becomes: "", note: "answers have the type that the upstream gives" },
  errors: { verdict: "needs_you", becomes: "", note: "the upstream's errors go to clients as they are" },
  grpcweb: closes("gRPC-Web is not translated"),
  passtlsclientcert: closes("clients' certificates are not asked for here yet"),
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
