import { hasPostQuantum } from "../cert/tls-policy.ts";
import type { Config, SocketAddress } from "../config/config.ts";
import { createFrames } from "../record/metric-frame.ts";
import type { Page } from "../respond/page.ts";
import type { Clock } from "../std/clock.ts";
import type { AcmeDesk } from "./acme-desk.ts";
import { createAdmin, digestToken, endpointPath, maxAdminBodyBytes, minTokenBytes } from "./admin.ts";
import { adminEndpoints } from "./admin-endpoints.ts";
import type { AuditSupply } from "./audit-supply.ts";
import type { BanSource } from "./ban-endpoints.ts";
import type { CertificateDesk } from "./certificate-desk.ts";
import { type ControlListener, openControlListener } from "./control-listener.ts";
import type { DecisionRing } from "./decision-ring.ts";
import type { ExplainRequest } from "./explain-endpoints.ts";
import type { Exposition } from "./exposition.ts";
import type { IdentityDesk } from "./identity-desk.ts";
import type { KeyWatch } from "./key-watch.ts";
import type { LimitExchange } from "./limit-exchange.ts";
import type { Obituaries } from "./obituaries.ts";
import { createOverview } from "./overview.ts";
import { overviewParts } from "./overview-parts.ts";
import { answerPage, type PageAsk } from "./page-desk.ts";
import type { Platform } from "./platform.ts";
import type { Prober } from "./prober.ts";
import type { Vitals } from "./readiness.ts";
import type { Reloader } from "./reload.ts";
import type { Resolver } from "./resolver.ts";
import { sharedScrape } from "./scrape.ts";
import { contentTypes, type MetricFormat } from "./series-print.ts";
import type { InheritedSocket } from "./slots.ts";
import type { Supervision } from "./supervision.ts";
import { createTelemetry, telemetryPaths } from "./telemetry.ts";
import type { TicketKeys } from "./tickets.ts";

/** What operators may look at and change. */
export interface Gateway {
  readonly version: string;
  readonly platform: Platform;
  readonly supervision: Supervision;
  readonly reloader: Reloader;
  readonly exposition: Exposition;
  readonly bans: BanSource;
  readonly acme: AcmeDesk;
  readonly decisions: DecisionRing;
  readonly explain: ExplainRequest;
  readonly audit: Pick<AuditSupply, "health" | "isRequired" | "samples" | "must">;
  readonly identity: Pick<IdentityDesk, "revocations">;
  readonly limits: LimitExchange;
  readonly keys: Pick<KeyWatch, "state">;
  readonly certificates: Pick<CertificateDesk, "served" | "ocspOf" | "state">;
  readonly tickets: Pick<TicketKeys, "rotate">;
  readonly prober: Pick<Prober, "results">;
  readonly resolver: Pick<Resolver, "addresses" | "failing">;
  readonly obituaries: Pick<Obituaries, "recent" | "found">;
  readonly life: { readonly started: boolean; readonly draining: boolean; readonly replaced: boolean };
  readonly clock: Clock;
}

/** As whose figures the primary's own count; numbers of workers begin at 1. */
const PRIMARY = 0;
const AUDIT_WRITER = -1;

/** A worker that does not answer a scrape in this time keeps its last figures. */
const scrapeDeadlineMs = 500;

/** The telemetry and the admin listener, as far as they are on, through reloads. */
export interface OperatorListeners {
  readonly all: readonly ControlListener[];
  /** Binds what a configuration has and is not open. Throws BindError, and then nothing has changed. */
  prepare(config: Config): Promise<{ commit(): void; discard(): void }>;
  close(): void;
  /** What a worker shows to an internal client of its own listeners; undefined = it cannot be had. */
  page(ask: PageAsk): Promise<Page | undefined>;
}

