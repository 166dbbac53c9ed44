import type { CompressionRule } from "../answer/compression.ts";
import { buildClientAuth } from "../cert/client-auth.ts";
import type { CertificateStore } from "../cert/store.ts";
import type { Config, RouteConfig, RouteWafConfig } from "../config/config.ts";
import { buildCorsRule } from "../gate/cors.ts";
import { buildOriginRule } from "../gate/origin-rule.ts";
import { buildRouteWaf, type RouteWaf } from "../gate/waf-settings.ts";
import type { HeadLimits } from "../http/head.ts";
import type { HopFacts } from "../http/print-request.ts";
import { methodNames } from "../http/request.ts";
import { type AddressSet, buildAddressSet, parseCidr } from "../identity/address.ts";
import type { Limits } from "../limit/limits.ts";
import { routeLogPiece } from "../record/access-log.ts";
import type { Counters } from "../record/counters.ts";
import { buildRedaction } from "../record/redaction.ts";
import type { TracingRule } from "../record/span-log.ts";
import { ANY_STATUS, type ErrorPages } from "../respond/error-page.ts";
import type { RouteEntry } from "../route/entry.ts";
import { routeTableSteps } from "../route/table.ts";
import type { Route, Snapshot } from "../snapshot.ts";
import { systemClock } from "../std/clock.ts";
import type { Steps } from "../std/steps.ts";
import type { UpstreamDeps } from "../upstream/endpoint.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { RuleSet } from "../waf/compile.ts";
import { buildRouteAuth, buildService, identityFieldsOf } from "./auth-build.ts";
import type { AuthDesk, BuiltProfile } from "./auth-desk.ts";
import { buildCacheRule } from "./cache-build.ts";
import { buildCompression } from "./compression-build.ts";
import { buildInspection } from "./inspection-build.ts";
import { buildRateLimits, buildRouteLimits, countedClaims } from "./limit-build.ts";
import { type ListTable, listTableSteps } from "./list-build.ts";
import { buildMirror } from "./mirror-build.ts";
import { buildOriginClasses } from "./origin-class-build.ts";
import { buildSite } from "./static-build.ts";
import { buildTransform } from "./transform-build.ts";

export interface CompileDeps {
  /** Every upstream of the config, by name. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly upstreamDeps: UpstreamDeps;
  readonly auth: AuthDesk;
  readonly counters: Counters;
  /** Every limit of the config, with its state. */
  readonly limits: ReturnType<Limits["adopt"]>;
  readonly viaName: string;
  readonly store: CertificateStore | undefined;
  /** Of the config's rules. */
  readonly ruleSet: RuleSet;
}

const SEGMENTS_MAX = 256;
const MEBIBYTE = 1024 * 1024;

