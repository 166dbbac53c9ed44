import type { CompressionRule } from "./answer/compression.ts";
import type { InspectionRule } from "./answer/inspection.ts";
import type { CacheRule } from "./cache/rule.ts";
import type { ClientAuthTable } from "./cert/client-auth.ts";
import type { Config } from "./config/config.ts";
import type { AuthRule } from "./gate/auth.ts";
import type { ClientLists } from "./gate/client-lists.ts";
import type { CorsRule } from "./gate/cors.ts";
import type { OriginClasses } from "./gate/origin-class.ts";
import type { OriginRule } from "./gate/origin-rule.ts";
import type { RateLimit } from "./gate/rate-limit.ts";
import type { RouteWaf } from "./gate/waf-settings.ts";
import type { FieldEdits } from "./http/field-edit.ts";
import type { HeadLimits } from "./http/head.ts";
import type { HopFacts } from "./http/print-request.ts";
import type { TargetEdit } from "./http/target-edit.ts";
import type { TemplateScope } from "./http/template.ts";
import type { AddressSet } from "./identity/address.ts";
import type { RecordedRoute } from "./record/record.ts";
import type { TracingRule } from "./record/span-log.ts";
import type { ErrorPages } from "./respond/error-page.ts";
import type { Reply } from "./respond/reply.ts";
import type { StaticSite } from "./respond/static/static-site.ts";
import type { RouteTable } from "./route/table.ts";
import type { MirrorRule } from "./upstream/mirror.ts";
import type { Upstream } from "./upstream/upstream.ts";

/**
 * What an exchange may read that came from configuration. Built whole from a Config (control/data-plane.ts), never
 * changed, replaced by one assignment. What changes while serving is in state.ts.
 */
export interface Snapshot {
  readonly generation: number;
  readonly config: Config;
  readonly head: HeadLimits;
  readonly connection: ConnectionLimits;
  readonly hop: HopFacts;
  /** This gateway's name in Via, to notice loops. */
  readonly viaName: string;
  readonly trustedProxies: AddressSet;
  /** Undefined = traceparents pass as they came, and nothing is reported. */
  readonly tracing: TracingRule | undefined;
  /** Peers whose connections begin with a PROXY header; undefined = nobody's. */
  readonly proxyProtocol: AddressSet | undefined;
  readonly internalNetworks: AddressSet;
  /** Pages of respond/page.ts are served before any route. */
  readonly exposeInternal: boolean;
  /** Names, in lower case, of fields that only a verified identity may set. */
  readonly identityFields: readonly string[];
  /** Undefined = none for every request. */
  readonly lists: ClientLists | undefined;
  /** Undefined = nobody's class is asked for. */
  readonly originClasses: OriginClasses | undefined;
  /** Refusals of banned clients go through the tarpit. */
  readonly slowBans: boolean;
  /** Exchanges under way per address; 0 = no cap. */
  readonly inFlightPerAddress: number;
  /** They count every request. */
  readonly limits: readonly RateLimit[];
  readonly routes: RouteTable<Route>;
  /** Those with a cache, by name: other workers ask for what they answer. */
  readonly cachedRoutes: ReadonlyMap<string, Route>;
  /** Undefined = refusals are a few fixed words. */
  readonly errorPages: ErrorPages | undefined;
  /** Who must show a certificate; undefined = nobody is asked for one. */
  readonly clientAuth: ClientAuthTable | undefined;
  /** The plain listener redirects to this https port; undefined = it serves. */
  readonly redirectPort: number | undefined;
  /** Whether both names are served under the same certificate; true without TLS. */
  isSameCertificate(serverName: string, host: string): boolean;
}

export interface Route extends RecordedRoute {
  /** Undefined where the route answers itself. */
  readonly upstream: Upstream | undefined;
  readonly transform: RouteTransform;
  /** Undefined = nobody else gets copies of requests. */
  readonly mirror: MirrorRule | undefined;
  /** Statuses of the upstream that get an error page; undefined = none. */
  readonly intercepted: ReadonlySet<number> | undefined;
  /** Undefined = serves no files. */
  readonly site: StaticSite | undefined;
  /** Undefined = nobody looks at answers. */
  readonly inspection: InspectionRule | undefined;
  /** Undefined = answers are not compressed. */
  readonly compression: CompressionRule | undefined;
  readonly internalOnly: boolean;
  readonly public: boolean;
  /** Undefined = no credentials asked for. */
  readonly auth: AuthRule | undefined;
  /** Also where the host asks for no certificate. */
  readonly certificateRequired: boolean;
  readonly mergeSlashes: boolean;
  readonly refuseEncodedSlash: boolean;
  /** Trailers pass, both ways. */
  readonly trailers: boolean;
  /** Undefined = WebSocket handshakes are plain requests here. */
  readonly webSocket: WebSocketRule | undefined;
  /** `mode = "sse_stream"`: the upstream may take its time, and no answer is stored. */
  readonly isStream: boolean;
  /** WebSockets and event streams open at once; Infinity = no limit. */
  readonly streamsMax: number;
  readonly bodyBytesMax: number;
  /** Undefined = its answers are not stored. */
  readonly cache: CacheRule | undefined;
  readonly limits: readonly RateLimit[];
  /** Those that another process decides over. */
  readonly strictLimits: readonly RateLimit[];
  /** Those that count by who somebody is. */
  readonly identityLimits: readonly RateLimit[];
  /** Those of them that another process decides over. */
  readonly strictIdentityLimits: readonly RateLimit[];
  /** Exchanges under way; Infinity = no cap. */
  readonly inFlightMax: number;
  /** Undefined = CORS is the upstream's business. */
  readonly cors: CorsRule | undefined;
  readonly csrfGuard: boolean;
  readonly lists: ClientLists | undefined;
  /** Undefined where the configuration says `waf = false`. */
  readonly waf: RouteWaf | undefined;
}

/** What a route changes in requests and answers; undefined = nothing. */
export interface RouteTransform {
  readonly target: TargetEdit | undefined;
  /** `Host: …` with CRLF that the upstream gets. */
  readonly hostLine: Uint8Array | undefined;
  readonly requestFields: FieldEdits | undefined;
  readonly answerFields: FieldEdits | undefined;
  /** Answers in place of an upstream. */
  readonly reply: Reply | undefined;
  /** Where some of the requests go instead, in this order. */
  readonly split: readonly SplitTarget[];
  readonly scope: TemplateScope;
}

export interface SplitTarget {
  readonly upstream: Upstream;
  /** Percent of the requests that no field and no cookie sends anywhere. */
  readonly weight: number;
  /** Name in lower case; undefined value = any. */
  readonly header: readonly [name: string, value: string | undefined] | undefined;
  readonly cookie: readonly [name: string, value: string | undefined] | undefined;
}

/** WebSocket on one route. */
export interface WebSocketRule {
  readonly origins: OriginRule;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** Of a client's message, put together; undefined = messages are not looked at. */
  readonly messageBytesMax: number | undefined;
}

/** Time-outs and counts of client connections (reliability.md C10-C14). */
export interface ConnectionLimits {
  readonly headTimeoutMs: number;
  readonly bodyIdleTimeoutMs: number;
  /** Bytes per second after the first 10 s of a body; 0 = off. */
  readonly bodyMinRate: number;
  readonly writeTimeoutMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly keepaliveRequests: number;
  readonly ageMaxMs: number;
  /** HTTP/2 control frames per second and connection; 0 = only the built-in guard. */
  readonly controlFramesPerSec: number;
  /** HTTP/2 by prior knowledge on the plain listener. */
  readonly h2c: boolean;
}
