import { overlap, readCidr, readListenAddress } from "./address.ts";
import { readAdmin } from "./admin.ts";
import type { AdminConfig, ControlAddress, ServerConfig, SocketAddress, TelemetryConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel } from "./label.ts";
import { serverLimits } from "./limits.ts";
import type { DocumentInput, ServerInput } from "./schema.ts";
import { resolvePath, type SectionContext, take } from "./section.ts";
import { checkStateDir } from "./state-directory.ts";

/** The listeners of every section; undefined, and findings, if something is wrong in `[server]`. */
export interface ServerReading {
  readonly server: ServerConfig;
  readonly telemetry: TelemetryConfig;
  readonly admin: AdminConfig;
}

/** What `internal_networks = []` means: loopback, private, link-local and unique local addresses. */
export const defaultInternalNetworks: readonly string[] = [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "::1/128",
  "fe80::/10",
  "fc00::/7",
];

/** Checks `[server]`, `[telemetry]` and `[admin]`: addresses and blocks. */
export function readServer(document: DocumentInput, context: SectionContext): ServerReading | undefined {
  const input = document.server;
  if (input === undefined) {
    if (context.findings.isPoisoned(["server"])) return undefined;
    context.findings.add({
      code: "Z1046",
      path: [],
      message: "the file has no [server] table",
      effect: "no client could connect.",
      fix: 'add [server] with listen_http = "0.0.0.0:8080"',
    });
    return undefined;
  }
  const listenHttp = readListener(["server", "listen_http"], input.listen_http, context);
  const listenHttps = readListener(["server", "listen_https"], input.listen_https, context);
  const telemetry = readListener(["telemetry", "listen"], document.telemetry.listen, context);
  const admin = readAdmin(document, (path, text) => readListener(path, text, context), context);
  checkSomeListener(input, context);
  checkTls(document, context);
  checkOverlaps(
    [
      { path: ["server", "listen_http"], address: listenHttp },
      { path: ["server", "listen_https"], address: listenHttps },
      { path: ["telemetry", "listen"], address: telemetry },
      { path: ["admin", "listen"], address: tcpOf(admin.listen) },
    ],
    context,
  );
  const trustedProxies = readBlocks(["server", "trusted_proxies"], input.trusted_proxies, context);
  warnTrustAll("trusted_proxies", input.trusted_proxies, context);
  const proxies = readBlocks(["server", "proxy_protocol"], input.proxy_protocol, context);
  warnTrustAll("proxy_protocol", input.proxy_protocol, context);
  const internal = readBlocks(["server", "internal_networks"], input.internal_networks, context);
  return {
    server: serverConfig(
      input,
      listenHttp,
      listenHttps,
      trustedProxies,
      proxies,
      internal.length === 0 ? defaultInternalNetworks : internal,
      context,
    ),
    telemetry: { listen: telemetry },
    admin,
  };
}

function serverConfig(
  input: ServerInput,
  listenHttp: SocketAddress | undefined,
  listenHttps: SocketAddress | undefined,
  trustedProxies: readonly string[],
  proxyProtocol: readonly string[],
  internalNetworks: readonly string[],
  context: SectionContext,
): ServerConfig {
  checkControlFrames(input, context);
  const stateDir = input.state_dir === undefined ? undefined : resolvePath(input.state_dir, context);
  if (stateDir !== undefined) checkStateDir(stateDir, context);
  return {
    listenHttp,
    listenHttps,
    // Without a TLS listener there is nowhere to redirect to.
    httpMode: input.listen_https === undefined ? "serve" : input.http_mode,
    workers: input.workers,
    maxConnections: input.max_connections,
    maxConnectionsPerIp: input.max_connections_per_ip,
    trustedProxies,
    proxyProtocol,
    internalNetworks,
    logLevel: input.log_level,
    exposeInternal: input.expose_internal,
    lists: input.lists,
    requireRouteAuth: input.require_route_auth,
    xffMode: input.xff_mode,
    maxInFlightPerIp: input.max_in_flight_per_ip,
    limits: serverLimits(input),
    tcpKeepaliveSecs: input.tcp_keepalive_secs,
    dnsStaleSecs: input.dns_stale_secs,
    dnsTimeoutMs: input.dns_timeout_ms,
    dnsRefreshSecs: input.dns_refresh_secs,
    maxHeaderBytes: input.max_header_bytes,
    maxHeaders: input.max_headers,
    maxHeaderValueBytes: input.max_header_value_bytes,
    maxUriBytes: input.max_uri_bytes,
    maxQueryParams: input.max_query_params,
    maxBodyMb: input.max_body_mb,
    cacheMaxMemoryMb: input.cache_max_memory_mb,
    headerTimeoutMs: input.header_timeout_ms,
    bodyIdleTimeoutMs: input.body_idle_timeout_ms,
    bodyMinRate: input.body_min_rate,
    writeTimeoutMs: input.write_timeout_ms,
    keepaliveTimeoutMs: input.keepalive_timeout_ms,
    keepaliveRequests: input.keepalive_requests,
    connectionMaxAgeSecs: input.connection_max_age_secs,
    h2c: input.h2c,
    h2ControlFramesPerSec: input.h2_control_frames_per_sec,
    handshakeRatePerIp: input.handshake_rate_per_ip,
    handshakeTimeoutMs: input.handshake_timeout_ms,
    staticCacheMb: input.static_cache_mb,
    staticOpenFiles: input.static_open_files,
    shutdownDelayMs: input.shutdown_delay_ms,
    shutdownGraceMs: input.shutdown_grace_ms,
    rawPathChars: input.raw_path_chars,
    stateDir,
  };
}

