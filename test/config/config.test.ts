import assert from "node:assert/strict";
import { test } from "node:test";
import { placeNames } from "../../src/body/place.ts";
import type { Config } from "../../src/config/config.ts";
import { certificate, goodConfig, minimal, withFiles } from "../support/config-case.ts";

/** Of a route that changes nothing. */
const noTransform = {
  rewrite: undefined,
  requestFields: undefined,
  answerFields: undefined,
  redirect: undefined,
  respond: undefined,
  split: [],
};

test("the smallest config has every default", () => {
  const config = goodConfig(minimal);
  assert.deepEqual(config, {
    schemaVersion: 1,
    server: {
      listenHttp: { host: "0.0.0.0", port: 8080 },
      listenHttps: undefined,
      httpMode: "serve",
      workers: 0,
      maxConnections: 0,
      maxConnectionsPerIp: 256,
      trustedProxies: [],
      internalNetworks: [
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fe80::/10",
        "fc00::/7",
      ],
      logLevel: "info",
      exposeInternal: false,
      proxyProtocol: [],
      lists: [],
      requireRouteAuth: false,
      xffMode: "rewrite",
      maxInFlightPerIp: 0,
      limits: [],
      tcpKeepaliveSecs: 60,
      dnsStaleSecs: 3600,
      dnsTimeoutMs: 2000,
      dnsRefreshSecs: 30,
      maxHeaderBytes: 16_384,
      maxHeaders: 64,
      maxHeaderValueBytes: 8192,
      maxUriBytes: 8192,
      maxQueryParams: 256,
      maxBodyMb: 10,
      cacheMaxMemoryMb: 0,
      headerTimeoutMs: 10_000,
      bodyIdleTimeoutMs: 15_000,
      bodyMinRate: 1024,
      writeTimeoutMs: 20_000,
      keepaliveTimeoutMs: 60_000,
      keepaliveRequests: 1000,
      connectionMaxAgeSecs: 3600,
      h2c: false,
      h2ControlFramesPerSec: 0,
      handshakeRatePerIp: 0,
      handshakeTimeoutMs: 10_000,
      staticCacheMb: 32,
      staticOpenFiles: 1024,
      shutdownDelayMs: 5000,
      shutdownGraceMs: 30_000,
      rawPathChars: "refuse",
      stateDir: undefined,
    },
    tls: undefined,
    upstreams: [
      {
        name: "app",
        endpoints: [
          {
            url: "http://127.0.0.1:3000",
            scheme: "http",
            host: "127.0.0.1",
            port: 3000,
            socketPath: "",
            weight: 1,
          },
        ],
        balance: "p2c",
        hashKey: "client_ip",
        connectTimeoutMs: 3000,
        requestTimeoutMs: 30_000,
        idleTimeoutMs: 60_000,
        totalTimeoutMs: 3_600_000,
        protocol: "http1",
        keepalive: 128,
        keepaliveTimeoutMs: 30_000,
        maxInFlight: 0,
        preserveHost: false,
        caPem: undefined,
        clientCertPem: undefined,
        clientKeyPem: undefined,
        serverName: undefined,
        retry: { attempts: 1, budgetPct: 20 },
        health: {
          path: "/",
          host: undefined,
          intervalMs: 30_000,
          timeoutMs: 5000,
          expectedStatus: [[200, 499]],
          grpc: false,
          unhealthyThreshold: 2,
          healthyThreshold: 1,
        },
        circuitBreaker: undefined,
        outlierDetection: undefined,
        sticky: undefined,
      },
    ],
    routes: [
      {
        name: "/",
        path: "/",
        hosts: undefined,
        methods: undefined,
        upstream: "app",
        mirror: undefined,
        intercept: [],
        static: undefined,
        internalOnly: false,
        public: false,
        auth: undefined,
        mergeSlashes: false,
        refuseEncodedSlash: false,
        trailers: false,
        mode: "standard",
        cache: undefined,
        websocketOrigins: undefined,
        websocketIdleSecs: 600,
        websocketInspect: false,
        websocketMaxMessageKb: 1024,
        maxStreams: 0,
        maxBodyMb: undefined,
        waf: { profile: "default", shadow: false, streams: false },
        cors: undefined,
        csrfGuard: false,
        maxInFlight: 0,
        lists: [],
        limits: [],
        transform: noTransform,
        headerProfile: "default",
        compress: false,
        csp: undefined,
      },
    ],
    limits: [],
    limitStore: undefined,
    authProfiles: [],
    lists: [],
    errorPages: [],
    compression: undefined,
    headerProfiles: [
      {
        name: "default",
        edits: {
          remove: ["x-powered-by", "x-aspnet-version", "x-aspnetmvc-version"],
          lines: [
            { name: "Strict-Transport-Security", value: "max-age=31536000", how: "default" },
            { name: "X-Content-Type-Options", value: "nosniff", how: "default" },
            { name: "X-Frame-Options", value: "SAMEORIGIN", how: "default" },
            { name: "Referrer-Policy", value: "strict-origin-when-cross-origin", how: "default" },
          ],
        },
      },
    ],
    ban: undefined,
    tarpit: { holdSecs: 10, maxHeld: 128 },
    sovereign: undefined,
    mesh: undefined,
    waf: {
      profiles: [
        {
          name: "default",
          mode: "balanced",
          sensitivity: 1,
          threshold: 5,
          maxBodyMb: 10,
          maxDepth: 64,
          maxStringLen: 1_048_576,
          maxNumberLen: 1024,
          jsonSequences: false,
          maxInflateRatio: 10,
          graphqlMaxDepth: 32,
          graphqlMaxAliases: 200,
          graphqlIntrospection: "allow",
          denyUnknownContentTypes: true,
          allowedContentTypes: undefined,
          entropyCheck: true,
          entropyThreshold: 6.5,
          inspectBufferKb: 1024,
          scanHeaders: undefined,
          disabledRules: [],
          shadowRules: [],
          onBudget: "refuse",
          inspectAnswers: "off",
          answerTypes: undefined,
          answerWindowKb: 64,
        },
      ],
      rules: [
        {
          id: "sql-union-select",
          class: "sql",
          severity: "critical",
          score: 5,
          sensitivity: 1,
          enabled: true,
          where: { entries: ["*"], kinds: 2 ** (placeNames.length - 1) - 1, named: [] },
          detect: [],
          literals: ["union select"],
          regex: "",
          caseSensitive: false,
          crossSite: false,
          action: "",
          why: "For tests of the configuration.",
          see: [],
          block: [],
          allow: [],
          file: "/package/rules/sql.toml",
        },
      ],
      excludes: [],
      maxBufferedMb: 0,
    },
    amnesia: false,
    audit: undefined,
    redact: { headers: [], queryParams: undefined, jsonFields: [], ip: "full", ipKey: "" },
    accessLog: {
      enabled: true,
      path: "-",
      format: "otel",
      includeHeaders: [],
      mtlsFingerprint: true,
      samples: [],
    },
    tracing: undefined,
    capture: undefined,
    telemetry: { listen: { host: "127.0.0.1", port: 9464 } },
    admin: {
      listen: { host: "127.0.0.1", port: 9180 },
      tls: undefined,
      hosts: [],
      write: false,
      writeTokenEnv: undefined,
      tokens: [],
    },
  } satisfies Config);
});

