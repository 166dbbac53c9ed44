import { type Reason, reasons } from "../reason.ts";

/**
 * Why a TLS connection did not come about: the `result` label of `zion_tls_handshakes_total`.
 * - `tls_version`: the client speaks only versions below `min_version`
 * - `no_shared_cipher`: no cipher suite, group or signature algorithm in common
 * - `alpn`: the client insists on protocols that are not served here
 * - `server_name`: the client asked for an unknown name and unknown names are refused
 * - `plain_http`: HTTP, or a CONNECT for a proxy, without TLS
 * - `client_alert`: the client ended the handshake, mostly because it does not trust the certificate
 * - `timeout`: not finished within `handshake_timeout_ms`
 * - `reset`: the client closed or reset the connection
 * - `other`: everything else that is not a TLS handshake
 * - `handshake_cap`: too many handshakes in progress
 * - `closed`: the server is being replaced or drained
 */
export const tlsFailures = [
  "tls_version",
  "no_shared_cipher",
  "alpn",
  "server_name",
  "plain_http",
  "client_alert",
  "timeout",
  "reset",
  "other",
  "handshake_cap",
  "closed",
] as const;

export type TlsFailure = (typeof tlsFailures)[number];

/** The row that the failure counts under in `zion_reject_total`. */
export function reasonOfTlsFailure(failure: TlsFailure): Reason {
  if (failure === "timeout") return reasons.tlsTimeout;
  if (failure === "handshake_cap") return reasons.handshakeCap;
  if (failure === "closed") return reasons.draining;
  return reasons.tlsFailed;
}

/** Reads Node's error of 'tlsClientError'. Only the code counts: messages hold addresses and OpenSSL file names. */
export function readTlsFailure(error: Error): TlsFailure {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) return "other";
  return failureByCode.get(code) ?? (isClientAlert(code) ? "client_alert" : "other");
}

/** Given to Node by the SNI callback. One object for all, because a stack trace per hostile hello is work for nothing. */
export const unknownNameError: Error = Object.assign(new Error("no certificate for this server name"), {
  code: "ZION_SERVER_NAME",
});

const failureByCode: ReadonlyMap<string, TlsFailure> = new Map([
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", "tls_version"],
  ["ERR_SSL_VERSION_TOO_LOW", "tls_version"],
  ["ERR_SSL_UNKNOWN_PROTOCOL", "tls_version"], // an SSL 2.0 hello
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "tls_version"],
  ["ERR_SSL_NO_SHARED_CIPHER", "no_shared_cipher"],
  ["ERR_SSL_NO_SUITABLE_KEY_SHARE", "no_shared_cipher"],
  ["ERR_SSL_NO_SUITABLE_GROUPS", "no_shared_cipher"],
  ["ERR_SSL_NO_SHARED_GROUPS", "no_shared_cipher"],
  ["ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS", "no_shared_cipher"],
  ["ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM", "no_shared_cipher"],
  ["ERR_SSL_NO_APPLICATION_PROTOCOL", "alpn"],
  ["ZION_SERVER_NAME", "server_name"],
  ["ERR_SSL_HTTP_REQUEST", "plain_http"],
  ["ERR_SSL_HTTPS_PROXY_REQUEST", "plain_http"],
  ["ERR_TLS_HANDSHAKE_TIMEOUT", "timeout"],
  ["ECONNRESET", "reset"],
  ["ECONNABORTED", "reset"],
  ["EPIPE", "reset"],
  ["ETIMEDOUT", "reset"],
]);

/** Node makes the code of OpenSSL's reason: `tlsv1 alert unknown ca` is ERR_SSL_TLSV1_ALERT_UNKNOWN_CA. */
function isClientAlert(code: string): boolean {
  return code.startsWith("ERR_SSL_") && code.includes("_ALERT_");
}
