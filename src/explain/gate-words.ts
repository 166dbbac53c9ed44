import type { LimitConfig } from "../config/config.ts";
import type { GateName } from "../gate/watch.ts";
import { DENIED, markOf, SCORE_MASK } from "../identity/score-table.ts";
import type { LimitUse } from "./limit-use.ts";
import type { View } from "./steps.ts";

/** What there is to say of a gate, beside what it had against the request; "" = nothing is configured for it. */
export function describeGate(gate: GateName, view: View): string {
  const { request, config, route } = view;
  const table = config.routes.find(({ name }) => name === route?.name);
  switch (gate) {
    case "identity_fields":
      return request.scrubbed === 0
        ? ""
        : `${request.scrubbed} fields that only the gateway may set are removed`;
    case "lists":
      return listed(config.server.lists);
    case "route_lists":
      return listed(table?.lists ?? []);
    case "origin_class":
      return config.sovereign === undefined ? "" : "of no class that is denied";
    case "limits":
      return limited(view, config.server.limits);
    case "route_limits":
      return limited(view, table?.limits ?? [], "local");
    case "strict_limits":
      return limited(view, table?.limits ?? [], "strict");
    case "identity_limits":
      return limited(view, table?.limits ?? [], "identity");
    case "strict_identity_limits":
      return limited(view, table?.limits ?? [], "strict identity");
    case "in_flight_address":
      return atOnce(config.server.maxInFlightPerIp, "client");
    case "in_flight_route":
      return atOnce(table?.maxInFlight ?? 0, "route");
    case "misdirected":
      return request.secure ? "sni and Host have one certificate" : "";
    case "encoded_slash":
      return route?.refuseEncodedSlash === true ? "no %2F in the path" : "";
    case "internal_only":
      return route?.internalOnly === true ? "the client is in internal_networks" : "";
    case "cors":
      return route?.cors === undefined ? "" : "the origin may read answers, or names none";
    case "cross_site":
      return route?.csrfGuard === true ? "no foreign page sent it" : "";
    case "auth":
      return authenticated(view, table?.auth?.profiles ?? []);
    case "upgrade":
      return request.upgrade
        ? request.webSocket
          ? "a WebSocket handshake"
          : "an upgrade that is ignored"
        : "";
    case "body_limit":
      return request.bodyKind === 0 ? "" : `at most ${route?.bodyBytesMax ?? 0} bytes`;
    case "client_certificate":
      return view.plane.state.snapshot.clientAuth === undefined ? "" : "the host requires no certificate";
    case "route_certificate":
    case "loop":
    case "ban":
      return "";
    case "mesh_score":
      return config.mesh === undefined ? "" : scored(view);
  }
}

/** As the upstream is told: cut to thousandths. */
function scored({ request, plane }: View): string {
  if (!plane.isRunning) return "what other edges say of the client is not known offline";
  const { scores } = plane.state.mesh;
  if (scores === undefined) return "nothing is known of other edges";
  if (request.clientMalformed) return "the address is a proxy's: other edges are not asked about it";
  const mark = markOf(scores, request.clientIp);
  if (mark === 0) return "no other edge reports the client";
  const score = (Math.floor((mark & SCORE_MASK) / 10) / 1000).toFixed(3);
  const deny = (mark & DENIED) === 0 ? "" : "; a quorum reports it";
  return `other edges give the client ${score}${deny}`;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "" : `${names.join(", ")}: nothing against it`;
}

function atOnce(max: number, whose: string): string {
  return max === 0 ? "" : `at most ${max} of this ${whose} at once`;
}

function authenticated({ request }: View, profiles: readonly string[]): string {
  if (profiles.length === 0) return "";
  const subject = request.identity?.subject ?? "";
  return `${profiles.join(", ")}: ${subject === "" ? "let in" : `let in as ${JSON.stringify(subject)}`}`;
}

/** Each limit with its key; which of them a gate asks is told by their kind, as limit-build.ts sorts them. */
function limited({ plane, config }: View, names: readonly string[], kind?: string): string {
  return names
    .flatMap((name) => config.limits.filter((limit) => limit.name === name))
    .filter((limit) => kind === undefined || kindOf(limit) === kind)
    .map((limit) => limitText(limit, plane.limitUse))
    .join("; ");
}

function kindOf({ strict, keys }: LimitConfig): string {
  const isByIdentity = keys.some(({ kind }) => kind === "claim" || kind === "api_key");
  if (isByIdentity) return strict ? "strict identity" : "identity";
  return strict ? "strict" : "local";
}

function limitText(limit: LimitConfig, use: LimitUse): string {
  const { name, rate, windowMs, keys, shadow } = limit;
  const by = keys.length === 0 ? "for all together" : `per ${keys.map(keyText).join(" and ")}`;
  return `${name} ${rate} in ${windowMs / 1000} s ${by}${shadow ? ", shadow" : ""} (${use.describe(limit)})`;
}

function keyText({ kind, name }: LimitConfig["keys"][number]): string {
  return name === "" ? kind : `${kind}:${name}`;
}
