import { X509Certificate } from "node:crypto";
import type { CertificateConfig, TlsConfig } from "../config/config.ts";
import { createNameTable } from "./name-table.ts";
import { keyKindOf, sha256Of } from "./store.ts";

/** A certificate as operators see it. Plain data: it travels as JSON. */
export interface CertificateFacts {
  /** The file. */
  readonly path: string;
  readonly key: "rsa" | "ecdsa";
  /** What it is made out to. */
  readonly covers: readonly string[];
  readonly issuer: string;
  readonly serial: string;
  /** Of the DER, hexadecimal. */
  readonly sha256: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
}

/** What is served for some names. */
export interface ServedCertificate {
  /** `server_name`s; none = whoever asks for another name, or for none. */
  readonly names: readonly string[];
  /** One, or two with different kinds of keys. */
  readonly certificates: readonly CertificateFacts[];
}

/** The default first, then as configured; names with the same files stand together. */
export function listCertificates(tls: TlsConfig): readonly ServedCertificate[] {
  const names = new Map<string, string[]>();
  const served: ServedCertificate[] = [{ names: [], certificates: factsOf(tls.default) }];
  for (const row of tls.sni) {
    const pair = [row.certPem, row.second?.certPem].join("\n");
    const known = names.get(pair);
    if (known !== undefined) {
      known.push(row.serverName);
      continue;
    }
    const own = [row.serverName];
    names.set(pair, own);
    served.push({ names: own, certificates: factsOf(row) });
  }
  return served;
}

/** Why a client that asks for `host` gets what it gets. */
export interface Choice {
  readonly served: ServedCertificate;
  /** The `server_name` that fits; undefined = the default. */
  readonly matched: string | undefined;
}

export function chooseCertificate(list: readonly ServedCertificate[], host: string): Choice {
  const table = createNameTable<Choice>();
  for (const served of list) for (const name of served.names) table.add(name, { served, matched: name });
  return table.match(host) ?? { served: list[0]!, matched: undefined };
}

/** Every pair that is served, one by one. */
export function pairsOf(tls: TlsConfig): readonly CertificateConfig[] {
  return [tls.default, ...tls.sni].flatMap(bothOf);
}

function bothOf(certificate: CertificateConfig): readonly CertificateConfig[] {
  return certificate.second === undefined ? [certificate] : [certificate, certificate.second];
}

function factsOf(certificate: CertificateConfig): readonly CertificateFacts[] {
  return bothOf(certificate).map(({ certPath, certPem }) => {
    const leaf = new X509Certificate(certPem);
    return {
      path: certPath,
      key: keyKindOf(leaf),
      covers: (leaf.subjectAltName ?? "").split(", ").filter((name) => name !== ""),
      issuer: leaf.issuer.replaceAll("\n", ", "),
      serial: leaf.serialNumber,
      sha256: sha256Of(leaf),
      notBefore: leaf.validFromDate.toISOString(),
      notAfter: leaf.validToDate.toISOString(),
    };
  });
}
