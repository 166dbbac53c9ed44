import type { ApiKeyEntry } from "../identity/api-key.ts";
import type { UserEntry } from "../identity/password-hash.ts";
import type { NamePin } from "../identity/subject-name.ts";
import type { ClaimField, KeyMaterial } from "../identity/token-verifier.ts";
import type { Exclude } from "../waf/profile.ts";
import type { Rule } from "../waf/rule.ts";

/**
 * The validated configuration: plain JSON data, made by `config/parse.ts` in the primary and sent to the workers,
 * who compile it to a Snapshot. File contents (certificates, keys) are already in it: workers open no operator files.
 */
export interface Config {
  readonly schemaVersion: 1;
  readonly server: ServerConfig;
  readonly tls: TlsConfig | undefined;
  readonly upstreams: readonly UpstreamConfig[];
  readonly routes: readonly RouteConfig[];
  /** "default" is always among them. */
  readonly headerProfiles: readonly HeaderProfileConfig[];
  readonly errorPages: readonly ErrorPageConfig[];
  /** Undefined = answers are not compressed. */
  readonly compression: CompressionConfig | undefined;
  readonly authProfiles: readonly AuthProfileConfig[];
  readonly limits: readonly LimitConfig[];
  /** Where limits with `store = "valkey"` are counted for all machines. */
  readonly limitStore: LimitStoreConfig | undefined;
  readonly lists: readonly ListConfig[];
  /** Undefined = nobody is banned for what it does. */
  readonly ban: BanConfig | undefined;
  readonly tarpit: TarpitConfig;
  /** Undefined = nobody's class is asked for. */
  readonly sovereign: SovereignConfig | undefined;
  /** Undefined = no mesh. It meets in `limitStore`. */
  readonly mesh: MeshConfig | undefined;
  readonly waf: WafConfig;
  readonly accessLog: AccessLogConfig;
  /** Undefined = no spans. */
  /** Write nothing to any disk. */
  readonly amnesia: boolean;
  /** Undefined = no audit log. */
  readonly audit: AuditConfig | undefined;
  readonly redact: RedactConfig;
  readonly tracing: TracingConfig | undefined;
  /** Undefined = no request is kept. */
  readonly capture: CaptureConfig | undefined;
  readonly telemetry: TelemetryConfig;
  readonly admin: AdminConfig;
}