test("the config is plain data that survives the way to a worker", () => {
  const config = goodConfig(minimal);
  assert.deepEqual(structuredClone(config), config);
});

test("every server key reaches its field", () => {
  const keys: Readonly<Record<string, number>> = {
    workers: 3,
    max_connections: 1001,
    max_connections_per_ip: 7,
    tcp_keepalive_secs: 61,
    dns_stale_secs: 3601,
    dns_timeout_ms: 2001,
    dns_refresh_secs: 31,
    max_header_bytes: 16_385,
    max_headers: 65,
    max_header_value_bytes: 8193,
    max_uri_bytes: 8194,
    max_query_params: 257,
    max_body_mb: 11,
    header_timeout_ms: 10_001,
    body_idle_timeout_ms: 15_001,
    body_min_rate: 1025,
    write_timeout_ms: 20_001,
    keepalive_timeout_ms: 60_001,
    keepalive_requests: 1002,
    connection_max_age_secs: 3602,
    handshake_timeout_ms: 10_002,
    shutdown_delay_ms: 5001,
    shutdown_grace_ms: 30_001,
  };
  const lines = Object.entries(keys).map(([key, value]) => `${key} = ${value}\n`);
  const { server } = goodConfig(minimal.replace("[upstream", `${lines.join("")}[upstream`));
  for (const [key, value] of Object.entries(keys)) {
    const field = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    assert.equal(server[field as keyof typeof server], value, key);
  }
});

