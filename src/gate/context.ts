import type { AddressSet } from "../identity/address.ts";
import type { AuthRule } from "./auth.ts";
import type { ClientAuth } from "./client-certificate.ts";
import type { ClientLists } from "./client-lists.ts";
import type { CorsRule } from "./cors.ts";
import type { RouteLoad } from "./in-flight.ts";
import type { OriginClasses } from "./origin-class.ts";
import type { OriginRule } from "./origin-rule.ts";
import type { RateLimit } from "./rate-limit.ts";

/** What gates read of the snapshot. Met by snapshot.ts `Snapshot`. */
export interface GateContext {
  readonly viaName: string;
  readonly internalNetworks: Pick<AddressSet, "has">;
  readonly trustedProxies: Pick<AddressSet, "has">;
  readonly lists: ClientLists | undefined;
  /** Undefined = nobody's class is asked for. */
  readonly originClasses: OriginClasses | undefined;
  /** Refusals of banned clients go through the tarpit. */
  readonly slowBans: boolean;
  readonly limits: readonly RateLimit[];
  /** Exchanges under way per address; 0 = no cap. */
  readonly inFlightPerAddress: number;
  /** Names, in lower case, of fields that only a verified identity may set. */
  readonly identityFields: readonly string[];
  /** Who must show a certificate; undefined = nobody is asked for one. */
  readonly clientAuth: ClientAuth | undefined;
  /** The plain listener redirects to this https port; undefined = it serves. */
  readonly redirectPort: number | undefined;
  /** Whether both names are served under the same certificate; true without TLS. */
  isSameCertificate(serverName: string, host: string): boolean;
}

/** What gates read of the route. Met by snapshot.ts `Route`. */
export interface GateRoute {
  readonly internalOnly: boolean;
  readonly refuseEncodedSlash: boolean;
  /** Undefined = everyone may come in. */
  readonly auth: AuthRule | undefined;
  /** Also where the host asks for no certificate. */
  readonly certificateRequired: boolean;
  readonly bodyBytesMax: number;
  readonly limits: readonly RateLimit[];
  /** Those that another process decides over: after the others. */
  readonly strictLimits: readonly RateLimit[];
  /** Those that count by who somebody is: after `auth`. */
  readonly identityLimits: readonly RateLimit[];
  /** Those of them that another process decides over. */
  readonly strictIdentityLimits: readonly RateLimit[];
  /** Infinity = no cap. */
  readonly inFlightMax: number;
  readonly counters: { readonly load: RouteLoad };
  readonly cors: CorsRule | undefined;
  readonly csrfGuard: boolean;
  readonly lists: ClientLists | undefined;
  /** Undefined = upgrades are plain requests here. */
  readonly webSocket:
    | { readonly origins: OriginRule; readonly messageBytesMax: number | undefined }
    | undefined;
}
