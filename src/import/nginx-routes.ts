import type { Keys, RouteDraft } from "./draft.ts";
import type { Item } from "./ledger.ts";
import { translateAuthRequest } from "./nginx-auth-request.ts";
import { translateContent } from "./nginx-content.ts";
import { translateIf } from "./nginx-if.ts";
import { type Location, locationsOf, longestPrefix, type Reach, reachesOf } from "./nginx-location.ts";
import { translateMirror } from "./nginx-mirror.ts";
import { applyRouteRows } from "./nginx-route-rows.ts";
import { decide, decideAll, type NginxImport, openPlace, type Place, type Scope } from "./nginx-scope.ts";
import { patternOf } from "./path-pattern.ts";
import { differs, needsYou, translated } from "./verdict.ts";

export interface NginxServer {
  readonly scope: Scope;
  readonly item: Item;
  /** For messages: "shop.example.org". */
  readonly label: string;
  /** Undefined: any host. */
  readonly hosts: readonly string[] | undefined;
}

/** The routes of one server, in the order of its locations. */
export function buildRoutes(server: NginxServer, nginx: NginxImport): readonly RouteDraft[] {
  const locations = locationsOf(server.scope);
  const { reaches, unclear, hidden } = reachesOf(locations);
  const asked = askedLocations(server.scope, locations);
  for (const location of unclear)
    decide(
      nginx,
      location.directive!,
      needsYou("an expression that is no list of paths: its requests go to the routes of other locations"),
    );
  for (const [location, first] of hidden) {
    const outcome = translated(`never reached: \`${first.directive!.item.text}\` goes first`);
    decideAll(nginx, location.directive!, outcome);
  }
  const all = hasRoot(reaches) ? reaches : [...reaches, rootOf(server)];
  const made = new Map<Location, MadeRoute | undefined>();
  const routes: RouteDraft[] = [];
  for (const reach of all) {
    if (asked.has(reach.location)) continue;
    if (!made.has(reach.location))
      made.set(reach.location, makeRoute(reach.location, server, nginx, locations));
    const route = made.get(reach.location);
    if (route !== undefined) routes.push(...place(reach, route, server, nginx, all));
  }
  addSlashTwins(all, routes, made, server);
  return routes;
}

/** All of a route but its path. */
type MadeRoute = Omit<RouteDraft, "path">;

function makeRoute(
  location: Location,
  server: NginxServer,
  nginx: NginxImport,
  locations: readonly Location[],
): MadeRoute {
  const at = openPlace(nginx, location.scope);
  for (let scope: Scope | undefined = location.scope; scope !== undefined; scope = scope.parent)
    for (const directive of scope.directives) if (directive.name === "if") decideIf(directive, at);
  applyRouteRows(at);
  translateAuthRequest(at, locations);
  translateMirror(at, locations);
  const upstream = translateContent(location, at, locations);
  finishRoute(at);
  return {
    hosts: server.hosts,
    methods: at.methods,
    upstream,
    keys: at.route,
    lists: at.lists,
    limits: at.limits,
    excludes: at.excludes,
    closed: [...new Set(at.closed)],
    comment: location.directive === undefined ? `server ${server.label}` : location.directive.item.text,
    origin: location.directive?.item ?? server.item,
  };
}

function decideIf(directive: Parameters<typeof translateIf>[0], at: Place): void {
  const outcome = translateIf(directive, at);
  decide(at.nginx, directive, outcome);
  for (const inner of directive.block ?? []) decide(at.nginx, inner, outcome);
}

/** A WebSocket is idle as long as nginx waits for the upstream. */
function finishRoute({ route, upstream }: Place): void {
  if (route["mode"] === "websocket")
    route["websocket_idle_secs"] = Math.max(1, Math.round(Number(upstream["idle_timeout_ms"]) / 1000));
}

