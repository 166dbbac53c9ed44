import type { RenewalWindow } from "../cert/renewal.ts";
import type { HttpChallenge } from "../respond/acme-challenges.ts";

/** What the primary has a process do that talks to a CA. Keys of certificates are not in it. */
export type AcmeTask = OrderTask | RenewalTask | RolloverTask;

export interface AcmeAccess {
  readonly directoryUrl: string;
  /** Of the directory's own certificate; undefined = the system's CAs. */
  readonly caPem: string | undefined;
}

export interface AcmeLogin extends AcmeAccess {
  readonly email: string | undefined;
  /** Keys that the account may have, the likelier first: two while a rollover is not known to have succeeded. */
  readonly keys: readonly string[];
  /** The HMAC key is base64url. */
  readonly binding: { readonly keyId: string; readonly hmacKey: string } | undefined;
}

export interface OrderTask {
  readonly kind: "order";
  readonly login: AcmeLogin;
  readonly domains: readonly string[];
  readonly challenge: "http-01" | "tls-alpn-01";
  readonly csrPem: string;
  /** An order that was placed before and not finished. */
  readonly orderUrl: string | undefined;
  /** The certificate that this one follows (RFC 9773 §5). */
  readonly replaces: string | undefined;
}

/** When should this certificate be renewed? */
export interface RenewalTask {
  readonly kind: "renewal";
  readonly access: AcmeAccess;
  readonly renewalId: string;
}

/** Give the account another key. */
export interface RolloverTask {
  readonly kind: "rollover";
  readonly login: AcmeLogin;
  readonly newKey: string;
}

/** What the process asks for on the way; it waits for `go_on`. */
export type AcmeNews =
  /** Which of `keys` is the account's. */
  | { readonly type: "key"; readonly index: number }
  /** The order has this URL. */
  | { readonly type: "order"; readonly url: string }
  /** These must be answered before the CA is told that it may look. */
  | {
      readonly type: "challenges";
      readonly http: readonly HttpChallenge[];
      readonly tls: readonly TlsProof[];
    };

/** Tells the primary, and resolves when it has seen to it. */
export type SayAcme = (news: AcmeNews) => Promise<void>;

/** Host and SHA-256 of the key authorization. */
export interface TlsProof {
  readonly host: string;
  readonly digest: Uint8Array;
}

export type AcmeOutcome =
  | { readonly type: "issued"; readonly chainPem: string }
  /** Undefined: this CA does not say. */
  | {
      readonly type: "renewal";
      readonly window: RenewalWindow | undefined;
      readonly askAgainMs: number | undefined;
    }
  | { readonly type: "rolled" }
  | AcmeFailure;

export interface AcmeFailure {
  readonly type: "failed";
  readonly reason: AcmeReason;
  /** For operators, at most 300 characters, in parts a stranger's words. */
  readonly problem: string;
  /** When the CA wants to hear of us again, ms from now. */
  readonly retryAfterMs: number | undefined;
}

/** Label values of `zion_acme_orders_total{result}`, beside "issued". */
export const acmeReasons = [
  /** No connection, no TLS, no answer in time, or a server error. */
  "unreachable",
  /** The CA counts, and says that it is enough. */
  "rate_limited",
  /** Account, terms, external binding. */
  "account",
  /** The CA could not see the proof. */
  "challenge",
  /** The CA does not want to issue this: names, CAA, the request. */
  "rejected",
  /** An answer that no CA should give. */
  "bad_answer",
  /** Not all workers had the challenges in time. */
  "workers",
  /** Keys or certificates cannot be written. */
  "disk",
  /** Ten minutes are over. */
  "deadline",
  /** Our own limit of orders, before the CA's. */
  "order_limit",
] as const;
export type AcmeReason = (typeof acmeReasons)[number];
