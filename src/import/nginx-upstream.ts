import { readEndpoint } from "../config/endpoint.ts";
import type { Keys, Value } from "./draft.ts";
import { clamp, readMs } from "./measure.ts";
import { decide, effective, type Place, resolveText } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { addSticky } from "./sticky-cookie.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** What `proxy_pass` says. */
export interface ProxyTarget {
  readonly secure: boolean;
  /** Name of an `upstream`, host with port, or unix:/path. */
  readonly authority: string;
  /** What replaces the location's prefix; undefined = the path goes as it came. */
  readonly uri: string | undefined;
}

/** Reads `http://app/x`; undefined when variables decide. */
export function readProxyTarget(text: string, place: Place): ProxyTarget | undefined {
  // These say: the path as it came.
  const bare = text.replace(/\$request_uri$|\$uri\$is_args\$args$/, "");
  const resolved = resolveText(bare, place.scope);
  const hadVariables = text.includes("$");
  const match = /^(https?|grpcs?):\/\/(unix:[^:]+|[^/]+)(?::?(\/.*))?$/.exec(resolved ?? "");
  if (match === null) return undefined;
  const [, scheme, authority, uri] = match;
  // With variables nginx sends what the text says, and nothing else: `/x` for every request.
  return {
    secure: scheme === "https" || scheme === "grpcs",
    authority: authority!,
    uri: hadVariables && uri === undefined ? undefined : uri,
  };
}

/** The upstream table of a target: its name, or why there is none. */
export function buildUpstream(
  target: ProxyTarget,
  place: Place,
): { readonly name: string } | { readonly problem: string } {
  const scheme = target.secure ? "https" : "http";
  const group = place.nginx.upstreams.get(target.authority);
  const keys: Keys = {};
  if (group === undefined) {
    const url = memberUrl(scheme, target.authority);
    if (url === undefined)
      return { problem: `\`${target.authority}\` cannot be a member of an upstream here` };
    keys["url"] = url;
  } else {
    const problem = readGroup(group, scheme, keys, place);
    if (problem !== undefined) return { problem };
  }
  Object.assign(keys, place.upstream);
  // Half a pair is none.
  if (keys["client_cert_path"] === undefined || keys["client_key_path"] === undefined) {
    delete keys["client_cert_path"];
    delete keys["client_key_path"];
  }
  // Probes are what nginx (the open one) never sends.
  keys["health"] = { interval_ms: 0 };
  const wish =
    group === undefined
      ? target.authority.replace(/^unix:/, "").replace(/^127\.0\.0\.1(?=:)/, "local")
      : target.authority;
  return { name: place.nginx.draft.name("upstream", wish, keys) };
}

function memberUrl(scheme: string, authority: string): string | undefined {
  const url = authority.startsWith("unix:") ? authority : `${scheme}://${authority}`;
  return "value" in readEndpoint(url) ? url : undefined;
}

/** An `upstream` block. Returns why it cannot be used. */
function readGroup(group: Directive, scheme: string, keys: Keys, place: Place): string | undefined {
  const members: Value[] = [];
  const block = group.block ?? [];
  let failures: { readonly count: number; readonly secs: number } | undefined;
  for (const directive of block) {
    if (directive.name !== "server") {
      decide(place.nginx, directive, groupRow(directive, keys));
      continue;
    }
    const member = readMember(directive, scheme);
    decide(place.nginx, directive, member.outcome);
    if (member.value !== undefined) members.push(member.value);
    if (member.failures !== undefined) failures = member.failures;
  }
  if (members.length === 0) return `no server of \`upstream ${group.args[0]}\` can be used here`;
  if (members.length === 1 && typeof members[0] === "string") keys["url"] = members[0];
  else keys["urls"] = members;
  keys["load_balancing"] ??= "round_robin";
  if (failures !== undefined && members.length > 1)
    keys["outlier_detection"] = {
      min_requests: Math.max(1, failures.count),
      window_secs: clamp(failures.secs, 1, 60),
      eject_secs: clamp(failures.secs, 1, 3600),
    };
  decide(place.nginx, group, translated("[upstream]"));
  return undefined;
}

