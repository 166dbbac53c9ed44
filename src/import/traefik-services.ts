import { readHostName } from "../config/address.ts";
import { readEndpoint } from "../config/endpoint.ts";
import type { Keys, Value } from "./draft.ts";
import { clamp, readMs } from "./measure.ts";
import type { RoutePlace } from "./route-place.ts";
import { rowNamed } from "./row-named.ts";
import { addSticky } from "./sticky-cookie.ts";
import { decideOption, named, option, type TraefikImport } from "./traefik-options.ts";
import { listOf, type Tree, textOf } from "./tree.ts";
import { differs, needsYou, translated } from "./verdict.ts";

type Built = { readonly name: string } | { readonly problem: string };

/** The upstream of a service, and what the route has of services that are made of others; or why there is none. */
export function buildService(ref: string, place: RoutePlace, traefik: TraefikImport): Built {
  const name = ref.replace(/@file$/, "");
  const service = named(traefik, "http", "services").get(name);
  const weighted = option(service, "weighted");
  if (weighted !== undefined) return buildWeighted(name, weighted, place, traefik);
  const mirroring = option(service, "mirroring");
  return mirroring === undefined
    ? buildBalancer(name, service, place, traefik)
    : buildMirroring(name, mirroring, place, traefik);
}

/** Shares of the requests: the first service is the route's upstream, the others are its `split`. */
function buildWeighted(name: string, weighted: Tree, place: RoutePlace, traefik: TraefikImport): Built {
  const parts = listOf(option(weighted, "services")).map((tree) => ({
    ref: textOf(option(tree, "name")),
    weight: Number(textOf(option(tree, "weight")) || 1),
  }));
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const [first, ...others] = parts;
  if (first === undefined || !(total > 0)) return { problem: `the service ${name} has no services` };
  const base = buildPart(first.ref, place, traefik);
  if ("problem" in base) return base;
  const split: Value[] = [];
  for (const { ref, weight } of others) {
    const percent = Math.round((weight / total) * 100);
    const built = buildPart(ref, place, traefik);
    if ("problem" in built) return built;
    if (percent > 0) split.push({ upstream: built.name, weight: percent });
  }
  if (split.length > 0) place.route["split"] = split;
  const isExact = parts.every(({ weight }) => Number.isInteger((weight / total) * 100));
  decideOption(
    traefik,
    option(weighted, "services"),
    isExact ? translated("[[route.split]]") : differs("[[route.split]], in whole percent"),
  );
  decideOption(
    traefik,
    option(weighted, "sticky"),
    differs("give each upstream a table `sticky`: their clients stay where a weight sent them"),
  );
  return base;
}

/** One mirror, and the service that answers. */
function buildMirroring(name: string, mirroring: Tree, place: RoutePlace, traefik: TraefikImport): Built {
  const ref = textOf(option(mirroring, "service"));
  if (ref === "") return { problem: `the service ${name} has no service that answers` };
  const base = buildPart(ref, place, traefik);
  const [mirror, ...more] = listOf(option(mirroring, "mirrors"));
  if ("problem" in base || mirror === undefined) return base;
  decideOption(traefik, option(mirroring, "service"), translated("`upstream`"));
  const built = buildPart(textOf(option(mirror, "name")), place, traefik);
  for (const tree of more) decideOption(traefik, tree, needsYou("a route has one mirror: the first"));
  if ("problem" in built) {
    decideOption(traefik, mirror, needsYou(`${built.problem}: no copies are sent`));
    return base;
  }
  const percent = clamp(Number(textOf(option(mirror, "percent")) || 0), 0, 100);
  place.route["mirror"] = {
    upstream: built.name,
    percent,
    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  };
  decideOption(
    traefik,
    mirror,
    differs(
      "at most `max_in_flight` copies at once, of requests with bodies up to `max_body_kb`; they are marked with X-Zion-Mirror",
    ),
  );
  return base;
}

