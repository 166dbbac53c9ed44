import { type KeyObject, X509Certificate } from "node:crypto";
import { renewalMs } from "../cert/renewal.ts";
import type { AcmeCertificateConfig } from "../config/config.ts";
import type { CertificateHistory } from "./acme-journal.ts";

/** Why a certificate is ordered. */
export type AcmeCause = "none yet" | "other names" | "another kind of key" | "another account" | "renewal";

export interface AcmeDue {
  /** Wall-clock ms; 0 = at once. What the limits say comes on top. */
  readonly atMs: number;
  readonly cause: AcmeCause;
}

/** When a certificate should be ordered, and why. `issuedPem`: the one in use, undefined = none. */
export function dueOf(
  certificate: AcmeCertificateConfig,
  issuedPem: string | undefined,
  history: CertificateHistory,
): AcmeDue {
  if (issuedPem === undefined) return { atMs: 0, cause: "none yet" };
  const leaf = new X509Certificate(issuedPem);
  if (!covers(leaf, certificate.domains)) return { atMs: 0, cause: "other names" };
  if (keyTypeOf(leaf.publicKey) !== certificate.keyType) return { atMs: 0, cause: "another kind of key" };
  // Undefined: the journal was lost, which is no reason to order.
  const { accountId } = history;
  if (accountId !== undefined && accountId !== certificate.account.id)
    return { atMs: 0, cause: "another account" };
  return { atMs: renewalMs(leaf, certificate.renewBeforeDays, history.window), cause: "renewal" };
}

export function covers(leaf: X509Certificate, domains: readonly string[]): boolean {
  return domains.every((domain) => leaf.checkHost(domain, { subject: "never" }) !== undefined);
}

function keyTypeOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  if (asymmetricKeyType === "rsa") return `rsa-${asymmetricKeyDetails?.modulusLength}`;
  return asymmetricKeyDetails?.namedCurve === "secp384r1" ? "ecdsa-p384" : "ecdsa-p256";
}
