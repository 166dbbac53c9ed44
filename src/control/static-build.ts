import type { Config, StaticConfig } from "../config/config.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import type { FileShelf } from "../respond/static/file-shelf.ts";
import type { StaticSite } from "../respond/static/static-site.ts";

/** The files of a route, made ready. */
export function buildSite(config: StaticConfig | undefined): StaticSite | undefined {
  if (config === undefined) return undefined;
  const { directory, index, spaFallback, precompressed, maxAgeSecs, immutable } = config;
  return {
    directory,
    index,
    spaFallback,
    codings: precompressed ? ["br", "zstd", "gzip"] : [],
    cacheLine:
      maxAgeSecs === undefined
        ? ""
        : `Cache-Control: max-age=${maxAgeSecs}${immutable ? ", immutable" : ""}\r\n`,
  };
}

/** Directories of routes that serve files. */
export function servedDirectories({ routes }: Pick<Config, "routes">): readonly string[] {
  return [...new Set(routes.flatMap((route) => route.static?.directory ?? []))];
}

/** A configuration came into force. */
export function adoptSites(files: FileShelf, config: Config): void {
  files.bytesMax = config.server.staticCacheMb * 1024 * 1024;
  files.openMax = config.server.staticOpenFiles;
  files.retain(new Set(servedDirectories(config)));
}

/** What one worker's files are like. */
export function staticSamples({ open, bytes, counts }: FileShelf): MetricSample[] {
  return [
    { name: families.staticOpen.name, labels: [], value: open },
    { name: families.staticMemory.name, labels: [], value: bytes },
    { name: families.staticLookups.name, labels: ["memory"], value: counts.kept },
    { name: families.staticLookups.name, labels: ["disk"], value: counts.looked },
    { name: families.staticEvictions.name, labels: [], value: counts.evicted },
  ];
}
