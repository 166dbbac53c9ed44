import type { CacheDesk, Ground } from "../cache/desk.ts";
import { cacheFamilies } from "../record/cache-metrics.ts";
import type { MetricFamily, MetricSample } from "../record/metrics.ts";

/** Figures of one worker's cache. */
export function cacheSamples<G extends Ground>({
  counts,
  table,
  fillsUnderWay,
}: CacheDesk<G>): MetricSample[] {
  const {
    cacheRequests,
    cacheBypasses,
    cacheUnstorable,
    cacheDiscarded,
    cacheRefreshes,
    cacheForgotten,
    cachePeers,
  } = cacheFamilies;
  return [
    ...each(cacheRequests, counts.outcomes),
    ...each(cacheBypasses, counts.bypasses),
    ...each(cacheUnstorable, counts.unstorable),
    ...each(cacheDiscarded, { broken: counts.discarded, grown: counts.overflows }),
    ...each(cacheRefreshes, {
      started: counts.refreshes,
      failed: counts.refreshFailures,
      skipped: counts.refreshesSkipped,
    }),
    ...each(cacheForgotten, { purge: counts.purged, unsafe_method: counts.invalidations }),
    ...each(cachePeers, { asked: counts.peerFetches, served: counts.peerServed, failed: counts.peerErrors }),
    one(cacheFamilies.cacheStores, counts.stores),
    one(cacheFamilies.cacheEvictions, table.evictions),
    one(cacheFamilies.cacheCollapsed, counts.collapsed),
    one(cacheFamilies.cacheWaitTimeouts, counts.lockTimeouts),
    one(cacheFamilies.cacheEntries, table.size),
    one(cacheFamilies.cacheBytes, table.bytes),
    one(cacheFamilies.cacheBytesMax, table.bytesMax),
    one(cacheFamilies.cacheFetches, fillsUnderWay),
  ];
}

function each({ name }: MetricFamily, values: Readonly<Record<string, number>>): MetricSample[] {
  return Object.entries(values).map(([label, value]) => ({ name, labels: [label], value }));
}

function one({ name }: MetricFamily, value: number): MetricSample {
  return { name, labels: [], value };
}
