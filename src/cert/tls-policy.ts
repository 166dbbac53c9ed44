import { constants } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { CertificateConfig, TlsConfig } from "../config/config.ts";

/**
 * What every secure context of a generation has in common, with one certificate in it, or two whose keys are of
 * different kinds. TLS 1.3 only unless the configuration says 1.2 (reliability.md C1, C2, §5.3).
 */
export function secureContextOptions(
  tls: TlsConfig,
  ...certificates: readonly CertificateConfig[]
): SecureContextOptions {
  return {
    cert: certificates.map(({ certPem }) => certPem),
    key: certificates.map(({ keyPem }) => keyPem),
    minVersion: tls.minVersion === "1.2" ? "TLSv1.2" : "TLSv1.3",
    maxVersion: "TLSv1.3",
    ciphers: tls.minVersion === "1.2" ? `${suites13}:${suites12}` : suites13,
    ecdhCurve: groups[tls.pqMode],
    honorCipherOrder: true,
    secureOptions: tls.sessionTickets === 0 ? baseOptions | constants.SSL_OP_NO_TICKET : baseOptions,
    sessionTimeout: ticketLifetimeSecs,
    // The same for all contexts and all workers: tickets are bound to it, and Node's own default is a hash of argv.
    sessionIdContext: "zion",
    // An empty list, not undefined: no system roots in the contexts. OpenSSL would search them to complete our own
    // chain at every handshake, and send what it finds.
    ca: [],
  };
}

/** Whether this process's OpenSSL has the post-quantum group: from 3.5. Node can be built with an older one. */
export function hasPostQuantum(): boolean {
  try {
    createSecureContext({ ecdhCurve: postQuantum });
    return true;
  } catch {
    return false;
  }
}

/** A ticket is never older than this; rotating the keys ends it sooner. */
export const ticketLifetimeSecs = 3600;

const suites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
/** TLS 1.2 with forward secrecy and an AEAD only (RFC 9325 §4.2). */
const suites12 = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");
const postQuantum = "X25519MLKEM768";
/** Post-quantum hybrid first; where it is only preferred, a client that lacks it gets X25519. */
const groups: Readonly<Record<TlsConfig["pqMode"], string>> = {
  prefer: `${postQuantum}:X25519:prime256v1`,
  require: postQuantum,
  off: "X25519:prime256v1",
};
/** A client that puts ChaCha first has no AES instructions: let it. Renegotiation is a TLS 1.2 CPU attack. */
const baseOptions =
  constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_PRIORITIZE_CHACHA;