/** `[server]`. */
export interface ServerConfig {
  /** Plain listener; undefined only with a TLS listener. */
  readonly listenHttp: SocketAddress | undefined;
  readonly listenHttps: SocketAddress | undefined;
  /** What the plain listener does: 301 to https, or serve the same routes. Default "redirect". */
  readonly httpMode: "redirect" | "serve";
  /** 0 = one per CPU (cgroup-aware), at least 2. */
  readonly workers: number;
  /** All workers together. 0 = derived from memory and the fd limit (reliability.md C10). */
  readonly maxConnections: number;
  /** Per client address (IPv6: per /64) and worker. 0 = off. Default 256. */
  readonly maxConnectionsPerIp: number;
  /** CIDRs. */
  readonly trustedProxies: readonly string[];
  readonly internalNetworks: readonly string[];
  /** "info" */ readonly logLevel: "info" | "warn" | "error";
  /** Internal pages on the listeners of clients. */
  readonly exposeInternal: boolean;
  /** CIDRs of peers that begin with a PROXY header. */
  readonly proxyProtocol: readonly string[];
  /** Names of lists that judge every request. */
  readonly lists: readonly string[];
  readonly requireRouteAuth: boolean;
  readonly xffMode: "append" | "rewrite" | "drop";
  /** Exchanges under way per client address (IPv6: per /64) and worker. 0 = off */ readonly maxInFlightPerIp: number;
  /** Names of limits that count every request. */
  readonly limits: readonly string[];
  readonly tcpKeepaliveSecs: number;
  readonly dnsStaleSecs: number;
  readonly dnsTimeoutMs: number;
  readonly dnsRefreshSecs: number;
  /** 16384 */ readonly maxHeaderBytes: number;
  /** 64 */ readonly maxHeaders: number;
  /** 8192, one field value */ readonly maxHeaderValueBytes: number;
  /** 8192 */ readonly maxUriBytes: number;
  /** 256 */ readonly maxQueryParams: number;
  /** Default for routes that say nothing, MiB. 10 */ readonly maxBodyMb: number;
  /** For stored answers, all workers together. 0 = an eighth of the memory */ readonly cacheMaxMemoryMb: number;
  /** 10000 */ readonly headerTimeoutMs: number;
  /** Longest pause inside a body. 15000 */ readonly bodyIdleTimeoutMs: number;
  /** Bytes per second a body must average after 10 s. 1024, 0 = off */ readonly bodyMinRate: number;
  /** No progress with an answer queued. 20000 */ readonly writeTimeoutMs: number;
  /** 60000 */ readonly keepaliveTimeoutMs: number;
  /** 1000 */ readonly keepaliveRequests: number;
  /** 3600 */ readonly connectionMaxAgeSecs: number;
  /** HTTP/2 by prior knowledge on the plain listener. false */ readonly h2c: boolean;
  /** Control frames per second and HTTP/2 connection; 0 = off. 0 */ readonly h2ControlFramesPerSec: number;
  /** TLS connections per second, address and worker. 0 = no limit */ readonly handshakeRatePerIp: number;
  /** 10000 */ readonly handshakeTimeoutMs: number;
  /** MiB in each worker. 32 */ readonly staticCacheMb: number;
  /** Per worker. 1024 */ readonly staticOpenFiles: number;
  /** TERM: readiness off, go on accepting this long. 5000 */ readonly shutdownDelayMs: number;
  /** Then drain at most this long. 30000 */ readonly shutdownGraceMs: number;
  /** What a path may hold raw of `{ } | ^ [ ] backtick`: "refuse" (default) or "encode". */
  readonly rawPathChars: "refuse" | "encode";
  /** What outlives the process: lock, bans, revoked tokens, last-gasp file; undefined = nothing does. */
  readonly stateDir: string | undefined;
}

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/** `[tls]`; PEM text, not paths. */
export interface TlsConfig {
  readonly minVersion: "1.3" | "1.2";
  readonly alpn: readonly string[];
  /** TLS 1.3 tickets per handshake, 0 = resumption off. 2 */
  readonly sessionTickets: number;
  /** Whether X25519MLKEM768 is agreed on where the client has it, must be, or is not offered. "prefer" */
  readonly pqMode: "prefer" | "require" | "off";
  readonly default: CertificateConfig;
  /** Exact names and one-label wildcards (`*.example.org`). */
  readonly sni: readonly SniConfig[];
  /** Of names that have no rules of their own; absent = none are asked. */
  readonly clientAuth?: ClientAuthConfig;
  /** Certificates that are ordered from a CA; what is served for them is in the two above. */
  readonly acme?: AcmeConfig;
}

/** `[tls.acme]`. */
export interface AcmeConfig {
  /** Absolute; keys, certificates and orders. */
  readonly directory: string;
  readonly certificates: readonly AcmeCertificateConfig[];
}

export interface AcmeCertificateConfig {
  /** The first domain; also the name of its files. */
  readonly name: string;
  /** 1 to 100, in lower case. */
  readonly domains: readonly string[];
  readonly account: AcmeAccountConfig;
  readonly challenge: "http-01" | "tls-alpn-01";
  readonly keyType: "ecdsa-p256" | "ecdsa-p384" | "rsa-2048" | "rsa-3072" | "rsa-4096";
  readonly renewBeforeDays: number;
  /** The chain that is served; undefined = none was issued, and a self-signed one stands in. */
  readonly issuedPem: string | undefined;
}

export interface AcmeAccountConfig {
  /** Made from directory, e-mail and binding. */
  readonly id: string;
  readonly directoryUrl: string;
  readonly email: string | undefined;
  /** Of the directory's own certificate; undefined = the system's CAs. */
  readonly caPem: string | undefined;
  /** External account binding; the key is in a variable or in a file, and not in here. */
  readonly binding:
    | { readonly keyId: string; readonly variable: string | undefined; readonly file: string | undefined }
    | undefined;
}

export interface SniConfig extends CertificateConfig {
  readonly serverName: string;
  /** Absent = those of [tls]. */
  readonly clientAuth?: ClientAuthConfig;
}

/** Who must show a client's certificate, and which ones are taken. */
export interface ClientAuthConfig {
  /** "none": only where a route asks. */
  readonly mode: "none" | "optional" | "required";
  /** Authorities, each with its issuers up to a root; undefined = there are none, and nobody is asked. */
  readonly caPem: string | undefined;
  /** Names of which a certificate must have one; empty = any. */
  readonly names: readonly NamePin[];
  /** Undefined = nobody was revoked. */
  readonly revocation: RevocationConfig | undefined;
}

