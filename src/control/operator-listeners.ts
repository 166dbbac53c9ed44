import { hasPostQuantum } from "../cert/tls-policy.ts";
import type { AdminTlsConfig, Config, ControlAddress, SocketAddress } from "../config/config.ts";
import { createFrames } from "../record/metric-frame.ts";
import { families } from "../record/metrics.ts";
import type { Page } from "../respond/page.ts";
import type { Clock } from "../std/clock.ts";
import type { AcmeDesk } from "./acme-desk.ts";
import { endpointPath } from "./admin.ts";
import { createAdminDesk } from "./admin-desk.ts";
import { adminEndpoints } from "./admin-endpoints.ts";
import type { AuditSupply } from "./audit-supply.ts";
import type { BanSource } from "./ban-endpoints.ts";
import type { CertificateDesk } from "./certificate-desk.ts";
import { type ControlListener, openControlListener } from "./control-listener.ts";
import type { DecisionRing } from "./decision-ring.ts";
import type { EventFeed } from "./event-feed.ts";
import type { ProveExclusion } from "./exclusion-endpoint.ts";
import type { ExplainRequest } from "./explain-endpoints.ts";
import type { Exposition } from "./exposition.ts";
import type { IdentityDesk } from "./identity-desk.ts";
import type { KeyWatch } from "./key-watch.ts";
import type { LimitExchange } from "./limit-exchange.ts";
import type { Log } from "./log.ts";
import type { MeshDesk } from "./mesh-desk.ts";
import type { Obituaries } from "./obituaries.ts";
import { createOverview } from "./overview.ts";
import type { AuditView } from "./overview-audit.ts";
import { overviewParts } from "./overview-parts.ts";
import { answerPage, type PageAsk } from "./page-desk.ts";
import type { Platform } from "./platform.ts";
import type { Prober } from "./prober.ts";
import type { Vitals } from "./readiness.ts";
import type { Reloader } from "./reload.ts";
import type { Resolver } from "./resolver.ts";
import { sharedScrape } from "./scrape.ts";
import { contentTypes, type MetricFormat } from "./series-print.ts";
import { type BequeathedSocket, BindError, type InheritedSocket } from "./slots.ts";
import type { Supervision } from "./supervision.ts";
import { createTelemetry, telemetryPaths } from "./telemetry.ts";
import type { TicketKeys } from "./tickets.ts";
import type { Withdrawal } from "./withdrawal.ts";

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
  readonly proveExclusion: ProveExclusion;
  readonly audit: AuditView & Pick<AuditSupply, "isRequired" | "must" | "tell">;
  readonly identity: Pick<IdentityDesk, "revocations">;
  readonly limits: LimitExchange;
  readonly mesh: Pick<MeshDesk, "state" | "view" | "samples">;
  readonly keys: Pick<KeyWatch, "state">;
  readonly certificates: Pick<CertificateDesk, "served" | "ocspOf" | "state">;
  readonly tickets: Pick<TicketKeys, "rotate">;
  readonly prober: Pick<Prober, "results">;
  readonly resolver: Pick<Resolver, "addresses" | "failing">;
  readonly obituaries: Pick<Obituaries, "recent" | "found">;
  readonly events: EventFeed;
  readonly withdrawal: Withdrawal;
  readonly log: Log;
  readonly life: { readonly started: boolean; readonly draining: boolean; readonly replaced: boolean };
  readonly clock: Clock;
}

/** As whose figures the primary's own count; numbers of workers begin at 1. */
const PRIMARY = 0;
const AUDIT_WRITER = -1;
const MESH = -2;

/** A worker that does not answer a scrape in this time keeps its last figures. */
const scrapeDeadlineMs = 500;

