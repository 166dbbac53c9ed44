import { createHash, X509Certificate } from "node:crypto";
import type { ClientAuthConfig, RevocationConfig, RouteConfig, TlsConfig } from "../config/config.ts";
import type { ShownCertificate } from "../http/tls-facts.ts";
import { readCertificateParts, signerId } from "../identity/certificate-parts.ts";
import {
  type Authority,
  type ClientCertificate,
  readClientCertificate,
  type SignedLink,
  signerOf,
} from "../identity/client-certificate.ts";
import { hasSerial, serialDigest } from "../identity/serial-set.ts";
import { type Reason, reasons } from "../reason.ts";
import { createNameTable } from "./name-table.ts";
import { foldServerName } from "./server-name.ts";

/**
 * Whose certificates a host asks for, and which it takes. Hosts with the same rules share one policy. The id names the
 * rules: connections outlive a reload, and one that was opened under other rules is known by it.
 */
export interface ClientAuthPolicy {
  /** 32 characters, as long as a session id context may be; "" = nobody is asked. */
  readonly id: string;
  /** Whoever shows no certificate is refused. */
  readonly required: boolean;
  /** PEM of the authorities; "" = nobody is asked. */
  readonly caPem: string;
  /** What a client showed at its handshake; see identity/client-certificate.ts. */
  read(x509: X509Certificate, verifyError: string | undefined): ClientCertificate;
  /** What is wrong with it now: validity and revocation change while connections live. */
  judge(certificate: ShownCertificate): Reason | undefined;
}

/** The policies of one generation, by the names they are for. */
export interface ClientAuthTable {
  /** Each once. */
  readonly policies: readonly ClientAuthPolicy[];
  /** Any string; "" = the policy of connections without SNI. Never throws. */
  find(serverName: string): ClientAuthPolicy;
  /** Undefined: no host of this generation has these rules. */
  byId(id: string): ClientAuthPolicy | undefined;
}

type ClientAuthRoute = Pick<RouteConfig, "hosts" | "clientAuth">;

/** Undefined: nobody is asked for a certificate anywhere. Throws for what the configuration should have refused. */
export function buildClientAuth(
  tls: TlsConfig,
  routes: readonly ClientAuthRoute[],
  wallMs: () => number,
): ClientAuthTable | undefined {
  const byId = new Map<string, ClientAuthPolicy>();
  const nobody: ClientAuthPolicy = {
    id: "",
    required: false,
    caPem: "",
    read: () => {
      throw new Error("nobody was asked for a certificate");
    },
    judge: () => undefined,
  };
  byId.set("", nobody);

  function policyOf(config: ClientAuthConfig | undefined, routesAsk: boolean): ClientAuthPolicy {
    if (config?.caPem === undefined || (config.mode === "none" && !routesAsk)) return nobody;
    const required = config.mode === "required";
    const id = idOf(config, required);
    const known = byId.get(id);
    if (known !== undefined) return known;
    const policy = buildPolicy(id, config, required, wallMs);
    byId.set(id, policy);
    return policy;
  }

  const pairOf = (config: ClientAuthConfig | undefined): HostPolicies => ({
    own: policyOf(config, false),
    asked: policyOf(config, true),
  });
  const fallback = pairOf(tls.clientAuth);
  const hosts = createNameTable<HostPolicies>();
  const pairs = [fallback];
  for (const { serverName, clientAuth } of tls.sni) {
    if (clientAuth === undefined) {
      hosts.add(serverName, fallback);
      continue;
    }
    const pair = pairOf(clientAuth);
    hosts.add(serverName, pair);
    pairs.push(pair);
  }
  const askingRoutes = routes.filter(({ clientAuth }) => clientAuth !== undefined);
  const routesAsk = hostMatcher(askingRoutes);

  const used = new Set<ClientAuthPolicy>();
  for (const { own, asked } of pairs) {
    used.add(own);
    if (askingRoutes.length > 0) used.add(asked);
  }
  if (used.size === 1 && used.has(nobody)) return undefined;

  return {
    policies: [...used],
    find(serverName) {
      const { own, asked } = hosts.match(serverName) ?? fallback;
      return own === asked || !routesAsk(foldServerName(serverName) ?? "") ? own : asked;
    },
    byId: (id) => {
      const policy = byId.get(id);
      return policy !== undefined && used.has(policy) ? policy : undefined;
    },
  };
}

