import type { Draft, Keys, Value } from "./draft.ts";
import { clamp, readBytes } from "./measure.ts";
import { always, type NginxRow, type NginxRows } from "./nginx-row.ts";
import { effective, type Place } from "./nginx-scope.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** The one `[compression]` table that is put together. */
export interface CompressionDraft {
  /** Without `codings`: nobody asked for it. */
  readonly keys: Keys;
  /** Not only routes that say so. */
  everywhere: boolean;
}

const known = ["br", "zstd", "gzip"] as const;

/** Codings that answers may get, beside those that others asked for. */
export function addCodings({ compression: { keys } }: Draft, codings: readonly string[]): void {
  const wanted = new Set([...((keys["codings"] as readonly string[] | undefined) ?? []), ...codings]);
  keys["codings"] = known.filter((coding) => wanted.has(coding));
}

/** A key of the table; the first who says it is heard. */
export function compressionKey({ compression: { keys } }: Draft, key: string, value: Value): Outcome {
  keys[key] ??= value;
  return JSON.stringify(keys[key]) === JSON.stringify(value)
    ? translated(`\`${key}\` of [compression]`)
    : differs(`one table for all routes: \`${key}\` is ${JSON.stringify(keys[key])}`);
}

/** Routes that nobody asked it for are left out. */
export function completeCompression(draft: Draft): void {
  const { keys, everywhere } = draft.compression;
  for (const [i, route] of draft.routes.entries()) {
    const { compress, ...others } = route.keys;
    const isOut = keys["codings"] !== undefined && !everywhere && compress !== true;
    draft.routes[i] = { ...route, keys: isOut ? { ...others, compress: false } : others };
  }
}

export const guarded = "[compression]; not for requests with cookies from other pages (`breach_guard`)";

/** 1 to 9, or to 11, as it is said here. */
export function effortOf(level: number): string {
  if (level <= 2) return "fast";
  return level <= 6 ? "balanced" : "small";
}

function whereOn(directive: string, act: (args: readonly string[], place: Place) => Outcome): NginxRow {
  return {
    verdict: "translated",
    becomes: "compression",
    note: `where \`${directive}\` is on; one table for all routes`,
    each: ({ args }, place) =>
      effective(place.scope, directive).some(({ args: [is] }) => is === "on")
        ? act(args, place)
        : translated(`\`${directive}\` is off here`),
  };
}

function coded(coding: "gzip" | "br"): NginxRow {
  return {
    verdict: "differs",
    becomes: "compression",
    note: guarded,
    each({ args }, place) {
      if (args[0] !== "on") return translated("off");
      place.route["compress"] = true;
      addCodings(place.nginx.draft, [coding]);
      return differs(guarded);
    },
  };
}

const types = (args: readonly string[], place: Place): Outcome =>
  compressionKey(place.nginx.draft, "types", args.includes("*") ? ["*/*"] : ["text/html", ...args]);

const level = ([text = ""]: readonly string[], place: Place): Outcome =>
  compressionKey(place.nginx.draft, "effort", effortOf(Number(text)));

const least = ([text = ""]: readonly string[], place: Place): Outcome => {
  const bytes = readBytes(text);
  if (bytes === undefined) return needsYou("this is not a size");
  return compressionKey(place.nginx.draft, "min_bytes", clamp(bytes, 1, 1_048_576));
};

const unpacked = always("needs_you", "bodies of upstreams are not unpacked");
const own = always("differs", "buffers and clients are the gateway's own affair");

/** Directives of nginx about compression. */
export const compressionRows: NginxRows = {
  gzip: coded("gzip"),
  gzip_types: whereOn("gzip", types),
  gzip_vary: always("translated", "Vary is always sent"),
  gzip_min_length: whereOn("gzip", least),
  gzip_comp_level: whereOn("gzip", level),
  gzip_proxied: always("differs", "answers to other proxies are compressed as those to clients"),
  gzip_buffers: own,
  gzip_http_version: own,
  gzip_disable: own,
  gunzip: unpacked,
  brotli: coded("br"),
  brotli_types: whereOn("brotli", types),
  brotli_comp_level: whereOn("brotli", level),
};
