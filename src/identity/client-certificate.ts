import type { X509Certificate } from "node:crypto";
import type { ShownCertificate } from "../http/tls-facts.ts";
import { type Reason, reasons } from "../reason.ts";
import { type CertificateParts, readCertificateParts } from "./certificate-parts.ts";
import { DerError } from "./der-reader.ts";
import { type IdentityLine, printLine } from "./identity.ts";
import { serialDigest } from "./serial-set.ts";
import {
  fitsPin,
  type NamePin,
  printSubjectName,
  readSubjectNames,
  type SubjectName,
} from "./subject-name.ts";

/** The certificate that a client showed at its handshake. Made once per connection, never changed. */
export class ClientCertificate implements ShownCertificate {
  readonly fingerprint: string;
  readonly subject: string;
  readonly names: readonly SubjectName[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly links: readonly SignedLink[];
  readonly reachesRoot: boolean;
  readonly problem: Reason | undefined;
  readonly lines: readonly IdentityLine[];

  constructor(x509: X509Certificate, facts: Findings) {
    this.fingerprint = `sha256:${x509.fingerprint256.replaceAll(":", "").toLowerCase()}`;
    this.subject = subjectText(x509.subject);
    this.names = facts.names;
    this.fromMs = x509.validFromDate.getTime();
    this.untilMs = x509.validToDate.getTime();
    this.links = facts.links;
    this.reachesRoot = facts.reachesRoot;
    this.problem = facts.problem;
    this.lines = [
      printLine("X-Client-Cert-Fingerprint", this.fingerprint),
      printLine("X-Client-Cert-Subject", this.subject),
      // A comma inside a name would make two of it; such names are for pins only.
      printLine(
        "X-Client-Cert-San",
        facts.names.map(printSubjectName).filter((name) => !name.includes(",")),
      ),
    ].flatMap((line) =>
      line === undefined || line.line.length === line.nameBytes + EMPTY_VALUE_BYTES ? [] : [line],
    );
  }
}

/** Who signed a certificate of a chain, and the digest of the number by which the signer knows it (serial-set.ts). */
export interface SignedLink {
  /** See certificate-parts.ts `signerId`. */
  readonly signer: string;
  readonly serial: Uint8Array;
}

interface Findings {
  readonly names: readonly SubjectName[];
  readonly links: readonly SignedLink[];
  readonly reachesRoot: boolean;
  readonly problem: Reason | undefined;
}

/** ": " and CRLF. */
const EMPTY_VALUE_BYTES = 4;

/** An authority of a policy, read once. */
export interface Authority {
  readonly x509: X509Certificate;
  readonly publicKey: X509Certificate["publicKey"];
  readonly parts: CertificateParts;
  readonly signer: string;
  /** Its own links up to a root. */
  readonly links: readonly SignedLink[];
  readonly reachesRoot: boolean;
}

/**
 * Reads what a client showed. `verifyError`: Node's word for what OpenSSL found wrong with the chain, undefined = nothing.
 * OpenSSL goes on after an error and tells the last one only, so what it says decides that a certificate is bad, and only
 * hints at why. `authorities`: those that the chain was verified with.
 */
export function readClientCertificate(
  x509: X509Certificate,
  verifyError: string | undefined,
  authorities: readonly Authority[],
  pins: readonly NamePin[],
): ClientCertificate {
  let names: readonly SubjectName[] = [];
  let problem =
    verifyError === undefined ? undefined : (reasonByError.get(verifyError) ?? reasons.clientCertUntrusted);
  let parts: CertificateParts | undefined;
  // What is not trusted is not read any further.
  if (problem === undefined) {
    try {
      parts = readCertificateParts(x509.raw);
      const found = parts.subjectAltName === undefined ? [] : readSubjectNames(parts.subjectAltName);
      if (found === undefined) problem = reasons.clientCertMalformed;
      else names = found;
    } catch (cause) {
      if (!(cause instanceof DerError)) throw cause;
      problem = reasons.clientCertMalformed;
    }
  }
  if (
    problem === undefined &&
    pins.length > 0 &&
    !names.some((name) => pins.some((pin) => fitsPin(name, pin)))
  )
    problem = reasons.clientCertName;
  const signer = parts === undefined ? undefined : signerOf(x509, parts, authorities);
  return new ClientCertificate(x509, {
    names,
    links:
      signer === undefined || parts === undefined
        ? []
        : [{ signer: signer.signer, serial: serialDigest(parts.serial) }, ...signer.links],
    reachesRoot: signer?.reachesRoot === true,
    problem,
  });
}

/** The authority that signed it; undefined = none of these, but one that the client sent along. */
export function signerOf(
  x509: X509Certificate,
  { issuer }: CertificateParts,
  authorities: readonly Authority[],
): Authority | undefined {
  return authorities.find(
    (one) => one.parts.subject.equals(issuer) && x509.checkIssued(one.x509) && x509.verify(one.publicKey),
  );
}

const reasonByError: ReadonlyMap<string, Reason> = new Map([
  ["CERT_HAS_EXPIRED", reasons.clientCertExpired],
  ["CERT_NOT_YET_VALID", reasons.clientCertNotYetValid],
  ["INVALID_PURPOSE", reasons.clientCertPurpose],
]);

/**
 * Node's lines, which go from the root of the name to its leaf, the other way round and with commas between them (RFC
 * 4514 §2.1). Node escapes what would separate; what is not ASCII is written as its bytes (§2.4).
 */
function subjectText(lines: string): string {
  return lines
    .split("\n")
    .reverse()
    .join(",")
    .replace(/[^ -~]/gu, (char) =>
      Buffer.from(char, "utf8").toString("hex").toUpperCase().replace(/../g, "\\$&"),
    );
}
