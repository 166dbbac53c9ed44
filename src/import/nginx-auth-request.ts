import type { Keys } from "./draft.ts";
import type { Location } from "./nginx-location.ts";
import { applyRouteRows } from "./nginx-route-rows.ts";
import { decide, effective, openPlace, type Place } from "./nginx-scope.ts";
import { buildUpstream, readProxyTarget } from "./nginx-upstream.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** `auth_request /auth`: the service behind that location decides. */
export function translateAuthRequest(place: Place, locations: readonly Location[]): void {
  const [directive] = effective(place.scope, "auth_request");
  if (directive === undefined) return;
  const outcome =
    directive.args[0] === "off" ? translated("off") : ask(directive.args[0] ?? "", place, locations);
  decide(place.nginx, directive, outcome);
}

function ask(uri: string, place: Place, locations: readonly Location[]): Outcome {
  const close = (why: string): Outcome => {
    place.closed.push("auth_request");
    return needsYou(`${why}: the route is closed`);
  };
  const path = uri.replace(/\?.*$/, "");
  const location = locations.find(
    ({ kind, text }) => (kind === "exact" || kind === "prefix") && text === path,
  );
  const pass = location?.scope.directives.find(({ name }) => name === "proxy_pass");
  if (location === undefined || pass === undefined) return close(`no location ${uri} with a \`proxy_pass\``);
  const servicePlace = openPlace(place.nginx, location.scope, true);
  const target = readProxyTarget(pass.args[0] ?? "", servicePlace);
  if (target === undefined) return close("its service is chosen by variables");
  applyRouteRows(servicePlace);
  const upstream = buildUpstream(target, servicePlace);
  if ("problem" in upstream) return close(upstream.problem);
  const servicePath = target.uri ?? path;
  if (!/^\/[!-"$-~]*$/.test(servicePath)) return close(`${servicePath} is no path`);
  const keys: Keys = { kind: "forward", service_upstream: upstream.name, service_path: servicePath };
  const fields = answerFields(place);
  if (fields.length > 0) keys["answer_fields"] = fields;
  place.route["auth_profile"] = place.nginx.draft.name(
    "auth_profile",
    path.replace(/^\//, "") || "auth",
    keys,
  );
  decide(place.nginx, pass, translated("[auth_profile]"));
  if (location.directive !== undefined) decide(place.nginx, location.directive, translated("[auth_profile]"));
  for (const inner of location.scope.directives)
    if (inner.name === "internal")
      decide(place.nginx, inner, translated("only the gateway asks the service"));
  return differs(
    "the service is asked with GET and sent Authorization and Cookie (`request_fields` names more), X-Forwarded-Method and X-Forwarded-Uri, not the whole head",
  );
}

/** `auth_request_set $user $upstream_http_x_user` and `proxy_set_header X-User $user`: the same field both ways. */
function answerFields(place: Place): readonly string[] {
  const fields = new Set<string>();
  for (const set of effective(place.scope, "auth_request_set")) {
    const [variable = "", value = ""] = set.args;
    const source = /^\$upstream_http_(\w+)$/.exec(value)?.[1]?.replaceAll("_", "-");
    const sent = effective(place.scope, "proxy_set_header").find(
      ({ args }) => args[1] === variable && args[0]?.toLowerCase() === source,
    );
    // Only names that nobody else writes.
    if (
      sent === undefined ||
      !/^(?:x-auth-(?:subject|email)|x-(?!forwarded|real|request)[a-z0-9-]{1,60})$/i.test(sent.args[0]!)
    ) {
      decide(
        place.nginx,
        set,
        needsYou("only a field of the service's answer that goes upstream under its own name"),
      );
      continue;
    }
    fields.add(sent.args[0]!);
    decide(place.nginx, set, translated("`answer_fields`"));
    decide(place.nginx, sent, translated("`answer_fields`"));
  }
  return [...fields].slice(0, 16);
}
