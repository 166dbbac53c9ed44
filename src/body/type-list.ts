import { isToken } from "./token.ts";

/** An allow-list of media types, prepared once per configuration. */
export interface TypeList {
  readonly exact: ReadonlySet<string>;
  /** What stands before and after the `*` of each pattern. */
  readonly patterns: readonly (readonly [prefix: string, suffix: string])[];
}

/**
 * Prepares `entries`: `application/json`, `text/*`, `application/*+json`, or the short `*+json` for that suffix in any
 * type, and `*` + `/*` for all. Returns the first entry that is none of these as a string.
 */
export function compileTypeList(entries: readonly string[]): TypeList | string {
  const exact = new Set<string>();
  const patterns: [string, string][] = [];
  for (const entry of entries) {
    const text = entry.trim().toLowerCase();
    const slash = text.indexOf("/");
    const type = slash < 0 ? "*" : text.slice(0, slash);
    const subtype = slash < 0 ? text : text.slice(slash + 1);
    if (type !== "*" && isToken(type) && !type.includes("*") && isToken(subtype) && !subtype.includes("*")) {
      exact.add(text);
      continue;
    }
    const suffix = subtype.slice(1);
    const isPattern =
      subtype.startsWith("*") &&
      (suffix === "" ? slash >= 0 : suffix.length > 1 && suffix.startsWith("+") && isToken(suffix)) &&
      !suffix.includes("*") &&
      (type === "*" || (isToken(type) && !type.includes("*")));
    if (!isPattern) return entry;
    patterns.push([type === "*" ? "" : `${type}/`, suffix]);
  }
  return { exact, patterns };
}

/** Whether the type `essence` (lower case, no parameters) is on the list. */
export function matchesAllowList(essence: string, list: TypeList): boolean {
  if (list.exact.has(essence)) return true;
  for (const [prefix, suffix] of list.patterns) {
    const isLonger = essence.length > prefix.length + suffix.length;
    if (isLonger && essence.startsWith(prefix) && essence.endsWith(suffix)) return true;
  }
  return false;
}
