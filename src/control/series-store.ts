import type { Exemplar, MetricFrame, MetricRow } from "../record/metric-frame.ts";
import { families, type MetricFamily } from "../record/metrics.ts";
import { createSeriesCap, type LabelNames } from "./series-cap.ts";

/** Series of one family beyond this are not kept; labels come from config names, so only a defect gets here. */
const seriesMax = 10_000;

/** One line of a metric, or the lines of one histogram. */
export interface Series {
  readonly labels: readonly string[];
  value: number;
  /** Not cumulative; undefined = no histogram. */
  readonly counts: Float64Array | undefined;
  /** What stands before the values when it is printed, made once (series-print.ts). */
  heads: readonly string[] | undefined;
}

/** What all workers counted, added up by difference: totals never go down when a worker is gone. */
export interface SeriesStore {
  absorb(worker: number, frame: MetricFrame): void;
  /** A worker ended: its gauges count no more, its counters stay in the totals. */
  forget(worker: number): void;
  /** A reload: series of what the configuration no longer has are gone. */
  retain(names: LabelNames): void;
  set(family: MetricFamily, labels: readonly string[], value: number): void;
  grow(family: MetricFamily, labels: readonly string[], by: number): void;
  /** All series of a family are forgotten. */
  clear(family: MetricFamily): void;
  of(family: MetricFamily): Iterable<Series>;
  /** The newest of a series of the request duration. */
  exemplarOf(family: MetricFamily, series: Series): Exemplar | undefined;
}

/** What one worker sent last. */
interface Feed {
  rows: readonly MetricRow[];
  values: Float64Array;
  /** Where each row is added to; undefined = it never counted anything yet, or is a gauge. */
  targets: (Series | undefined)[];
}

/** `known`: every family that may be printed; of `gauges` each worker has its own figure. */
export function createSeriesStore(
  known: readonly MetricFamily[],
  gauges: ReadonlySet<MetricFamily>,
): SeriesStore {
  const cap = createSeriesCap();
  const byName = new Map(known.map((family) => [family.name, family]));
  const totals = new Map(known.map((family) => [family, new Map<string, Series>()]));
  const feeds = new Map<number, Feed>();
  const exemplars = new Map<string, Exemplar>();

  const seriesAt = (family: MetricFamily, labels: readonly string[], buckets: number): Series | undefined => {
    const all = totals.get(family)!;
    const key = keyOf(labels);
    let series = all.get(key);
    if (series === undefined && all.size < seriesMax) {
      series = {
        labels,
        value: 0,
        counts: buckets === 0 ? undefined : new Float64Array(buckets),
        heads: undefined,
      };
      all.set(key, series);
    }
    return series;
  };

  /** The figures that the rows of a new frame start from. */
  const rebased = (feed: Feed, rows: readonly MetricRow[], length: number): Float64Array => {
    const places = new Map<string, number>();
    let at = 0;
    for (const { name, labels, buckets } of feed.rows) {
      places.set(`${name}\0${keyOf(labels)}`, at);
      at += 1 + buckets;
    }
    const values = new Float64Array(length);
    at = 0;
    for (const { name, labels, buckets } of rows) {
      const from = places.get(`${name}\0${keyOf(labels)}`);
      if (from !== undefined) values.set(feed.values.subarray(from, from + 1 + buckets), at);
      at += 1 + buckets;
    }
    return values;
  };

  const add = (feed: Feed, row: number, at: number, next: Float64Array): void => {
    const { name, labels, buckets } = feed.rows[row]!;
    const family = byName.get(name);
    if (family === undefined || gauges.has(family)) return;
    const isNews = buckets === 0 ? next[at] !== feed.values[at] : hasGrown(feed.values, next, at, buckets);
    // Also: a worker still knows what a reload removed, at a figure that does not change.
    if (!isNews) return;
    const series = (feed.targets[row] ??= seriesAt(family, cap.fold(family, labels), buckets));
    if (series === undefined) return;
    // Lower than before: what counts was replaced by a reload and began at 0, as Prometheus reads it too.
    const isAnew = next[at]! < feed.values[at]!;
    series.value += next[at]! - (isAnew ? 0 : feed.values[at]!);
    for (let i = 0; i < buckets; i++)
      series.counts![i]! += next[at + 1 + i]! - (isAnew ? 0 : feed.values[at + 1 + i]!);
  };

  return {
    absorb(worker, { rows, values, exemplars: news }) {
      for (const one of news) exemplars.set(one.route, one);
      let feed = feeds.get(worker);
      if (feed === undefined || rows !== undefined) {
        const before = feed ?? { rows: [], values: new Float64Array(0), targets: [] };
        const own = rows ?? before.rows;
        feed = { rows: own, values: rebased(before, own, values.length), targets: [] };
        feeds.set(worker, feed);
      }
      seat(cap, feed.rows, values);
      let at = 0;
      for (const [row, { buckets }] of feed.rows.entries()) {
        add(feed, row, at, values);
        at += 1 + buckets;
      }
      feed.values = values;
    },
    forget: (worker) => void feeds.delete(worker),
    retain(names) {
      cap.retain(names);
      for (const [{ labels }, all] of totals) {
        for (const [key, series] of all) {
          const isGone = series.labels.some((value, i) => names[labels[i]!]?.has(value) === false);
          if (isGone) all.delete(key);
        }
      }
      for (const feed of feeds.values()) feed.targets = [];
      for (const name of exemplars.keys()) if (names["route"]?.has(name) === false) exemplars.delete(name);
    },
    set(family, labels, value) {
      seriesAt(family, labels, 0)!.value = value;
    },
    grow(family, labels, by) {
      const series = seriesAt(family, labels, 0);
      if (series !== undefined) series.value += by;
    },
    clear: (family) => totals.get(family)!.clear(),
    of: (family) => (gauges.has(family) ? merged(family, feeds.values()) : totals.get(family)!.values()),
    exemplarOf: (family, { labels }) =>
      family === families.duration ? exemplars.get(labels[0]!) : undefined,
  };
}

