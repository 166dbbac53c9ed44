import type { Downstream } from "../http/downstream.ts";
import type { CanonicalRequest } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateContext } from "./context.ts";

/**
 * Refuses a Host that this gateway serves under another certificate than the one the connection was opened with
 * (RFC 9110 §15.5.20): the client then asks again on a connection of its own. Without SNI there is nothing to compare.
 */
export function checkMisdirected(
  request: CanonicalRequest,
  context: GateContext,
  downstream: Downstream,
): Reason | undefined {
  const tls = downstream.tls;
  if (tls === undefined || tls.serverName === "" || request.hostEnd === request.hostStart) return undefined;
  const host = request.hostText();
  if (host === tls.serverName) return undefined;
  return context.isSameCertificate(tls.serverName, host) ? undefined : reasons.misdirected;
}
