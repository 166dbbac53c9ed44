import { F } from "../http/field.ts";
import type { CanonicalRequest } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateContext, GateRoute } from "./context.ts";

/** Refuses clients outside `internal_networks` on a route with `internal_only`, by their resolved address. */
export function checkInternalOnly(
  request: CanonicalRequest,
  route: GateRoute,
  context: GateContext,
): Reason | undefined {
  if (!route.internalOnly || isInternal(request, context)) return undefined;
  // Which pages may read this route is nobody's business outside.
  request.answerLines = "";
  return reasons.internalOnly;
}

/**
 * Refuses a page of the gateway's own to everybody outside `internal_networks`. `peerText` is who opened the connection.
 */
export function checkExposed(
  request: CanonicalRequest,
  context: Pick<GateContext, "internalNetworks">,
  peerText: string,
): Reason | undefined {
  // Somebody forwarded it whom nobody told us to trust: the address is a proxy's, and who is behind it is not known.
  const isForwarded = request.firstField[F.xForwardedFor]! >= 0 || request.firstField[F.forwarded]! >= 0;
  if (isForwarded && request.clientAddress === peerText) return reasons.internalOnly;
  return isInternal(request, context) ? undefined : reasons.internalOnly;
}

/** A chain that cannot be read leaves the proxy's own address, which is often an internal one. */
function isInternal(
  request: CanonicalRequest,
  { internalNetworks }: Pick<GateContext, "internalNetworks">,
): boolean {
  return !request.clientMalformed && internalNetworks.has(request.clientIp);
}
