import { X509Certificate } from "node:crypto";
import { keyKindOf } from "../cert/store.ts";
import { readPair } from "./certificate.ts";
import type { CertificateConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel } from "./label.ts";
import type { TlsInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

/** What the keys of a table name: a pair, which is required by now, and perhaps one with the other kind of key. */
type PairInput = Pick<TlsInput, "cert_path" | "key_path" | "second_cert_path" | "second_key_path">;

/** Reads what `serverName` is served with; undefined, and findings, if it cannot be. */
export function readServedPair(
  table: Path,
  input: PairInput,
  serverName: string | undefined,
  context: SectionContext,
): CertificateConfig | undefined {
  const read = (prefix: "" | "second_", certPath: string, keyPath: string) =>
    readPair(
      {
        certKey: [...table, `${prefix}cert_path`],
        keyKey: [...table, `${prefix}key_path`],
        certPath,
        keyPath,
        serverName,
      },
      context,
    );
  const first = read("", input.cert_path!, input.key_path!);
  const { second_cert_path: certPath, second_key_path: keyPath } = input;
  if (certPath === undefined && keyPath === undefined) return first;
  if (certPath === undefined || keyPath === undefined) {
    const [there, absent] = certPath === undefined ? ["key", "cert"] : ["cert", "key"];
    contradiction(
      [...table, `second_${there}_path`],
      `needs \`second_${absent}_path\` as well`,
      `add \`second_${absent}_path\``,
      context,
    );
    return undefined;
  }
  const second = read("second_", certPath, keyPath);
  if (first === undefined || second === undefined) return undefined;
  if (kindOf(first) !== kindOf(second)) return { ...first, second };
  contradiction(
    [...table, "second_cert_path"],
    "both certificates have the same kind of key",
    "give one with an ECDSA key and one with an RSA key",
    context,
  );
  return undefined;
}

function kindOf({ certPem }: CertificateConfig): "rsa" | "ecdsa" {
  return keyKindOf(new X509Certificate(certPem));
}

function contradiction(path: Path, problem: string, fix: string, context: SectionContext): void {
  context.findings.add({ code: "Z1214", path, message: `${keyLabel(path)} ${problem}`, fix });
}
