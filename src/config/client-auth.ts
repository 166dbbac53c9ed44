import { X509Certificate } from "node:crypto";
import { type CertificateParts, readCertificateParts, signerId } from "../identity/certificate-parts.ts";
import { type RevocationList, readRevocationList } from "../identity/crl.ts";
import { DerError } from "../identity/der-reader.ts";
import { packSerials } from "../identity/serial-set.ts";
import { type NamePin, readNamePin } from "../identity/subject-name.ts";
import { readAuthorities } from "./certificate.ts";
import type { ClientAuthConfig, RevocationConfig, RouteConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import { profileNames } from "./route-auth.ts";
import type { DocumentInput, RouteInput, TlsInput } from "./schema.ts";
import { readNamedFile, type SectionContext } from "./section.ts";

type SniInput = TlsInput["sni"][number];

/** Checks what `[tls]` says about certificates of clients. Undefined: nothing, or, with findings, nothing usable. */
export function readClientAuth(
  input: TlsInput,
  document: DocumentInput,
  context: SectionContext,
): ClientAuthConfig | undefined {
  const table: Path = ["tls"];
  if (!checkTogether(table, input, input.client_ca_path !== undefined, context)) return undefined;
  const { client_ca_path, client_auth } = input;
  if (client_ca_path === undefined) return undefined;
  const isAsked =
    client_auth !== "none" ||
    document.route.some((route) => route.client_auth !== "none" || asksByProfile(route, document)) ||
    input.sni.some((entry) => entry.client_ca_path === undefined && (entry.client_auth ?? "none") !== "none");
  if (!isAsked)
    context.findings.add({
      code: "Z2162",
      path: [...table, "client_ca_path"],
      message: "[tls] has `client_ca_path`, and nobody is asked for a certificate",
    });
  return readRules(table, input, client_ca_path, client_auth, context);
}

/** The same of a row of `[[tls.sni]]`; `tls` = what `[tls]` says. Undefined: nothing of its own. */
export function readSniClientAuth(
  table: Path,
  input: SniInput,
  tls: ClientAuthConfig | undefined,
  context: SectionContext,
): ClientAuthConfig | undefined {
  const { client_auth, client_ca_path, client_names } = input;
  if (!checkTogether(table, input, client_ca_path !== undefined || tls !== undefined, context))
    return undefined;
  const mode = client_auth ?? tls?.mode ?? "none";
  if (client_ca_path !== undefined) return readRules(table, input, client_ca_path, mode, context);
  if (input.client_crl_path !== undefined)
    context.findings.add({
      code: "Z1214",
      path: [...table, "client_crl_path"],
      message: "[[tls.sni]] has `client_crl_path`, and its authorities are those of [tls]",
      fix: "name the list in [tls], or `client_ca_path` here too",
    });
  if (client_auth === undefined && client_names === undefined) return undefined;
  const names =
    client_names === undefined ? undefined : readPins([...table, "client_names"], client_names, context);
  return { ...(tls ?? nothing), mode, ...(names === undefined ? {} : { names }) };
}

const nothing: ClientAuthConfig = { mode: "none", caPem: undefined, names: [], revocation: undefined };

/**
 * What a route asks beside its host: as it says, or, with a profile of certificates, that whoever has one shows it. It
 * needs a host that can ask: one with authorities. `what` names the route.
 */
export function readRouteClientAuth(
  path: Path,
  what: string,
  input: RouteInput,
  document: DocumentInput,
  { findings }: SectionContext,
): RouteConfig["clientAuth"] {
  const { tls } = document;
  const isProfiled = asksByProfile(input, document);
  const asked = input.client_auth === "none" ? (isProfiled ? "optional" : undefined) : input.client_auth;
  if (asked === undefined || findings.isPoisoned(["tls"])) return asked;
  const key = [...path, input.client_auth === "none" ? "auth_profile" : "client_auth"];
  const rows = (tls?.sni ?? []).filter(({ server_name = "" }) => serves(input.hosts, server_name));
  // A host of its own in every row needs nothing of [tls].
  const isCovered =
    input.hosts?.every((host) => rows.some(({ server_name }) => server_name === host)) === true;
  const isBare = (ca: string | undefined): boolean => ca === undefined && tls?.client_ca_path === undefined;
  if (
    tls === undefined ||
    (!isCovered && isBare(undefined)) ||
    rows.some((row) => isBare(row.client_ca_path))
  )
    findings.add({
      code: "Z1214",
      path: key,
      message: `${what} asks for certificates of clients, and has a host without authorities for them`,
      fix: "name them in `client_ca_path` of [tls], or of the host's [[tls.sni]]",
    });
  if (input.public && input.client_auth === "required")
    findings.add({
      code: "Z1214",
      path: [...path, "public"],
      message: `${what} is \`public\`, and asks for a certificate`,
      related: [{ path: key, label: "asks here" }],
    });
  return asked;
}

function asksByProfile(route: RouteInput, { auth_profile: profiles }: DocumentInput): boolean {
  return profileNames(route).some((name) => profiles[name]?.kind === "client_cert");
}

function serves(hosts: readonly string[] | undefined, serverName: string): boolean {
  if (hosts === undefined) return true;
  return hosts.some(
    (host) =>
      host === serverName ||
      (host.startsWith("*.") && serverName.endsWith(host.slice(1))) ||
      (serverName.startsWith("*.") && host.endsWith(serverName.slice(1))),
  );
}

/** False: a key needs another that is not there. */
function checkTogether(
  table: Path,
  input: Partial<Pick<SniInput, keyof SniInput & `client_${string}`>>,
  hasAuthorities: boolean,
  { findings }: SectionContext,
): boolean {
  const label = table.length === 1 ? "[tls]" : "[[tls.sni]]";
  let isWhole = true;
  const need = (key: string, other: string): void => {
    isWhole = false;
    findings.add({
      code: "Z1214",
      path: [...table, key],
      message: `${label} has \`${key}\`, and no \`${other}\``,
      fix: `add \`${other}\`, or remove it`,
    });
  };
  if (findings.isPoisoned([...table, "client_ca_path"])) return false;
  if (!hasAuthorities) {
    if ((input.client_auth ?? "none") !== "none") need("client_auth", "client_ca_path");
    if (input.client_crl_path !== undefined) need("client_crl_path", "client_ca_path");
    if ((input.client_names ?? []).length > 0) need("client_names", "client_ca_path");
  }
  if (input.client_crl_enforce_next_update === true && input.client_crl_path === undefined)
    need("client_crl_enforce_next_update", "client_crl_path");
  return isWhole;
}

function readRules(
  table: Path,
  input: TlsInput | SniInput,
  caPath: string,
  mode: ClientAuthConfig["mode"],
  context: SectionContext,
): ClientAuthConfig | undefined {
  const caKey = [...table, "client_ca_path"];
  const pem = readAuthorities(caKey, caPath, context);
  const names = readPins([...table, "client_names"], input.client_names ?? [], context);
  if (pem === undefined) return undefined;
  const authorities = checkAuthorities(caKey, pem, context);
  if (authorities === undefined) return undefined;
  const revocation =
    input.client_crl_path === undefined
      ? undefined
      : readRevocation(
          [...table, "client_crl_path"],
          input.client_crl_path,
          authorities,
          input.client_crl_enforce_next_update ?? false,
          context,
        );
  return { mode, caPem: authorities.map(({ x509 }) => x509.toString()).join(""), names, revocation };
}

interface CheckedAuthority {
  readonly x509: X509Certificate;
  readonly parts: CertificateParts;
}

/**
 * Each is an authority and leads to a root: Node trusts a chain only up to one, so an intermediate alone would refuse
 * everybody.
 */
function checkAuthorities(
  path: Path,
  pem: string,
  context: SectionContext,
): readonly CheckedAuthority[] | undefined {
  const blocks =
    pem.match(/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END [A-Z0-9 ]*-----/g) ?? [];
  const all: CheckedAuthority[] = [];
  const problems: string[] = [];
  for (const [i, block] of blocks.entries()) {
    const x509 = new X509Certificate(block);
    const which = `certificate ${i + 1} (${subjectOf(x509)})`;
    if (!x509.ca) problems.push(`${which} is none of an authority`);
    try {
      all.push({ x509, parts: readCertificateParts(x509.raw) });
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      problems.push(`${which}: ${error.message}`);
    }
    if (x509.validToDate.getTime() < context.now())
      context.findings.add({
        code: "Z2102",
        path,
        message: `${keyLabel(path)}: ${which} has expired`,
        label: "expired",
        effect: "certificates below it are refused.",
      });
  }
  for (const [i, { x509, parts }] of all.entries()) {
    const isRoot = parts.issuer.equals(parts.subject);
    const issuer = isRoot
      ? x509
      : all.find((one) => one.parts.subject.equals(parts.issuer) && x509.checkIssued(one.x509))?.x509;
    if (issuer === undefined || !x509.verify(issuer.publicKey))
      problems.push(
        `certificate ${i + 1} (${subjectOf(x509)}) is below an authority that is not in the file`,
      );
  }
  for (const problem of problems)
    context.findings.add({ code: "Z1331", path, message: `${keyLabel(path)}: ${problem}`, label: problem });
  return problems.length === 0 ? all : undefined;
}

/** One line of a name, for messages. */
function subjectOf(x509: X509Certificate): string {
  return printable(x509.subject?.split("\n").at(-1) ?? "without a name");
}

/** Several megabytes hold 100,000 revoked certificates. */
const CRL_BYTES_MAX = 16 * 1_048_576;

function readRevocation(
  path: Path,
  file: string,
  authorities: readonly CheckedAuthority[],
  enforced: boolean,
  context: SectionContext,
): RevocationConfig | undefined {
  const pem = readNamedFile(path, file, context, "latin1", CRL_BYTES_MAX);
  if (pem === undefined) return undefined;
  const blocks = pem.match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g) ?? [];
  const bad = (problem: string): void =>
    void context.findings.add({
      code: "Z1332",
      path,
      message: `${keyLabel(path)}: ${problem}`,
      label: problem,
    });
  if (blocks.length === 0 || blocks.length !== pem.split("-----BEGIN X509 CRL-----").length - 1) {
    bad(blocks.length === 0 ? "it holds no PEM revocation list" : "a PEM block has no end");
    return undefined;
  }
  /** The newest of each signer. */
  const lists = new Map<string, RevocationList>();
  let isBroken = false;
  for (const [i, block] of blocks.entries()) {
    const which = blocks.length === 1 ? "the list" : `list ${i + 1} of ${blocks.length}`;
    const list = readList(block);
    const signer =
      typeof list === "string"
        ? undefined
        : authorities.find(
            ({ x509, parts }) => parts.subject.equals(list.issuer) && list.isSignedBy(x509.publicKey),
          );
    if (typeof list === "string" || signer === undefined) {
      isBroken = true;
      bad(
        typeof list === "string"
          ? `${which} cannot be used: ${list}`
          : `${which} is signed by none of the authorities in \`client_ca_path\``,
      );
      continue;
    }
    const id = signerId(signer.parts);
    if ((lists.get(id)?.thisUpdateMs ?? -Infinity) <= list.thisUpdateMs) lists.set(id, list);
  }
  if (isBroken) return undefined;
  warnUncovered(path, authorities, lists, enforced, context);
  return {
    enforced,
    lists: [...lists].map(([signer, { nextUpdateMs, serials }]) => ({
      signer,
      nextUpdateMs,
      serials: packSerials(serials),
    })),
  };
}

