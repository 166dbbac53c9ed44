import { isOriginPattern } from "../gate/origin-rule.ts";
import { COMMON_METHODS } from "../http/request.ts";
import { findRouteConflicts } from "../route/conflict.ts";
import { isPatternProblem, parsePattern } from "../route/pattern.ts";
import { readHostName } from "./address.ts";
import { checkBodyLimits } from "./body-limits.ts";
import { readRouteCache } from "./cache.ts";
import { readRouteClientAuth } from "./client-auth.ts";
import { readCompress } from "./compression.ts";
import type { MirrorConfig, RouteConfig, RouteWafConfig } from "./config.ts";
import { readCors } from "./cors.ts";
import { checkDefined, checkName, reportUnused } from "./definition.ts";
import { readIntercept } from "./error-pages.ts";
import type { Path } from "./finding.ts";
import { checkFieldText, defaultHeaderProfile } from "./header-profile.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import { readMirror } from "./mirror.ts";
import { readRouteAuth } from "./route-auth.ts";
import { readRouteWaf } from "./route-waf.ts";
import { type DocumentInput, type RouteInput, servedMethods } from "./schema.ts";
import { requireKey, type SectionContext, take } from "./section.ts";
import { readStatic } from "./static.ts";
import { nearest } from "./suggest.ts";
import { readTransform } from "./transform.ts";
import { upstreamNames } from "./upstreams.ts";

/** A key that may name an upstream, and what it names. */
type Use = readonly [path: Path, upstream: string | undefined];

/** Checks `[[route]]`. Routes with problems are left out; findings say why. */
export function readRoutes(document: DocumentInput, context: SectionContext): readonly RouteConfig[] {
  const { findings } = context;
  if (document.route.length === 0 && !findings.isPoisoned(["route"]))
    findings.add({ code: "Z1213", path: [], message: "the file has no [[route]]" });
  const upstreams = upstreamNames(document);
  const routes: RouteConfig[] = [];
  /** Place in the file of each of `routes`. */
  const places: number[] = [];
  for (const [i, input] of document.route.entries()) {
    const route = readRoute(["route", i], input, document, upstreams, context);
    if (route === undefined) continue;
    routes.push(route);
    places.push(i);
  }
  reportConflicts(routes, places, context);
  reportNames(routes, places, document, context);
  checkBodyLimits(document, findings);
  if (document.route.length > 0)
    reportUnused(
      {
        kind: "upstream",
        nobody: "no route",
        defined: upstreams,
        uses: [
          ...document.route.map(({ upstream }, i): Use => [["route", i, "upstream"], upstream]),
          ...document.route.flatMap(({ split }, i) =>
            split.map(({ upstream }, j): Use => [["route", i, "split", j, "upstream"], upstream]),
          ),
          ...document.route.map(
            ({ mirror }, i): Use => [["route", i, "mirror", "upstream"], mirror?.upstream],
          ),
          ...Object.entries(document.auth_profile).map(
            ([name, profile]): Use => [["auth_profile", name, "service_upstream"], profile.service_upstream],
          ),
        ].map(([path, upstream]) => ({ path, names: upstream === undefined ? [] : [upstream] })),
        code: "Z2107",
      },
      context,
    );
  return routes;
}

