import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import type { AcmeAccountInput, AcmeInput } from "./acme-schema.ts";
import { isLoopback, readHostName } from "./address.ts";
import { readAuthorities } from "./certificate.ts";
import type { AcmeAccountConfig, AcmeCertificateConfig, AcmeConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedFile, requireKey, resolvePath, type SectionContext, take } from "./section.ts";
import { nearest } from "./suggest.ts";

/** RFC 8555 has no limit; this is what the largest public CA takes. */
const domainsMax = 100;

/** Checks `[tls.acme]`; reads no certificates. Undefined, and findings, if nothing can be ordered with it. */
export function readAcme(document: DocumentInput, context: SectionContext): AcmeConfig | undefined {
  const input = document.tls?.acme;
  if (input === undefined) return undefined;
  const path: Path = ["tls", "acme"];
  const directory = readDirectory(path, input, document, context);
  const certificates = readCertificates(path, input, document, context);
  if (certificates.length === 0) requireKey(path, "domains", input.domains, "[tls.acme]", context);
  checkPorts(path, input, certificates, document, context);
  return directory === undefined || certificates.length === 0 ? undefined : { directory, certificates };
}

/** Where everything is kept. */
function readDirectory(
  path: Path,
  input: AcmeInput,
  { server, amnesia }: DocumentInput,
  context: SectionContext,
): string | undefined {
  if (amnesia) {
    context.findings.add({
      code: "Z1106",
      path,
      at: "key",
      message: "[tls.acme] keeps keys on a disk, and `amnesia` forbids that",
      related: [{ path: ["amnesia"], label: "nothing may be written" }],
    });
    return undefined;
  }
  if (input.state_dir !== undefined) return resolvePath(input.state_dir, context);
  if (server?.state_dir !== undefined) return join(resolvePath(server.state_dir, context), "acme");
  requireKey(path, "state_dir", undefined, "[tls.acme]", context);
  return undefined;
}

type CertificateInput = AcmeInput["certificate"][number];

function readCertificates(
  path: Path,
  input: AcmeInput,
  document: DocumentInput,
  context: SectionContext,
): readonly AcmeCertificateConfig[] {
  const { domains, challenge, key_type, renew_before_days } = input;
  const main: CertificateInput | undefined =
    domains === undefined ? undefined : { domains, challenge, key_type, renew_before_days };
  const rows = [
    ...(main === undefined ? [] : [{ at: path, row: main }]),
    ...input.certificate.map((row, i) => ({ at: [...path, "certificate", i] as Path, row })),
  ];
  const accounts = readAccounts(path, input, rows, context);
  const taken = takenNames(document);
  return rows.flatMap(({ at, row }) => {
    const names = readDomains(at, row.domains, taken, context);
    const account = accountOf(at, row.account, accounts, context);
    if (names === undefined || account === undefined) return [];
    checkRouted(at, names, document, context);
    return {
      name: names[0]!,
      domains: names,
      account,
      challenge: row.challenge ?? challenge,
      keyType: row.key_type ?? key_type,
      renewBeforeDays: row.renew_before_days ?? renew_before_days,
      issuedPem: undefined,
    };
  });
}

/** By name; "" is the one of `[tls.acme]`, if a certificate uses it. */
function readAccounts(
  path: Path,
  input: AcmeInput,
  rows: readonly { readonly row: CertificateInput }[],
  context: SectionContext,
): ReadonlyMap<string, AcmeAccountConfig | undefined> {
  const accounts = new Map<string, AcmeAccountConfig | undefined>();
  for (const [name, account] of Object.entries(input.account))
    accounts.set(name, readAccount([...path, "account", name], account, context));
  if (rows.some(({ row }) => row.account === undefined)) accounts.set("", readAccount(path, input, context));
  return accounts;
}

