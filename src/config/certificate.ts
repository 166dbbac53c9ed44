import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { checkChain, checkServer } from "./certificate-chain.ts";
import type { CertificateConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { checkKeyFile } from "./key-file.ts";
import { keyLabel } from "./label.ts";
import { readNamedFile, resolvePath, type SectionContext } from "./section.ts";

/** A certificate chain with its key, and where the config names them. */
export interface PairSource {
  readonly certKey: Path;
  readonly keyKey: Path;
  readonly certPath: string;
  readonly keyPath: string;
  /** Name that clients will ask for; undefined = not known. */
  readonly serverName: string | undefined;
  /** It is shown to a server, by us. */
  readonly isClient?: true;
}

/** Reads and checks a certificate and its key. Undefined, and findings, if they cannot serve. Writes nothing. */
export function readPair(source: PairSource, context: SectionContext): CertificateConfig | undefined {
  const certPem = readNamedFile(source.certKey, source.certPath, context);
  const keyPem = readNamedFile(source.keyKey, source.keyPath, context);
  const isKept = keyPem === undefined || checkKeyFile(source.keyKey, source.keyPath, context);
  const chain = certPem === undefined ? undefined : readCertificates(source.certKey, certPem, context);
  const key = keyPem === undefined ? undefined : readKey(source.keyKey, keyPem, context);
  if (chain !== undefined) {
    if (source.isClient !== true) checkServer(source.certKey, chain, source.serverName, context);
    checkChain(source.certKey, chain, context);
  }
  if (!isKept || chain === undefined || key === undefined || certPem === undefined || keyPem === undefined)
    return undefined;
  if (!checkOwnership(source, chain, key, context)) return undefined;
  // OpenSSL has rules of its own, such as a least key size; better to hear of them now than at the first handshake.
  try {
    createSecureContext({ cert: certPem, key: keyPem });
  } catch (error) {
    badPem(source.certKey, `OpenSSL refuses it: ${opensslReason(error)}`, context);
    return undefined;
  }
  return {
    certPath: resolvePath(source.certPath, context),
    keyPath: resolvePath(source.keyPath, context),
    certPem,
    keyPem,
  };
}

/** Whether the key is that of the first certificate, which is the one that is presented. */
function checkOwnership(
  { certKey, keyKey }: PairSource,
  chain: readonly X509Certificate[],
  key: KeyObject,
  context: SectionContext,
): boolean {
  const place = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (place === 0) return true;
  if (place > 0) {
    const message = `${keyLabel(certKey)}: the certificate of the key is number ${place + 1} in the file`;
    context.findings.add({ code: "Z1313", path: certKey, message, label: "not leaf first" });
    return false;
  }
  context.findings.add({
    code: "Z1303",
    path: keyKey,
    message: `${keyLabel(keyKey)}: the key does not belong to the certificate`,
    label: "this key",
    related: [{ path: certKey, label: "is not the key of this certificate" }],
  });
  return false;
}

/** PEM text of one or more CA certificates; undefined, and a finding, if it holds none or a broken one. */
export function readAuthorities(path: Path, file: string, context: SectionContext): string | undefined {
  const pem = readNamedFile(path, file, context);
  if (pem === undefined) return undefined;
  return readCertificates(path, pem, context) === undefined ? undefined : pem;
}

function readCertificates(
  path: Path,
  pem: string,
  context: SectionContext,
): readonly X509Certificate[] | undefined {
  const blocks = pem.match(
    /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g,
  );
  if (blocks === null) {
    const problem = /PRIVATE KEY-----/.test(pem)
      ? "it holds a private key and no certificate"
      : derOr(pem, "it holds no PEM certificate");
    badPem(path, problem, context);
    return undefined;
  }
  const certificates: X509Certificate[] = [];
  for (const [i, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      badPem(
        path,
        blocks.length === 1
          ? "its certificate is broken"
          : `certificate ${i + 1} of ${blocks.length} in it is broken`,
        context,
      );
      return undefined;
    }
  }
  return certificates;
}

function readKey(path: Path, pem: string, context: SectionContext): KeyObject | undefined {
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    context.findings.add({ code: "Z1304", path, message: `${keyLabel(path)}: the private key is encrypted` });
    return undefined;
  }
  if (!/PRIVATE KEY-----/.test(pem)) {
    badPem(
      path,
      /CERTIFICATE-----/.test(pem)
        ? "it holds a certificate and no private key"
        : derOr(pem, "it holds no PEM private key"),
      context,
    );
    return undefined;
  }
  try {
    return createPrivateKey(pem);
  } catch {
    // The library's message could quote the key; ours does not.
    badPem(path, "its private key is broken", context);
    return undefined;
  }
}

function badPem(path: Path, problem: string, context: SectionContext): void {
  context.findings.add({ code: "Z1302", path, message: `${keyLabel(path)}: ${problem}`, label: problem });
}

/** DER starts with a SEQUENCE of long form. */
function derOr(contents: string, otherwise: string): string {
  if (contents.trim() === "") return "the file is empty";
  return contents.charCodeAt(0) === 0x30 && contents.charCodeAt(1) >= 0x80 ? "it is DER, not PEM" : otherwise;
}

function opensslReason(error: unknown): string {
  const reason = error instanceof Error ? (error as Error & { reason?: string }).reason : undefined;
  return reason ?? "unknown reason";
}
