import { GET, HEAD } from "../http/request.ts";
import { inOneGo, type Steps } from "../std/steps.ts";
import { findRouteConflicts } from "./conflict.ts";
import { ANY_HOST, hostKeys, methodBits, type RouteEntry, SERVED_METHODS } from "./entry.ts";
import { isPatternProblem, type Pattern, parsePattern } from "./pattern.ts";
import { type PathTree, pathTreeSteps, type TreeEntry, treeKey } from "./tree.ts";

/**
 * Which route serves a request: first the host, then the path, separately for each method. A method sees only the
 * routes that serve it, so a POST may pass a more specific GET route and reach a catch-all.
 *
 * Host: exact, else the longest `*.suffix` (any depth below the suffix, not the suffix itself). What the routes of
 * that host do not serve falls to routes without hosts, never to a shorter suffix.
 */
export class RouteTable<T> {
  readonly #exact: ReadonlyMap<string, MethodTrees<T>>;
  /** By suffix with its leading dot. */
  readonly #suffixes: ReadonlyMap<string, MethodTrees<T>>;
  readonly #suffixLabelsMax: number;
  readonly #anyHost: MethodTrees<T> | undefined;
  /** Those that some route serves. */
  readonly #methods: number;

  /** For `buildRouteTable`. */
  constructor(byHost: ReadonlyMap<string, MethodTrees<T>>, methods: number) {
    this.#methods = methods;
    const exact = new Map<string, MethodTrees<T>>();
    const suffixes = new Map<string, MethodTrees<T>>();
    let suffixLabelsMax = 0;
    for (const [host, trees] of byHost) {
      if (host === ANY_HOST) continue;
      if (host.startsWith("*.")) {
        suffixes.set(host.slice(1), trees);
        suffixLabelsMax = Math.max(suffixLabelsMax, host.split(".").length - 1);
      } else exact.set(host, trees);
    }
    this.#exact = exact;
    this.#suffixes = suffixes;
    this.#suffixLabelsMax = suffixLabelsMax;
    this.#anyHost = byHost.get(ANY_HOST);
  }

  /**
   * The route's value, or undefined.
   * @param host lower case, without port and trailing dot
   * @param path canonical, `//` merged, without query
   * @param method index into `methodNames`; what is never served has no route
   */
  find(host: string, path: string, method: number): T | undefined {
    if (method >= SERVED_METHODS || path.charCodeAt(0) !== SLASH) return undefined;
    const key = treeKey(path);
    const slash = path.charCodeAt(path.length - 1) === SLASH;
    return this.#hostTrees(host)?.[method]?.find(key, slash) ?? this.#anyHost?.[method]?.find(key, slash);
  }

  /**
   * The methods that have a route for this host and path, as bits `1 << method`: 0 means 404, anything else 405 and
   * its Allow. For misses only: it looks up each method that has a route anywhere.
   */
  allowed(host: string, path: string): number {
    let methods = 0;
    for (let method = 0; method < SERVED_METHODS; method++) {
      const bit = 1 << method;
      if ((this.#methods & bit) !== 0 && this.find(host, path, method) !== undefined) methods |= bit;
    }
    return methods;
  }

  #hostTrees(host: string): MethodTrees<T> | undefined {
    return (this.#exact.size === 0 ? undefined : this.#exact.get(host)) ?? this.#suffixTrees(host);
  }

  /** Walks from the right and not past the longest suffix there is: a host of 100 labels costs no more look-ups. */
  #suffixTrees(host: string): MethodTrees<T> | undefined {
    let found: MethodTrees<T> | undefined;
    let dot = host.length;
    for (let labels = 0; labels < this.#suffixLabelsMax; labels++) {
      dot = host.lastIndexOf(".", dot - 1);
      // Nothing before the dot is no host below the suffix.
      if (dot <= 0) break;
      found = this.#suffixes.get(host.slice(dot)) ?? found;
    }
    return found;
  }
}

/** Compiles the routes. Throws on a bad pattern or a conflict: the configuration check refuses them first. */
export function buildRouteTable<T extends NonNullable<unknown>>(
  routes: readonly RouteEntry<T>[],
): RouteTable<T> {
  return inOneGo(routeTableSteps(routes));
}

/** As `buildRouteTable`, in steps: a worker builds it while it serves. */
export function* routeTableSteps<T extends NonNullable<unknown>>(
  routes: readonly RouteEntry<T>[],
): Steps<RouteTable<T>> {
  const conflict = findRouteConflicts(routes)[0];
  if (conflict !== undefined) {
    throw new Error(
      `routes ${conflict.first} and ${conflict.second} both serve ${routes[conflict.second]!.path}`,
    );
  }
  let methods = 0;
  const claimsByHost = new Map<string, RouteClaim<T>[]>();
  for (const route of routes) {
    const pattern = parsePattern(route.path);
    if (isPatternProblem(pattern)) throw new Error(`route path ${route.path}: ${pattern.problem}`);
    const claim: RouteClaim<T> = { pattern, value: route.value, methods: methodBits(route) };
    methods |= claim.methods & (1 << GET) ? claim.methods | (1 << HEAD) : claim.methods;
    for (const host of hostKeys(route)) {
      const claims = claimsByHost.get(host);
      if (claims === undefined) claimsByHost.set(host, [claim]);
      else claims.push(claim);
    }
  }
  const treesByHost = new Map<string, MethodTrees<T>>();
  for (const [host, claims] of claimsByHost) treesByHost.set(host, yield* methodTreeSteps(claims));
  return new RouteTable(treesByHost, methods);
}

/** By method id; methods that see the same routes share a tree. */
type MethodTrees<T> = readonly PathTree<T>[];

interface RouteClaim<T> {
  readonly pattern: Pattern;
  readonly value: T;
  /** As configured, without the HEAD that GET implies. */
  readonly methods: number;
}

const SLASH = 0x2f;

function* methodTreeSteps<T>(claims: readonly RouteClaim<T>[]): Steps<MethodTrees<T>> {
  // An explicit HEAD route goes before the HEAD that a GET route of the same shape implies.
  const ownHead = new Set<string>();
  for (const claim of claims) if (claim.methods & (1 << HEAD)) ownHead.add(claim.pattern.shape);
  const trees: PathTree<T>[] = [];
  // 1,000 routes for all methods are one tree, not seven: memory and build time.
  const bySelection = new Map<string, PathTree<T>>();
  for (let method = 0; method < SERVED_METHODS; method++) {
    const entries: TreeEntry<T>[] = [];
    let selection = "";
    claims.forEach((claim, index) => {
      if (!servesMethod(claim, method, ownHead)) return;
      entries.push(claim);
      selection += `${index},`;
    });
    let tree = bySelection.get(selection);
    if (tree === undefined) bySelection.set(selection, (tree = yield* pathTreeSteps(entries)));
    trees.push(tree);
  }
  return trees;
}

function servesMethod<T>(claim: RouteClaim<T>, method: number, ownHead: ReadonlySet<string>): boolean {
  if (claim.methods & (1 << method)) return true;
  return method === HEAD && (claim.methods & (1 << GET)) !== 0 && !ownHead.has(claim.pattern.shape);
}