function readMember(directive: Directive, scheme: string) {
  const [address = "", ...parameters] = directive.args;
  const option = (name: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
  const no = (outcome: Outcome) => ({ outcome, value: undefined, failures: undefined });
  if (parameters.includes("down")) return no(translated("left out, as it is down"));
  if (parameters.includes("backup"))
    return no(needsYou("left out: there are no members that only stand in for others"));
  const url = memberUrl(
    scheme,
    /:\d+$|^unix:/.test(address) || scheme === "https" ? address : `${address}:80`,
  );
  if (url === undefined) return no(needsYou("left out: this cannot be a member of an upstream here"));
  const weight = Number(option("weight") ?? 1);
  const maxFails = option("max_fails");
  const failSecs = Math.round((readMs(option("fail_timeout") ?? "10s") ?? 10_000) / 1000);
  const sentences: string[] = [];
  if (maxFails !== undefined && maxFails !== "0")
    sentences.push(
      `nginx leaves it out for ${failSecs} s after ${maxFails} failures; \`outlier_detection\` does when half of at least ${maxFails} requests fail`,
    );
  if (option("max_conns") !== undefined)
    sentences.push("`max_conns` is not kept: `max_in_flight` is for the whole upstream");
  if (option("slow_start") !== undefined) sentences.push("`slow_start` is not kept");
  if (weight > 1000) sentences.push("the largest weight is 1000");
  const value: Value = weight === 1 ? url : { url, weight: clamp(weight, 1, 1000) };
  const failures =
    maxFails === undefined || maxFails === "0" ? undefined : { count: Number(maxFails), secs: failSecs };
  return {
    value,
    failures,
    outcome: sentences.length === 0 ? translated("a member") : differs(sentences.join("; ")),
  };
}

/** Everything of an `upstream` block but its servers. */
function groupRow({ name, args }: Directive, keys: Keys): Outcome {
  switch (name) {
    case "least_conn":
      keys["load_balancing"] = "least_requests";
      return translated('`load_balancing = "least_requests"`');
    case "random":
      keys["load_balancing"] = "p2c";
      return args[0] === "two"
        ? translated('`load_balancing = "p2c"`')
        : differs("the less loaded of two random members, not a random one");
    case "ip_hash":
      keys["load_balancing"] = "consistent_hash";
      return differs("clients keep to a member by their whole address, and to another one than with nginx");
    case "hash":
      return hashRow(args[0] ?? "", keys);
    case "keepalive":
      keys["keepalive"] = clamp(Number(args[0] ?? 0) || 0, 0, 10_000);
      return translated("`keepalive`, per worker as in nginx");
    case "keepalive_timeout":
      keys["keepalive_timeout_ms"] = clamp(readMs(args[0] ?? "") ?? 60_000, 100, 3_600_000);
      return translated("`keepalive_timeout_ms`");
    case "keepalive_requests":
    case "keepalive_time":
      return differs(
        "connections to upstreams end when they were idle, not after a number of requests or a time",
      );
    case "zone":
      return translated("the state of members needs no name here");
    case "sticky":
      return stickyRow(args, keys);
    default:
      return needsYou("this importer does not know it");
  }
}

/** `sticky cookie srv_id expires=1h path=/ secure`. */
function stickyRow([kind, name = "", ...parameters]: readonly string[], keys: Keys): Outcome {
  if (kind !== "cookie")
    return needsYou(
      "only cookies of the gateway's own: `consistent_hash` can hash one that the application sets",
    );
  const option = (wanted: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(`${wanted}=`))?.slice(wanted.length + 1);
  const expires = option("expires");
  const ms = expires === "max" ? Infinity : readMs(expires ?? "");
  return addSticky(keys, {
    name,
    maxAgeSecs: ms === undefined ? undefined : ms / 1000,
    path: option("path") ?? "",
    domain: option("domain") ?? "",
    secure: parameters.includes("secure"),
    httpOnly: parameters.includes("httponly"),
    sameSite: option("samesite") ?? "",
  });
}

export function hashRow(text: string, keys: Keys): Outcome {
  const named = /^\$(http|cookie)_(\w+)$/.exec(text);
  const key = /^\$(?:binary_)?remote_addr$/.test(text)
    ? "client_ip"
    : /^\$(?:request_)?uri$/.test(text)
      ? "path"
      : named !== null
        ? `${named[1] === "http" ? "header" : "cookie"}:${named[1] === "http" ? named[2]!.replaceAll("_", "-") : named[2]!}`
        : undefined;
  if (key === undefined)
    return needsYou(
      "what it hashes cannot be said here: `hash_key` is client_ip, path, a header or a cookie",
    );
  keys["load_balancing"] = "consistent_hash";
  keys["hash_key"] = key;
  return differs("the same keys stay together, on other members than with nginx");
}

/** The name that nginx sends as Host unless it is set: that of `proxy_pass`. */
export function sendsGroupName(target: ProxyTarget, place: Place): boolean {
  const setsHost = effective(place.scope, "proxy_set_header").some(
    ({ args }) => args[0]?.toLowerCase() === "host",
  );
  return !setsHost && place.nginx.upstreams.has(target.authority);
}
