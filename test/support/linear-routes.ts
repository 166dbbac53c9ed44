import { methodNames } from "../../src/http/request.ts";
import type { RouteEntry } from "../../src/route/entry.ts";

/**
 * The routing rules written down once more, as plainly as possible: every route is looked at, the best that matches
 * wins. Shares no code with src/route.
 */
export function findByReading<T>(
  routes: readonly RouteEntry<T>[],
  host: string,
  path: string,
  method: number,
): T | undefined {
  const name = methodNames[method]!;
  if (name === "TRACE" || name === "CONNECT") return undefined;
  const hostKey = matchingHost(routes, host);
  const own =
    hostKey === undefined
      ? undefined
      : best(
          routes.filter((route) => route.hosts?.includes(hostKey)),
          path,
          name,
        );
  return (
    own ??
    best(
      routes.filter((route) => route.hosts === undefined),
      path,
      name,
    )
  )?.value;
}

function matchingHost<T>(routes: readonly RouteEntry<T>[], host: string): string | undefined {
  const all = new Set(routes.flatMap((route) => route.hosts ?? []));
  if (all.has(host)) return host;
  return [...all]
    .filter((key) => key.startsWith("*.") && host.endsWith(key.slice(1)) && host.length > key.length - 1)
    .toSorted((a, b) => b.length - a.length)[0];
}

function best<T>(routes: readonly RouteEntry<T>[], path: string, method: string): RouteEntry<T> | undefined {
  let winner: RouteEntry<T> | undefined;
  let winnerRank: string | undefined;
  for (const route of routes) {
    const right = methodRight(route, method);
    const rank = right === 0 ? undefined : pathRank(route.path, path);
    if (rank === undefined) continue;
    const full = `${rank}${right}`;
    if (winnerRank !== undefined && full <= winnerRank) continue;
    winner = route;
    winnerRank = full;
  }
  return winner;
}

const common = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** 2: serves it; 1: by implication; 0: not. */
function methodRight<T>(route: RouteEntry<T>, method: string): number {
  if (route.methods === undefined) return common.includes(method) ? 2 : 0;
  if (route.methods.includes(method)) return 2;
  return method === "HEAD" && route.methods.includes("GET") ? 1 : 0;
}

/** Undefined, or a text that sorts higher the more specific the match: one letter per segment, then the end. */
function pathRank(pattern: string, path: string): string | undefined {
  const wanted = pattern.split("/").filter((segment) => segment !== "");
  const given = path.split("/").filter((segment) => segment !== "");
  let rank = "";
  for (let at = 0; at < wanted.length; at++) {
    const segment = wanted[at]!;
    if (segment.startsWith("{*")) return `${rank}A`;
    if (at >= given.length) return undefined;
    if (segment.startsWith("{")) rank += "C";
    else if (segment === given[at]) rank += "D";
    else return undefined;
  }
  if (given.length > wanted.length) return undefined;
  return `${rank}B${pattern.endsWith("/") === path.endsWith("/") ? 1 : 0}`;
}
