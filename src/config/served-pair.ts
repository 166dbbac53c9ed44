import { X509Certificate } from "node:crypto";
import { keyKindOf } from "../cert/store.ts";
import { type PairSource, readPair } from "./certificate.ts";
import { codes, type DiagnosticCode } from "./codes.ts";
import type { CertificateConfig } from "./config.ts";
import { createFindings, type Path } from "./finding.ts";
import { keyLabel } from "./label.ts";
import type { TlsInput } from "./schema.ts";
import { resolvePath, type SectionContext } from "./section.ts";

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
    readOrRecover(
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

/** What a renewal that was interrupted leaves behind: one file of two, or a part of one. */
const halfWritten: ReadonlySet<DiagnosticCode> = new Set(["Z1301", "Z1302", "Z1303", "Z1313"]);

/** At a start the pair that was in force last stands in for one that is half written: better an old one than none. */
function readOrRecover(source: PairSource, context: SectionContext): CertificateConfig | undefined {
  const { keptPair } = context;
  if (keptPair === undefined) return readPair(source, context);
  const findings = createFindings();
  const pair = readPair(source, { ...context, findings });
  const errors = findings.list.filter(({ code }) => codes[code].severity === "error");
  const isHalf = errors.every(({ code }) => halfWritten.has(code));
  const kept =
    pair === undefined && isHalf
      ? keptPair(resolvePath(source.certPath, context), resolvePath(source.keyPath, context))
      : undefined;
  if (kept === undefined) {
    for (const finding of findings.list) context.findings.add(finding);
    return pair;
  }
  const problem = errors[0]?.message ?? "";
  context.findings.add({
    code: "Z2134",
    path: source.certKey,
    message: `the pair that was served before stands in: ${problem}`,
  });
  return { certPath: kept.certPath, keyPath: kept.keyPath, certPem: kept.certPem, keyPem: kept.keyPem };
}

function kindOf({ certPem }: CertificateConfig): "rsa" | "ecdsa" {
  return keyKindOf(new X509Certificate(certPem));
}

function contradiction(path: Path, problem: string, fix: string, context: SectionContext): void {
  context.findings.add({ code: "Z1214", path, message: `${keyLabel(path)} ${problem}`, fix });
}
