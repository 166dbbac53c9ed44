import type { Verdict } from "./verdict.ts";

/** An option of Traefik's files: its keys with `*` for names, the first row that fits from the left. */
export interface OptionRow {
  readonly option: string;
  readonly verdict: Verdict;
  readonly becomes: string;
  readonly note: string;
}

function row(option: string, verdict: Verdict, note: string, becomes = ""): OptionRow {
  return { option, verdict, becomes, note };
}

/** Longer rows stand before shorter ones: `a.b` takes `a.b.c` too. Routers, services and middlewares say more. */
export const optionRows: readonly OptionRow[] = [
  row(
    "http.routers.*.rule",
    "translated",
    "hosts, paths and methods; other conditions need you",
    "route.hosts, path, methods",
  ),
  row("http.routers.*.service", "translated", "`upstream`", "route.upstream"),
  row("http.routers.*.middlewares", "translated", "each has a row"),
  row(
    "http.routers.*.entryPoints",
    "translated",
    "one plain and one TLS listener",
    "server.listen_http, listen_https",
  ),
  row("http.routers.*.priority", "differs", "the most specific pattern decides, not a number"),
  row("http.routers.*.ruleSyntax", "translated", "both syntaxes are read"),
  row("http.routers.*.observability", "differs", "log, metrics and traces are for all routes"),
  row(
    "http.routers.*.tls.certResolver",
    "needs_you",
    "order certificates with [tls.acme]: you agree to the CA's terms yourself",
    "tls.acme",
  ),
  row("http.routers.*.tls.domains", "needs_you", "names of certificates that [tls.acme] orders", "tls.acme"),
  row("http.routers.*.tls.options", "needs_you", "TLS has the same options for all names"),
  row("http.routers.*.tls", "translated", "the TLS listener", "server.listen_https"),
  row("http.services.*.loadBalancer.servers.*.url", "translated", "a member", "upstream.urls"),
  row("http.services.*.loadBalancer.servers.*.weight", "translated", "`weight`", "upstream.urls"),
  row(
    "http.services.*.loadBalancer.servers.*.preservePath",
    "needs_you",
    "members have no paths: write `rewrite` in the route",
  ),
  row("http.services.*.loadBalancer.passHostHeader", "translated", "`preserve_host`", "preserve_host"),
  row("http.services.*.loadBalancer.strategy", "translated", "`load_balancing`", "load_balancing"),
  row("http.services.*.loadBalancer.healthCheck", "translated", "`health`", "health"),
  row(
    "http.services.*.loadBalancer.sticky",
    "differs",
    "a signed cookie of the gateway's own: clients begin anew, once",
    "upstream.sticky",
  ),
  row("http.services.*.loadBalancer.serversTransport", "translated", "its options follow"),
  row("http.services.*.loadBalancer.responseForwarding", "translated", "answers flow as they come"),
  row(
    "http.services.*.weighted",
    "translated",
    "`split` of the routes that use it, in whole percent",
    "split",
  ),
  row("http.services.*.mirroring", "differs", "`mirror` of the routes that use it", "mirror"),
  row("http.services.*.failover", "needs_you", "there are no members that only stand in for others"),
  row(
    "http.serversTransports.*.insecureSkipVerify",
    "differs",
    "certificates of upstreams are always verified",
  ),
  row("http.serversTransports.*.rootCAs", "translated", "`ca_path`", "ca_path"),
  row("http.serversTransports.*.serverName", "translated", "`server_name`", "server_name"),
  row(
    "http.serversTransports.*.certificates",
    "translated",
    "`client_cert_path` and `client_key_path`",
    "client_cert_path",
  ),
  row(
    "http.serversTransports.*.forwardingTimeouts",
    "translated",
    "`connect_timeout_ms`, `request_timeout_ms`, `keepalive_timeout_ms`",
    "connect_timeout_ms",
  ),
  row(
    "http.serversTransports.*.maxIdleConnsPerHost",
    "differs",
    "`keepalive` counts all members together, per worker",
    "keepalive",
  ),
  row("http.serversTransports.*.disableHTTP2", "translated", "HTTP/1.1 to upstreams"),
  row("http.serversTransports.*.peerCertURI", "needs_you", "certificates of upstreams are verified by name"),
  row("http.serversTransports.*.spiffe", "needs_you", "certificates of upstreams are verified by name"),
  row("http.middlewares.*", "needs_you", "no router uses it"),
  row("tcp", "needs_you", "other protocols than HTTP are not proxied here"),
  row("udp", "needs_you", "other protocols than HTTP are not proxied here"),
  row("tls.certificates.*", "translated", "`cert_path` and `key_path`", "tls.cert_path"),
  row("tls.stores.default.defaultCertificate", "translated", "`cert_path` and `key_path`", "tls.cert_path"),
  row(
    "tls.stores.default.defaultGeneratedCert",
    "needs_you",
    "order certificates with [tls.acme]: you agree to the CA's terms yourself",
    "tls.acme",
  ),
  row("tls.stores", "needs_you", "one store: [tls]"),
  row("tls.options.default.minVersion", "translated", "1.2 or 1.3", "tls.min_version"),
  row(
    "tls.options.default.sniStrict",
    "differs",
    "names without a certificate get that of [tls]; requests for them have no route",
  ),
  row(
    "tls.options.*.clientAuth",
    "needs_you",
    "put the authority on disk, and write `client_ca_path` and `client_auth`: routes with these options are closed",
  ),
  row("tls.options", "differs", "ciphers and groups are fixed"),
  row(
    "entryPoints.*.address",
    "translated",
    "one plain and one TLS listener",
    "server.listen_http, listen_https",
  ),
  row("entryPoints.*.asDefault", "translated", "the listeners take all routes"),
  row("entryPoints.*.http.redirections", "translated", '`http_mode = "redirect"`', "server.http_mode"),
  row(
    "entryPoints.*.http.tls.certResolver",
    "needs_you",
    "order certificates with [tls.acme]: you agree to the CA's terms yourself",
    "tls.acme",
  ),
  row("entryPoints.*.http.tls", "translated", "the TLS listener", "server.listen_https"),
  row(
    "entryPoints.*.http.middlewares",
    "needs_you",
    "middlewares of an entry point: give them to each route",
  ),
  row("entryPoints.*.http2", "differs", "streams of a connection have a limit of this gateway's own"),
  row("entryPoints.*.http3", "needs_you", "there is no HTTP/3 yet"),
  row(
    "entryPoints.*.forwardedHeaders.trustedIPs",
    "translated",
    "`trusted_proxies`",
    "server.trusted_proxies",
  ),
  row(
    "entryPoints.*.forwardedHeaders.insecure",
    "needs_you",
    "name the balancers in `trusted_proxies`: nobody is believed until then",
  ),
  row("entryPoints.*.proxyProtocol.trustedIPs", "translated", "`proxy_protocol`", "server.proxy_protocol"),
  row(
    "entryPoints.*.proxyProtocol.insecure",
    "needs_you",
    "name the balancers in `proxy_protocol`: nobody is believed until then",
  ),
  row(
    "entryPoints.*.transport.respondingTimeouts.readTimeout",
    "differs",
    "`header_timeout_ms` and `body_idle_timeout_ms` are pauses, not the whole request",
    "server.body_idle_timeout_ms",
  ),
  row(
    "entryPoints.*.transport.respondingTimeouts.writeTimeout",
    "differs",
    "`write_timeout_ms` is a pause, not the whole answer",
    "server.write_timeout_ms",
  ),
  row(
    "entryPoints.*.transport.respondingTimeouts.idleTimeout",
    "translated",
    "`keepalive_timeout_ms`",
    "server.keepalive_timeout_ms",
  ),
  row(
    "entryPoints.*.transport.lifeCycle.requestAcceptGraceTimeout",
    "translated",
    "`shutdown_delay_ms`",
    "server.shutdown_delay_ms",
  ),
  row(
    "entryPoints.*.transport.lifeCycle.graceTimeOut",
    "translated",
    "`shutdown_grace_ms`",
    "server.shutdown_grace_ms",
  ),
  row("entryPoints.*.transport", "differs", "`keepalive_requests` and `connection_max_age_secs` of [server]"),
  row("entryPoints", "needs_you", "this importer does not know it"),
  row(
    "certificatesResolvers",
    "needs_you",
    "order certificates with [tls.acme]: you agree to the CA's terms yourself",
    "tls.acme",
  ),
  row("providers.file", "translated", "one file, which is watched"),
  row("providers", "needs_you", "routes stand in one file: there is no provider that finds them"),
  row("serversTransport", "differs", "each upstream has its own time-outs"),
  row("api", "translated", "the admin listener", "admin.listen"),
  row("ping", "translated", "/livez and /readyz of the telemetry listener", "telemetry.listen"),
  row("metrics", "differs", "Prometheus, on the telemetry listener", "telemetry.listen"),
  row("accessLog", "differs", "JSON lines with fixed fields: docs/operating/logs.md", "access_log"),
  row("log", "differs", "the gateway's own log is JSON on standard error"),
  row("tracing", "needs_you", "[tracing] sends spans by OTLP", "tracing"),
  row("global", "translated", "nobody is told anything"),
  row("hostResolver", "needs_you", "names of hosts are compared as they are"),
  row("experimental", "refused", "code of others is not run"),
  row("pilot", "translated", "nobody is told anything"),
  row("cluster", "needs_you", "Kubernetes or a balancer places gateways"),
  row(
    "services",
    "needs_you",
    "containers with labels: write a route and an upstream for each; nothing is read from labels",
  ),
];

/** The row of an option, by its keys. */
export function optionRow(keys: readonly string[]): OptionRow | undefined {
  return optionRows.find(({ option }) => {
    const pattern = option.split(".");
    return (
      pattern.length <= keys.length &&
      pattern.every((part, i) => part === "*" || part.toLowerCase() === keys[i]!.toLowerCase())
    );
  });
}
