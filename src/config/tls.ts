import { readAcmePairs } from "./acme-pair.ts";
import { readHostName } from "./address.ts";
import { readClientAuth, readSniClientAuth } from "./client-auth.ts";
import type { AcmeConfig, ClientAuthConfig, TlsConfig } from "./config.ts";
import { shownValue } from "./label.ts";
import { checkPostQuantum } from "./post-quantum.ts";
import type { DocumentInput, TlsInput } from "./schema.ts";
import { requireKey, type SectionContext, take } from "./section.ts";
import { readServedPair } from "./served-pair.ts";
import { nearest } from "./suggest.ts";

type SniEntry = TlsConfig["sni"][number];

/** Checks `[tls]` and reads its files. Undefined, and findings, if it cannot serve. */
export function readTls(
  input: TlsInput,
  acme: AcmeConfig | undefined,
  document: DocumentInput,
  context: SectionContext,
): TlsConfig | undefined {
  checkAlpn(input.alpn, context);
  checkPostQuantum(input, context);
  const ordered = acme === undefined ? [] : readAcmePairs(acme, context);
  const isOrdered = input.acme !== undefined && input.cert_path === undefined && input.key_path === undefined;
  const hasCert = !isOrdered && requireKey(["tls"], "cert_path", input.cert_path, "[tls]", context);
  const hasKey = !isOrdered && requireKey(["tls"], "key_path", input.key_path, "[tls]", context);
  const pair =
    hasCert && hasKey
      ? readServedPair(["tls"], input, undefined, context)
      : isOrdered
        ? ordered[0]?.pair
        : undefined;
  const clientAuth = readClientAuth(input, document, context);
  const sni = [
    ...readSni(input, clientAuth, context),
    ...ordered.flatMap(({ certificate, pair: issued }) =>
      certificate.domains.map((serverName) => ({ ...issued, serverName })),
    ),
  ];
  if (pair === undefined) return undefined;
  return {
    minVersion: input.min_version,
    alpn: input.alpn,
    sessionTickets: input.session_tickets,
    pqMode: input.pq_mode,
    default: pair,
    sni,
    ...(clientAuth === undefined ? {} : { clientAuth }),
    ...(acme === undefined
      ? {}
      : { acme: { ...acme, certificates: ordered.map(({ certificate }) => certificate) } }),
  };
}

function readSni(
  input: TlsInput,
  tlsClientAuth: ClientAuthConfig | undefined,
  context: SectionContext,
): readonly SniEntry[] {
  const entries: SniEntry[] = [];
  const seen = new Map<string, number>();
  for (const [i, entry] of input.sni.entries()) {
    const table = ["tls", "sni", i];
    const complete = (["server_name", "cert_path", "key_path"] as const)
      .map((key) => requireKey(table, key, entry[key], "[[tls.sni]]", context))
      .every((present) => present);
    if (entry.server_name === undefined) continue;
    const serverName = take(
      readHostName(entry.server_name, true),
      "Z1103",
      [...table, "server_name"],
      entry.server_name,
      context,
    );
    if (serverName !== undefined) {
      const first = seen.get(serverName);
      if (first === undefined) seen.set(serverName, i);
      else
        context.findings.add({
          code: "Z1211",
          path: [...table, "server_name"],
          message: `[[tls.sni]] names ${serverName} twice`,
          related: [{ path: ["tls", "sni", first, "server_name"], label: "first named here" }],
        });
    }
    const clientAuth = readSniClientAuth(table, entry, tlsClientAuth, context);
    if (!complete) continue;
    const pair = readServedPair(table, entry, serverName, context);
    if (pair !== undefined && serverName !== undefined)
      entries.push({ ...pair, serverName, ...(clientAuth === undefined ? {} : { clientAuth }) });
  }
  return entries;
}

const served: readonly string[] = ["h2", "http/1.1"];

function checkAlpn(alpn: readonly string[], context: SectionContext): void {
  const path = ["tls", "alpn"];
  if (alpn.length === 0) {
    context.findings.add({
      code: "Z1106",
      path,
      message: "`alpn` in [tls] is empty",
      fix: 'leave it out, or write ["h2", "http/1.1"]',
    });
  }
  for (const [i, protocol] of alpn.entries()) {
    if (served.includes(protocol)) continue;
    const suggestion = nearest(protocol, served);
    context.findings.add({
      code: "Z1045",
      path: [...path, i],
      message: `\`alpn\` in [tls]: ${shownValue(path, protocol)} is not a protocol this gateway speaks`,
      suggestion,
      label: suggestion === undefined ? "" : `did you mean "${suggestion}"?`,
      fix: 'write ["h2", "http/1.1"], or only one of them',
    });
  }
}