export interface RevocationConfig {
  /** An outdated list counts as none. */
  readonly enforced: boolean;
  readonly lists: readonly {
    /** See identity/certificate-parts.ts `signerId`. */
    readonly signer: string;
    readonly nextUpdateMs: number | undefined;
    /** See identity/serial-set.ts. */
    readonly serials: Uint8Array;
  }[];
}

export interface CertificateConfig {
  readonly certPath: string;
  readonly keyPath: string;
  readonly certPem: string;
  readonly keyPem: string;
  /** For the same names, with the other kind of key: RSA beside ECDSA. */
  readonly second?: CertificateConfig;
}

/** `[upstream.NAME]`. */
export interface UpstreamConfig {
  readonly name: string;
  readonly endpoints: readonly EndpointConfig[];
  readonly balance: "p2c" | "round_robin" | "least_requests" | "lowest_latency" | "consistent_hash";
  /** For consistent_hash: "client_ip" (default), "path", "header:NAME", "cookie:NAME". */
  readonly hashKey: string;
  /** 3000; 0 = none */ readonly connectTimeoutMs: number;
  /** To the response head, per attempt. 30000 */ readonly requestTimeoutMs: number;
  /** Longest pause in a response body. 60000 */ readonly idleTimeoutMs: number;
  /** Whole exchange. 3600000; 0 = none */ readonly totalTimeoutMs: number;
  /** "http1"; "auto" = as ALPN says. */ readonly protocol: "http1" | "h2" | "h2c" | "auto";
  /** Idle connections kept, all endpoints, per worker. 128 */ readonly keepalive: number;
  /** Idle connections older than this are closed. 30000 */ readonly keepaliveTimeoutMs: number;
  /** Bulkhead per worker; 0 = none. */ readonly maxInFlight: number;
  readonly preserveHost: boolean;
  /** PEM text of a private CA; undefined = system roots. */
  readonly caPem: string | undefined;
  readonly clientCertPem: string | undefined;
  readonly clientKeyPem: string | undefined;
  /** SNI and name to verify; undefined = the URL's host. */
  readonly serverName: string | undefined;
  readonly retry: RetryConfig;
  readonly health: HealthConfig;
  readonly circuitBreaker: BreakerConfig | undefined;
  readonly outlierDetection: OutlierConfig | undefined;
  /** Undefined = clients keep to no member. */
  readonly sticky: StickyConfig | undefined;
}

export interface EndpointConfig {
  /** As written, without userinfo. */
  readonly url: string;
  readonly scheme: "http" | "https";
  /** Host name or address; "" for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** `unix:/path`; "" otherwise. */
  readonly socketPath: string;
  /** 1..1000, default 1 */
  readonly weight: number;
}

export interface RetryConfig {
  /** Further attempts after the first. 1 */ readonly attempts: number;
  /** Share of requests that may be retries, percent. 20 */ readonly budgetPct: number;
}

/** Active probes; interval 0 turns them off. */
export interface HealthConfig {
  /** "/" */ readonly path: string;
  /** Host header of probes; undefined = authority of the URL. `health_host` */ readonly host:
    | string
    | undefined;
  /** 30000 */ readonly intervalMs: number;
  /** 5000 */ readonly timeoutMs: number;
  /** Statuses that count as healthy, inclusive ranges. [[200,399]] */
  readonly expectedStatus: readonly (readonly [number, number])[];
  /** Ask gRPC's health service instead. false */ readonly grpc: boolean;
  /** 2 */ readonly unhealthyThreshold: number;
  /** 1 */ readonly healthyThreshold: number;
}

/** `[upstream.NAME.sticky]`. */
export interface StickyConfig {
  /** Name of the cookie. */
  readonly cookie: string;
  /** 86400 */ readonly ttlSecs: number;
  /** "/" */ readonly path: string;
  /** Undefined = where the request came over TLS. */
  readonly secure: boolean | undefined;
  /** true */ readonly httpOnly: boolean;
  readonly sameSite: "Lax" | "Strict" | "None";
  /** The upstream gets the cookie, too. false */ readonly forward: boolean;
  /** base64url, of this upstream alone, from `key_file`; undefined = from the machine's own root. */
  readonly key: string | undefined;
}

export interface BreakerConfig {
  /** 50 */ readonly errorRatePct: number;
  /** 20 */ readonly minRequests: number;
  /** 10, at most 60 */ readonly windowSecs: number;
  /** 30 */ readonly openSecs: number;
}

export interface OutlierConfig {
  readonly errorRatePct: number;
  readonly minRequests: number;
  readonly windowSecs: number;
  readonly ejectSecs: number;
  readonly maxEjectedPct: number;
}

