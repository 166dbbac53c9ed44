import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { makeSelfSigned } from "../cert/self-signed.ts";
import type { AcmeCertificateConfig, AcmeConfig, CertificateConfig } from "./config.ts";
import { readProblem } from "./files.ts";
import type { SectionContext } from "./section.ts";

/** Key and chain of an issued certificate lie in one file, so that no crash can leave a pair that does not match. */
export function acmePairPath(directory: string, name: string): string {
  return join(directory, "certificates", `${acmeFileName(name)}.pem`);
}

/** A name of 253 characters is none for a file with an ending. */
export function acmeFileName(name: string): string {
  return name.length <= 200 ? name : createHash("sha256").update(name).digest("hex");
}

/** What is served for a certificate of `[tls.acme]` now. */
export interface AcmePair {
  readonly certificate: AcmeCertificateConfig;
  readonly pair: CertificateConfig;
}

/**
 * The certificates that were issued so far, and self-signed ones in place of those that were not. Without them no TLS
 * listener could open, and with them a client is told by its own checks that something is missing. Writes nothing.
 */
export function readAcmePairs(
  { directory, certificates }: AcmeConfig,
  context: SectionContext,
): readonly AcmePair[] {
  return certificates.map((certificate) => {
    const path = acmePairPath(directory, certificate.name);
    const issued = readIssued(certificate, path, context);
    const pem = issued ?? makeSelfSigned({ names: certificate.domains, days: 30, nowMs: context.now() });
    return {
      certificate: { ...certificate, issuedPem: issued?.certPem },
      pair: { certPath: path, keyPath: path, certPem: pem.certPem, keyPem: pem.keyPem },
    };
  });
}

function readIssued(
  certificate: AcmeCertificateConfig,
  path: string,
  context: SectionContext,
): { readonly certPem: string; readonly keyPem: string } | undefined {
  let text: string;
  try {
    text = Buffer.from(context.files.readFile(path)).toString("latin1");
  } catch (error) {
    // Nothing was issued yet: the gateway says so itself when it runs.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") tell(certificate, readProblem(error), context);
    return undefined;
  }
  const pair = splitPair(text);
  if (pair === undefined) tell(certificate, "it is not what was written there", context);
  return pair;
}

/** A key and a chain of the key's certificate; undefined where the text is anything else. */
export function splitPair(text: string): { readonly certPem: string; readonly keyPem: string } | undefined {
  const keyEnd = text.indexOf("-----BEGIN CERTIFICATE-----");
  if (keyEnd === -1) return undefined;
  const keyPem = text.slice(0, keyEnd);
  const certPem = text.slice(keyEnd);
  try {
    return new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem))
      ? { certPem, keyPem }
      : undefined;
  } catch {
    return undefined;
  }
}

function tell({ name }: AcmeCertificateConfig, problem: string, { findings }: SectionContext): void {
  findings.add({
    code: "Z2153",
    path: ["tls", "acme"],
    at: "key",
    message: `the certificate for ${name} in [tls.acme] cannot be used: ${problem}`,
    label: problem,
  });
}