const ofOneWorker: ReadonlySet<MetricFamily> = new Set([
  families.upstreamUp,
  families.upstreamLatency,
  families.limitKeys,
  families.overload,
  families.loopUtilization,
]);

/** Gauges of the workers that live. */
function merged(family: MetricFamily, feeds: Iterable<Feed>): Iterable<Series> {
  // An endpoint is up when any worker may choose it, and workers tell each other of keys, so each key is in all of
  // them; everything else adds up.
  const isSame = ofOneWorker.has(family);
  const all = new Map<string, Series>();
  for (const { rows, values } of feeds) {
    let at = 0;
    for (const { name, labels, buckets } of rows) {
      if (name === family.name) {
        const key = keyOf(labels);
        const series = all.get(key);
        const value = values[at]!;
        if (series === undefined) all.set(key, { labels, value, counts: undefined, heads: undefined });
        else series.value = isSame ? Math.max(series.value, value) : series.value + value;
      }
      at += 1 + buckets;
    }
  }
  return all.values();
}

/** Free places go to the busiest routes of this frame. */
function seat(
  cap: ReturnType<typeof createSeriesCap>,
  rows: readonly MetricRow[],
  values: Float64Array,
): void {
  if (cap.isFull) return;
  const busy: { route: string; count: number }[] = [];
  let at = 0;
  for (const { name, labels, buckets } of rows) {
    if (name === families.duration.name) {
      let count = 0;
      for (let i = 1; i <= buckets; i++) count += values[at + i]!;
      busy.push({ route: labels[0]!, count });
    }
    at += 1 + buckets;
  }
  cap.seat(busy.sort((a, b) => b.count - a.count).map(({ route }) => route));
}

function hasGrown(before: Float64Array, next: Float64Array, at: number, buckets: number): boolean {
  for (let i = at; i <= at + buckets; i++) if (before[i] !== next[i]) return true;
  return false;
}

function keyOf(labels: readonly string[]): string {
  return labels.join("\0");
}
