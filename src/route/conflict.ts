import { methodNames } from "../http/request.ts";
import { ANY_HOST, hostKeys, methodBits, type RouteMatch, SERVED_METHODS } from "./entry.ts";
import { isPatternProblem, parsePattern } from "./pattern.ts";

/** Two routes that claim the same paths with the same right, as indexes into the list. */
export interface RouteConflict {
  readonly first: number;
  readonly second: number;
  /** undefined: both are for any host. */
  readonly host: string | undefined;
  /** The methods that both claim. */
  readonly methods: readonly string[];
}

/**
 * All conflicts, in the order of the later route; routes with bad patterns are passed over. An explicit HEAD beside
 * the HEAD that a GET implies is none. Linear in the routes.
 */
export function findRouteConflicts(routes: readonly RouteMatch[]): RouteConflict[] {
  const conflicts: RouteConflict[] = [];
  // By host and shape: which route claimed each method first.
  const claims = new Map<string, Int32Array>();
  routes.forEach((route, second) => {
    const pattern = parsePattern(route.path);
    if (isPatternProblem(pattern)) return;
    for (const hostKey of hostKeys(route)) {
      const key = `${hostKey} ${pattern.shape}`;
      let owners = claims.get(key);
      if (owners === undefined) claims.set(key, (owners = new Int32Array(SERVED_METHODS).fill(-1)));
      const host = hostKey === ANY_HOST ? undefined : hostKey;
      for (const [first, methods] of claimMethods(owners, methodBits(route), second)) {
        conflicts.push({ first, second, host, methods });
      }
    }
  });
  return conflicts;
}

/** Enters the route where nobody is; returns who else claims the rest, and which methods. */
function claimMethods(owners: Int32Array, methods: number, route: number): Map<number, string[]> {
  const clashes = new Map<number, string[]>();
  for (let method = 0; method < SERVED_METHODS; method++) {
    if ((methods & (1 << method)) === 0) continue;
    const owner = owners[method]!;
    if (owner < 0) owners[method] = route;
    else clashes.set(owner, [...(clashes.get(owner) ?? []), methodNames[method]!]);
  }
  return clashes;
}