/** One service of several: none of those may be made of others again. */
function buildPart(ref: string, place: RoutePlace, traefik: TraefikImport): Built {
  const name = ref.replace(/@file$/, "");
  // What it says of its protocol is not the route's, which has several.
  return buildBalancer(
    name,
    named(traefik, "http", "services").get(name),
    { ...place, upstream: { ...place.upstream } },
    traefik,
  );
}

function buildBalancer(
  name: string,
  service: Tree | undefined,
  place: RoutePlace,
  traefik: TraefikImport,
): Built {
  if (service === undefined) return { problem: `the service ${name} is not in these files` };
  const balancer = option(service, "loadBalancer");
  if (balancer === undefined) return { problem: `the service ${name} is made of other services` };
  const keys: Keys = {};
  const problem = readMembers(option(balancer, "servers"), keys, traefik);
  if (problem !== undefined) return { problem: `${problem} (service ${name})` };
  Object.assign(keys, place.upstream);
  applyHost(balancer, keys, traefik);
  applyStrategy(balancer, keys, traefik);
  applyHealth(balancer, keys, traefik);
  applySticky(option(balancer, "sticky"), keys, traefik);
  applyTransport(textOf(option(balancer, "serversTransport")).replace(/@file$/, ""), keys, traefik);
  const protocol = keys["protocol"];
  if (protocol !== undefined) place.upstream["protocol"] = protocol;
  return { name: traefik.draft.name("upstream", name, keys) };
}

function readMembers(servers: Tree | undefined, keys: Keys, traefik: TraefikImport): string | undefined {
  const members: Value[] = [];
  let paths = 0;
  for (const server of listOf(servers)) {
    const written = textOf(option(server, "url"));
    // h2c:// is HTTP/2 without TLS.
    const url = written.replace(/^h2c:/, "http:").replace(/\/$/, "");
    if (/^h2c:/.test(written)) keys["protocol"] = "h2c";
    if (/^https?:\/\/[^/]+\/./.test(url)) paths++;
    if (!("value" in readEndpoint(url))) {
      decideOption(
        traefik,
        option(server, "url"),
        needsYou("left out: this cannot be a member of an upstream here"),
      );
      continue;
    }
    decideOption(traefik, option(server, "url"), translated("a member"));
    const weight = Number(textOf(option(server, "weight")) || 1);
    members.push(weight === 1 ? url : { url, weight: clamp(Math.round(weight) || 1, 1, 1000) });
    decideOption(traefik, option(server, "weight"), translated("`weight`"));
  }
  if (paths > 0) return "paths of members are not sent here";
  if (members.length === 0) return "no server can be used here";
  if (members.length === 1 && typeof members[0] === "string") keys["url"] = members[0];
  else keys["urls"] = members;
  return undefined;
}

function applyHost(balancer: Tree, keys: Keys, traefik: TraefikImport): void {
  const pass = option(balancer, "passHostHeader");
  if (textOf(pass) === "false") delete keys["preserve_host"];
  decideOption(traefik, pass, translated("`preserve_host`"));
}

function applyStrategy(balancer: Tree, keys: Keys, traefik: TraefikImport): void {
  const strategy = option(balancer, "strategy");
  const kinds: Readonly<Record<string, string>> = {
    wrr: "round_robin",
    p2c: "p2c",
    hrw: "consistent_hash",
    leasttime: "lowest_latency",
  };
  const kind = rowNamed(kinds, textOf(strategy).toLowerCase());
  keys["load_balancing"] = kind ?? "round_robin";
  decideOption(
    traefik,
    strategy,
    kind === undefined
      ? differs('`load_balancing = "round_robin"`')
      : translated(`\`load_balancing = "${kind}"\``),
  );
}

