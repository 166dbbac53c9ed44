import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { CertificateConfig } from "./config.ts";
import type { Path } from "./finding.ts";
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
}

/** Reads and checks a certificate and its key. Undefined, and findings, if they cannot serve. Writes nothing. */
export function readPair(source: PairSource, context: SectionContext): CertificateConfig | undefined {
  const certPem = readNamedFile(source.certKey, source.certPath, context);
  const keyPem = readNamedFile(source.keyKey, source.keyPath, context);
  if (keyPem !== undefined) checkPermissions(source, context);
  const leaf = certPem === undefined ? undefined : readCertificates(source.certKey, certPem, context)?.[0];
  const key = keyPem === undefined ? undefined : readKey(source.keyKey, keyPem, context);
  if (leaf !== undefined) checkDates(source.certKey, leaf, context);
  if (leaf !== undefined && source.serverName !== undefined)
    checkName(source.certKey, leaf, source.serverName, context);
  if (leaf === undefined || key === undefined || certPem === undefined || keyPem === undefined)
    return undefined;
  if (!leaf.checkPrivateKey(key)) {
    context.findings.add({
      code: "Z1303",
      path: source.keyKey,
      message: `${keyLabel(source.keyKey)}: the key does not belong to the certificate`,
      label: "this key",
      related: [{ path: source.certKey, label: "is not the key of this certificate" }],
    });
    return undefined;
  }
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

function checkDates(path: Path, leaf: X509Certificate, context: SectionContext): void {
  const now = context.now();
  if (leaf.validToDate.getTime() < now) {
    const message = `${keyLabel(path)}: the certificate expired on ${leaf.validToDate.toISOString().slice(0, 10)}`;
    context.findings.add({ code: "Z2102", path, message, label: "expired" });
  } else if (leaf.validFromDate.getTime() > now) {
    const message = `${keyLabel(path)}: the certificate is valid only from ${leaf.validFromDate.toISOString().slice(0, 10)}`;
    context.findings.add({
      code: "Z2102",
      path,
      message,
      label: "not valid yet",
      fix: "check the clock of this machine",
    });
  }
}

function checkName(path: Path, leaf: X509Certificate, name: string, context: SectionContext): void {
  // A wildcard entry must cover any one label; `zion-check` stands for it.
  if (leaf.checkHost(name.replace(/^\*\./, "zion-check.")) !== undefined) return;
  context.findings.add({
    code: "Z2106",
    path,
    message: `${keyLabel(path)}: the certificate does not cover ${name}`,
  });
}

function checkPermissions(source: PairSource, context: SectionContext): void {
  let mode: number | undefined;
  try {
    mode = context.files.stat?.(resolvePath(source.keyPath, context))?.mode;
  } catch {
    return;
  }
  if (mode === undefined || (mode & 0o066) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  context.findings.add({
    code: "Z2104",
    path: source.keyKey,
    message: `${keyLabel(source.keyKey)}: group or others can read the private key (mode ${octal})`,
    label: `mode ${octal}`,
  });
}
