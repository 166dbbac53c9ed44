import { manifestHash } from "../config/parts.ts";
import { showConfig } from "../config/shown.ts";
import { families } from "../record/metrics.ts";
import type { Clock } from "../std/clock.ts";
import type { CertificateDesk } from "./certificate-desk.ts";
import type { Exposition } from "./exposition.ts";
import type { MeshDesk } from "./mesh-desk.ts";
import type { Obituaries } from "./obituaries.ts";
import { type AuditView, auditPart } from "./overview-audit.ts";
import { figureOf, latencyPart, totalsPart } from "./overview-figures.ts";
import { upstreamsPart } from "./overview-upstreams.ts";
import type { Platform } from "./platform.ts";
import type { Prober } from "./prober.ts";
import { readinessOf, type Vitals } from "./readiness.ts";
import type { Reloader } from "./reload.ts";
import type { Resolver } from "./resolver.ts";
import type { Supervision } from "./supervision.ts";
import { wafModeOf } from "./waf-mode.ts";

/** Whatever knows something of the gateway. */
export interface OverviewSources {
  readonly version: string;
  readonly platform: Platform;
  readonly vitals: () => Vitals;
  readonly supervision: Pick<Supervision, "serving" | "wanted" | "generations" | "workers">;
  readonly reloader: Pick<Reloader, "generation" | "config" | "cut" | "history" | "refused">;
  readonly prober: Pick<Prober, "results">;
  readonly resolver: Pick<Resolver, "addresses" | "failing">;
  readonly certificates: Pick<CertificateDesk, "served" | "ocspOf">;
  readonly mesh: Pick<MeshDesk, "state" | "view">;
  readonly audit: AuditView;
  readonly obituaries: Pick<Obituaries, "recent" | "found">;
  readonly exposition: Pick<Exposition, "read">;
  readonly clock: Clock;
}

const dayMs = 86_400_000;

/** What `GET /snapshot` shows, part by part. */
export function overviewParts(sources: OverviewSources): Readonly<Record<string, () => unknown>> {
  const { version, platform, vitals, supervision, reloader, obituaries, exposition, mesh, clock } = sources;
  return {
    version: () => version,
    generation: () => reloader.generation,
    sha256: () => manifestHash(reloader.cut.manifest),
    time: () => new Date(clock.wallMs()).toISOString(),
    uptime_secs: () => Math.round(process.uptime()),
    readiness: () => readinessOf(vitals()),
    loaded: () => lastLoaded(reloader),
    platform: () => platform,
    workers: () => ({
      serving: supervision.serving,
      wanted: supervision.wanted,
      generations: supervision.generations,
      primary: { pid: process.pid, resident_bytes: process.memoryUsage.rss() },
      processes: supervision.workers.map(({ slot, ageMs, adoptedBy, phase, ...rest }) => ({
        slot,
        state: phase,
        ...rest,
        age_secs: Math.round(ageMs / 1000),
        adopted_by: adoptedBy,
        resident_bytes: figureOf(exposition, families.workerMemory, String(slot)),
        event_loop_utilization: inThousandths(figureOf(exposition, families.loopUtilization, String(slot))),
      })),
    }),
    upstreams: () => upstreamsPart(sources),
    certificates: () => certificatesPart(sources),
    routes: () =>
      reloader.config.routes.map((route) => ({
        name: route.name,
        path: route.path,
        upstream: route.upstream,
        ...(route.static === undefined ? {} : { serve_dir: route.static.directory }),
        waf: { mode: wafModeOf(route), ...(route.waf === undefined ? {} : { profile: route.waf.profile }) },
      })),
    mesh: () => meshPart(mesh),
    audit: () => auditPart(sources.audit, clock),
    totals: () => totalsPart(exposition),
    latency: () => latencyPart(exposition),
    panics: () => ({ recent: obituaries.recent, found_at_start: obituaries.found }),
    config: () => showConfig(reloader.config),
  };
}

/** Who is in the mesh, and what it says. */
function meshPart({ state, view }: OverviewSources["mesh"]): object {
  if (view === undefined) return { state };
  const { id, claims, quorum, peers, rules } = view;
  return { state, id, claims, quorum, peers, rules };
}

/** How the generation in force came about, and what became of the newest attempt. */
function lastLoaded({ history, refused }: OverviewSources["reloader"]): object {
  const loaded = history().find(({ result }) => result === "loaded");
  return { time: loaded?.time, by: loaded?.by, ...(refused === undefined ? {} : { newer_refused: refused }) };
}

function certificatesPart({ certificates, clock }: OverviewSources): readonly object[] {
  return certificates.served.flatMap(({ names, certificates: chain }) =>
    chain.map(({ path, key, covers, issuer, serial, sha256, notBefore, notAfter }) => ({
      name: names[0] ?? "default",
      names,
      path,
      key,
      covers,
      issuer,
      serial,
      sha256,
      not_before: notBefore,
      not_after: notAfter,
      days_left: Math.floor(((Date.parse(notAfter) - clock.wallMs()) / dayMs) * 10) / 10,
      ocsp: certificates.ocspOf(sha256) ?? "off",
    })),
  );
}

function inThousandths(share: number | undefined): number | undefined {
  return share === undefined ? undefined : Math.round(share * 1000) / 1000;
}
