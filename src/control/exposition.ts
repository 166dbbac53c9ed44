import {
  collectDefaultMetrics,
  type MetricObjectWithValues,
  type MetricValueWithName,
  Registry,
} from "prom-client";
import type { MetricFrame } from "../record/metric-frame.ts";
import { families, type MetricFamily } from "../record/metrics.ts";
import { deathCauses } from "./death-cause.ts";
import type { LabelNames } from "./series-cap.ts";
import { presetSeries } from "./series-preset.ts";
import { type MetricFormat, printFamily } from "./series-print.ts";
import { createSeriesStore, type Series } from "./series-store.ts";

/** Families of the control plane itself. */
const own = {
  workers: gauge("zion_workers", "Workers that accept connections."),
  workersWanted: gauge("zion_workers_wanted", "Workers that should accept connections."),
  readyState: gauge("zion_readyz_state", "0 not ready, 1 ready, 2 degraded; `/readyz` says why."),
  workerExits: counter("zion_worker_exits_total", "Unexpected ends of worker processes.", ["signal"]),
  workerRestarts: counter(
    "zion_worker_restarts_total",
    "Workers that were replaced: `fault` (a bug), `oom` (the kernel's killer), `abort` (V8 gave up), `crash`, `signal`, `exit`, `stuck` (no heartbeat), `slow_start`, `config`, `listen`, `worn` (its memory stays full), `renewed` (it may write other files).",
    ["cause"],
  ),
  panics: counter(
    "zion_panics_total",
    "Processes of the gateway that ended by a bug or were killed, and ends of earlier runs that the start found in the last-gasp file.",
    [],
  ),
  configInfo: gauge("zion_config_info", "Always 1, with the hash of the configuration in force.", ["sha256"]),
  generation: gauge("zion_config_generation", "Generation of the configuration in force."),
  reloads: counter("zion_config_reloads_total", "Configuration reloads.", ["result"]),
  configRejected: counter(
    "zion_config_rejected_total",
    "Configurations that were not put in force: invalid (the file), signature, config_rollback (an older version), restart, listen (an address cannot be had), workers (they cannot compile it), stopping.",
    ["reason"],
  ),
  lastReload: gauge(
    "zion_config_last_reload_success_timestamp_seconds",
    "When a configuration was last put in force.",
  ),
  lastReloadGood: gauge("zion_config_last_reload_successful", "1 unless the last reload was refused."),
  adminRequests: counter("zion_admin_requests_total", "Requests to the admin and telemetry listeners.", [
    "path",
    "code",
  ]),
  routes: gauge("zion_routes", "Routes of the configuration in force, by what the WAF does on them.", [
    "waf",
  ]),
  spans: counter(
    "zion_traces_emitted_total",
    "Spans by what became of them: `sent` to the collector, or `dropped`.",
    ["result"],
  ),
  probes: counter("zion_health_probes_total", "Health probes of upstream endpoints.", ["result"]),
  lastProbe: gauge(
    "zion_health_probe_last_timestamp_seconds",
    "When a health probe was last answered, or not in time.",
  ),
  captureLost: counter(
    "zion_capture_lost_total",
    "Requests that were to be kept and could not be written.",
    [],
  ),
  dnsFailures: counter("zion_dns_lookup_failures_total", "Lookups of upstream names that failed.", []),
  dnsStale: counter(
    "zion_dns_stale_served_total",
    "Lookups that failed while the last good addresses went on being used.",
    [],
  ),
  bans: gauge("zion_bans", "Clients and blocks that are banned now.", ["cause"]),
  banEvictions: counter(
    "zion_ban_evictions_total",
    "What was forgotten because there was too much of it: bans, offences of clients.",
    ["what"],
  ),
  bansTotal: counter("zion_bans_total", "Bans, by what led to them.", ["cause"]),
  bansSpared: counter(
    "zion_bans_spared_total",
    "Clients that were not banned although they offended: `share` carries over 20 % of the good requests, `listed`, `shadow`.",
    ["reason"],
  ),
  acmeOrders: counter(
    "zion_acme_orders_total",
    "Orders of certificates by what became of them: `issued`, or why not (acme.md).",
    ["certificate", "result"],
  ),
  acmeFailures: gauge(
    "zion_acme_consecutive_failures",
    "Orders of a certificate that failed one after another; in the gateway that orders.",
    ["certificate"],
  ),
  acmeNextAttempt: gauge(
    "zion_acme_next_attempt_timestamp_seconds",
    "When a certificate is ordered next, if nothing happens before; in the gateway that orders.",
    ["certificate"],
  ),
  acmeLastSuccess: gauge("zion_acme_last_success_timestamp_seconds", "When a certificate was issued last.", [
    "certificate",
  ]),
  keyFetches: counter("zion_jwks_fetches_total", "Key sets of issuers that were fetched.", ["result"]),
  certificateNotAfter: gauge(
    "zion_tls_certificate_not_after_timestamp_seconds",
    "When a certificate ends, by the server name it is served for; `default` is for all others.",
    ["certificate"],
  ),
  clientCrlNextUpdate: gauge(
    "zion_tls_client_crl_next_update_timestamp_seconds",
    "When the first of the revocation lists of clients' certificates is past its nextUpdate, by server name.",
    ["name"],
  ),
  ticketRotations: counter("zion_tls_ticket_rotations_total", "Changes of the session tickets' keys.", [
    "by",
  ]),
  ocspAnswers: counter(
    "zion_tls_ocsp_answers_total",
    "OCSP answers that were asked for: `good`, `revoked`, `unknown`, or `failed` (none that can be used).",
    ["result"],
  ),
  revocations: gauge("zion_token_revocations", "Tokens that were taken back and have not expired."),
  buildInfo: gauge("zion_build_info", "Always 1.", ["version", "node"]),
} as const satisfies Record<string, MetricFamily>;