function accountOf(
  at: Path,
  name: string | undefined,
  accounts: ReadonlyMap<string, AcmeAccountConfig | undefined>,
  context: SectionContext,
): AcmeAccountConfig | undefined {
  if (name === undefined || accounts.has(name)) return accounts.get(name ?? "");
  const suggestion = nearest(name, [...accounts.keys()]);
  context.findings.add({
    code: "Z1210",
    path: [...at, "account"],
    message: `${keyLabel([...at, "account"])}: there is no [tls.acme.account.${printable(name)}]`,
    effect: "the certificate could not be ordered.",
    suggestion,
    label: suggestion === undefined ? "" : `did you mean "${suggestion}"?`,
  });
  return undefined;
}

function readAccount(
  path: Path,
  input: AcmeAccountInput,
  context: SectionContext,
): AcmeAccountConfig | undefined {
  const directoryUrl = readDirectoryUrl([...path, "directory_url"], input.directory_url, context);
  const email = readEmail([...path, "email"], input.email, context);
  const caPem =
    input.ca_path === undefined ? undefined : readAuthorities([...path, "ca_path"], input.ca_path, context);
  const binding = readBinding(path, input, context);
  if (!input.terms_agreed)
    context.findings.add({
      code: "Z1261",
      path: [...path, "terms_agreed"],
      message: `${keyLabel([...path, "terms_agreed"])} is not true: no account can be had without it`,
    });
  if (directoryUrl === undefined || binding === "bad") return undefined;
  // Whoever changes one of these means another account.
  const id = createHash("sha256")
    .update(JSON.stringify([directoryUrl, email, binding?.keyId]))
    .digest("hex")
    .slice(0, 16);
  return { id, directoryUrl, email, caPem, binding };
}

function readDirectoryUrl(path: Path, text: string, { findings }: SectionContext): string | undefined {
  const url = URL.parse(text);
  const host = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  const problem =
    url === null || !/^https?:\/\//i.test(text)
      ? "is no URL with https"
      : url.username !== "" || url.password !== "" || url.hash !== ""
        ? "has a user, a password or a fragment"
        : url.protocol === "http:" && !(host === "localhost" || (isIP(host) !== 0 && isLoopback(host)))
          ? "is asked without TLS: whoever is on the way could answer"
          : undefined;
  if (problem === undefined) return url!.href;
  findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, text)} ${problem}`,
    fix: "write a URL that begins with https://",
  });
  return undefined;
}

function readEmail(path: Path, text: string | undefined, { findings }: SectionContext): string | undefined {
  if (text === undefined || /^[^\s@,?]+@[^\s@,?]+$/.test(text)) return text;
  findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, text)} is no mail address`,
    fix: "write one address, such as ops@example.org",
  });
  return undefined;
}

/** Looked at only to see that it is there: the key itself never leaves the control plane. */
function readBinding(
  path: Path,
  input: AcmeAccountInput,
  context: SectionContext,
): AcmeAccountConfig["binding"] | "bad" {
  const { eab_key_id: keyId, eab_hmac_env: variable, eab_hmac_file: file } = input;
  const { findings } = context;
  if (keyId === undefined && variable === undefined && file === undefined) return undefined;
  if (!requireKey(path, "eab_key_id", keyId, "an account with an HMAC key", context)) return "bad";
  if (variable === undefined && file === undefined) {
    requireKey(path, "eab_hmac_env", undefined, "an account with `eab_key_id`", context);
    return "bad";
  }
  if (variable !== undefined && file !== undefined) {
    findings.add({
      code: "Z1214",
      path: [...path, "eab_hmac_env"],
      message: `${keyLabel([...path, "eab_hmac_env"])} and \`eab_hmac_file\` both name a key`,
      related: [{ path: [...path, "eab_hmac_file"], label: "the other one" }],
    });
    return "bad";
  }
  const at = [...path, variable === undefined ? "eab_hmac_file" : "eab_hmac_env"];
  const text = variable === undefined ? readNamedFile(at, file!, context) : context.environment(variable);
  if (text !== undefined && /^[A-Za-z0-9_+/-]{16,}={0,2}$/.test(text.trim()))
    return { keyId: keyId!, variable, file: file === undefined ? undefined : resolvePath(file, context) };
  // Not the value: it may be the key with a slip in it.
  if (variable !== undefined || text !== undefined)
    findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${variable !== undefined && text === undefined ? "the variable is not set" : "it holds no base64url key"}`,
    });
  return "bad";
}

/** In lower case; undefined, and findings, if one cannot be ordered. `taken` grows. */
function readDomains(
  at: Path,
  domains: readonly string[] | undefined,
  taken: Map<string, Path>,
  context: SectionContext,
): readonly string[] | undefined {
  const path = [...at, "domains"];
  if (!requireKey(at, "domains", domains, "[[tls.acme.certificate]]", context)) return undefined;
  if (domains!.length < 1 || domains!.length > domainsMax) {
    context.findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)} has ${domains!.length} names: 1 to ${domainsMax} go into a certificate`,
    });
    return undefined;
  }
  const names = domains!.map((text, i) => readDomain([...path, i], text, taken, context));
  const good = names.filter((name) => name !== undefined);
  return good.length === names.length ? good : undefined;
}

