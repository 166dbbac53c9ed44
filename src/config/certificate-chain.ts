import type { X509Certificate } from "node:crypto";
import type { Path } from "./finding.ts";
import { keyLabel } from "./label.ts";
import type { SectionContext } from "./section.ts";

/**
 * What whoever is shown the chain will not like. Each of these loads: refusing it would take down every other host as
 * well.
 */
export function checkChain(path: Path, chain: readonly X509Certificate[], context: SectionContext): void {
  const warn = warner(path, context);
  for (const [i, certificate] of chain.entries()) {
    const which = i === 0 ? "the certificate" : `certificate ${i + 1} of ${chain.length}`;
    const dates = datesProblem(certificate, which, context.now());
    if (dates !== undefined) warn("Z2102", ...dates);
    const next = chain[i + 1];
    if (next !== undefined && !certificate.checkIssued(next)) {
      const problem = `certificate ${i + 2} of ${chain.length} did not issue the one before it`;
      warn("Z2131", problem, "leaf first, then each issuer");
    }
    const weakness = isSelfSigned(certificate) ? undefined : weaknessOf(certificate);
    if (weakness !== undefined) warn("Z2132", `${which} ${weakness}`, weakness);
  }
  if (chain.length === 1 && !isSelfSigned(chain[0]!) && hasIssuerUrl(chain[0]!))
    warn("Z2131", "the chain ends with the certificate: its issuer's is not in the file", "no issuer");
}

/** What only clients look at. `name` is what they ask for, where it is known. */
export function checkServer(
  path: Path,
  [leaf]: readonly X509Certificate[],
  name: string | undefined,
  context: SectionContext,
): void {
  const warn = warner(path, context);
  if (leaf!.subjectAltName === undefined)
    warn("Z2106", "the certificate has no subjectAltName, so it covers no name", "no subjectAltName");
  // A wildcard entry must cover any one label; `zion-check` stands for it.
  else if (name !== undefined && leaf!.checkHost(name.replace(/^\*\./, "zion-check.")) === undefined)
    warn("Z2106", `the certificate does not cover ${name}`, "");
  if (leaf!.keyUsage !== undefined && !leaf!.keyUsage.includes(serverAuth))
    warn("Z2131", "the certificate is not made for servers (extended key usage)", "not for servers");
  if (mustStaple(leaf!) && responderOf(leaf!) === undefined)
    warn("Z2133", "the certificate insists on stapling and names no OCSP responder", "must-staple");
}

type Warn = (code: "Z2102" | "Z2106" | "Z2131" | "Z2132" | "Z2133", problem: string, label: string) => void;

function warner(path: Path, context: SectionContext): Warn {
  return (code, problem, label) =>
    context.findings.add({ code, path, message: `${keyLabel(path)}: ${problem}`, label });
}

/** The http(s) address that answers whether the certificate was revoked (RFC 5280 §4.2.2.1). */
export function responderOf(leaf: X509Certificate): string | undefined {
  const line = leaf.infoAccess?.split("\n").find((one) => one.startsWith("OCSP - URI:http"));
  return line?.slice("OCSP - URI:".length).trim();
}

/** The TLS feature extension with status_request (RFC 7633): clients refuse the certificate without an answer. */
export function mustStaple(leaf: X509Certificate): boolean {
  return leaf.raw.includes(tlsFeature);
}

const serverAuth = "1.3.6.1.5.5.7.3.1";
/** 1.3.6.1.5.5.7.1.24 */
const tlsFeature = Buffer.from("06082b06010505070118", "hex");

/** Problem and label. */
function datesProblem(
  { validFromDate, validToDate }: X509Certificate,
  which: string,
  nowMs: number,
): readonly [string, string] | undefined {
  const day = (date: Date) => date.toISOString().slice(0, 10);
  if (validToDate.getTime() < nowMs) return [`${which} expired on ${day(validToDate)}`, "expired"];
  if (validFromDate.getTime() > nowMs)
    return [`${which} is valid only from ${day(validFromDate)}, or the clock is wrong`, "not valid yet"];
  return undefined;
}

function weaknessOf({ signatureAlgorithm, publicKey }: X509Certificate): string | undefined {
  if (/sha1|md5/i.test(signatureAlgorithm ?? "")) return `is signed with ${signatureAlgorithm}`;
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < 2048 ? `has an RSA key of ${bits} bits` : undefined;
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}

/** A public CA names where its own certificate can be had; clients that do not fetch it fail without it. */
function hasIssuerUrl({ infoAccess }: X509Certificate): boolean {
  return infoAccess?.includes("CA Issuers") === true;
}