function readRoute(
  path: Path,
  input: RouteInput,
  document: DocumentInput,
  upstreams: ReadonlyMap<string, Path>,
  context: SectionContext,
): RouteConfig | undefined {
  const what =
    input.name !== undefined
      ? `route "${printable(input.name)}"`
      : input.path !== undefined
        ? `the route "${printable(input.path)}"`
        : "[[route]]";
  const hasPath =
    requireKey(path, "path", input.path, what, context) &&
    checkPattern([...path, "path"], input.path!, context);
  const answersItself =
    input.redirect !== undefined || input.respond !== undefined || input.mode === "static";
  const hasUpstream = answersItself || requireKey(path, "upstream", input.upstream, what, context);
  if (input.upstream !== undefined) checkReference(path, what, input.upstream, upstreams, context);
  const transform = readTransform(path, what, input, upstreams, context);
  const files = readStatic(path, what, input, context);
  const hosts = readHosts([...path, "hosts"], input.hosts, context);
  const methods = readMethods([...path, "methods"], input.methods, context);
  if (input.name !== undefined) checkName([...path, "name"], "a route", input.name, context, "value");
  const mirror = readRouteMirror(path, what, input, upstreams, context);
  const intercept = readIntercept([...path, "intercept"], input.intercept, context);
  const auth = readRouteAuth(path, what, input, document, context);
  const clientAuth = readRouteClientAuth(path, what, input, document, context);
  const waf = readRouteWaf(path, what, input, document, context);
  const cors = readCors([...path, "cors"], what, input.cors, methods, context);
  checkGuard(path, what, input, context);
  checkMessages(path, what, input, waf, context);
  checkHandshakes(path, what, input, document, context);
  checkCovered(path, input, document, context);
  if (!hasPath || !hasUpstream) return undefined;
  return {
    name: input.name ?? routeName(input.path!, hosts, methods),
    path: input.path!,
    hosts,
    methods,
    upstream: input.upstream,
    transform,
    mirror,
    intercept,
    static: files,
    headerProfile: readHeaderProfileName(path, what, input, document, context),
    compress: readCompress(path, what, input, document, context),
    cache: readRouteCache(path, what, input, document, context),
    csp: input.csp,
    internalOnly: input.internal_only,
    public: input.public,
    auth,
    ...(clientAuth === undefined ? {} : { clientAuth }),
    mergeSlashes: input.merge_slashes,
    refuseEncodedSlash: input.refuse_encoded_slash,
    trailers: input.trailers,
    mode: input.mode,
    websocketOrigins: readOrigins(path, what, input, context),
    websocketIdleSecs: input.websocket_idle_secs,
    websocketInspect: input.websocket_inspect,
    websocketMaxMessageKb: input.websocket_max_message_kb,
    maxStreams: input.max_streams,
    maxBodyMb: input.max_body_mb,
    waf,
    maxInFlight: input.max_in_flight,
    limits: input.limits,
    cors,
    csrfGuard: input.csrf_guard,
    lists: input.lists,
  };
}

function readRouteMirror(
  path: Path,
  what: string,
  { mirror, upstream }: RouteInput,
  upstreams: ReadonlyMap<string, Path>,
  context: SectionContext,
): MirrorConfig | undefined {
  if (mirror === undefined) return undefined;
  if (upstream === undefined && !context.findings.isPoisoned([...path, "upstream"]))
    context.findings.add({
      code: "Z2108",
      path: [...path, "mirror"],
      at: "key",
      message: `${what} has a mirror and no upstream: nothing is sent that could be copied`,
    });
  const methods = readMethods([...path, "mirror", "methods"], mirror.methods, context)!;
  return readMirror(path, what, mirror, methods, upstreams, context);
}

function readHeaderProfileName(
  path: Path,
  what: string,
  { header_profile: name = defaultHeaderProfile, csp }: RouteInput,
  { header_profile: profiles }: DocumentInput,
  context: SectionContext,
): string {
  if (csp !== undefined) checkFieldText([...path, "csp"], csp, context);
  const { findings } = context;
  const isKnown = name === defaultHeaderProfile || findings.isPoisoned(["header_profile"]);
  if (!isKnown && !findings.isPoisoned(["header_profile", name]))
    checkDefined(
      {
        path: [...path, "header_profile"],
        what,
        kind: "header profile",
        name,
        defined: new Map(Object.keys(profiles).map((at): [string, Path] => [at, ["header_profile", at]])),
        definition: `[header_profile.${printable(name)}]`,
        effect: "nobody could say which fields its answers get.",
      },
      context,
    );
  return name;
}

/** `/_zion/` is refused anyway. */
function checkCovered(
  path: Path,
  input: RouteInput,
  { server }: DocumentInput,
  context: SectionContext,
): void {
  if (server?.expose_internal !== true || input.path !== "/metrics") return;
  context.findings.add({
    code: "Z2108",
    path: [...path, "path"],
    message: "with `expose_internal = true` the gateway itself answers /metrics",
    label: "never gets here",
    effect: "the route serves no request.",
    fix: "remove the route, or `expose_internal`: Prometheus can scrape [telemetry] instead",
  });
}

