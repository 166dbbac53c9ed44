import type { AddressSet } from "../identity/address.ts";

/** What gates read of the snapshot. Met by snapshot.ts `Snapshot`. */
export interface GateContext {
  readonly viaName: string;
  readonly internalNetworks: Pick<AddressSet, "has">;
  /** Whether both names are served under the same certificate; true without TLS. */
  isSameCertificate(serverName: string, host: string): boolean;
}

/** What gates read of the route. Met by snapshot.ts `Route`. */
export interface GateRoute {
  readonly internalOnly: boolean;
  readonly refuseEncodedSlash: boolean;
  readonly bodyBytesMax: number;
}
