import type { Downstream } from "../http/downstream.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { ShownCertificate } from "../http/tls-facts.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateContext, GateRoute } from "./context.ts";

/** Who must show a certificate, by host. Met by cert/client-auth.ts. */
export interface ClientAuth {
  find(serverName: string): ClientPolicy;
  byId(id: string): ClientPolicy | undefined;
}

export interface ClientPolicy {
  readonly id: string;
  readonly required: boolean;
  judge(certificate: ShownCertificate): Reason | undefined;
}

/**
 * Lets a request in that came over a connection whose handshake was about its host, with a certificate that is good now,
 * or without one where none is required. The name in the handshake chose whether a certificate was asked for, so a Host
 * that has other rules is refused: it would be served without them (domain fronting, HTTP/2 coalescing, a hello whose
 * name was not the one that OpenSSL read). The certificate itself is judged again for every request.
 */
export function checkClientCertificate(
  request: CanonicalRequest,
  { clientAuth, redirectPort }: GateContext,
  downstream: Downstream,
): Reason | undefined {
  if (clientAuth === undefined) return undefined;
  const policy = clientAuth.find(request.hostText());
  const { tls } = downstream;
  if (tls === undefined)
    // The redirecting listener serves nothing that could be kept.
    return policy.required && redirectPort === undefined ? reasons.clientCertMissing : undefined;
  if (tls.clientPolicy !== policy.id) {
    // What no host has any more can serve none.
    return clientAuth.byId(tls.clientPolicy) === undefined
      ? reasons.clientAuthChanged
      : reasons.clientAuthPolicy;
  }
  const certificate = tls.clientCertificate;
  request.shownCertificate = certificate;
  if (certificate === undefined) return policy.required ? reasons.clientCertMissing : undefined;
  const refusal = policy.judge(certificate);
  if (refusal === undefined) request.clientCertificate = certificate;
  return refusal;
}

/** A route may ask for more than its host. Not of preflights, which browsers send without certificates. */
export function checkRouteCertificate(request: CanonicalRequest, route: GateRoute): Reason | undefined {
  return route.certificateRequired && request.clientCertificate === undefined
    ? reasons.clientCertMissing
    : undefined;
}
