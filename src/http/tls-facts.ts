/** What gates and the log read of a TLS connection; met by the facts that listener/tls.ts copies at the handshake. */
export interface TlsFacts {
  /** "TLSv1.3" or "TLSv1.2". */
  readonly protocol: string;
  readonly cipher: string;
  /** SNI as certificates are looked up, "" when none was sent. */
  readonly serverName: string;
}