/** Compiles a validated config into the snapshot that exchanges read, in steps. Throws when it cannot be compiled. */
export function* snapshotSteps(generation: number, config: Config, deps: CompileDeps): Steps<Snapshot> {
  const { server } = config;
  const { store, viaName, counters } = deps;
  const claims = countedClaims(config.limits);
  const head: HeadLimits = {
    headBytesMax: server.maxHeaderBytes,
    fieldsMax: server.maxHeaders,
    valueBytesMax: server.maxHeaderValueBytes,
    targetBytesMax: server.maxUriBytes,
    queryParamsMax: server.maxQueryParams,
    path: { encodeRawChars: server.rawPathChars === "encode", segmentsMax: SEGMENTS_MAX },
  };
  const hop: HopFacts = {
    via11: Buffer.from(`Via: 1.1 ${viaName}\r\n`, "latin1"),
    via20: Buffer.from(`Via: 2.0 ${viaName}\r\n`, "latin1"),
    via10: Buffer.from(`Via: 1.0 ${viaName}\r\n`, "latin1"),
    xffMode: server.xffMode,
  };
  const profiles = deps.auth.build(config.authProfiles, claims, (profile) =>
    buildService(profile, { upstreams: deps.upstreams, upstreamDeps: deps.upstreamDeps, hop, limits: head }),
  );
  const lists = yield* listTableSteps(config.lists, counters);
  // Most routes say the same: 1,000 profiles of their own take half a second and 70 MB.
  const wafs = new Map<string, RouteWaf | undefined>();
  const wafOf = ({ waf }: RouteConfig): RouteWaf | undefined => {
    const key = JSON.stringify(waf);
    if (!wafs.has(key)) wafs.set(key, buildWaf(waf, config, deps.ruleSet));
    return wafs.get(key);
  };
  const compression = buildCompression(config.compression);
  const routes: RouteEntry<Route>[] = [];
  for (const route of config.routes) {
    yield;
    routes.push({
      path: route.path,
      ...(route.hosts === undefined ? {} : { hosts: route.hosts }),
      ...(route.methods === undefined ? {} : { methods: route.methods }),
      value: buildRoute(route, config, deps, lists, profiles, wafOf(route), compression, hop),
    });
  }
  const redirects =
    server.httpMode === "redirect" && server.listenHttp !== undefined && server.listenHttps !== undefined;
  return {
    generation,
    config,
    head,
    connection: {
      headTimeoutMs: server.headerTimeoutMs,
      bodyIdleTimeoutMs: server.bodyIdleTimeoutMs,
      bodyMinRate: server.bodyMinRate,
      writeTimeoutMs: server.writeTimeoutMs,
      keepaliveTimeoutMs: server.keepaliveTimeoutMs,
      keepaliveRequests: server.keepaliveRequests,
      ageMaxMs: server.connectionMaxAgeSecs * 1000,
      controlFramesPerSec: server.h2ControlFramesPerSec,
      h2c: server.h2c,
    },
    hop,
    viaName,
    trustedProxies: addresses(server.trustedProxies),
    tracing: tracingRule(config),
    proxyProtocol: server.proxyProtocol.length === 0 ? undefined : addresses(server.proxyProtocol),
    internalNetworks: addresses(
      server.internalNetworks.length > 0 ? server.internalNetworks : PRIVATE_NETWORKS,
    ),
    exposeInternal: server.exposeInternal,
    identityFields: identityFieldsOf(config),
    lists: lists.pick(server.lists),
    originClasses: buildOriginClasses(config.sovereign, lists, counters),
    slowBans: config.ban?.action === "tarpit",
    inFlightPerAddress: server.maxInFlightPerIp,
    limits: buildRateLimits(server.limits, undefined, config.limits, deps.limits),
    routes: yield* routeTableSteps(routes),
    cachedRoutes: new Map(
      routes.flatMap(({ value }) => (value.cache === undefined ? [] : [[value.name, value] as const])),
    ),
    errorPages: buildErrorPages(config),
    redirectPort: redirects ? server.listenHttps!.port : undefined,
    clientAuth:
      config.tls === undefined ? undefined : buildClientAuth(config.tls, config.routes, systemClock.wallMs),
    isSameCertificate:
      store === undefined ? () => true : (serverName, host) => store.isSameCertificate(serverName, host),
  };
}

function buildErrorPages({ errorPages }: Config): ErrorPages | undefined {
  if (errorPages.length === 0) return undefined;
  const bytes = (text: string | undefined) =>
    text === undefined ? undefined : Buffer.from(text, "utf8").toString("latin1");
  return {
    byStatus: new Map(
      errorPages.map(({ status = ANY_STATUS, html, json }) => [
        status,
        { html: bytes(html), json: bytes(json) },
      ]),
    ),
  };
}

/** Loopback, private, link-local and ULA: what is internal when nothing else is said (zion-reference.md §3.2). */
const PRIVATE_NETWORKS = [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "::1/128",
  "fc00::/7",
  "fe80::/10",
];

