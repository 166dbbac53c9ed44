import { type CertificateFacts, chooseCertificate, listCertificates } from "../cert/inventory.ts";
import type { CertificateList } from "../control/certificate-endpoints.ts";
import { systemClock } from "../std/clock.ts";
import { type AdminOptions, adminOf, findAdmin, unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";

export interface CertsOptions extends AdminOptions {
  /** Ask the gateway that runs instead of reading the file. */
  readonly running: boolean;
}

/** `zion certs`: every certificate, the names it is served for and how long it is good. Resolves with the exit code. */
export async function certsCommand(options: CertsOptions, output: Output): Promise<number> {
  const list = await readList(options, undefined, output);
  if (typeof list === "number") return list;
  for (const { names, certificates } of list.certificates) {
    output.out.write(`${names.length === 0 ? "(default)" : names.join(", ")}\n`);
    for (const facts of certificates) output.out.write(describe(facts));
  }
  const isBad = list.certificates.some(({ certificates }) => certificates.some(isOver));
  return isBad ? exitCodes.no : exitCodes.ok;
}

/** `zion certs check HOST`: which certificate a client that asks for HOST would get, why, and whether it would take it. */
export async function checkCertCommand(host: string, options: CertsOptions, output: Output): Promise<number> {
  const list = await readList(options, host, output);
  if (typeof list === "number") return list;
  const { index, matched } = list.host!;
  const { certificates } = list.certificates[index]!;
  const why =
    matched === ""
      ? "no server_name fits: the default certificate"
      : matched.startsWith("*.")
        ? `the wildcard ${matched}`
        : `the server_name ${matched}`;
  output.out.write(`${host}: ${why}\n`);
  if (certificates.length === 2)
    output.out.write("  the ECDSA one where the client can verify it, else the RSA one\n");
  let isGood = true;
  for (const facts of certificates) {
    output.out.write(describe(facts));
    for (const problem of problemsOf(facts, host)) {
      isGood = false;
      output.out.write(`    clients will refuse it: ${problem}\n`);
    }
  }
  return isGood ? exitCodes.ok : exitCodes.no;
}

/** `zion tickets revoke`: no TLS session is resumed that began before. */
export async function revokeTicketsCommand(
  options: AdminOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const client = findAdmin(options, environment, output);
  if (typeof client === "number") return client;
  try {
    const { status, body } = await client.post("/v1/tickets/revoke");
    if (status !== 200) return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
  output.out.write("revoked: every client does a full handshake next time\n");
  return exitCodes.ok;
}

type List = CertificateList;

async function readList(
  options: CertsOptions,
  host: string | undefined,
  output: Output,
): Promise<List | number> {
  const loaded = loadConfig(options.config);
  if (loaded.kind !== "loaded") {
    output.err.write(
      `${loaded.kind === "unreadable" ? loaded.message : "the configuration is refused: see zion check"}\n`,
    );
    return loaded.kind === "unreadable" ? exitCodes.unavailable : exitCodes.no;
  }
  if (options.running) {
    const client = adminOf(loaded.config, options.admin, process.env);
    if (client === undefined) return unavailable("the admin listener is off: give --admin HOST:PORT", output);
    try {
      const query = host === undefined ? "" : `?host=${encodeURIComponent(host)}`;
      const { status, body } = await client.get(`/v1/certs${query}`);
      if (status !== 200) return unavailable(`the gateway says ${status}: ${body.trim()}`, output);
      const list = JSON.parse(body) as List;
      return list.certificates.length === 0 ? noTls(output) : list;
    } catch (error) {
      return unavailable(`the gateway does not answer: ${String(error)}`, output);
    }
  }
  const { tls } = loaded.config;
  if (tls === undefined) return noTls(output);
  const served = listCertificates(tls);
  const certificates = served.map((one) => ({
    ...one,
    certificates: one.certificates.map((facts) => ({ ...facts, ocsp: "off" })),
  }));
  if (host === undefined) return { certificates };
  const choice = chooseCertificate(served, host);
  return { certificates, host: { index: served.indexOf(choice.served), matched: choice.matched ?? "" } };
}

function noTls(output: Output): number {
  output.err.write("zion: TLS is not served\n");
  return exitCodes.no;
}

type Shown = CertificateFacts & { readonly ocsp: string };

function describe(facts: Shown): string {
  const days = Math.floor((Date.parse(facts.notAfter) - systemClock.wallMs()) / 86_400_000);
  const left = days < 0 ? `ended ${-days} days ago` : `${days} days left`;
  const lines = [
    `  ${facts.path}`,
    `    ${facts.key === "rsa" ? "RSA" : "ECDSA"}, until ${facts.notAfter.slice(0, 10)} (${left}), by ${facts.issuer}`,
    `    covers ${facts.covers.join(", ") || "no name"}`,
    ...(facts.ocsp === "off" ? [] : [`    OCSP: ${facts.ocsp}`]),
  ];
  return `${lines.join("\n")}\n`;
}

function problemsOf(facts: CertificateFacts, host: string): readonly string[] {
  const problems: string[] = [];
  if (isOver(facts)) problems.push("it has ended");
  if (Date.parse(facts.notBefore) > systemClock.wallMs()) problems.push("it is not valid yet");
  if (!facts.covers.some((name) => isCovered(name, host.toLowerCase().replace(/\.$/, ""))))
    problems.push(`it is not made out to ${host}`);
  return problems;
}

function isOver({ notAfter }: CertificateFacts): boolean {
  return Date.parse(notAfter) <= systemClock.wallMs();
}

/** A subjectAltName as OpenSSL prints it, against a name or an address (RFC 9525 §6.3). */
function isCovered(subject: string, host: string): boolean {
  const colon = subject.indexOf(":");
  const name = subject.slice(colon + 1).toLowerCase();
  if (name === host) return true;
  return name.startsWith("*.") && host.includes(".") && host.slice(host.indexOf(".") + 1) === name.slice(2);
}