test("switches and lists of [server], [access_log], [telemetry] and [admin]", () => {
  const config = goodConfig(
    `${minimal}
[access_log]
enabled = false
path = "log/access.log"
format = "ecs"
include_headers = ["User-Agent", "user-agent", "Referer"]
[[access_log.sample]]
rate = 0.25
[[access_log.sample]]
routes = ["/"]
decisions = ["deny"]
status = ["none", "4xx"]
[telemetry]
listen = "off"
[admin]
listen = "[::1]:9000"
write_token_env = "ZION_TOKEN"
`.replace(
      "[upstream",
      'trusted_proxies = ["10.0.0.0/8", "2001:DB8::1"]\ninternal_networks = ["10.0.0.0/8"]\nxff_mode = "drop"\nraw_path_chars = "encode"\nstate_dir = "state"\n[upstream',
    ),
  );
  assert.deepEqual(config.accessLog, {
    enabled: false,
    path: "/etc/zion/log/access.log",
    format: "ecs",
    includeHeaders: ["user-agent", "referer"],
    mtlsFingerprint: true,
    samples: [
      { routes: undefined, decisions: ["allow"], statusClasses: [1, 2, 3], rate: 0.25 },
      { routes: ["/"], decisions: ["deny"], statusClasses: [0, 4], rate: 1 },
    ],
  });
  assert.equal(config.telemetry.listen, undefined);
  assert.deepEqual(config.admin.listen, { host: "::1", port: 9000 });
  assert.equal(config.admin.writeTokenEnv, "ZION_TOKEN");
  assert.deepEqual(config.server.trustedProxies, ["10.0.0.0/8", "2001:db8::1"]);
  assert.deepEqual(config.server.internalNetworks, ["10.0.0.0/8"]);
  assert.equal(config.server.xffMode, "drop");
  assert.equal(config.server.rawPathChars, "encode");
  assert.equal(config.server.stateDir, "/etc/zion/state");
});

test("members come from url and urls, as strings, tables and sockets", () => {
  const { upstreams } = goodConfig(
    minimal.replace(
      'url = "http://127.0.0.1:3000"',
      'url = "http://a.test"\nurls = ["https://[2001:db8::1]:8443", { url = "http://B.test:81/", weight = 5 }, "unix:/run/app.sock"]',
    ),
  );
  assert.deepEqual(upstreams[0]!.endpoints, [
    { url: "http://a.test", scheme: "http", host: "a.test", port: 80, socketPath: "", weight: 1 },
    {
      url: "https://[2001:db8::1]:8443",
      scheme: "https",
      host: "2001:db8::1",
      port: 8443,
      socketPath: "",
      weight: 1,
    },
    { url: "http://B.test:81/", scheme: "http", host: "b.test", port: 81, socketPath: "", weight: 5 },
    { url: "unix:/run/app.sock", scheme: "http", host: "", port: 0, socketPath: "/run/app.sock", weight: 1 },
  ]);
});

