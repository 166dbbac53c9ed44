import type { Purge } from "../cache/answer-table.ts";
import { TAG_CHARS_MAX } from "../cache/tags.ts";
import { cacheFamilies } from "../record/cache-metrics.ts";
import type { MetricFamily } from "../record/metrics.ts";
import type { AdminEndpoint } from "./admin.ts";
import { type ControlAnswer, json } from "./control-listener.ts";
import type { Exposition } from "./exposition.ts";
import type { Supervision } from "./supervision.ts";

/** Who purges, and who knows the figures. */
export interface CacheSource {
  readonly supervision: Pick<Supervision, "broadcast" | "scrape">;
  readonly exposition: Pick<Exposition, "read">;
}

/** A worker that takes longer is stuck, and is replaced soon. */
const PURGE_WITHIN_MS = 5000;

/** Stored answers over the admin listener. */
export function cacheEndpoints(source: CacheSource): readonly AdminEndpoint[] {
  return [
    {
      method: "GET",
      path: "/v1/cache",
      role: "read",
      does: "figures of the cache: stored answers, memory, what became of requests",
      answer: async () => {
        await source.supervision.scrape(PURGE_WITHIN_MS);
        return json(200, figures(source));
      },
    },
    {
      method: "POST",
      path: "/v1/cache/purge",
      role: "operate",
      does: 'makes all workers forget stored answers, and answers when they have: {"all": true}, or one of "url", "prefix" (both https://host/path…) and "tag"',
      answer: ({ body }) => purge(source, body.toString("utf8")),
    },
  ];
}

async function purge(source: CacheSource, text: string): Promise<ControlAnswer> {
  const asked = readPurge(text);
  if (typeof asked === "string") return json(400, { error: asked });
  await source.supervision.scrape(PURGE_WITHIN_MS);
  const before = purgedSoFar(source);
  // Twice: what one worker gives to another between its turn and the other's is gone after the second.
  for (let round = 0; round < 2; round++) {
    source.supervision.broadcast({ type: "cache_purge", purge: asked });
    const allHave = await source.supervision.scrape(PURGE_WITHIN_MS);
    if (!allHave) return json(503, { error: "a worker did not answer: purge again" });
  }
  return json(200, { purged: Math.max(0, purgedSoFar(source) - before), scope: asked.what });
}

/** The purge, or what is wrong with the text. */
export function readPurge(text: string): Purge | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return EXPECTED;
  }
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 1) return EXPECTED;
  const { all, url, prefix, tag } = value as Record<string, unknown>;
  if (all === true) return { what: "all" };
  if (typeof tag === "string") {
    if (tag === "") return "empty tag";
    return tag.length <= TAG_CHARS_MAX ? { what: "tag", tag } : "the tag is longer than tags may be";
  }
  if (typeof url === "string") return readUrl("url", url);
  return typeof prefix === "string" ? readUrl("prefix", prefix) : EXPECTED;
}

const EXPECTED = 'expected one of {"all": true}, {"url": "https://…"}, {"prefix": "https://…"}, {"tag": "…"}';

/** As keys have it: host in lower case, no default port, no fragment. The path is compared as it is written. */
function readUrl(what: "url" | "prefix", text: string): Purge | string {
  const match = /^(https?):\/\/([^/?#]+)(\/[^#]*)?$/i.exec(text);
  if (match === null) return "expected http://host/path or https://host/path";
  const scheme = match[1]!.toLowerCase();
  const host = match[2]!.toLowerCase().replace(scheme === "https" ? /:443$/ : /:80$/, "");
  return { what, url: `${scheme}://${host}${match[3] ?? "/"}` };
}

function purgedSoFar({ exposition }: CacheSource): number {
  let sum = 0;
  for (const { labels, value } of exposition.read(cacheFamilies.cacheForgotten))
    if (labels[0] === "purge") sum += value;
  return sum;
}

function figures({ exposition }: CacheSource): object {
  const total = (family: MetricFamily): number =>
    [...exposition.read(family)].reduce((sum, { value }) => sum + value, 0);
  const byLabel = (family: MetricFamily): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const { labels, value } of exposition.read(family))
      sums[labels[0]!] = (sums[labels[0]!] ?? 0) + value;
    return sums;
  };
  return {
    entries: total(cacheFamilies.cacheEntries),
    bytes: total(cacheFamilies.cacheBytes),
    bytes_max: total(cacheFamilies.cacheBytesMax),
    fetches: total(cacheFamilies.cacheFetches),
    requests: byLabel(cacheFamilies.cacheRequests),
    stores: total(cacheFamilies.cacheStores),
    evictions: total(cacheFamilies.cacheEvictions),
  };
}
