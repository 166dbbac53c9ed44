import type { Metric } from "prom-client";
import { collectDefaultMetrics, Registry } from "prom-client";
import { families, type MetricFamily, type MetricSample } from "../record/metrics.ts";
import { createSeriesCap, type LabelNames } from "./series-cap.ts";

/** Series of one family beyond this are not kept; labels come from config names, so only a defect gets here. */
const maxSeriesPerFamily = 10_000;

/** Families of the control plane itself. */
const own = {
  workers: gauge("zion_workers", "Workers that accept connections."),
  workersWanted: gauge("zion_workers_wanted", "Workers that should accept connections."),
  workerExits: counter("zion_worker_exits_total", "Unexpected ends of worker processes.", ["signal"]),
  generation: gauge("zion_config_generation", "Generation of the configuration in force."),
  reloads: counter("zion_config_reloads_total", "Configuration reloads.", ["result"]),
  configRejected: counter(
    "zion_config_rejected_total",
    "Configurations that were not put in force: invalid (the file), restart, listen (an address cannot be had), workers (they cannot compile it).",
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
  bans: gauge("zion_bans", "Clients and blocks that are banned now.", ["cause"]),
  banEvictions: counter(
    "zion_ban_evictions_total",
    "What was forgotten because there was too much of it: bans, offences of clients.",
    ["what"],
  ),
  bansTotal: counter("zion_bans_total", "Bans, by what led to them.", ["cause"]),
  bansSpared: counter(
    "zion_bans_spared_total",
    "Clients that were not banned although they offended: `share` carries over 20 % of the allowed requests, `listed`, `shadow`.",
    ["reason"],
  ),
  buildInfo: gauge("zion_build_info", "Always 1.", ["version", "node"]),
} as const satisfies Record<string, MetricFamily>;

/** For the generated reference (test/docs/metrics.test.ts). */
export const ownFamilies: readonly MetricFamily[] = Object.values(own);

export interface Exposition {
  /** New figures of a worker. They are added up by difference, so totals never go down when a worker is gone. */
  absorb(worker: number, samples: readonly MetricSample[]): void;
  /** A reload: series of routes, upstreams and so on that the configuration no longer has are printed no more. */
  retain(names: LabelNames): void;
  /** A worker ended: its gauges count no more, its counters stay in the totals. */
  forget(worker: number): void;
  set(name: OwnGauge, value: number, labels?: readonly string[]): void;
  add(name: OwnCounter, labels: readonly string[], by?: number): void;
  /** Text format 0.0.4. */
  print(): Promise<string>;
  readonly contentType: string;
}

export type OwnGauge =
  | "workers"
  | "workersWanted"
  | "generation"
  | "lastReload"
  | "lastReloadGood"
  | "routes"
  | "bans"
  | "banEvictions"
  | "buildInfo";
export type OwnCounter =
  | "spans"
  | "workerExits"
  | "reloads"
  | "configRejected"
  | "adminRequests"
  | "bansTotal"
  | "bansSpared";

interface Series {
  readonly labels: readonly string[];
  /** Counters: the total. Gauges of workers are computed when printed. */
  value: number;
  counts: number[] | undefined;
}

/** What the data plane of all workers measured, and what the primary knows, in one registry. */
export function createExposition(): Exposition {
  const registry = new Registry();
  const cap = createSeriesCap();
  collectDefaultMetrics({ register: registry });
  const totals = new Map<string, Map<string, Series>>();
  const lastOf = new Map<number, Map<string, MetricSample>>();
  const byName = new Map<string, MetricFamily>();
  for (const family of [...Object.values(families), ...Object.values(own)] as MetricFamily[]) {
    byName.set(family.name, family);
    totals.set(family.name, new Map());
    registry.registerMetric(asMetric(family, () => seriesOf(family)));
  }

  const seriesOf = (family: MetricFamily): Iterable<Series> =>
    family.type === "gauge" && isOfWorkers(family)
      ? currentGauges(family)
      : totals.get(family.name)!.values();

  const currentGauges = (family: MetricFamily): Iterable<Series> => {
    const merged = new Map<string, Series>();
    // An endpoint is up when any worker may choose it; everything else adds up.
    // Workers tell each other of keys, so each key is in all of them.
    const isSame = family === families.upstreamUp || family === families.limitKeys;
    const merge = isSame ? Math.max : (a: number, b: number) => a + b;
    for (const samples of lastOf.values()) {
      for (const sample of samples.values()) {
        if (sample.name !== family.name) continue;
        const key = sample.labels.join("\0");
        const series = merged.get(key);
        if (series === undefined)
          merged.set(key, { labels: sample.labels, value: sample.value, counts: undefined });
        else series.value = merge(series.value, sample.value);
      }
    }
    return merged.values();
  };

  const grow = (
    family: MetricFamily,
    labels: readonly string[],
    by: number,
    counts: readonly number[] | undefined,
  ) => {
    const series = totals.get(family.name)!;
    const key = labels.join("\0");
    let found = series.get(key);
    if (found === undefined) {
      // A worker still knows what a reload removed, at a figure that does not change.
      if (by === 0 && (counts ?? []).every((count) => count === 0)) return;
      if (series.size >= maxSeriesPerFamily) return;
      found = { labels, value: 0, counts: counts === undefined ? undefined : counts.map(() => 0) };
      series.set(key, found);
    }
    found.value += by;
    if (counts !== undefined && found.counts !== undefined) {
      for (let i = 0; i < found.counts.length; i++) found.counts[i]! += counts[i] ?? 0;
    }
  };

  return {
    contentType: registry.contentType,
    absorb(worker, samples) {
      const before = lastOf.get(worker);
      // Anew each time, so that the gauges of a removed upstream go with it.
      const last = new Map<string, MetricSample>();
      lastOf.set(worker, last);
      cap.seat(samples);
      for (const sample of samples) {
        const family = byName.get(sample.name);
        if (family === undefined) continue;
        const key = `${sample.name}\0${sample.labels.join("\0")}`;
        last.set(key, sample);
        if (family.type === "gauge") continue;
        const previous = before?.get(key);
        // Lower than before: what counts was replaced by a reload and began at 0, as Prometheus reads it too.
        const base = previous === undefined || sample.value < previous.value ? undefined : previous;
        const counts = sample.counts?.map((count, i) => count - (base?.counts?.[i] ?? 0));
        grow(family, cap.fold(family, sample.labels), sample.value - (base?.value ?? 0), counts);
      }
    },
    retain(names) {
      cap.retain(names);
      for (const [name, series] of totals) {
        const { labels } = byName.get(name)!;
        for (const [key, { labels: values }] of series) {
          const gone = (value: string, i: number) => names[labels[i]!]?.has(value) === false;
          if (values.some(gone)) series.delete(key);
        }
      }
    },
    forget: (worker) => void lastOf.delete(worker),
    set(name, value, labels = []) {
      totals.get(own[name].name)!.set(labels.join("\0"), { labels, value, counts: undefined });
    },
    add: (name, labels, by = 1) => grow(own[name], labels, by, undefined),
    print: () => registry.metrics(),
  };
}

function isOfWorkers(family: MetricFamily): boolean {
  return (Object.values(families) as MetricFamily[]).includes(family);
}

/** prom-client prints what `get` returns; its own classes only count, and the counting was done in the workers. */
function asMetric(family: MetricFamily, seriesOf: () => Iterable<Series>): Metric {
  const { name, help, type } = family;
  const get = () => ({
    name,
    help,
    type,
    aggregator: "sum",
    values: [...seriesOf()].flatMap((s) => values(family, s)),
  });
  return { name, get, reset: () => {} } as unknown as Metric;
}

interface PrintedValue {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

function values(family: MetricFamily, series: Series): PrintedValue[] {
  const labels = Object.fromEntries(family.labels.map((label, i) => [label, series.labels[i] ?? ""]));
  if (family.type !== "histogram") return [{ labels, value: series.value }];

  const bounds = [...(family.buckets ?? []), "+Inf"];
  let count = 0;
  const buckets = bounds.map((le, i) => {
    count += series.counts?.[i] ?? 0;
    return { metricName: `${family.name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${family.name}_sum`, labels, value: series.value },
    { metricName: `${family.name}_count`, labels, value: count },
  ];
}

function gauge(name: string, help: string, labels: readonly string[] = []): MetricFamily {
  return { name, type: "gauge", help, labels };
}

function counter(name: string, help: string, labels: readonly string[]): MetricFamily {
  return { name, type: "counter", help, labels };
}
