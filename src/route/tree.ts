import findMyWay from "find-my-way";
import type { Steps } from "../std/steps.ts";
import type { Pattern } from "./pattern.ts";

/**
 * The paths of one host and one set of methods, in a find-my-way radix tree. Segment by segment from the left, a
 * literal beats a parameter and a parameter beats a catch-all, whatever the order of the routes.
 *
 * find-my-way is asked in a form of its own (`treeKey`), because as it comes it would
 * - decode: `%2F`, `%20`, `%25` in the path, but not in the pattern, and answer null to `%FF`;
 * - match `/user/{id}` on `/user/` with an empty id;
 * - cut parameters at 100 characters: the path is then not found.
 */
export interface PathTree<T> {
  /** The route for a path, given as its `treeKey`. */
  find(key: string, trailingSlash: boolean): T | undefined;
}

/** One route of a tree. Patterns with equal shapes must not meet in one tree. */
export interface TreeEntry<T> {
  readonly pattern: Pattern;
  readonly value: T;
}

/**
 * Canonical path to look-up key: no trailing slash, and other bytes for `%` and `*`, which mean something to
 * find-my-way. Control characters never occur in a canonical path, so no two paths share a key. The common path costs
 * two searches and no copy.
 */
export function treeKey(path: string): string {
  let key = path.charCodeAt(path.length - 1) === SLASH ? path.slice(0, -1) : path;
  if (key.includes("%")) key = key.replaceAll("%", PERCENT_KEY);
  if (key.includes("*")) key = key.replaceAll("*", STAR_KEY);
  return key;
}

export function* pathTreeSteps<T>(entries: readonly TreeEntry<T>[]): Steps<PathTree<T>> {
  const slots = new Map<string, Slot<T>>();
  for (const { pattern, value } of entries) {
    if (!pattern.catchAll) claim(slots, literalKey(pattern), pattern.trailingSlash, value);
  }
  for (const slot of slots.values()) {
    slot.bare ??= slot.slash;
    slot.slash ??= slot.bare;
  }
  // A catch-all serves its bare prefix in both forms, but not where a route is written for that prefix.
  for (const { pattern, value } of entries) {
    if (!pattern.catchAll) continue;
    const prefix = literalKey(pattern);
    slots.set(`${prefix}/*`, { bare: value, slash: value });
    if (!slots.has(prefix)) slots.set(prefix, { bare: value, slash: value });
  }
  // The key of `/` is empty, which find-my-way cannot hold.
  const root = slots.get("");
  slots.delete("");
  const router = findMyWay({ maxParamLength: Number.MAX_SAFE_INTEGER, querystringParser: noQuery });
  for (const [key, slot] of slots) {
    yield;
    router.on("GET", key, unused, slot);
  }
  return {
    find(key, trailingSlash) {
      const slot = key === "" ? root : (router.find("GET", key)?.store as Slot<T> | undefined);
      if (slot === undefined) return undefined;
      return trailingSlash ? slot.slash : slot.bare;
    },
  };
}

/** What serves a path without and with a trailing slash: the same route unless both forms are written. */
interface Slot<T> {
  bare: T | undefined;
  slash: T | undefined;
}

const SLASH = 0x2f;
const PERCENT_KEY = "\u0001";
const STAR_KEY = "\u0002";

function claim<T>(slots: Map<string, Slot<T>>, key: string, trailingSlash: boolean, value: T): void {
  let slot = slots.get(key);
  if (slot === undefined) slots.set(key, (slot = { bare: undefined, slash: undefined }));
  if (trailingSlash || key === "") slot.slash = value;
  else slot.bare = value;
}

/** The pattern in find-my-way's syntax. Its own parameter names: an operator's could hold syntax. */
function literalKey(pattern: Pattern): string {
  let key = "";
  pattern.segments.forEach((segment, index) => {
    key += segment === undefined ? `/:p${index}` : `/${treeKey(segment).replaceAll(":", "::")}`;
  });
  return key;
}

function noQuery(): undefined {
  return undefined;
}

function unused(): void {}
