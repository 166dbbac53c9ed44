import type { CanonicalRequest } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateContext, GateRoute } from "./context.ts";

/** Refuses clients outside `internal_networks` on a route with `internal_only`, by their resolved address. */
export function checkInternalOnly(
  request: CanonicalRequest,
  route: GateRoute,
  context: GateContext,
): Reason | undefined {
  if (!route.internalOnly) return undefined;
  // A chain that cannot be read leaves the proxy's own address, which is often an internal one.
  if (!request.clientMalformed && context.internalNetworks.has(request.clientIp)) return undefined;
  // Which pages may read this route is nobody's business outside.
  request.answerLines = "";
  return reasons.internalOnly;
}
