import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { CertificateConfig, TlsConfig } from "../config/config.ts";
import { inOneGo, type Steps } from "../std/steps.ts";
import { splitChain } from "./chain.ts";
import { createNameTable } from "./name-table.ts";
import { secureContextOptions } from "./tls-policy.ts";

/** One certificate chain with its key. */
export interface CertificateChain {
  /** As configured, for operators. */
  readonly certPath: string;
  readonly leaf: X509Certificate;
  /** SHA-256 of the leaf's DER, in lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly keyKind: "rsa" | "ecdsa";
  /** End of validity of the leaf, ms since the epoch. */
  readonly notAfterMs: number;
  /** Native memory: built once per generation, freed with the store. */
  readonly context: SecureContext;
  /** What it was made of. */
  readonly options: SecureContextOptions;
}

/** What a name is served with. Names that are configured with the same pair share one entry. */
export interface CertificateEntry extends CertificateChain {
  /** Identity within one store: 0 is the default. Never compare ids of two generations; see `isSameCertificate`. */
  readonly id: number;
  /** For the same names, with the other kind of key. */
  readonly second: CertificateChain | undefined;
}

/**
 * The certificates of one generation and the names they are chosen for: exact name, then one-label wildcard, then
 * the default. All lookups are total: they never throw, whatever the name (reliability.md N3, N23, TL5).
 */
export interface CertificateStore {
  readonly default: CertificateEntry;
  /** By id. */
  readonly entries: readonly CertificateEntry[];
  /** For the `tls.Server`: policy and the default certificate. */
  readonly serverOptions: SecureContextOptions;
  /** The certificate that a client asking for `name` gets. Any string; "" is the default. */
  find(name: string): CertificateEntry;
  /** As `find`, but undefined where only the default is left. */
  match(name: string): CertificateEntry | undefined;
  /**
   * Whether both names get the same certificate today. This is the 421 question: the SNI of the connection against
   * the host of the request. Both are looked up here, in the current generation, because connections outlive a reload.
   */
  isSameCertificate(serverName: string, host: string): boolean;
}

/** Builds all secure contexts. Throws with the file's path when a chain, a key or a name cannot be used. */
export function buildCertificateStore(tls: TlsConfig): CertificateStore {
  return inOneGo(certificateSteps(tls));
}

/** As `buildCertificateStore`, in steps: a worker builds it while it serves, at about a millisecond a certificate. */
export function* certificateSteps(tls: TlsConfig): Steps<CertificateStore> {
  const entries: CertificateEntry[] = [];
  const entryByPair = new Map<string, CertificateEntry>();
  const names = createNameTable<CertificateEntry>();

  function entryOf(certificate: CertificateConfig): CertificateEntry {
    const { certPem, keyPem, second } = certificate;
    const pair = [certPem, keyPem, second?.certPem, second?.keyPem].join("\n");
    let entry = entryByPair.get(pair);
    if (entry === undefined) {
      entry = buildEntry(entries.length, tls, certificate);
      entries.push(entry);
      entryByPair.set(pair, entry);
    }
    return entry;
  }

  const fallback = entryOf(tls.default);
  for (const row of tls.sni) {
    yield;
    names.add(row.serverName, entryOf(row));
  }

  const { match } = names;
  return {
    default: fallback,
    entries,
    serverOptions: secureContextOptions(
      tls,
      ...(tls.default.second === undefined ? [tls.default] : [tls.default, tls.default.second]),
    ),
    match,
    find: (name) => match(name) ?? fallback,
    isSameCertificate: (serverName, host) => (match(serverName) ?? fallback) === (match(host) ?? fallback),
  };
}

function buildEntry(id: number, tls: TlsConfig, certificate: CertificateConfig): CertificateEntry {
  const first = buildChain(tls, certificate);
  const second = certificate.second === undefined ? undefined : buildChain(tls, certificate.second);
  if (second?.keyKind === first.keyKind)
    throw new Error(`certificates ${first.certPath} and ${second.certPath} have the same kind of key`);
  return { id, ...first, second };
}

function buildChain(tls: TlsConfig, certificate: CertificateConfig): CertificateChain {
  const { certPath, keyPath } = certificate;
  const leaf = attempt(`certificate ${certPath} cannot be read`, () => readChain(certificate.certPem));
  const key = attempt(`key ${keyPath} cannot be read`, () => createPrivateKey(certificate.keyPem));
  if (!leaf.checkPrivateKey(key))
    throw new Error(`key ${keyPath} does not belong to certificate ${certPath}`);
  const options = secureContextOptions(tls, certificate);
  const context = attempt(`certificate ${certPath} cannot be used`, () => createSecureContext(options));
  return {
    certPath,
    leaf,
    sha256: sha256Of(leaf),
    keyKind: keyKindOf(leaf),
    notAfterMs: leaf.validToDate.getTime(),
    context,
    options,
  };
}

/** By which a certificate is known from here to the log, in lower-case hexadecimal digits. */
export function sha256Of(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

/** Ed25519 counts as an elliptic curve: clients that know it know ECDSA. */
export function keyKindOf(leaf: X509Certificate): "rsa" | "ecdsa" {
  return leaf.publicKey.asymmetricKeyType?.startsWith("rsa") === true ? "rsa" : "ecdsa";
}

/**
 * Of an entry's certificates, the one whose signature the client can verify; ECDSA where it can verify both, because it
 * costs a tenth of RSA's CPU. Node gives a connection one certificate when a name chose it, so OpenSSL cannot choose.
 */
export function chainFor(
  entry: CertificateEntry,
  protocol: string | null,
  signatureAlgorithms: readonly string[],
): CertificateChain {
  const { second } = entry;
  if (second === undefined) return entry;
  const [ecdsa, rsa] = entry.keyKind === "rsa" ? [second, entry] : [entry, second];
  // In TLS 1.2 the suite names the kind of key, and which suites are offered is not told: nearly all clients have RSA's.
  if (protocol === "TLSv1.2" && signatureAlgorithms.some((name) => name.startsWith("RSA"))) return rsa;
  return signatureAlgorithms.some((name) => /^E[Cd]/.test(name)) ? ecdsa : rsa;
}

/** The leaf, which stands first. Every block is read, because OpenSSL drops what follows a broken one silently. */
function readChain(pem: string): X509Certificate {
  const [leaf] = splitChain(pem).map((block) => new X509Certificate(block));
  return leaf!;
}

/** OpenSSL's messages name neither the file nor any key material. */
function attempt<T>(problem: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new Error(`${problem}: ${cause instanceof Error ? cause.message : "unknown"}`, { cause });
  }
}