function readDomain(
  path: Path,
  text: string,
  taken: Map<string, Path>,
  context: SectionContext,
): string | undefined {
  const { findings } = context;
  if (text.startsWith("*.") || isIP(text.replace(/^\[|\]$/g, "")) !== 0) {
    findings.add({
      code: "Z1262",
      path,
      message: text.startsWith("*.")
        ? `${keyLabel(path)}: a wildcard can only be proven by DNS-01, which this gateway does not speak`
        : `${keyLabel(path)}: ${shownValue(path, text)} is an address, not a name`,
    });
    return undefined;
  }
  const name = take(readHostName(text, false), "Z1103", path, text, context);
  if (name === undefined) return undefined;
  const first = taken.get(name);
  if (first === undefined) {
    taken.set(name, path);
    return name;
  }
  findings.add({
    code: "Z1211",
    path,
    message: `${keyLabel(path)}: there is a certificate for ${name} already`,
    related: [{ path: first, label: "first named here" }],
  });
  return undefined;
}

/** Names that have a certificate of their own. */
function takenNames({ tls }: DocumentInput): Map<string, Path> {
  const taken = new Map<string, Path>();
  for (const [i, { server_name: name }] of (tls?.sni ?? []).entries())
    if (name !== undefined) taken.set(name.toLowerCase(), ["tls", "sni", i, "server_name"]);
  return taken;
}

/** A name that no route answers to is a slip, or an order for nothing. */
function checkRouted(
  at: Path,
  names: readonly string[],
  { route }: DocumentInput,
  context: SectionContext,
): void {
  if (route.length === 0 || route.some(({ hosts }) => hosts === undefined)) return;
  const hosts = route.flatMap((one) => one.hosts ?? []).map((host) => host.toLowerCase());
  for (const [i, name] of names.entries()) {
    if (hosts.some((host) => (host.startsWith("*.") ? name.endsWith(host.slice(1)) : host === name)))
      continue;
    context.findings.add({
      code: "Z2152",
      path: [...at, "domains", i],
      message: `no route answers to ${name}`,
      suggestion: nearest(name, hosts),
    });
  }
}

const ports = { "http-01": 80, "tls-alpn-01": 443 } as const;

/** The CA comes to a fixed port. */
function checkPorts(
  path: Path,
  input: AcmeInput,
  certificates: readonly AcmeCertificateConfig[],
  { server }: DocumentInput,
  context: SectionContext,
): void {
  for (const challenge of new Set(certificates.map((certificate) => certificate.challenge))) {
    const key = challenge === "http-01" ? "listen_http" : "listen_https";
    const address = server?.[key];
    if (address?.endsWith(`:${ports[challenge]}`) || context.findings.isPoisoned(["server", key])) continue;
    context.findings.add({
      code: "Z2151",
      path: input.challenge === challenge && input.domains !== undefined ? [...path, "challenge"] : path,
      at: "key",
      message:
        address === undefined
          ? `${challenge} needs \`${key}\` in [server]: the CA comes to port ${ports[challenge]}`
          : `the CA comes to port ${ports[challenge]} for ${challenge}, and \`${key}\` is ${printable(address)}`,
    });
  }
}
