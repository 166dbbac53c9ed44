import type { CanonicalRequest } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateRoute } from "./context.ts";

/** Refuses `%2F` in the path where the route asks for it (`refuse_encoded_slash`). */
export function checkEncodedSlash(request: CanonicalRequest, route: GateRoute): Reason | undefined {
  return route.refuseEncodedSlash && request.hasEncodedSlash ? reasons.pathEncodedSlash : undefined;
}