/** "GET,HEAD a.example,b.example/items/{id}": what sets a route apart, when it has no name of its own. */
function routeName(
  path: string,
  hosts: readonly string[] | undefined,
  methods: readonly string[] | undefined,
): string {
  return `${methods === undefined ? "" : `${methods.join(",")} `}${hosts?.join(",") ?? ""}${path}`;
}

function checkPattern(path: Path, text: string, context: SectionContext): boolean {
  const pattern = parsePattern(text);
  if (isPatternProblem(pattern)) {
    const suggestion = mend(text);
    context.findings.add({
      code: "Z1104",
      path,
      within: { offset: pattern.offset, length: text.length },
      message: `${keyLabel(path)}: ${pattern.problem}`,
      suggestion,
      label: suggestion === undefined ? "" : `did you mean "${suggestion}"?`,
    });
    return false;
  }
  if (pattern.segments[0] === "_zion") {
    context.findings.add({
      code: "Z1104",
      path,
      message: `${keyLabel(path)}: /_zion/ belongs to the gateway`,
      fix: "choose another path",
    });
    return false;
  }
  const alien = pattern.segments.find((segment) => segment !== undefined && /^\*|^:./.test(segment));
  if (alien !== undefined)
    context.findings.add({
      code: "Z2109",
      path,
      message: `${keyLabel(path)}: \`${printable(alien)}\` is literal text here`,
      label: "not a wildcard",
    });
  return true;
}

/** The pattern that was probably meant: a slash in front, no query, or the wildcards of other routers. */
function mend(text: string): string | undefined {
  const path = text
    .replace(/[?#].*$/s, "")
    .replace(/^(?!\/)/, "/")
    .replace(/\/{2,}/g, "/");
  return path !== text && !isPatternProblem(parsePattern(path)) ? path : undefined;
}

function checkReference(
  path: Path,
  what: string,
  name: string,
  upstreams: ReadonlyMap<string, Path>,
  context: SectionContext,
): void {
  const { findings } = context;
  if (
    findings.isPoisoned(["upstream"]) ||
    findings.isPoisoned(["upstreams"]) ||
    findings.isPoisoned(["upstream", name])
  )
    return;
  checkDefined(
    {
      path: [...path, "upstream"],
      what,
      kind: "upstream",
      name,
      defined: upstreams,
      definition: `[upstream.${printable(name)}] with a \`url\``,
    },
    context,
  );
}

function readHosts(
  path: Path,
  hosts: readonly string[] | undefined,
  context: SectionContext,
): readonly string[] | undefined {
  if (hosts === undefined) return undefined;
  if (hosts.length === 0)
    context.findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)} is empty: no request could match`,
      fix: "name a host, or leave the key out for any host",
    });
  return hosts
    .map((host, i) => take(readHostName(host, true), "Z1103", [...path, i], host, context))
    .filter((host) => host !== undefined);
}

function readMethods(
  path: Path,
  methods: readonly string[] | undefined,
  context: SectionContext,
): readonly string[] | undefined {
  if (methods === undefined) return undefined;
  if (methods.length === 0)
    context.findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)} is empty: no request could match`,
      fix: "name a method, or leave the key out for all of them",
    });
  for (const [i, method] of methods.entries()) {
    if (servedMethods.includes(method)) continue;
    const at = [...path, i];
    const suggestion = nearest(method, servedMethods);
    context.findings.add({
      code: "Z1045",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, method)} is not a method this gateway serves`,
      suggestion,
      label: suggestion === undefined ? "" : `did you mean "${suggestion}"?`,
      fix: `use ${servedMethods.join(", ")}; methods are upper case`,
    });
  }
  return methods;
}

/** Pages that may open a WebSocket, in lower case. */
function readOrigins(
  route: Path,
  what: string,
  input: RouteInput,
  { findings }: SectionContext,
): readonly string[] | undefined {
  const origins = input.websocket_origins;
  if (origins === undefined) return undefined;
  const path = [...route, "websocket_origins"];
  if (input.mode !== "websocket" && !findings.isPoisoned([...route, "mode"]))
    findings.add({
      code: "Z1214",
      path,
      message: `${what} has \`websocket_origins\`, and serves no WebSocket`,
      fix: 'set mode = "websocket", or remove it',
    });
  for (const [i, origin] of origins.entries()) {
    if (isOriginPattern(origin)) continue;
    findings.add({
      code: "Z1106",
      path: [...path, i],
      message: `${keyLabel(path)}: ${shownValue([...path, i], origin)} is not an origin`,
      fix: 'write scheme and host, "https://app.example.org" or "https://*.example.org", or "*" for all',
    });
  }
  return origins.map((origin) => origin.toLowerCase());
}

