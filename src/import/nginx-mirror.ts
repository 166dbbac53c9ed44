import type { Location } from "./nginx-location.ts";
import { applyRouteRows } from "./nginx-route-rows.ts";
import { decide, effective, openPlace, type Place } from "./nginx-scope.ts";
import { buildUpstream, readProxyTarget } from "./nginx-upstream.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** `mirror /copy`: the server behind that location gets copies. */
export function translateMirror(place: Place, locations: readonly Location[]): void {
  const directives = effective(place.scope, "mirror");
  const [first, ...rest] = directives;
  if (first === undefined) return;
  decide(
    place.nginx,
    first,
    first.args[0] === "off" ? translated("off") : copy(first.args[0] ?? "", place, locations),
  );
  for (const directive of rest) decide(place.nginx, directive, needsYou("a route has one mirror: the first"));
}

function copy(uri: string, place: Place, locations: readonly Location[]): Outcome {
  const location = locations.find(
    ({ kind, text }) => (kind === "exact" || kind === "prefix") && text === uri,
  );
  const pass = location?.scope.directives.find(({ name }) => name === "proxy_pass");
  if (location === undefined || pass === undefined)
    return needsYou(`no location ${uri} with a \`proxy_pass\`: no copies are sent`);
  const servicePlace = openPlace(place.nginx, location.scope, true);
  const text = pass.args[0] ?? "";
  const target = readProxyTarget(text, servicePlace);
  // Without `$request_uri` every copy would ask for the one path.
  if (target === undefined || !text.endsWith("$request_uri"))
    return needsYou("copies have the path of the request, as with `$request_uri`: no copies are sent");
  applyRouteRows(servicePlace);
  const upstream = buildUpstream(target, servicePlace);
  if ("problem" in upstream) return needsYou(`${upstream.problem}: no copies are sent`);
  const withBody = effective(place.scope, "mirror_request_body")[0]?.args[0] !== "off";
  place.route["mirror"] = withBody
    ? { upstream: upstream.name, methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] }
    : { upstream: upstream.name };
  decide(place.nginx, pass, translated("[route.mirror]"));
  if (location.directive !== undefined) decide(place.nginx, location.directive, translated("[route.mirror]"));
  for (const inner of location.scope.directives)
    if (inner.name === "internal") decide(place.nginx, inner, translated("only the gateway sends copies"));
  return differs(
    withBody
      ? "at most `max_in_flight` copies at once, of requests with bodies up to `max_body_kb`; copies are marked with X-Zion-Mirror"
      : "GET and HEAD only, at most `max_in_flight` copies at once; they are marked with X-Zion-Mirror",
  );
}