export function createOperatorListeners(
  gateway: Gateway,
  tokenDigest: () => Buffer | undefined,
  inherited: readonly InheritedSocket[] = [],
): OperatorListeners {
  const boundTo = (name: string, { host, port }: SocketAddress) =>
    inherited.find((one) => one.name === name && one.host === host && (port === 0 || one.port === port))
      ?.handle;
  const {
    version,
    supervision,
    reloader,
    audit,
    identity,
    exposition,
    limits,
    keys,
    life,
    clock,
    bans,
    decisions,
  } = gateway;
  const limitFrames = createFrames();
  const auditFrames = createFrames();
  const canBePostQuantum = hasPostQuantum();
  const vitals = (): Vitals => ({
    sinceTickMs: supervision.sinceTickMs,
    servingWorkers: supervision.serving,
    wantedWorkers: supervision.wanted,
    configured: reloader.generation > 0,
    limitStore: limits.storeState,
    acme: gateway.acme.isOn ? (gateway.acme.problem ?? "") : undefined,
    audit: audit.health,
    certificates: gateway.certificates.state,
    keys: keys.state,
    postQuantum: reloader.config.tls?.pqMode !== "require" ? "off" : canBePostQuantum ? "ok" : "missing",
    auditRequired: audit.isRequired,
    configRefused: reloader.refused,
    ...life,
  });
  const scrape = sharedScrape(async () => {
    await supervision.scrape(scrapeDeadlineMs);
    // As if it were one of them.
    exposition.absorb(PRIMARY, limitFrames(limits.samples()));
    exposition.absorb(AUDIT_WRITER, auditFrames(audit.samples()));
  }, clock);
  const overview = createOverview({ parts: overviewParts({ ...gateway, vitals }), refresh: scrape });
  const endpoints = adminEndpoints({
    overview,
    generations: reloader,
    acme: gateway.acme,
    bans,
    decisions,
    explain: gateway.explain,
    revocations: identity.revocations,
    certificates: gateway.certificates,
    tickets: gateway.tickets,
  });
  // Label values: paths of ours, never what somebody asked for.
  const counted = [...["/", ...telemetryPaths].map((path) => ({ path })), ...endpoints];
  const onAnswer = (path: string, status: number) =>
    exposition.add("adminRequests", [endpointPath(counted, path), String(status)]);
  const telemetryHandle = createTelemetry({ version, vitals, exposition, scrape });

  const metricsPage = (format: MetricFormat) =>
    telemetryHandle({
      method: "GET",
      path: "/metrics",
      query: new URLSearchParams(),
      header: () => contentTypes[format],
    });

  const openTelemetry = (address: SocketAddress) =>
    openControlListener({
      name: "telemetry",
      address,
      bound: boundTo("telemetry", address),
      maxBodyBytes: 0,
      handle: telemetryHandle,
      onAnswer,
    });

  const openAdmin = async (address: SocketAddress) => {
    let { port } = address;
    const listener = await openControlListener({
      name: "admin",
      address,
      bound: boundTo("admin", address),
      maxBodyBytes: maxAdminBodyBytes,
      handle: createAdmin({
        tokenDigest,
        port: () => port,
        endpoints,
        record: async (method, path) =>
          (await audit.must({ data: { method, path }, kind: "admin_action" })) || !audit.isRequired,
      }),
      onAnswer,
    });
    port = listener.address.port;
    return listener;
  };

  /** By the address that was asked for: a port 0 stays the port that it became. */
  let open = new Map<string, ControlListener>();

  return {
    get all() {
      return [...open.values()];
    },
    async prepare({ telemetry, admin }) {
      const next = new Map<string, ControlListener>();
      const opened: ControlListener[] = [];
      const discard = () => {
        for (const listener of opened) listener.close();
      };
      const take = async (
        name: string,
        address: SocketAddress | undefined,
        bind: (address: SocketAddress) => Promise<ControlListener>,
      ) => {
        if (address === undefined) return;
        const key = `${name} ${address.host} ${address.port}`;
        const present = open.get(key);
        const listener = present ?? (await bind(address));
        if (present === undefined) opened.push(listener);
        next.set(key, listener);
      };
      try {
        await take("telemetry", telemetry.listen, openTelemetry);
        await take("admin", admin.listen, openAdmin);
      } catch (error) {
        discard();
        throw error;
      }
      return {
        discard,
        commit() {
          const kept = new Set(next.values());
          // An answer that is under way, such as the one to the reload itself, is given.
          for (const listener of open.values()) if (!kept.has(listener)) listener.release();
          open = next;
        },
      };
    },
    close() {
      for (const listener of open.values()) listener.close();
    },
    page: (ask) => answerPage(ask, metricsPage, () => overview({ path: undefined, ifNoneMatch: "" })),
  };
}

/** Admin tokens of the environment, by the name of their variable. They leave it when they are first read. */
export interface AdminTokens {
  /** Reads the token that the configuration names; the problem when it is too short. None = nothing can be written. */
  read(config: Config): string | undefined;
  digestOf(config: Config): Buffer | undefined;
}

export function createAdminTokens(environment: NodeJS.ProcessEnv): AdminTokens {
  const digests = new Map<string, Buffer>();
  return {
    read({ admin }) {
      const name = admin.writeTokenEnv;
      if (admin.listen === undefined || name === undefined) return undefined;
      const token = environment[name];
      if (token === undefined) return undefined;
      if (Buffer.byteLength(token) < minTokenBytes)
        return `admin.write_token_env: ${name} holds fewer than ${minTokenBytes} bytes`;
      delete environment[name];
      digests.set(name, digestToken(token));
      return undefined;
    },
    digestOf: ({ admin }) => digests.get(admin.writeTokenEnv ?? ""),
  };
}
