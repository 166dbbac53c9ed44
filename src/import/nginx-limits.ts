import type { Keys } from "./draft.ts";
import { effective, type Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** `limit_req zone=NAME [burst=N] [nodelay | delay=N]`. */
export function translateLimitReq(directive: Directive, place: Place): Outcome {
  const options = optionsOf(directive);
  const zone = place.nginx.zones.get(options.get("zone") ?? "");
  if (zone === undefined) return needsYou("there is no `limit_req_zone` of this name");
  const rate = /^(\d{1,6})r\/([sm])$/.exec(optionsOf(zone).get("rate") ?? "");
  const key = limitKey(zone.args[0] ?? "");
  if (rate === null || key === undefined)
    return needsYou("what the zone counts by cannot be said here: add a [limit.NAME] to the route");
  const burst = Number(options.get("burst") ?? 0);
  const rateCount = Number(rate[1]);
  const keys: Keys = { rate: rateCount };
  if (rate[2] === "m") keys["window_secs"] = 60;
  // nginx lets one in and `burst` more; here the first counts as one of them.
  keys["burst"] = burst + 1;
  if (key.length !== 1 || key[0] !== "address") keys["key"] = key;
  if (effective(place.scope, "limit_req_dry_run")[0]?.args[0] === "on") keys["shadow"] = true;
  place.limits.push(place.nginx.draft.name("limit", options.get("zone")!, keys));
  const status = effective(place.scope, "limit_req_status")[0]?.args[0] ?? "503";
  const sentences: string[] = [];
  const written = `${rateCount} a ${rate[2] === "m" ? "minute" : "second"}`;
  if (burst > 0 && !options.has("nodelay"))
    sentences.push(
      `nginx delays the ${burst} requests of a burst to ${written}; here ${burst + 1} may come at once, then ${written}`,
    );
  if (status !== "429") sentences.push(`above it the answer is 429, not ${status}`);
  if (/^\$binary_remote_addr|^\$remote_addr/.test(zone.args[0]!)) sentences.push(...ipv6Sentence);
  return sentences.length === 0 ? translated("a limit") : differs(sentences.join("; "));
}

const ipv6Sentence = ["IPv6 clients are counted by /64"] as const;

/** Parts of `key`, where this gateway knows the variable. */
function limitKey(text: string): readonly string[] | undefined {
  if (/^\$(?:binary_)?remote_addr$/.test(text)) return ["address"];
  if (text === "$server_name") return [];
  const named = /^\$(http|cookie)_(\w+)$/.exec(text);
  if (named === null) return undefined;
  return named[1] === "http" ? [`header:${named[2]!.replaceAll("_", "-")}`] : [`cookie:${named[2]!}`];
}

/** `limit_conn ZONE N`. */
export function translateLimitConn(directive: Directive, place: Place): Outcome {
  const [zoneName = "", count = ""] = directive.args;
  const zone = place.nginx.zones.get(zoneName);
  const connections = Number(count);
  if (zone === undefined || !/^\d{1,6}$/.test(count))
    return needsYou("there is no `limit_conn_zone` of this name");
  const key = zone.args[0] ?? "";
  if (key === "$server_name") {
    place.route["max_in_flight"] = connections;
    return differs(
      `${count} under way at once in each worker and route, not in all of the server; 503 above`,
    );
  }
  if (!/^\$(?:binary_)?remote_addr$/.test(key))
    return needsYou(
      "what the zone counts by cannot be said here: `max_in_flight` of a route counts all together",
    );
  const { server } = place.nginx.draft;
  const before = Number(server["max_in_flight_per_ip"] ?? 0);
  server["max_in_flight_per_ip"] = Math.max(before, connections);
  return differs(
    `\`max_in_flight_per_ip\` counts over all routes, in each worker: ${count} x workers at most, 429 above; the largest value counts`,
  );
}

/** `burst=5` and bare words. */
function optionsOf({ args }: Directive): ReadonlyMap<string, string> {
  return new Map(
    args.map((arg) => {
      const at = arg.indexOf("=");
      const pair: [string, string] = at < 0 ? [arg, ""] : [arg.slice(0, at), arg.slice(at + 1)];
      // `zone=addr:10m` of a definition.
      return pair[0] === "zone" ? ["zone", pair[1].replace(/:.*$/, "")] : pair;
    }),
  );
}

/** The zone that a `limit_req_zone` or `limit_conn_zone` makes. */
export function zoneName(directive: Directive): string {
  return optionsOf(directive).get("zone") ?? "";
}
