import type { CanonicalRequest } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateRoute } from "./context.ts";

/** Refuses a request whose declared body is larger than its route allows (RFC 9110 §15.5.14). */
export function checkBodyLimit(request: CanonicalRequest, route: GateRoute): Reason | undefined {
  return request.bodyLength > route.bodyBytesMax ? reasons.bodyTooLarge : undefined;
}