/** Inspection of messages needs messages, and a WAF. */
function checkMessages(
  route: Path,
  what: string,
  input: RouteInput,
  waf: RouteWafConfig | undefined,
  { findings }: SectionContext,
): void {
  if (!input.websocket_inspect) return;
  const path = [...route, "websocket_inspect"];
  if (input.mode !== "websocket" && !findings.isPoisoned([...route, "mode"]))
    findings.add({
      code: "Z1214",
      path,
      message: `${what} has \`websocket_inspect\`, and serves no WebSocket`,
      fix: 'set mode = "websocket", or remove it',
    });
  else if (waf === undefined && !findings.isPoisoned([...route, "waf"]))
    findings.add({
      code: "Z1214",
      path,
      message: `${what} has \`websocket_inspect\`, and the WAF is off here`,
      fix: "remove `waf = false`, or `websocket_inspect`",
    });
}

/** Handshakes go upstream over HTTP/1.1, whatever else is spoken there. */
function checkHandshakes(
  route: Path,
  what: string,
  input: RouteInput,
  { upstream: upstreams }: DocumentInput,
  { findings }: SectionContext,
): void {
  const name = input.upstream;
  if (input.mode !== "websocket" || name === undefined || !Object.hasOwn(upstreams, name)) return;
  const protocol = upstreams[name]!.protocol;
  if (protocol !== "h2" && protocol !== "h2c") return;
  findings.add({
    code: "Z2114",
    path: [...route, "mode"],
    message: `${what} serves WebSocket, and ${printable(name)} is spoken to in HTTP/2`,
    related: [{ path: ["upstream", name, "protocol"], label: "HTTP/2 here" }],
  });
}

/** A guard that lets every page in is none. */
function checkGuard(path: Path, what: string, input: RouteInput, { findings }: SectionContext): void {
  const place = input.cors?.allowed_origins.indexOf("*") ?? -1;
  if (!input.csrf_guard || place < 0) return;
  findings.add({
    code: "Z1214",
    path: [...path, "csrf_guard"],
    message: `${what} has \`csrf_guard\`, and its CORS allows every page`,
    fix: "name the origins, or remove `csrf_guard`",
    related: [{ path: [...path, "cors", "allowed_origins", place], label: "every page" }],
  });
}

function reportConflicts(
  routes: readonly RouteConfig[],
  places: readonly number[],
  context: SectionContext,
): void {
  const reported = new Set<string>();
  for (const { first, second, host, methods } of findRouteConflicts(routes)) {
    // Two routes can clash on several hosts: once is enough.
    if (reported.has(`${first} ${second}`)) continue;
    reported.add(`${first} ${second}`);
    const scope = `${host === undefined ? "any host" : `host ${host}`}, ${methods.length === COMMON_METHODS ? "any method" : methods.join(", ")}`;
    context.findings.add({
      code: "Z1212",
      path: ["route", places[second]!, "path"],
      message: `two routes serve the same requests: "${printable(routes[second]!.path)}" (${scope})`,
      label: "matches the same paths",
      related: [{ path: ["route", places[first]!, "path"], label: "as this one" }],
    });
  }
}

function reportNames(
  routes: readonly RouteConfig[],
  places: readonly number[],
  document: DocumentInput,
  context: SectionContext,
): void {
  const seen = new Map<string, number>();
  for (const [i, route] of routes.entries()) {
    const place = places[i]!;
    const first = seen.get(route.name);
    if (first === undefined) {
      seen.set(route.name, place);
      continue;
    }
    // Two made-up names are equal only for routes that conflict, and that is reported already.
    const named = document.route[place]!.name !== undefined || document.route[first]!.name !== undefined;
    if (!named) continue;
    const key = (at: number): Path => ["route", at, document.route[at]!.name === undefined ? "path" : "name"];
    context.findings.add({
      code: "Z1211",
      path: key(place),
      message: `two routes are named "${printable(route.name)}"`,
      related: [{ path: key(first), label: "first used here" }],
    });
  }
}
