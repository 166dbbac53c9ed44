import { isIP } from "node:net";
import { join } from "node:path";
import { readAccount } from "./acme-account.ts";
import type { AcmeInput } from "./acme-schema.ts";
import { readHostName } from "./address.ts";
import type { AcmeAccountConfig, AcmeCertificateConfig, AcmeConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { requireKey, resolvePath, type SectionContext, take } from "./section.ts";
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