function readList(block: string): RevocationList | string {
  try {
    return readRevocationList(Buffer.from(block.replace(/-----[^-]*-----/g, ""), "base64"));
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

function warnUncovered(
  path: Path,
  authorities: readonly CheckedAuthority[],
  lists: ReadonlyMap<string, RevocationList>,
  enforced: boolean,
  context: SectionContext,
): void {
  for (const { x509, parts } of authorities) {
    const list = lists.get(signerId(parts));
    const late = list?.nextUpdateMs !== undefined && list.nextUpdateMs <= context.now();
    if (list !== undefined && !late) continue;
    const effect =
      list === undefined || enforced
        ? "all certificates that it signed are refused."
        : "who was revoked since is let in.";
    const problem =
      list === undefined
        ? `no list of ${subjectOf(x509)}`
        : `the list of ${subjectOf(x509)} is out of date since ${new Date(list.nextUpdateMs!).toISOString().slice(0, 16)}Z`;
    context.findings.add({
      code: "Z2161",
      path,
      message: `${keyLabel(path)}: ${problem}`,
      label: problem,
      effect,
    });
  }
}

/** Names that certificates must have, as operators write them. */
export function readPins(
  path: Path,
  texts: readonly string[],
  { findings }: SectionContext,
): readonly NamePin[] {
  return texts.flatMap((text, i) => {
    const pin = readNamePin(text);
    if (pin !== undefined) return [pin];
    const at = [...path, i];
    findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(path)}: ${shownValue(at, text)} is not a name that a certificate could have`,
      fix: 'write "dns:a.example.org", "dns:*.example.org", "uri:spiffe://example.org/web", "uri:spiffe://example.org/web/*", "email:a@example.org" or "email:*@example.org"',
    });
    return [];
  });
}