function buildRoute(
  route: RouteConfig,
  config: Config,
  deps: CompileDeps,
  lists: ListTable,
  profiles: ReadonlyMap<string, BuiltProfile>,
  waf: RouteWaf | undefined,
  compression: CompressionRule | undefined,
  hop: HopFacts,
): Route {
  const upstream = route.upstream === undefined ? undefined : deps.upstreams.get(route.upstream);
  if (upstream === undefined && route.upstream !== undefined)
    throw new Error(`route "${route.name}": no upstream "${route.upstream}"`);
  for (const method of route.methods ?? []) {
    if (!(methodNames as readonly string[]).includes(method))
      throw new Error(`route "${route.name}": no method "${method}"`);
  }
  return {
    name: route.name,
    counters: deps.counters.route(route.name),
    logPiece: routeLogPiece(route.name),
    upstream,
    transform: buildTransform(route, config.headerProfiles, deps.upstreams),
    site: buildSite(route.static),
    inspection: buildInspection(route.waf, waf, config.waf),
    compression: route.compress ? compression : undefined,
    mirror: buildMirror(route, { ...deps, hop, counts: deps.counters.route(route.name) }),
    intercepted: buildStatusSet(route.intercept),
    internalOnly: route.internalOnly,
    public: route.public,
    auth: buildRouteAuth(route, profiles, systemClock.wallMs),
    certificateRequired: route.clientAuth === "required",
    mergeSlashes: route.mergeSlashes,
    refuseEncodedSlash: route.refuseEncodedSlash,
    trailers: route.trailers,
    webSocket:
      route.mode === "websocket"
        ? {
            origins: buildOriginRule(route.websocketOrigins),
            idleMs: route.websocketIdleSecs * 1000,
            messageBytesMax: route.websocketInspect ? route.websocketMaxMessageKb * 1024 : undefined,
          }
        : undefined,
    isStream: route.mode === "sse_stream",
    streamsMax: route.maxStreams === 0 ? Infinity : route.maxStreams,
    cors: route.cors === undefined ? undefined : buildCorsRule(route.cors),
    csrfGuard: route.csrfGuard,
    lists: lists.pick(route.lists),
    inFlightMax: route.maxInFlight === 0 ? Infinity : route.maxInFlight,
    ...buildRouteLimits(route, config.limits, deps.limits),
    waf,
    cache: buildCacheRule(route),
    bodyBytesMax: (route.maxBodyMb ?? config.server.maxBodyMb) * MEBIBYTE,
  };
}

/** Undefined: no status is in it. */
function buildStatusSet(ranges: RouteConfig["intercept"]): ReadonlySet<number> | undefined {
  if (ranges.length === 0) return undefined;
  return new Set(ranges.flatMap(([low, high]) => Array.from({ length: high - low + 1 }, (_, i) => low + i)));
}

/** Undefined: the route is not inspected. */
export function buildWaf(
  route: RouteWafConfig | undefined,
  { waf }: Pick<Config, "waf">,
  ruleSet: RuleSet,
): RouteWaf | undefined {
  if (route === undefined) return undefined;
  const profile = waf.profiles.find(({ name }) => name === route.profile);
  if (profile === undefined) throw new Error(`no WAF profile "${route.profile}"`);
  const { allowedContentTypes, scanHeaders, ...settings } = profile;
  return buildRouteWaf(
    {
      ...settings,
      ...(allowedContentTypes === undefined ? {} : { allowedContentTypes }),
      ...(scanHeaders === undefined ? {} : { scanHeaders }),
      shadow: route.shadow,
      streams: route.streams,
      excludes: waf.excludes,
    },
    ruleSet,
  );
}

function addresses(cidrs: readonly string[]): AddressSet {
  return buildAddressSet(
    cidrs.map((cidr) => {
      const parsed = parseCidr(cidr);
      if (parsed === undefined) throw new Error(`not an address or CIDR: ${cidr}`);
      return parsed;
    }),
  );
}

function tracingRule({ tracing, redact }: Config): TracingRule | undefined {
  if (tracing === undefined) return undefined;
  const { address } = buildRedaction(redact);
  return { below: tracing.sample * 2 ** 32, refusals: tracing.refusals, address };
}
