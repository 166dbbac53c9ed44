import type { Downstream } from "../http/downstream.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { Reason } from "../reason.ts";
import { checkAuth } from "./auth.ts";
import { type BanDesk, checkBan } from "./ban.ts";
import { checkBodyLimit } from "./body-limit.ts";
import { checkClientCertificate, checkRouteCertificate } from "./client-certificate.ts";
import { checkLists } from "./client-lists.ts";
import type { GateContext, GateRoute } from "./context.ts";
import { addCorsLines, checkCors } from "./cors.ts";
import { checkCrossSite } from "./cross-site.ts";
import { checkEncodedSlash } from "./encoded-slash.ts";
import { scrubIdentity } from "./identity-fields.ts";
import { checkAddressInFlight, checkRouteInFlight, type InFlightDesk } from "./in-flight.ts";
import { checkInternalOnly } from "./internal-only.ts";
import { checkLoop } from "./loop.ts";
import { checkMeshScore, type MeshDesk } from "./mesh-score.ts";
import { checkMisdirected } from "./misdirected.ts";
import { checkOriginClass } from "./origin-class.ts";
import { checkRateLimits, type LimitDesk } from "./rate-limit.ts";
import { checkStrictLimits, type StrictDesk } from "./strict-limit.ts";
import { checkUpgrade } from "./upgrade.ts";
import type { Verdict } from "./verdict.ts";
import { type GateWatch, heard } from "./watch.ts";

/**
 * THE list: every check of a request head, in execution order. Connection caps, framing, target, path and method stand
 * before it, in the listener and the head parser. A gate returns a reason or nothing.
 *
 * Whether its connection may carry this request at all: whoever has no certificate where one is due learns nothing else.
 */
export function runConnectionGates(
  request: CanonicalRequest,
  context: GateContext,
  downstream: Downstream,
  watch?: GateWatch,
): Reason | undefined {
  return heard(watch, "client_certificate", checkClientCertificate(request, context, downstream));
}

/** Continued: these come before the route is looked up. */
export function runEarlyGates(
  request: CanonicalRequest,
  context: GateContext,
  desk: LimitDesk & InFlightDesk,
  bans: BanDesk,
  mesh: MeshDesk,
  nowMs: number,
  watch?: GateWatch,
): Reason | undefined {
  return (
    // First, so that no gate and no upstream sees an identity that the client made up.
    heard(watch, "identity_fields", scrubIdentity(request, context)) ??
    // A loop multiplies every later cost.
    heard(watch, "loop", checkLoop(request, context)) ??
    // Who is kept out is told nothing of routes, and counts towards no limit.
    heard(watch, "lists", checkLists(request, context.lists)) ??
    heard(watch, "origin_class", checkOriginClass(request, context.originClasses, context.lists)) ??
    heard(watch, "ban", checkBan(request, bans, context.lists, context.slowBans)) ??
    // What others say stands behind what this machine decided for itself.
    heard(watch, "mesh_score", checkMeshScore(request, mesh, context)) ??
    // What is over its limit costs nothing that comes after: no route, no credentials, no inspection.
    heard(watch, "limits", checkRateLimits(request, context.limits, desk, nowMs)) ??
    heard(watch, "in_flight_address", checkAddressInFlight(request, context.inFlightPerAddress, desk))
  );
}

/** Continued, with the route: these decide also over a preflight, which is answered when they have nothing against it. */
export function runRouteGates(
  request: CanonicalRequest,
  route: GateRoute,
  context: GateContext,
  downstream: Downstream,
  isPreflight: boolean,
  desk: LimitDesk & InFlightDesk,
  nowMs: number,
  watch?: GateWatch,
): Reason | undefined {
  return (
    // The connection was opened for another host: its client authentication does not speak for this one.
    heard(watch, "misdirected", checkMisdirected(request, context, downstream)) ??
    heard(watch, "encoded_slash", checkEncodedSlash(request, route)) ??
    heard(watch, "route_lists", checkLists(request, route.lists)) ??
    // No check: from here on pages of listed origins can read why they are refused.
    addCorsLines(request, route.cors, isPreflight) ??
    heard(watch, "route_limits", checkRateLimits(request, route.limits, desk, nowMs)) ??
    heard(watch, "in_flight_route", checkRouteInFlight(request, route)) ??
    heard(watch, "internal_only", checkInternalOnly(request, route, context)) ??
    // Before who somebody is: a preflight comes without credentials.
    heard(watch, "cors", checkCors(request, route.cors)) ??
    heard(watch, "cross_site", checkCrossSite(request, route.csrfGuard, route.cors))
  );
}

/** Continued, where a route has strict limits: waits for whoever counts them for all workers. */
export function runStrictGate(
  request: CanonicalRequest,
  route: GateRoute,
  desk: StrictDesk,
  watch?: GateWatch,
): Verdict {
  return heard(watch, "strict_limits", checkStrictLimits(request, route.strictLimits, desk));
}

/**
 * Continued, for everything that is not a preflight. Before anything that reads more of a request, and before anything
 * that tells of the upstream. May have to wait: for a password's derivation, for a service of the house.
 */
export function runAuthGate(request: CanonicalRequest, route: GateRoute, watch?: GateWatch): Verdict {
  return (
    heard(watch, "route_certificate", checkRouteCertificate(request, route)) ??
    heard(watch, "auth", checkAuth(request, route))
  );
}

/** Continued, with whoever it is. */
export function runHeadGates(
  request: CanonicalRequest,
  route: GateRoute,
  desk: LimitDesk,
  nowMs: number,
  watch?: GateWatch,
): Reason | undefined {
  return (
    // By who somebody is: claim, API key.
    heard(watch, "identity_limits", checkRateLimits(request, route.identityLimits, desk, nowMs)) ??
    // Whether this is a request or a handshake decides what its framing may be.
    heard(watch, "upgrade", checkUpgrade(request, route))
  );
}

/** Continued, where a route has strict limits by who somebody is. */
export function runStrictIdentityGate(
  request: CanonicalRequest,
  route: GateRoute,
  desk: StrictDesk,
  watch?: GateWatch,
): Verdict {
  return heard(watch, "strict_identity_limits", checkStrictLimits(request, route.strictIdentityLimits, desk));
}

/**
 * Continued, behind the WAF's look at the head (waf-head.ts). What follows is in exchange.ts: the WAF's look at the body,
 * then the upstream's bulkhead and breaker.
 */
export function runBodyGates(
  request: CanonicalRequest,
  route: GateRoute,
  watch?: GateWatch,
): Reason | undefined {
  // By its declared size: a body that is too large is refused before one byte of it is read.
  return heard(watch, "body_limit", checkBodyLimit(request, route));
}