/** `[[route]]`. */
export interface RouteConfig {
  /** `name`, or the path pattern with its hosts when not given; unique. */
  readonly name: string;
  readonly path: string;
  /** Lower-case exact names and `*.suffix`; undefined = any host. */
  readonly hosts: readonly string[] | undefined;
  /** Upper-case; undefined = all seven. */
  readonly methods: readonly string[] | undefined;
  /** Undefined where the route answers itself. */ readonly upstream: string | undefined;
  readonly transform: TransformConfig;
  /** Undefined = no copies. */ readonly mirror: MirrorConfig | undefined;
  /** Statuses of the upstream, inclusive ranges, that get an error page. Never of gRPC. [] */
  readonly intercept: readonly (readonly [number, number])[];
  /** `mode = "static"`; undefined = serves no files. */
  readonly static: StaticConfig | undefined;
  /** Name of one of `Config.headerProfiles`. "default" */ readonly headerProfile: string;
  /** Answers are compressed, as `Config.compression` says. */ readonly compress: boolean;
  /** Undefined = answers are not stored. */ readonly cache: CacheProfileConfig | undefined;
  /** Content-Security-Policy where the upstream sends none; undefined = as the profile says. */
  readonly csp: string | undefined;
  readonly internalOnly: boolean;
  readonly public: boolean;
  /** undefined = no credentials asked for. */
  readonly auth: RouteAuthConfig | undefined;
  /** Beside what the host asks; absent = nothing. */
  readonly clientAuth?: "optional" | "required";
  /** Forward `//` as `/`. false */ readonly mergeSlashes: boolean;
  /** Refuse `%2F` in the path. false */ readonly refuseEncodedSlash: boolean;
  /** Let trailers through, both ways. false */ readonly trailers: boolean;
  /** `websocket` serves handshakes too; `sse_stream` is for answers that come slowly, and stay open. "standard" */
  readonly mode: "standard" | "sse_stream" | "websocket" | "static" | "static_cache";
  /** Lower case; `*` = all; undefined = pages of the request's own host. */
  readonly websocketOrigins: readonly string[] | undefined;
  /** 600 */ readonly websocketIdleSecs: number;
  /** The WAF looks at what clients say. false */ readonly websocketInspect: boolean;
  /** KiB. 1024 */ readonly websocketMaxMessageKb: number;
  /** WebSockets and event streams open at once, per worker. 0 = no limit */ readonly maxStreams: number;
  /** undefined = server's. */ readonly maxBodyMb: number | undefined;
  /** undefined = not inspected. */
  readonly waf: RouteWafConfig | undefined;
  /** Exchanges under way, per worker. 0 = no limit */ readonly maxInFlight: number;
  /** Names of limits, in the order they are asked. */
  readonly limits: readonly string[];
  /** `[route.cors]`; undefined = the upstream's business. */
  readonly cors: CorsConfig | undefined;
  /** Refuse what foreign pages send. false */ readonly csrfGuard: boolean;
  /** Names of lists, after those of the server. */
  readonly lists: readonly string[];
}

/** Files that a route serves. */
export interface StaticConfig {
  /** Absolute. */
  readonly directory: string;
  /** Names of files. ["index.html"] */
  readonly index: readonly string[];
  /** false */ readonly spaFallback: boolean;
  /** false */ readonly precompressed: boolean;
  /** Undefined = no Cache-Control. */
  readonly maxAgeSecs: number | undefined;
  /** false */ readonly immutable: boolean;
}

/** `[list.NAME]`; addresses as sorted ranges, see identity/range-table.ts `printWords`. */
export interface ListConfig {
  readonly name: string;
  readonly action: "deny" | "tarpit" | "allow" | "exempt";
  readonly v4: string;
  readonly v6: string;
  /** Lower case. */
  readonly userAgents: readonly string[];
}

/** `[ban]`. */
export interface BanConfig {
  /** Offences within the window. 20 */ readonly threshold: number;
  /** 60 */ readonly windowSecs: number;
  /** "waf", "limit" or both. */ readonly from: readonly string[];
  /** The first ban; each further one is twice as long. 300 */ readonly banSecs: number;
  /** 86400 */ readonly banMaxSecs: number;
  /** 10000 */ readonly maxBans: number;
  readonly action: "refuse" | "tarpit";
  /** Log, ban nobody. false */ readonly shadow: boolean;
}