/** So few that every browser would be cut off. */
function checkControlFrames(input: ServerInput, context: SectionContext): void {
  const value = input.h2_control_frames_per_sec;
  if (value === 0 || value >= 10) return;
  context.findings.add({
    code: "Z1106",
    path: ["server", "h2_control_frames_per_sec"],
    message: `\`h2_control_frames_per_sec\` in [server] is ${value}: every client would be cut off`,
    fix: "write 10 or more, or 0 to leave it to the built-in guard",
  });
}

function readListener(
  path: Path,
  text: string | undefined,
  context: SectionContext,
): SocketAddress | undefined {
  if (text === undefined || (text === "off" && path[0] !== "server")) return undefined;
  return take(readListenAddress(text), "Z1101", path, text, context);
}

function checkSomeListener(input: ServerInput, context: SectionContext): void {
  const { findings } = context;
  if (input.listen_http !== undefined || input.listen_https !== undefined) return;
  if (findings.isPoisoned(["server", "listen_http"]) || findings.isPoisoned(["server", "listen_https"]))
    return;
  findings.add({
    code: "Z1221",
    path: ["server"],
    at: "key",
    message: "[server] has neither `listen_http` nor `listen_https`",
  });
}

function checkTls(document: DocumentInput, context: SectionContext): void {
  const { findings } = context;
  if (
    document.server?.listen_https !== undefined &&
    document.tls === undefined &&
    !findings.isPoisoned(["tls"])
  )
    findings.add({
      code: "Z1222",
      path: ["server", "listen_https"],
      message: "`listen_https` needs a [tls] table",
      label: "needs [tls]",
    });
}

function tcpOf(address: ControlAddress | undefined): SocketAddress | undefined {
  return address !== undefined && "host" in address ? address : undefined;
}

interface Listener {
  readonly path: Path;
  readonly address: SocketAddress | undefined;
}

function checkOverlaps(listeners: readonly Listener[], context: SectionContext): void {
  for (const [i, second] of listeners.entries()) {
    for (const first of listeners.slice(0, i)) {
      if (
        first.address === undefined ||
        second.address === undefined ||
        !overlap(first.address, second.address)
      )
        continue;
      context.findings.add({
        code: "Z1220",
        path: second.path,
        message: `${keyLabel(second.path)} takes the address of ${keyLabel(first.path)}`,
        label: "the same address",
        related: [{ path: first.path, label: "is taken here" }],
      });
    }
  }
}

function readBlocks(path: Path, blocks: readonly string[], context: SectionContext): readonly string[] {
  return blocks
    .map((block, i) => take(readCidr(block), "Z1102", [...path, i], block, context))
    .filter((block) => block !== undefined);
}

function warnTrustAll(key: string, blocks: readonly string[], context: SectionContext): void {
  for (const [i, block] of blocks.entries()) {
    if (!/\/0$/.test(block)) continue;
    context.findings.add({
      code: "Z2101",
      path: ["server", key, i],
      message: `\`${key}\` in [server] trusts every host on the internet (${block})`,
      label: "everyone",
    });
  }
}