/** The telemetry and the admin listener, as far as they are on, through reloads. */
export interface OperatorListeners {
  readonly all: readonly ControlListener[];
  /** What a later version inherits; a Unix socket it makes anew. */
  sockets(): readonly BequeathedSocket[];
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
    events,
    withdrawal,
  } = gateway;
  const limitFrames = createFrames();
  const auditFrames = createFrames();
  const meshFrames = createFrames();
  const canBePostQuantum = hasPostQuantum();
  const vitals = (): Vitals => ({
    sinceTickMs: supervision.sinceTickMs,
    servingWorkers: supervision.serving,
    wantedWorkers: supervision.wanted,
    configured: reloader.generation > 0,
    limitStore: limits.storeState,
    mesh: gateway.mesh.state,
    acme: gateway.acme.isOn ? (gateway.acme.problem ?? "") : undefined,
    audit: audit.health,
    certificates: gateway.certificates.state,
    keys: keys.state,
    postQuantum: reloader.config.tls?.pqMode !== "require" ? "off" : canBePostQuantum ? "ok" : "missing",
    auditRequired: audit.isRequired,
    configRefused: reloader.refused,
    ...life,
    draining: life.draining || withdrawal.state !== "serving",
  });
  const scrape = sharedScrape(async () => {
    await supervision.scrape(scrapeDeadlineMs);
    // As if it were one of them.
    exposition.absorb(PRIMARY, limitFrames(limits.samples()));
    exposition.absorb(AUDIT_WRITER, auditFrames(audit.samples()));
    exposition.absorb(MESH, meshFrames(gateway.mesh.samples()));
  }, clock);
  const parts = overviewParts({ ...gateway, vitals });
  const overview = createOverview({ parts, refresh: scrape });
  const endpoints = adminEndpoints({
    overview,
    generations: reloader,
    acme: gateway.acme,
    gateway: {
      config: () => reloader.config,
      upstreams: parts["upstreams"]!,
      scrape,
      exposition,
    },
    drain: {
      withdrawal,
      connections: async () => {
        await scrape();
        return [...exposition.read(families.connections)].reduce((sum, { value }) => sum + value, 0);
      },
      delayMs: () => reloader.config.server.shutdownDelayMs,
    },
    events: events.endpoint,
    bans,
    cache: { supervision, exposition },
    decisions: { find: decisions.find, hurry: () => supervision.hurryDecisions(scrapeDeadlineMs) },
    explain: gateway.explain,
    proveExclusion: gateway.proveExclusion,
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
      takesBodies: false,
      handle: telemetryHandle,
      onAnswer,
    });

  const handlerFor = createAdminDesk({
    endpoints,
    admin: () => reloader.config.admin,
    tokenDigest,
    audit,
    exposition,
    clock,
    log: gateway.log,
  });
  const openAdmin = async (address: ControlAddress, tls: AdminTlsConfig | undefined) => {
    let listening = address;
    const listener = await openControlListener({
      name: "admin",
      address,
      bound: "path" in address ? undefined : boundTo("admin", address),
      tls,
      takesBodies: true,
      handle: handlerFor(() => listening),
      onAnswer,
    });
    listening = listener.address;
    return listener;
  };

  /** By the address that was asked for: a port 0 stays the port that it became. */
  let open = new Map<string, Open>();

  return {
    get all() {
      return [...open.values()].map(({ listener }) => listener);
    },
    sockets: () =>
      [...open.values()].flatMap(({ listener: { name, address, fd } }) =>
        "path" in address ? [] : [{ name, ...address, fd }],
      ),
    async prepare({ telemetry, admin }) {
      const next = new Map<string, Open>();
      const opened: ControlListener[] = [];
      const discard = () => {
        for (const listener of opened) listener.close();
      };
      const take = async <A extends ControlAddress>(
        name: string,
        address: A | undefined,
        tls: AdminTlsConfig | undefined,
        bind: (address: A, tls: AdminTlsConfig | undefined) => Promise<ControlListener>,
      ) => {
        if (address === undefined) return;
        const key = `${name} ${"path" in address ? address.path : `${address.host} ${address.port}`}`;
        const present = open.get(key);
        if (present !== undefined && (present.tls === undefined) !== (tls === undefined))
          throw new BindError("EADDRINUSE", `${name}.listen: ${tlsToggled}`);
        const listener = present?.listener ?? (await bind(address, tls));
        if (present === undefined) opened.push(listener);
        next.set(key, { listener, tls });
      };
      try {
        await take("telemetry", telemetry.listen, undefined, openTelemetry);
        await take("admin", admin.listen, admin.tls, openAdmin);
      } catch (error) {
        discard();
        throw error;
      }
      return {
        discard,
        commit() {
          // An answer that is under way, such as the one to the reload itself, is given.
          for (const [key, { listener }] of open) if (!next.has(key)) listener.release();
          for (const [key, { listener, tls }] of next) {
            const before = open.get(key)?.tls;
            if (tls === undefined || before === undefined || before === tls) continue;
            listener.setTls(tls);
            // Who was let in by the authorities before comes again.
            events.endAll();
          }
          open = next;
        },
      };
    },
    close() {
      for (const { listener } of open.values()) listener.close();
    },
    page: (ask) => answerPage(ask, metricsPage, () => overview({ path: undefined, ifNoneMatch: "" })),
  };
}

interface Open {
  readonly listener: ControlListener;
  readonly tls: AdminTlsConfig | undefined;
}

const tlsToggled =
  "TLS cannot be turned on or off in a reload while the address stays: give it another address, or restart";
