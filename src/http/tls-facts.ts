import type { Reason } from "../reason.ts";

/** What gates and the log read of a TLS connection; met by the facts that listener/tls.ts copies at the handshake. */
export interface TlsFacts {
  /** "TLSv1.3" or "TLSv1.2". */
  readonly protocol: string;
  readonly cipher: string;
  /** SNI as certificates are looked up, "" when none was sent. */
  readonly serverName: string;
  /** Under which rules the handshake asked for a client's certificate; "" = it did not ask. */
  readonly clientPolicy: string;
  /** What the client showed, good or bad. */
  readonly clientCertificate: ShownCertificate | undefined;
}

/** The certificate that a client showed. Met by identity/client-certificate.ts `ClientCertificate`. */
export interface ShownCertificate {
  /** Of the DER: "sha256:" and 64 hexadecimal digits. */
  readonly fingerprint: string;
  /** RFC 4514, in ASCII. */
  readonly subject: string;
  readonly names: readonly { readonly kind: "dns" | "uri" | "email"; readonly value: string }[];
  /** Valid from, and until, in milliseconds since the epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** From the certificate up to a root, as far as the policy's authorities reach: what revocation lists are asked. */
  readonly links: readonly { readonly signer: string; readonly serial: Uint8Array }[];
  /** `links` reach a root. */
  readonly reachesRoot: boolean;
  /** What is wrong with it whatever the time and whoever was revoked. */
  readonly problem: Reason | undefined;
  /** What upstreams are told; see identity/identity.ts `IdentityLine`. */
  readonly lines: readonly { readonly id: number; readonly nameBytes: number; readonly line: Uint8Array }[];
}