/** `[sovereign]`. */
export interface SovereignConfig {
  /** In their order: the first that has a client is its own. */
  readonly classes: readonly { readonly name: string; readonly lists: readonly string[] }[];
  /** Before them; as sorted ranges, see `ListConfig`. */
  readonly overrides: readonly { readonly name: string; readonly v4: string; readonly v6: string }[];
  /** Of the classes, or "unknown". */
  readonly deny: readonly string[];
  readonly action: "refuse" | "tarpit";
  /** In the access log. */
  readonly isLogged: boolean;
}

/** `[compression]`. */
export interface CompressionConfig {
  /** In the order of preference. */
  readonly codings: readonly ("br" | "zstd" | "gzip")[];
  readonly types: readonly string[];
  readonly minBytes: number;
  readonly effort: "fast" | "balanced" | "small";
  readonly breachGuard: boolean;
  /** Per worker. */
  readonly memoryMb: number;
}

/** `[tarpit]`. */
export interface TarpitConfig {
  /** 10 */ readonly holdSecs: number;
  /** Per worker. 128 */ readonly maxHeld: number;
}

/** What a route changes in requests and answers, or answers itself. */
export interface TransformConfig {
  readonly rewrite: RewriteConfig | undefined;
  readonly requestFields: FieldEditsConfig | undefined;
  readonly answerFields: FieldEditsConfig | undefined;
  readonly redirect: RedirectConfig | undefined;
  readonly respond: RespondConfig | undefined;
  readonly split: readonly SplitConfig[];
}

/** `[route.mirror]`. */
export interface MirrorConfig {
  readonly upstream: string;
  readonly percent: number;
  readonly methods: readonly string[];
  readonly bodyBytesMax: number;
  /** Per worker. */
  readonly maxInFlight: number;
  readonly timeoutMs: number;
  /** Fields that the copy loses; lower case. */
  readonly remove: readonly string[];
}

/** `[route.rewrite]`. */
export interface RewriteConfig {
  /** "" = none, as `addPrefix`. */
  readonly stripPrefix: string;
  readonly regex: string | undefined;
  readonly replacement: string;
  readonly addPrefix: string;
  readonly host: string | undefined;
  readonly querySet: readonly (readonly [name: string, value: string])[];
  readonly queryAdd: readonly (readonly [name: string, value: string])[];
  readonly queryRemove: readonly string[];
}

/** `[route.request_headers]`, `[route.response_headers]`. */
export interface FieldEditsConfig {
  /** Lower case. */
  readonly remove: readonly string[];
  readonly lines: readonly FieldLineConfig[];
}

export interface FieldLineConfig {
  readonly name: string;
  /** A template. */
  readonly value: string;
  readonly how: "set" | "add" | "default";
}

/** `[error_page.STATUS]`. */
export interface ErrorPageConfig {
  /** Undefined = every status that has no page of its own. */
  readonly status: number | undefined;
  /** Text of the file. */
  readonly html: string | undefined;
  readonly json: string | undefined;
}

/** `[cache_profile.NAME]`; see cache/rule.ts `CacheRule`. */
export interface CacheProfileConfig {
  readonly name: string;
  /** Per worker. 10000; 0 = nothing is stored */ readonly maxEntries: number;
  /** 3600 */ readonly freshMaxSecs: number;
  /** 0 */ readonly freshDefaultSecs: number;
  /** 50 MiB */ readonly bodyBytesMax: number;
  /** false */ readonly sortQuery: boolean;
  /** false */ readonly errors: boolean;
  /** false */ readonly ignoresCookies: boolean;
  /** 0 */ readonly staleIfErrorSecs: number;
  /** 5000 */ readonly lockMs: number;
  /** true */ readonly tells: boolean;
}

/** `[header_profile.NAME]`. */
export interface HeaderProfileConfig {
  readonly name: string;
  /** Values are texts, not templates. */
  readonly edits: FieldEditsConfig;
}

/** `[route.redirect]`. */
export interface RedirectConfig {
  /** A template. */
  readonly to: string;
  readonly status: number;
}

