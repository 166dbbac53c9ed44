import type { MetricFamily } from "./metrics.ts";

/** Metrics of stored answers; per worker, added up at a scrape. */
export const cacheFamilies = {
  cacheRequests: family(
    "zion_cache_requests_total",
    "counter",
    "Requests on routes with a cache, by what it did: `HIT`, `MISS`, `REVALIDATED`, `STALE` (in place of an error), `STALE-WHILE-REVALIDATE`, `BYPASS`.",
    ["outcome"],
  ),
  cacheBypasses: family(
    "zion_cache_bypass_total",
    "counter",
    "Requests that went past the cache: `method`, `body` (a GET with one), `head` and `range` (of what is not stored), `condition` (If-Match), `no-store` (the client says so), `upgrade`, `key` (no host), `busy` (too many fetches).",
    ["why"],
  ),
  cacheUnstorable: family(
    "zion_cache_unstorable_total",
    "counter",
    "Fetched answers that were not stored: `status`, `no-store`, `private`, `set-cookie`, `credentials` (of the request), `vary`, `no-lifetime`, `too-large`, `tags`, `head` (too large), `partial`, `unframed` (only the end of the connection ends it).",
    ["why"],
  ),
  cacheStores: family("zion_cache_stores_total", "counter", "Answers stored.", []),
  cacheEvictions: family(
    "zion_cache_evictions_total",
    "counter",
    "Stored answers that made room for others.",
    [],
  ),
  cacheDiscarded: family(
    "zion_cache_discarded_total",
    "counter",
    "Answers that were to be stored and were not: `broken` off, `grown` beyond what may be.",
    ["why"],
  ),
  cacheCollapsed: family(
    "zion_cache_collapsed_total",
    "counter",
    "Requests that got the answer to another one's fetch.",
    [],
  ),
  cacheWaitTimeouts: family(
    "zion_cache_wait_timeouts_total",
    "counter",
    "Requests that waited for another one's fetch longer than `wait_timeout_ms`.",
    [],
  ),
  cacheRefreshes: family(
    "zion_cache_refreshes_total",
    "counter",
    "Fetches that nobody waits for (stale-while-revalidate): `started`, of those `failed`, and `skipped` because 64 were under way.",
    ["result"],
  ),
  cacheForgotten: family(
    "zion_cache_forgotten_total",
    "counter",
    "Stored answers that went because of a `purge` or an unsafe request (`unsafe_method`).",
    ["why"],
  ),
  cachePeers: family(
    "zion_cache_peer_total",
    "counter",
    "Fetches that workers do for each other: `asked`, `served`, and `failed`, where the upstream was asked instead.",
    ["result"],
  ),
  cacheEntries: family(
    "zion_cache_entries",
    "gauge",
    "Stored answers; what several workers have counts for each.",
    [],
  ),
  cacheBytes: family(
    "zion_cache_bytes",
    "gauge",
    "Memory of stored answers, of those on their way, and of evicted ones that are still being sent.",
    [],
  ),
  cacheBytesMax: family("zion_cache_bytes_max", "gauge", "What `cache_max_memory_mb` comes to.", []),
  cacheFetches: family("zion_cache_fetches", "gauge", "Fetches under way for the cache.", []),
} satisfies Record<string, MetricFamily>;

function family(
  name: string,
  type: MetricFamily["type"],
  help: string,
  labels: readonly string[],
): MetricFamily {
  return { name, type, help, labels };
}