/** A host that asks nobody by itself asks where one of its routes does. */
interface HostPolicies {
  readonly own: ClientAuthPolicy;
  readonly asked: ClientAuthPolicy;
}

/** Whether one of the routes serves the host: exact names, `*.suffix` at any depth, or all. */
function hostMatcher(routes: readonly ClientAuthRoute[]): (name: string) => boolean {
  if (routes.some(({ hosts }) => hosts === undefined)) return () => true;
  const hosts = routes.flatMap((route) => route.hosts ?? []);
  const exact = new Set(hosts.filter((host) => !host.startsWith("*.")));
  const suffixes = new Set(hosts.filter((host) => host.startsWith("*.")).map((host) => host.slice(2)));
  return (name) => {
    if (exact.has(name)) return true;
    if (suffixes.size === 0) return false;
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1))
      if (suffixes.has(name.slice(dot + 1))) return true;
    return false;
  };
}

/** Not of the revocation lists: they are asked again at every exchange, so a new one needs no new connections. */
function idOf({ caPem, names }: ClientAuthConfig, required: boolean): string {
  return createHash("sha256")
    .update(JSON.stringify([required, caPem, names]))
    .digest("hex")
    .slice(0, 32);
}

function buildPolicy(
  id: string,
  config: ClientAuthConfig,
  required: boolean,
  wallMs: () => number,
): ClientAuthPolicy {
  const authorities = readAuthorities(config.caPem!);
  const lists = config.revocation === undefined ? undefined : buildLists(config.revocation);
  return {
    id,
    required,
    caPem: config.caPem!,
    read: (x509, verifyError) => readClientCertificate(x509, verifyError, authorities, config.names),
    judge(certificate) {
      if (certificate.problem !== undefined) return certificate.problem;
      const nowMs = wallMs();
      if (nowMs >= certificate.untilMs) return reasons.clientCertExpired;
      if (nowMs < certificate.fromMs) return reasons.clientCertNotYetValid;
      return lists === undefined ? undefined : lists.judge(certificate, nowMs);
    },
  };
}

/** The authorities of a bundle with their links to a root. A root is its own issuer. */
function readAuthorities(pem: string): readonly Authority[] {
  const authorities: Authority[] = [];
  // Those whose issuer is known come first: however the file is ordered, each is reached after its issuer.
  let waiting = certificatesOf(pem).map((x509) => ({ x509, parts: readCertificateParts(x509.raw) }));
  for (;;) {
    const later: typeof waiting = [];
    for (const one of waiting) {
      const { x509, parts } = one;
      const isRoot = parts.issuer.equals(parts.subject);
      const issuer = isRoot ? undefined : signerOf(x509, parts, authorities);
      if (!isRoot && issuer === undefined) {
        later.push(one);
        continue;
      }
      const links: readonly SignedLink[] =
        issuer === undefined
          ? []
          : [{ signer: issuer.signer, serial: serialDigest(parts.serial) }, ...issuer.links];
      authorities.push({
        x509,
        parts,
        publicKey: x509.publicKey,
        signer: signerId(parts),
        links,
        reachesRoot: true,
      });
    }
    if (later.length === 0 || later.length === waiting.length) return authorities;
    waiting = later;
  }
}

/** Every certificate of a PEM text. Throws for one that cannot be read. */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

interface RevocationLists {
  judge(certificate: ShownCertificate, nowMs: number): Reason | undefined;
}

/**
 * Every signer from the certificate to the root must have a list: where one is missing nobody knows whom it revoked, and
 * whoever could choose a chain without lists would never be revoked.
 */
function buildLists({ lists, enforced }: RevocationConfig): RevocationLists {
  const bySigner = new Map(
    lists.map(({ signer, nextUpdateMs, serials }) => [
      signer,
      { untilMs: enforced ? (nextUpdateMs ?? Infinity) : Infinity, serials },
    ]),
  );
  return {
    judge({ links, reachesRoot }, nowMs) {
      let isUnknown = !reachesRoot;
      for (const { signer, serial } of links) {
        const list = bySigner.get(signer);
        if (list !== undefined && hasSerial(list.serials, serial)) return reasons.clientCertRevoked;
        if (list === undefined || nowMs >= list.untilMs) isUnknown = true;
      }
      return isUnknown ? reasons.clientCertStatus : undefined;
    },
  };
}