/** The route at its path, and a closed one for the methods that it leaves out. */
function place(
  reach: Reach,
  route: MadeRoute,
  server: NginxServer,
  nginx: NginxImport,
  all: readonly Reach[],
): readonly RouteDraft[] {
  const { location, path, isPrefix } = reach;
  const pattern = patternOf(path, isPrefix);
  const item = location.directive?.item ?? server.item;
  if (pattern === undefined) {
    nginx.ledger.decide(
      item,
      needsYou("this cannot be a path here: its requests go to the routes of other locations"),
    );
    return [];
  }
  const sentences: string[] = [];
  if (location.ignoresCase) sentences.push("paths are compared with their case here");
  if (isPrefix && path !== "/") sentences.push(...prefixSentence(path, all, location, route.keys));
  if (location.directive !== undefined)
    nginx.ledger.decide(
      item,
      sentences.length === 0 ? translated("[[route]]") : differs(sentences.join("; ")),
    );
  const one: RouteDraft = { ...route, path: pattern };
  if (route.methods === undefined) return [one];
  const rest = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter(
    (method) => !route.methods!.includes(method) && !(method === "HEAD" && route.methods!.includes("GET")),
  );
  if (rest.length === 0) return [one];
  const comment = "The methods that the route above does not serve.";
  return [one, { ...one, methods: rest, closed: ["other methods"], comment, excludes: [] }];
}

function prefixSentence(
  path: string,
  all: readonly Reach[],
  location: Location,
  keys: Readonly<Keys>,
): readonly string[] {
  if (!path.endsWith("/")) {
    // `location /api` and `location /api/`: the second has the pattern, the first the path itself.
    return [`\`${path}-more\` is another path here: a prefix ends at a \`/\``];
  }
  const bare = path.slice(0, -1);
  const isTakenElsewhere = all.some((reach) => reach.location !== location && reach.path === bare);
  const isFiles = keys["mode"] === "static";
  // A directory is sent to its slash, as in nginx.
  if (isTakenElsewhere || (isFiles && keys["rewrite"] === undefined)) return [];
  const becomes = isFiles ? "gets the index of the directory" : "goes upstream";
  return [`\`${bare}\` ${becomes} here; nginx answers 301 to \`${path}\``];
}

/** A route for `/x` takes `/x/` too, which nginx gives to the prefix around it. */
function addSlashTwins(
  all: readonly Reach[],
  routes: RouteDraft[],
  made: ReadonlyMap<Location, MadeRoute | undefined>,
  server: NginxServer,
): void {
  for (const { path, isPrefix, location } of all) {
    if (isPrefix || path.endsWith("/") || !made.has(location)) continue;
    const twin = `${path}/`;
    if (all.some((reach) => reach.path === twin && !reach.isPrefix)) continue;
    const around = longestPrefix(twin, all);
    const route =
      around === undefined || around.location === location ? undefined : made.get(around.location);
    const pattern = patternOf(twin, false);
    if (route === undefined || pattern === undefined) continue;
    const comment = `As ${route.comment}`;
    routes.push({ ...route, path: pattern, comment, origin: route.origin ?? server.item });
  }
}

/** Locations that only `auth_request` asks: no route. */
function askedLocations(server: Scope, locations: readonly Location[]): ReadonlySet<Location> {
  const paths = new Set<string>();
  const scopes = [server, ...locations.map(({ scope }) => scope)];
  for (const { directives } of scopes)
    for (const { name, args } of directives)
      if (name === "auth_request" && args[0] !== "off") paths.add((args[0] ?? "").replace(/\?.*$/, ""));
  return new Set(
    locations.filter(
      ({ kind, text, scope }) =>
        kind !== "regex" && paths.has(text) && scope.directives.some(({ name }) => name === "internal"),
    ),
  );
}

function hasRoot(reaches: readonly Reach[]): boolean {
  return reaches.some(({ path, isPrefix }) => isPrefix && path === "/");
}

/** What answers where no location does. */
function rootOf({ scope }: NginxServer): Reach {
  const location: Location = {
    directive: undefined,
    kind: "prefix",
    isFinal: false,
    ignoresCase: false,
    text: "/",
    scope,
  };
  return { location, path: "/", isPrefix: true };
}
