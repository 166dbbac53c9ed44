import { z } from "zod";
import type { CacheProfileConfig } from "./config.ts";
import { checkDefined, checkName, reportUnused } from "./definition.ts";
import type { Path } from "./finding.ts";
import { choice, flag, int } from "./keys.ts";
import { printable } from "./label.ts";
import type { DocumentInput, RouteInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

/** `[cache_profile.NAME]`. */
export const cacheProfile = z.strictObject({
  mode: choice(["memory", "none"], "memory", "memory: answers are stored. none: nothing is."),
  max_entries: int({
    min: 0,
    max: 10_000_000,
    default: 10_000,
    doc: "Answers of this profile, per worker. 0 = none are stored.",
  }),
  ttl_seconds: int({
    min: 0,
    max: 31_536_000,
    default: 3600,
    doc: "No answer is fresh for longer, whatever it says.",
  }),
  default_ttl_seconds: int({
    min: 0,
    max: 31_536_000,
    default: 0,
    doc: "How long answers are fresh that do not say it (s-maxage, max-age, Expires). 0 = not at all; nothing is guessed.",
  }),
  max_object_mb: int({ min: 1, max: 16_384, default: 50, doc: "Larger bodies pass, and are not stored." }),
  normalize_query: flag(
    false,
    "Parameters of the query in another order are the same to the cache; those of one name keep theirs.",
  ),
  store_errors: flag(
    false,
    "404, 405, 410, 414 and 501 are stored, too, where they say for how long. Errors of the server never are.",
  ),
  ignore_cookies: flag(
    false,
    "Requests with cookies are served like others. Otherwise what they get is stored, and given to them from memory, only where the answer says `public`, `s-maxage` or `must-revalidate`.",
  ),
  stale_if_error_seconds: int({
    min: 0,
    max: 86_400,
    default: 0,
    doc: "For so long after its end a stored answer is given in place of an error of the upstream, where it says nothing of `stale-if-error`.",
  }),
  wait_timeout_ms: int({
    min: 100,
    max: 600_000,
    default: 5000,
    doc: "A request that waits for the answer to another one asks the upstream itself after this long.",
  }),
  status_headers: flag(true, "X-Zion-Cache and Cache-Status tell clients what the cache did."),
});

type Input = z.infer<typeof cacheProfile>;

/** What `mode = "static_cache"` uses where the route names no profile. */
export const defaultCacheProfile = "default";

/** What a route says of its cache; undefined = it has none. */
export function readRouteCache(
  path: Path,
  what: string,
  input: RouteInput,
  { cache_profile: profiles, upstream: upstreams }: DocumentInput,
  context: SectionContext,
): CacheProfileConfig | undefined {
  const { findings } = context;
  const isCached = input.cache_profile !== undefined || input.mode === "static_cache";
  if (!isCached) return undefined;
  const name = input.cache_profile ?? defaultCacheProfile;
  const isKnown = name === defaultCacheProfile || findings.isPoisoned(["cache_profile"]);
  if (!isKnown && !findings.isPoisoned(["cache_profile", name]))
    checkDefined(
      {
        path: [...path, "cache_profile"],
        what,
        kind: "cache profile",
        name,
        defined: new Map(Object.keys(profiles).map((at): [string, Path] => [at, ["cache_profile", at]])),
        definition: `[cache_profile.${printable(name)}]`,
        effect: "nobody could say what is stored of its answers.",
      },
      context,
    );
  const key = input.cache_profile === undefined ? "mode" : "cache_profile";
  const contradict = (message: string, fix: string): void =>
    findings.add({ code: "Z1214", path: [...path, key], at: "key", message: `${what} ${message}`, fix });
  if (input.upstream === undefined && !findings.isPoisoned([...path, "upstream"]))
    contradict(
      "has a cache and no upstream",
      "remove the cache: what the gateway answers itself is not stored",
    );
  if (input.mode === "sse_stream" || input.mode === "websocket" || input.mode === "static")
    contradict(`has a cache and mode = "${input.mode}", of which nothing is stored`, "remove one of them");
  const sticky = [input.upstream, ...input.split.map((one) => one.upstream)].find(
    (one) => one !== undefined && upstreams[one]?.sticky !== undefined,
  );
  if (sticky !== undefined)
    contradict(
      `has a cache, and its upstream "${printable(sticky)}" has sticky sessions: a stored answer comes from no member`,
      "give the cached paths an upstream of their own, without [upstream.NAME.sticky]",
    );
  const profile: Input = Object.hasOwn(profiles, name) ? profiles[name]! : cacheProfile.parse({});
  return { name, ...configOf(profile) };
}

/** Names of `[cache_profile.NAME]`, and those that no route uses. */
export function checkCacheProfiles(document: DocumentInput, context: SectionContext): void {
  for (const name of Object.keys(document.cache_profile))
    checkName(["cache_profile", name], "a cache profile", name, context);
  if (document.route.length === 0) return;
  const isDefaultDefined = Object.hasOwn(document.cache_profile, defaultCacheProfile);
  reportUnused(
    {
      kind: "cache profile",
      nobody: "no route",
      defined: new Map(Object.keys(document.cache_profile).map((name) => [name, ["cache_profile", name]])),
      uses: document.route.map(({ cache_profile: name, mode }, i) => ({
        path: ["route", i, "cache_profile"],
        names:
          name !== undefined
            ? [name]
            : mode === "static_cache" && isDefaultDefined
              ? [defaultCacheProfile]
              : [],
      })),
      code: "Z2108",
      effect: "nothing is stored by it.",
      fix: "remove it, or name it in the `cache_profile` of a route",
    },
    context,
  );
}

function configOf(input: Input): Omit<CacheProfileConfig, "name"> {
  return {
    // Both say the same.
    maxEntries: input.mode === "none" ? 0 : input.max_entries,
    freshMaxSecs: input.ttl_seconds,
    freshDefaultSecs: input.default_ttl_seconds,
    bodyBytesMax: input.max_object_mb * 1_048_576,
    sortQuery: input.normalize_query,
    errors: input.store_errors,
    ignoresCookies: input.ignore_cookies,
    staleIfErrorSecs: input.stale_if_error_seconds,
    lockMs: input.wait_timeout_ms,
    tells: input.status_headers,
  };
}