test("an upstream's own keys", () => {
  const { upstreams } = goodConfig(
    minimal.replace(
      'url = "http://127.0.0.1:3000"',
      `urls = ["http://a", "http://b"]
load_balancing = "consistent_hash"
hash_key = "cookie:sid"
connect_timeout_ms = 1
request_timeout_ms = 2
idle_timeout_ms = 3
total_timeout_ms = 4
protocol = "h2c"
keepalive = 5
keepalive_timeout_ms = 600
max_in_flight = 7
preserve_host = true
health_host = "Probe.test:81"
unhealthy_threshold = 8
healthy_threshold = 9
[upstream.app.health]
path = "/up?x=1"
interval_ms = 10
timeout_ms = 11
expected_status = [204, "200-299"]
grpc = true
[upstream.app.retry]
attempts = 2
budget_pct = 12
[upstream.app.circuit_breaker]
error_rate_pct = 13
[upstream.app.outlier_detection]
max_ejected_pct = 14
[upstream.app.sticky]
cookie = "node"
ttl_secs = 60
path = "/a"
secure = true
http_only = false
same_site = "none"
forward = true
`,
    ),
  );
  const { endpoints: _, ...rest } = upstreams[0]!;
  assert.deepEqual(rest, {
    name: "app",
    balance: "consistent_hash",
    hashKey: "cookie:sid",
    connectTimeoutMs: 1,
    requestTimeoutMs: 2,
    idleTimeoutMs: 3,
    totalTimeoutMs: 4,
    protocol: "h2c",
    keepalive: 5,
    keepaliveTimeoutMs: 600,
    maxInFlight: 7,
    preserveHost: true,
    caPem: undefined,
    clientCertPem: undefined,
    clientKeyPem: undefined,
    serverName: undefined,
    retry: { attempts: 2, budgetPct: 12 },
    health: {
      path: "/up?x=1",
      host: "probe.test:81",
      intervalMs: 10,
      timeoutMs: 11,
      expectedStatus: [
        [204, 204],
        [200, 299],
      ],
      grpc: true,
      unhealthyThreshold: 8,
      healthyThreshold: 9,
    },
    circuitBreaker: { errorRatePct: 13, minRequests: 20, windowSecs: 10, openSecs: 30 },
    outlierDetection: { errorRatePct: 50, minRequests: 20, windowSecs: 10, ejectSecs: 30, maxEjectedPct: 14 },
    sticky: {
      cookie: "node",
      ttlSecs: 60,
      path: "/a",
      secure: true,
      httpOnly: false,
      sameSite: "None",
      forward: true,
      key: undefined,
    },
  });
});

test("the short form of upstreams", () => {
  const config = goodConfig(
    '[upstreams]\napp = "https://a.test"\n[server]\nlisten_http = "127.0.0.1:0"\n[[route]]\npath = "/"\nupstream = "app"\n',
  );
  assert.equal(config.upstreams[0]!.endpoints[0]!.port, 443);
  assert.equal(config.upstreams[0]!.keepalive, 128);
});

