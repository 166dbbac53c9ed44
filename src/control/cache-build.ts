import { CacheDesk } from "../cache/desk.ts";
import type { CacheRule } from "../cache/rule.ts";
import type { RouteConfig } from "../config/config.ts";
import type { RequestPool } from "../http/request-pool.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Clock } from "../std/clock.ts";
import type { TimerWheel } from "../std/timer-wheel.ts";
import { CacheFetch, type FetchGround } from "../upstream/cache-fetch.ts";
import type { UpstreamDeps } from "../upstream/endpoint.ts";
import { CacheNews } from "./cache-news.ts";

const MEBIBYTE = 1_048_576;
const BYTES_MIN = 32 * MEBIBYTE;

/** The cache of one worker, empty. */
export function openCache(
  clock: Clock,
  wheel: TimerWheel,
  dateLine: () => Uint8Array,
  requests: RequestPool,
  upstreamDeps: UpstreamDeps,
  tellForgotten?: (uris: readonly Uint8Array[]) => void,
): CacheDesk<FetchGround> {
  const desk = new CacheDesk<FetchGround>(
    {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      dateLine,
      wheel,
      requests,
      openFetch: (request, ground, owner) => new CacheFetch(request, ground, upstreamDeps, owner),
    },
    BYTES_MIN,
  );
  if (tellForgotten !== undefined) {
    const news = new CacheNews(tellForgotten);
    desk.onForgotten = (uris) => news.add(uris);
  }
  return desk;
}

/** A configuration comes into force: what is stored stays, where its profile is still there. */
export function adoptCache(cache: CacheDesk<FetchGround>, { config }: Snapshot, workers: number): void {
  const profiles = config.routes.flatMap((route) => (route.cache === undefined ? [] : [route.cache.name]));
  cache.isUsed = profiles.length > 0;
  cache.table.retain(new Set(profiles));
  cache.table.resize(bytesMax(config.server.cacheMaxMemoryMb) / workers);
}

/** As configured; else an eighth of what the control group allows, or of 4 GiB where nobody says. */
function bytesMax(configuredMb: number): number {
  if (configuredMb > 0) return configuredMb * MEBIBYTE;
  const limit = process.constrainedMemory();
  return Math.max(BYTES_MIN, (limit > 0 ? Math.min(limit, MEMORY_MAX) : MEMORY_MAX) / 8);
}

/** More is a decision. */
const MEMORY_MAX = 4096 * MEBIBYTE;

export function buildCacheRule({ cache }: RouteConfig): CacheRule | undefined {
  if (cache === undefined || cache.maxEntries === 0) return undefined;
  const { maxEntries, ...rest } = cache;
  return { ...rest, entriesMax: maxEntries };
}
