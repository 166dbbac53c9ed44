import type { Config } from "../config/config.ts";
import { noRoute } from "../record/counters.ts";
import { families, type MetricFamily } from "../record/metrics.ts";
import { revocationEnds } from "./client-auth-watch.ts";

/** Routes with histograms of their own; the others share one. */
const histogramRoutes = 50;
/** Pairs of gate and reason that a route may show; the others share one. */
const refusalsPerRoute = 24;
const other = "_other";

/** Names of the configuration in force that stand in labels, by label. */
export type LabelNames = Readonly<Record<string, ReadonlySet<string>>>;

export function labelNames(config: Config): LabelNames {
  const { routes, upstreams, limits, lists, sovereign, tls } = config;
  return {
    route: new Set([noRoute, other, ...routes.map(({ name }) => name)]),
    upstream: new Set(upstreams.map(({ name }) => name)),
    limit: new Set(limits.map(({ name }) => name)),
    certificate: new Set(["default", ...(tls?.sni.map(({ serverName }) => serverName) ?? [])]),
    name: new Set(revocationEnds(tls).keys()),
    list: new Set(lists.map(({ name }) => name)),
    class: new Set(["unknown", ...(sovereign?.classes.map(({ name }) => name) ?? [])]),
  };
}

/**
 * Keeps the number of series bounded whatever the traffic: at most 70 for each route and 51 sets of histograms. Sticky:
 * a series never moves between its own name and `_other`, which Prometheus would take for a reset.
 */
export interface SeriesCap {
  /** No route can get histograms of its own any more. */
  readonly isFull: boolean;
  /** Routes with traffic, the busiest first: they get the free places. */
  seat(routes: readonly string[]): void;
  /** The labels under which a sample is counted. */
  fold(family: MetricFamily, labels: readonly string[]): readonly string[];
  /** A reload: what it has no name for gives its place back. */
  retain(names: LabelNames): void;
}

export function createSeriesCap(): SeriesCap {
  const seated = new Set<string>();
  const refusals = new Map<string, Set<string>>();
  return {
    get isFull() {
      return seated.size >= histogramRoutes;
    },
    seat(routes) {
      for (const route of routes) if (seated.size < histogramRoutes) seated.add(route);
    },
    fold(family, labels) {
      if (family.type === "histogram" && family.labels[0] === "route")
        return seated.has(labels[0]!) ? labels : [other];
      if (family !== families.gateDecisions) return labels;
      const [route, gate, reason, mode] = labels as [string, string, string, string];
      let known = refusals.get(route);
      if (known === undefined) refusals.set(route, (known = new Set()));
      const key = `${gate}\n${reason}\n${mode}`;
      if (known.size < refusalsPerRoute) known.add(key);
      return known.has(key) ? labels : [route, other, other, mode];
    },
    retain({ route }) {
      for (const name of seated) if (route?.has(name) === false) seated.delete(name);
      for (const name of refusals.keys()) if (route?.has(name) === false) refusals.delete(name);
    },
  };
}