test("a route's own keys; without a name it is made of methods, hosts and path", () => {
  const { routes } = goodConfig(`${minimal}
[[route]]
path = "/a/{id}/{*rest}"
upstream = "app"
hosts = ["A.test", "*.B.test"]
methods = ["GET", "POST"]
public = true
internal_only = true
merge_slashes = true
refuse_encoded_slash = true
trailers = true
mode = "websocket"
websocket_origins = ["https://A.test", "*"]
websocket_idle_secs = 30
websocket_inspect = true
websocket_max_message_kb = 64
max_streams = 9
max_body_mb = 3
`);
  assert.deepEqual(routes[1], {
    name: "GET,POST a.test,*.b.test/a/{id}/{*rest}",
    path: "/a/{id}/{*rest}",
    hosts: ["a.test", "*.b.test"],
    methods: ["GET", "POST"],
    upstream: "app",
    internalOnly: true,
    public: true,
    auth: undefined,
    mergeSlashes: true,
    refuseEncodedSlash: true,
    trailers: true,
    mode: "websocket",
    websocketOrigins: ["https://a.test", "*"],
    websocketIdleSecs: 30,
    websocketInspect: true,
    websocketMaxMessageKb: 64,
    maxStreams: 9,
    maxBodyMb: 3,
    waf: { profile: "default", shadow: false, streams: false },
    cors: undefined,
    csrfGuard: false,
    maxInFlight: 0,
    limits: [],
    lists: [],
    mirror: undefined,
    intercept: [],
    static: undefined,
    cache: undefined,
    transform: noTransform,
    headerProfile: "default",
    compress: false,
    csp: undefined,
  });
});

test("routes that share a pattern but no host or no method do not conflict", () => {
  const { routes } = goodConfig(`${minimal}
[[route]]
path = "/x"
upstream = "app"
methods = ["GET"]
[[route]]
path = "/x"
upstream = "app"
methods = ["POST"]
[[route]]
path = "/x"
upstream = "app"
hosts = ["a.test"]
`);
  assert.equal(routes.length, 4);
});

test("certificates and keys come along as PEM text, with absolute paths", () => {
  const pair = certificate();
  const files = { "/etc/zion/tls/a.crt": pair.certPem, "/etc/zion/tls/a.key": pair.keyPem };
  const toml = minimal.replace(
    "[upstream",
    'listen_https = "0.0.0.0:8443"\n[tls]\ncert_path = "tls/a.crt"\nkey_path = "/etc/zion/tls/a.key"\nmin_version = "1.2"\nsession_tickets = 0\n[[tls.sni]]\nserver_name = "A.test"\ncert_path = "tls/a.crt"\nkey_path = "tls/a.key"\n[upstream',
  );
  const config = goodConfig(toml, withFiles(files));
  const entry = {
    certPath: "/etc/zion/tls/a.crt",
    keyPath: "/etc/zion/tls/a.key",
    certPem: pair.certPem,
    keyPem: pair.keyPem,
  };
  assert.deepEqual(config.tls, {
    minVersion: "1.2",
    alpn: ["h2", "http/1.1"],
    sessionTickets: 0,
    pqMode: "prefer",
    default: entry,
    sni: [{ ...entry, serverName: "a.test" }],
  });
  assert.equal(config.server.httpMode, "redirect");
});

test("upstream TLS files come along as PEM text", () => {
  const pair = certificate();
  const files = { "/etc/zion/c.crt": pair.certPem, "/etc/zion/c.key": pair.keyPem };
  const { upstreams } = goodConfig(
    minimal.replace(
      '"http://127.0.0.1:3000"',
      '"https://a.test"\ntls = true\nca_path = "c.crt"\nclient_cert_path = "c.crt"\nclient_key_path = "c.key"\nserver_name = "B.test"',
    ),
    withFiles(files),
  );
  const { caPem, clientCertPem, clientKeyPem, serverName } = upstreams[0]!;
  assert.deepEqual(
    { caPem, clientCertPem, clientKeyPem, serverName },
    { caPem: pair.certPem, clientCertPem: pair.certPem, clientKeyPem: pair.keyPem, serverName: "b.test" },
  );
});

test("keys of later versions may stay while they ask for nothing", () => {
  const harmless = minimal
    .replace("[upstream", "rate_limit_rps = 0\n[upstream")
    .concat(
      'mode = "standard"\n[waf_profile.default]\nstreaming = false\n[audit]\nenabled = false\n[admin]\nauth = "internal-ip"\n',
    );
  assert.deepEqual(goodConfig(harmless), goodConfig(minimal));
});
