import type { Keys, RouteDraft, Value } from "./draft.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** What an Ingress with `canary` says of who goes there: entries of `[[route.split]]`, the first that fits counts. */
export function canarySplit(
  settings: ReadonlyMap<string, string>,
  upstream: string,
): { readonly entries: readonly Keys[]; readonly outcome: Outcome } {
  const setting = (name: string): string => settings.get(`canary-${name}`) ?? "";
  const sentences: string[] = [];
  const entries: Keys[] = [];
  const header = setting("by-header");
  if (header !== "" && setting("by-header-pattern") !== "")
    sentences.push("a header is compared with one value, not with an expression: it sends nobody there");
  else if (header !== "") {
    const value = setting("by-header-value");
    entries.push({ upstream, header: `${header}: ${value === "" ? "always" : value}` });
    if (value === "") sentences.push("`never` keeps nobody away from the weight");
  }
  const cookie = setting("by-cookie");
  if (cookie !== "") {
    entries.push({ upstream, cookie: `${cookie}=always` });
    sentences.push("`never` keeps nobody away from the weight");
  }
  const total = Number(setting("weight-total") || 100);
  const percent = Math.round((Number(setting("weight") || 0) / total) * 100);
  if (percent >= 1) entries.push({ upstream, weight: Math.min(percent, 100) });
  else if (setting("weight") !== "") sentences.push("a weight below one percent sends nobody there");
  const unique = [...new Set(sentences)];
  return {
    entries,
    outcome:
      entries.length === 0
        ? needsYou([...unique, "nobody is sent there"].join("; "))
        : unique.length === 0
          ? translated("[[route.split]] of the route that it is the canary of")
          : differs(unique.join("; ")),
  };
}

/** Adds the entries to the routes for the same requests; false: there is none. */
export function addSplit(
  routes: readonly RouteDraft[],
  path: string,
  hosts: readonly string[],
  entries: readonly Keys[],
): boolean {
  const route = routes.find(
    (one) => one.path === path && (one.hosts ?? []).join() === hosts.join() && one.upstream !== undefined,
  );
  if (route === undefined) return false;
  const keys = route.keys as Keys;
  const before = (keys["split"] ?? []) as readonly Value[];
  // All patterns of one path share their keys.
  const fresh = entries.filter(
    (entry) => !before.some((one) => JSON.stringify(one) === JSON.stringify(entry)),
  );
  keys["split"] = [...before, ...fresh];
  return true;
}