/** For the generated reference (test/docs/metrics.test.ts). */
export const ownFamilies: readonly MetricFamily[] = Object.values(own);

/** Families of the workers that the primary counts in, too. */
const shared = {
  authFailures: families.authFailures,
  queueDropped: families.queueDropped,
} as const satisfies Record<string, MetricFamily>;

export interface Exposition {
  /** New figures of a worker. They are added up by difference, so totals never go down when a worker is gone. */
  absorb(worker: number, frame: MetricFrame): void;
  /** A reload: series of routes, upstreams and so on that the configuration no longer has are printed no more. */
  retain(names: LabelNames): void;
  /** A worker ended: its gauges count no more, its counters stay in the totals. */
  forget(worker: number): void;
  set(name: OwnGauge, value: number, labels?: readonly string[]): void;
  /** The one series that there is of it, at 1: for what its labels say. */
  state(name: OwnGauge, labels: readonly string[]): void;
  add(name: OwnCounter, labels: readonly string[], by?: number): void;
  /** The series that there are of it now. */
  read(family: MetricFamily): Iterable<Series>;
  print(format: MetricFormat): Promise<string>;
}

export type OwnGauge =
  | "workers"
  | "workersWanted"
  | "readyState"
  | "configInfo"
  | "generation"
  | "lastProbe"
  | "lastReload"
  | "lastReloadGood"
  | "routes"
  | "bans"
  | "banEvictions"
  | "revocations"
  | "acmeFailures"
  | "acmeNextAttempt"
  | "acmeLastSuccess"
  | "certificateNotAfter"
  | "clientCrlNextUpdate"
  | "buildInfo";
export type OwnCounter =
  | "spans"
  | "keyFetches"
  | "acmeOrders"
  | "ticketRotations"
  | "ocspAnswers"
  | "workerExits"
  | "workerRestarts"
  | "panics"
  | "probes"
  | "captureLost"
  | "dnsFailures"
  | "dnsStale"
  | "reloads"
  | "configRejected"
  | "adminRequests"
  | keyof typeof shared
  | "bansTotal"
  | "bansSpared";

/** What the data plane of all workers measured, what the primary knows, and prom-client's metrics of its process. */
export function createExposition(): Exposition {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const ofWorkers: readonly MetricFamily[] = Object.values(families);
  const known = [...ofWorkers, ...ownFamilies];
  const store = createSeriesStore(known, new Set(ofWorkers.filter(({ type }) => type === "gauge")));
  for (const [family, labels] of presetSeries(known)) store.grow(family, labels, 0);
  for (const cause of [...deathCauses, "worn", "renewed"]) store.grow(own.workerRestarts, [cause], 0);
  return {
    absorb: store.absorb,
    retain: store.retain,
    forget: store.forget,
    set: (name, value, labels = []) => store.set(own[name], labels, value),
    state(name, labels) {
      store.clear(own[name]);
      store.set(own[name], labels, 1);
    },
    add: (name, labels, by = 1) => store.grow({ ...own, ...shared }[name], labels, by),
    read: store.of,
    async print(format) {
      const lines = known.map((family) => printFamily(family, store.of(family), format, store.exemplarOf));
      const process = await registry.getMetricsAsJSON();
      lines.push(...process.map((metric) => printProcessMetric(metric, format)));
      return format === "openmetrics" ? `${lines.join("")}# EOF\n` : lines.join("\n");
    },
  };
}

/** Few, and without names from outside: prom-client's own form, line by line. */
function printProcessMetric(
  metric: MetricObjectWithValues<MetricValueWithName<string>>,
  format: MetricFormat,
): string {
  const type = String(metric.type) as MetricFamily["type"];
  const isCounter = format === "openmetrics" && type === "counter";
  const name = isCounter ? metric.name.replace(/_total$/, "") : metric.name;
  const lines = metric.values.map(({ metricName, labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${metricName ?? metric.name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${metric.help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function gauge(name: string, help: string, labels: readonly string[] = []): MetricFamily {
  return { name, type: "gauge", help, labels };
}

function counter(name: string, help: string, labels: readonly string[]): MetricFamily {
  return { name, type: "counter", help, labels };
}