function applySticky(sticky: Tree | undefined, keys: Keys, traefik: TraefikImport): void {
  if (sticky === undefined) return;
  const cookie = option(sticky, "cookie");
  const text = (name: string): string => textOf(option(cookie, name));
  const maxAgeSecs = Number(text("maxAge") || 0);
  const outcome = addSticky(keys, {
    name: text("name"),
    maxAgeSecs: maxAgeSecs > 0 ? maxAgeSecs : undefined,
    path: text("path"),
    domain: text("domain"),
    secure: text("secure") === "true",
    httpOnly: text("httpOnly") === "true",
    sameSite: text("sameSite"),
  });
  decideOption(traefik, sticky, outcome);
}

function applyHealth(balancer: Tree, keys: Keys, traefik: TraefikImport): void {
  const check = option(balancer, "healthCheck");
  if (check === undefined) {
    keys["health"] = { interval_ms: 0 };
    return;
  }
  const path = textOf(option(check, "path")) || "/";
  const interval = readMs(textOf(option(check, "interval")) || "30s") ?? 30_000;
  const timeout = readMs(textOf(option(check, "timeout")) || "5s") ?? 5000;
  const health: Record<string, Value> = {
    interval_ms: clamp(interval, 1, 3_600_000),
    timeout_ms: clamp(timeout, 10, 120_000),
  };
  const isPath = /^\/[\x21-\x7e]*$/.test(path) && !path.includes("#");
  if (isPath) health["path"] = path;
  const status = textOf(option(check, "status"));
  if (/^[1-5]\d\d$/.test(status)) health["expected_status"] = [status];
  if (textOf(option(check, "mode")) === "grpc" && keys["protocol"] === "h2c") health["grpc"] = true;
  keys["health"] = health;
  const known = ["path", "interval", "timeout", "status"];
  const names = [
    "port",
    "scheme",
    "hostname",
    "method",
    "headers",
    "followRedirects",
    "mode",
    "unhealthyInterval",
  ];
  for (const key of known)
    decideOption(
      traefik,
      option(check, key),
      isPath ? translated("`health`") : needsYou(`${path} is no path`),
    );
  for (const key of names)
    decideOption(
      traefik,
      option(check, key),
      needsYou("probes are GETs of `path`, with the address of the member"),
    );
}

function applyTransport(name: string, keys: Keys, traefik: TraefikImport): void {
  if (name === "") return;
  const transport = named(traefik, "http", "serversTransports").get(name);
  const members = keys["urls"] ?? [keys["url"] ?? ""];
  const secure = JSON.stringify(members).includes("https://");
  const text = (key: string, to: string): void => {
    const tree = option(transport, key);
    const value = textOf(listOf(tree)[0] ?? tree);
    if (value === "" || !secure) return;
    if (to === "server_name" && !("value" in readHostName(value, false))) {
      decideOption(traefik, tree, needsYou("this is no host name"));
      return;
    }
    keys[to] = value;
    decideOption(
      traefik,
      tree,
      listOf(tree).length > 1 ? differs("the first of them") : translated(`\`${to}\``),
    );
  };
  text("rootCAs", "ca_path");
  text("serverName", "server_name");
  const [pair] = listOf(option(transport, "certificates"));
  const cert = textOf(option(pair, "certFile"));
  const key = textOf(option(pair, "keyFile"));
  if (secure && cert !== "" && key !== "")
    Object.assign(keys, { client_cert_path: cert, client_key_path: key });
  const times = option(transport, "forwardingTimeouts");
  const ms = (name: string, to: string, min: number): void => {
    const tree = option(times, name);
    const value = tree === undefined ? undefined : readMs(textOf(tree));
    if (tree === undefined) return;
    if (value !== undefined && value > 0) keys[to] = clamp(value, min, 3_600_000);
    decideOption(
      traefik,
      tree,
      value === undefined ? needsYou("this is not a time") : translated(`\`${to}\``),
    );
  };
  ms("dialTimeout", "connect_timeout_ms", 1);
  ms("responseHeaderTimeout", "request_timeout_ms", 1);
  ms("idleConnTimeout", "keepalive_timeout_ms", 100);
}