/** `[route.respond]`. */
export interface RespondConfig {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

/** `[[route.split]]`. */
export interface SplitConfig {
  readonly upstream: string;
  /** Percent; 0 = by header or cookie alone. */
  readonly weight: number;
  /** Name in lower case; undefined value = any. */
  readonly header: readonly [name: string, value: string | undefined] | undefined;
  readonly cookie: readonly [name: string, value: string | undefined] | undefined;
}

/** `[route.cors]`. */
export interface CorsConfig {
  /** Lower case; `*` = all. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly allowCredentials: boolean;
  /** 86400 */ readonly maxAgeSecs: number;
}

export interface RouteWafConfig {
  /** Name of one of `WafConfig.profiles`. "default" */ readonly profile: string;
  /** Report what would be refused, refuse nothing. false */ readonly shadow: boolean;
  /** Bodies are forwarded as they are inspected. false */ readonly streams: boolean;
}

export interface RouteAuthConfig {
  /** Names of `Config.authProfiles`: several kinds of credentials, or several issuers. */
  readonly profiles: readonly string[];
  /** All of them are asked for. */ readonly scopes: readonly string[];
  /** One of them is asked for; empty = none. */ readonly roles: readonly string[];
}

/** `[auth_profile.NAME]`. */
export type AuthProfileConfig =
  | TokenProfileConfig
  | ApiKeyProfileConfig
  | PasswordProfileConfig
  | CertificateProfileConfig
  | ServiceProfileConfig;

export interface TokenProfileConfig {
  readonly kind: "jwt";
  readonly name: string;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  /** All with secrets, or all with public keys. */
  readonly algorithms: readonly string[];
  /** None where there is a source of keys. */
  readonly keys: readonly KeyMaterial[];
  readonly keySource: KeySourceConfig | undefined;
  /** Claims that go upstream: `sub` and `email` unless `forward_claims = false`, and those of `claim_headers`. */
  readonly fields: readonly ClaimField[];
  /** 30 */ readonly leewaySecs: number;
  /** 86400; 0 = no limit */ readonly maxTokenLifetimeSecs: number;
  readonly requiredClaims: readonly string[];
  /** Steps with dots between them. "roles" */ readonly rolesClaim: string;
}

/** A JWK Set that the control plane fetches. */
export interface KeySourceConfig {
  /** Changes with everything that keys depend on. */
  readonly id: string;
  readonly url: string;
  /** undefined = public authorities */ readonly caPem: string | undefined;
  /** Private addresses that its name may lead to. */ readonly networks: readonly string[];
  readonly algorithms: readonly string[];
}

export interface ApiKeyProfileConfig {
  readonly kind: "api_key";
  readonly name: string;
  /** "X-API-Key" */ readonly header: string;
  readonly entries: readonly ApiKeyEntry[];
  /** Tells the upstream whose key it is; undefined = nothing does. */ readonly subjectField:
    | string
    | undefined;
}

export interface PasswordProfileConfig {
  readonly kind: "basic";
  readonly name: string;
  readonly entries: readonly UserEntry[];
  /** Tells the upstream the user's name; undefined = nothing does. */ readonly subjectField:
    | string
    | undefined;
}

/** The certificate that a client showed at its handshake. */
export interface CertificateProfileConfig {
  readonly kind: "client_cert";
  readonly name: string;
  /** With `fingerprints`: one of them must fit; both empty = all good ones. */
  readonly names: readonly NamePin[];
  /** "sha256:" and 64 hexadecimal digits. */
  readonly fingerprints: readonly string[];
  /** Tells the upstream whose it is; undefined = nothing does. */ readonly subjectField: string | undefined;
}

/** A service of the house decides. */
export interface ServiceProfileConfig {
  readonly kind: "forward";
  readonly name: string;
  readonly upstream: string;
  /** "/" */ readonly path: string;
  /** Lower case. */ readonly requestFields: readonly string[];
  readonly answerFields: readonly string[];
  /** 1000 */ readonly timeoutMs: number;
  /** 0 = every request is asked about */ readonly cacheMs: number;
}

/** `[mesh]`. Secret keys stay in their files: workers get this, too. Scores are in ten thousandths. */
export interface MeshConfig {
  readonly cluster: string;
  /** Public key of `identityPath`, 64 hex digits. */
  readonly id: string;
  /** Absolute, as the other paths. */
  readonly identityPath: string;
  readonly previousIdentityPath: string | undefined;
  readonly clusterKeyPath: string;
  /** Changes with the keys in that file, and says nothing about them. */
  readonly clusterKeyMark: string;
  readonly trusted: readonly { readonly id: string; readonly operator: string }[];
  readonly revocation: readonly string[];
  /** false */ readonly trustsFirstUse: boolean;
  /** false */ readonly hashesAddresses: boolean;
  /** 3 */ readonly quorum: number;
  /** 9500 */ readonly quorumScore: number;
  /** 0 = nobody is refused for a score. */ readonly denyAbove: number;
  /** false */ readonly bans: boolean;
  /** 600 */ readonly banSecs: number;
  /** false */ readonly ejectsUpstreams: boolean;
  /** 600 */ readonly claimTtlSecs: number;
  /** 20 */ readonly antiEntropySecs: number;
  /** 1000 */ readonly claimsPerSec: number;
  /** 256 */ readonly claimBurst: number;
}

/** `[limit.NAME]`, and what `rate_limit_rps` stands for. */
export interface LimitConfig {
  readonly name: string;
  /** Requests per window, all workers together. */
  readonly rate: number;
  readonly windowMs: number;
  /** gcra only. */
  readonly burst: number;
  readonly algorithm: "gcra" | "fixed_window";
  /** None = one budget for all. */
  readonly keys: readonly LimitKeyConfig[];
  /** 64 */ readonly ipv6Prefix: number;
  /** Per worker. 100000 */ readonly maxKeys: number;
  /** Lower case, exact or `*.suffix`; undefined = all. */ readonly hosts: readonly string[] | undefined;
  /** Answers that count; undefined = every request. */ readonly countStatuses: readonly number[] | undefined;
  /** "waf_score": the points of the WAF. "request" */ readonly cost: "request" | "waf_score";
  /** The primary counts for all workers, and each request waits for it. false */ readonly strict: boolean;
  /** "valkey": `Config.limitStore` counts for all machines. "local" */ readonly store: "local" | "valkey";
  /** Without that store. "local" */ readonly onStoreError: "local" | "allow" | "deny";
  /** Count what would be refused, refuse nothing. false */ readonly shadow: boolean;
}

/** `[valkey]`. The password stays in its file: workers get this, too. */
export interface LimitStoreConfig {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  /** 0 */ readonly database: number;
  readonly username: string | undefined;
  /** Absolute; undefined = none is asked for. */
  readonly passwordFile: string | undefined;
  /** undefined = system roots. */
  readonly caPem: string | undefined;
  /** Name to verify; undefined = the host. */
  readonly serverName: string | undefined;
  /** With TLS and log-in. 1000 */ readonly connectTimeoutMs: number;
  /** 250 */ readonly commandTimeoutMs: number;
}

export interface LimitKeyConfig {
  readonly kind: "address" | "header" | "cookie" | "path" | "claim" | "api_key" | "client_cert";
  /** Of the field (lower case), the cookie, the path parameter or the claim; "" for the others. */
  readonly name: string;
}

/** `[waf]`, `[waf_profile.NAME]` and `[[exclude]]`. */
export interface WafConfig {
  /** "default" is always among them. */
  readonly profiles: readonly WafProfileConfig[];
  /** Shipped and own ones, checked; their examples are left out. */
  readonly rules: readonly Rule[];
  /** For all profiles. */
  readonly excludes: readonly Exclude[];
  /** Body bytes held for inspection, MiB per worker. 0 = 64 or an eighth of the memory limit. */
  readonly maxBufferedMb: number;
}

/** `[waf_profile.NAME]`. */
export interface WafProfileConfig {
  readonly name: string;
  readonly mode: "balanced" | "aggressive";
  /** 1..4; by mode 1 or 3. */ readonly sensitivity: number;
  /** 5 */ readonly threshold: number;
  /** 10; 0 = no body */ readonly maxBodyMb: number;
  /** 64 */ readonly maxDepth: number;
  /** 1048576 bytes */ readonly maxStringLen: number;
  /** 1024 characters */ readonly maxNumberLen: number;
  /** false */ readonly jsonSequences: boolean;
  /** 10 */ readonly maxInflateRatio: number;
  /** 32 */ readonly graphqlMaxDepth: number;
  /** 200 */ readonly graphqlMaxAliases: number;
  /** "allow" */ readonly graphqlIntrospection: "allow" | "refuse";
  /** true */ readonly denyUnknownContentTypes: boolean;
  /** Lower case; undefined = the built-in list. */
  readonly allowedContentTypes: readonly string[] | undefined;
  /** true */ readonly entropyCheck: boolean;
  /** 6.5 bits per byte */ readonly entropyThreshold: number;
  /** 1024 */ readonly inspectBufferKb: number;
  /** Lower case, `*` at the end = prefix, `*` = all; undefined = all but the safe set. */
  readonly scanHeaders: readonly string[] | undefined;
  /** Ids or classes. */
  readonly disabledRules: readonly string[];
  readonly shadowRules: readonly string[];
  /** "refuse" */ readonly onBudget: "refuse" | "pass";
  /** By mode "off" or "on". */ readonly inspectAnswers: "off" | "report" | "on";
  /** Undefined = the built-in list. */ readonly answerTypes: readonly string[] | undefined;
  /** 64 */ readonly answerWindowKb: number;
}

/** `[access_log]`. */
export interface AccessLogConfig {
  /** true */ readonly enabled: boolean;
  /** File path, or "-" for standard output (default). */ readonly path: string;
  /** "otel" */ readonly format: "otel" | "ecs";
  /** Lower-case names of request headers to add. */ readonly includeHeaders: readonly string[];
  /** true */ readonly mtlsFingerprint: boolean;
  /** The first that an exchange fits decides; none = every exchange gets a line. */
  readonly samples: readonly LogSampleConfig[];
}

/** `[[access_log.sample]]`. Met by record/log-sampling.ts `SampleRule`. */
export interface LogSampleConfig {
  readonly routes: readonly string[] | undefined;
  readonly decisions: readonly string[];
  readonly statusClasses: readonly number[];
  readonly rate: number;
}

/** `[capture]`. */
export interface CaptureConfig {
  /** Directory. */
  readonly path: string;
  /** Only the primary reads it. */
  readonly keyFile: string;
  readonly refusedOnly: boolean;
  /** Of one body. */
  readonly bodyBytesMax: number;
  readonly bytesMax: number;
  readonly requestsMax: number;
  readonly ageMs: number;
  /** `[redact]` applies before they are kept. */
  readonly redactsInStorage: boolean;
}

/** `[tracing]`. */
export interface TracingConfig {
  /** URL that takes OTLP over HTTP. */
  readonly endpoint: string;
  /** Part of the traces that is reported, 0 to 1. */
  readonly sample: number;
  readonly refusals: boolean;
  readonly serviceName: string;
}

/** `[telemetry]`: GET only, no upstream names. */
export interface TelemetryConfig {
  /** 127.0.0.1:9464; undefined = off */
  readonly listen: SocketAddress | undefined;
}

/** `[admin]`. It stays in the primary. */
export interface AdminConfig {
  /** 127.0.0.1:9180; undefined = off */
  readonly listen: ControlAddress | undefined;
  /** Undefined = plain; loopback or a Unix socket. */
  readonly tls: AdminTlsConfig | undefined;
  /** Further names that it is asked for by. */
  readonly hosts: readonly string[];
  /** false */ readonly write: boolean;
  /** The token itself is read from the environment by the primary and never sent to workers. */
  readonly writeTokenEnv: string | undefined;
  /** Where there are some, reading takes one, too. */
  readonly tokens: readonly AdminTokenConfig[];
}

/** Where a listener of the control plane is: an address, or the absolute path of a Unix socket. */
export type ControlAddress = SocketAddress | { readonly path: string };

/** TLS 1.3 with certificates on both sides. */
export interface AdminTlsConfig extends CertificateConfig {
  readonly clientCaPem: string;
}

/** `[admin.token.NAME]`. */
export interface AdminTokenConfig {
  readonly name: string;
  /** Of the token: 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly role: AdminRole;
  /** Ms since the epoch. */
  readonly expiresMs: number;
}

/** Each may do what those before it may. */
export type AdminRole = "read" | "operate" | "admin";

/** `[audit]`. */
export interface AuditConfig {
  /** Directory; undefined = standard output. */
  readonly path: string | undefined;
  /** "zion/audit" */ readonly name: string;
  /** Where the writer process finds its root key. The key itself is in no configuration. */
  readonly key: { readonly file: string | undefined; readonly variable: string | undefined };
  readonly previousKey: AuditConfig["key"] | undefined;
  /** 4096 */ readonly queueDepth: number;
  /** 0 = no limit. */
  readonly segmentBytesMax: number;
  /** 0 = all. */
  readonly segmentsMax: number;
  /** 100 */ readonly syncMs: number;
  /** 10,000 */ readonly checkpointMs: number;
  readonly anchorPath: string | undefined;
  readonly witnessUrl: string | undefined;
  /** Requests are refused while nothing can be recorded. */
  readonly refusesOnFailure: boolean;
  /** Every request is recorded. */
  readonly requests: boolean;
}

/** `[redact]`. Met by record/redaction.ts `RedactSettings`. */
export interface RedactConfig {
  readonly headers: readonly string[];
  readonly queryParams: readonly string[] | undefined;
  readonly jsonFields: readonly string[];
  readonly ip: "full" | "truncate" | "hmac";
  /** From the environment; "" unless `ip` is "hmac". */
  readonly ipKey: string;
}
