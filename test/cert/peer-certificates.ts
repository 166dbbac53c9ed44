import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CertificateConfig } from "../../src/config/config.ts";
import { newDirectory } from "../support/directory.ts";

/** What `openssl` is asked for. */
export interface Wanted {
  readonly name: string;
  /** As for `openssl genpkey`; ECDSA P-256 when absent. */
  readonly key?: "ec" | "rsa:2048" | "rsa:1024";
  readonly digest?: "sha256" | "sha1";
  /** Lines of the extensions section; default: a subjectAltName with `name`. */
  readonly extensions?: readonly string[];
  /** Signed by it; itself when absent. */
  readonly issuer?: CertificateConfig;
}

/** A certificate made by `openssl`, for what makeSelfSigned cannot make: other keys, issuers, extensions. */
export function makeCertificate(wanted: Wanted): CertificateConfig {
  const { name, key = "ec", digest = "sha256", issuer } = wanted;
  const extensions = wanted.extensions ?? [`subjectAltName=DNS:${name}`];
  const directory = newDirectory("cert");
  const at = (file: string) => join(directory, file);
  const openssl = (...args: readonly string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const [algorithm, bits] = key.split(":");
  const option = bits === undefined ? "ec_paramgen_curve:P-256" : `rsa_keygen_bits:${bits}`;
  openssl("genpkey", "-algorithm", algorithm!, "-pkeyopt", option, "-out", at("key"));
  openssl("req", "-new", "-key", at("key"), "-subj", `/CN=${name}`, "-out", at("csr"));
  writeFileSync(at("ext"), extensions.join("\n"));
  const signer = issuer ?? { certPem: "", keyPem: readFileSync(at("key"), "utf8") };
  writeFileSync(at("ca"), signer.certPem);
  writeFileSync(at("ca.key"), signer.keyPem);
  const by = issuer === undefined ? ["-signkey", at("ca.key")] : ["-CA", at("ca"), "-CAkey", at("ca.key")];
  const serial = String(1000 + Math.floor(Math.random() * 1e9));
  openssl(
    ...["x509", "-req", "-in", at("csr"), "-days", "30", `-${digest}`, "-set_serial", serial],
    ...["-extfile", at("ext"), "-out", at("crt"), ...by],
  );
  return {
    certPath: `${name}.crt`,
    keyPath: `${name}.key`,
    certPem: readFileSync(at("crt"), "utf8"),
    keyPem: readFileSync(at("key"), "utf8"),
  };
}
