import { listCertificates, pairsOf, type ServedCertificate } from "../cert/inventory.ts";
import { keepPairs } from "../cert/kept-pairs.ts";
import { acmePairPath } from "../config/acme-pair.ts";
import type { Config, TlsConfig } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import { watchClientAuth } from "./client-auth-watch.ts";
import { watchExpiry } from "./expiry-watch.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";
import type { OcspResult, OcspTask } from "./ocsp-fetch.ts";
import { createStaples } from "./staples.ts";

/** What the primary knows and does about the certificates in force. */
export interface CertificateDesk {
  /** A configuration came into force. */
  adopt(config: Config): void;
  readonly served: readonly ServedCertificate[];
  /** "off": TLS is not served. "degraded": one ends within days, or has ended. */
  readonly state: "off" | "ok" | "degraded";
  /** What the responder said about a certificate; undefined = it is not asked. */
  ocspOf(sha256: string): string | undefined;
  /** For a worker that begins. */
  news(): readonly ToWorker[];
  stop(): void;
}

export interface CertificateDeskOptions {
  readonly stateDir: string | undefined;
  readonly fetchOcsp: (task: OcspTask) => Promise<OcspResult | string>;
  readonly broadcast: (message: ToWorker) => void;
  /** A reload brought other rules about certificates of clients. */
  readonly onClientAuth: () => void;
  readonly exposition: Pick<Exposition, "add" | "set">;
  readonly clock: Pick<Clock, "wallMs">;
  readonly log: Log;
}

export function openCertificateDesk(options: CertificateDeskOptions): CertificateDesk {
  const { stateDir, exposition, clock, log } = options;
  const staples = createStaples({ ...options, fetch: options.fetchOcsp });
  const expiry = watchExpiry(exposition, clock, log);
  const clientAuth = watchClientAuth(exposition, options.onClientAuth);
  let served: readonly ServedCertificate[] = [];
  const keep = (tls: TlsConfig | undefined): void => {
    if (stateDir === undefined || tls === undefined) return;
    try {
      const ordered = tls.acme?.certificates.map(({ name }) => acmePairPath(tls.acme!.directory, name));
      // These are one file each, and never half; what stands in for them is not to outlive the process.
      keepPairs(
        stateDir,
        pairsOf(tls).filter(({ certPath }) => ordered?.includes(certPath) !== true),
      );
    } catch (cause) {
      log.warn(
        { "event.name": "zion.tls.certificate.not_kept", problem: String(cause) },
        "a start that finds half a pair will not recover",
      );
    }
  };

  return {
    adopt({ tls }) {
      served = tls === undefined ? [] : listCertificates(tls);
      keep(tls);
      expiry.adopt(served);
      staples.adopt(tls);
      clientAuth.adopt(tls);
    },
    get served() {
      return served;
    },
    get state() {
      return served.length === 0 ? "off" : expiry.state;
    },
    ocspOf: staples.stateOf,
    news: () => [staples.news()],
    stop() {
      expiry.stop();
      staples.stop();
    },
  };
}
