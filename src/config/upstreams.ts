import { readHostName } from "./address.ts";
import { readAuthorities, readPair } from "./certificate.ts";
import type { EndpointConfig, StickyConfig, UpstreamConfig } from "./config.ts";
import { checkName } from "./definition.ts";
import { readEndpoint } from "./endpoint.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { type SectionContext, take } from "./section.ts";
import { readStatuses } from "./statuses.ts";
import { checkStickyCookies, readSticky } from "./sticky.ts";
import { type UpstreamInput, upstreamDefaults } from "./upstream-schema.ts";

/** Checks `[upstream.NAME]` and `[upstreams]`. Upstreams with problems are left out; findings say why. */
export function readUpstreams(document: DocumentInput, context: SectionContext): readonly UpstreamConfig[] {
  const upstreams: UpstreamConfig[] = [];
  checkStickyCookies(document, context);
  for (const [name, input] of Object.entries(document.upstream)) {
    checkName(["upstream", name], "an upstream", name, context);
    const upstream = readUpstream(["upstream", name], name, input, context);
    if (upstream !== undefined) upstreams.push(upstream);
  }
  for (const [name, url] of Object.entries(document.upstreams)) {
    const path = ["upstreams", name];
    checkName(path, "an upstream", name, context);
    if (Object.hasOwn(document.upstream, name)) {
      context.findings.add({
        code: "Z1211",
        path,
        at: "key",
        message: `the upstream ${printable(name)} is defined in [upstreams] and as [upstream.${printable(name)}]`,
        related: [{ path: ["upstream", name], at: "key", label: "also defined here" }],
      });
      continue;
    }
    const endpoint = take(readEndpoint(url), "Z1105", path, url, context);
    if (endpoint !== undefined)
      upstreams.push(upstreamConfig(name, upstreamDefaults(), [endpoint], noFiles, [[200, 399]], undefined));
  }
  return upstreams;
}

/** Names the file defines, also those of upstreams that have problems. */
export function upstreamNames(document: DocumentInput): ReadonlyMap<string, Path> {
  const names = new Map<string, Path>();
  for (const name of Object.keys(document.upstreams)) names.set(name, ["upstreams", name]);
  for (const name of Object.keys(document.upstream)) names.set(name, ["upstream", name]);
  return names;
}

interface UpstreamFiles {
  readonly caPem: string | undefined;
  readonly clientCertPem: string | undefined;
  readonly clientKeyPem: string | undefined;
  readonly serverName: string | undefined;
  readonly healthHost: string | undefined;
}

const noFiles: UpstreamFiles = {
  caPem: undefined,
  clientCertPem: undefined,
  clientKeyPem: undefined,
  serverName: undefined,
  healthHost: undefined,
};

function readUpstream(
  path: Path,
  name: string,
  input: UpstreamInput,
  context: SectionContext,
): UpstreamConfig | undefined {
  const endpoints = readMembers(path, name, input, context);
  const files = readUpstreamFiles(path, input, endpoints, context);
  checkHashKey(path, input, context);
  checkProbePath(path, input.health.path, context);
  if (input.health.grpc && input.protocol !== "h2" && input.protocol !== "h2c")
    context.findings.add({
      code: "Z1214",
      path: [...path, "health", "grpc"],
      message: `${keyLabel([...path, "health", "grpc"])} needs HTTP/2`,
      fix: 'add protocol = "h2", or "h2c" for HTTP/2 without TLS',
    });
  if (input.outlier_detection !== undefined && endpoints.length === 1) {
    const message = `[${path.join(".")}.outlier_detection] needs at least two members`;
    context.findings.add({
      code: "Z1214",
      path: [...path, "outlier_detection"],
      at: "key",
      message,
      effect: "ejecting the only member would turn errors into an outage.",
      fix: "add a member or remove the table; circuit_breaker works with one member",
    });
  }
  const statusPath = [...path, "health", "expected_status"];
  const { path: probe, expected_status: statuses = [probe === "/" ? "200-499" : "200-399"] } = input.health;
  if (statuses.length === 0)
    context.findings.add({
      code: "Z1106",
      path: statusPath,
      message: `${keyLabel(statusPath)} is empty: no member could ever be healthy`,
      fix: 'leave it out, or write ["200-399"]',
    });
  const expectedStatus = readStatuses(statusPath, statuses, context);
  const sticky = input.sticky === undefined ? undefined : readSticky(path, name, input.sticky, context);
  return endpoints.length === 0
    ? undefined
    : upstreamConfig(name, input, endpoints, files, expectedStatus, sticky);
}

function upstreamConfig(
  name: string,
  input: UpstreamInput,
  endpoints: readonly EndpointConfig[],
  files: UpstreamFiles,
  expectedStatus: readonly (readonly [number, number])[],
  sticky: StickyConfig | undefined,
): UpstreamConfig {
  const { circuit_breaker: breaker, outlier_detection: outlier } = input;
  return {
    name,
    endpoints,
    balance: input.load_balancing,
    hashKey: input.hash_key,
    connectTimeoutMs: input.connect_timeout_ms,
    requestTimeoutMs: input.request_timeout_ms,
    idleTimeoutMs: input.idle_timeout_ms,
    totalTimeoutMs: input.total_timeout_ms,
    protocol: input.protocol,
    keepalive: input.keepalive,
    keepaliveTimeoutMs: input.keepalive_timeout_ms,
    maxInFlight: input.max_in_flight ?? 0,
    preserveHost: input.preserve_host,
    caPem: files.caPem,
    clientCertPem: files.clientCertPem,
    clientKeyPem: files.clientKeyPem,
    serverName: files.serverName,
    retry: { attempts: input.retry.attempts, budgetPct: input.retry.budget_pct },
    health: {
      path: input.health.path,
      host: files.healthHost,
      intervalMs: input.health.interval_ms,
      timeoutMs: input.health.timeout_ms,
      expectedStatus,
      grpc: input.health.grpc,
      unhealthyThreshold: input.unhealthy_threshold,
      healthyThreshold: input.healthy_threshold,
    },
    circuitBreaker:
      breaker === undefined
        ? undefined
        : {
            errorRatePct: breaker.error_rate_pct,
            minRequests: breaker.min_requests,
            windowSecs: breaker.window_secs,
            openSecs: breaker.open_secs,
          },
    outlierDetection:
      outlier === undefined
        ? undefined
        : {
            errorRatePct: outlier.error_rate_pct,
            minRequests: outlier.min_requests,
            windowSecs: outlier.window_secs,
            ejectSecs: outlier.eject_secs,
            maxEjectedPct: outlier.max_ejected_pct,
          },
    sticky,
  };
}

function readMembers(
  path: Path,
  name: string,
  input: UpstreamInput,
  context: SectionContext,
): readonly EndpointConfig[] {
  const sources: { path: Path; url: string; weight: number }[] = [];
  if (input.url !== undefined) sources.push({ path: [...path, "url"], url: input.url, weight: 1 });
  for (const [i, member] of input.urls.entries()) {
    const at = [...path, "urls", i];
    if (member.url !== undefined) sources.push({ path: at, url: member.url, weight: member.weight });
    else if (!context.findings.isPoisoned([...at, "url"]))
      context.findings.add({
        code: "Z1046",
        path: at,
        message: `a member of ${keyLabel(at)} has no \`url\``,
      });
  }
  const { findings } = context;
  if (
    sources.length === 0 &&
    input.urls.length === 0 &&
    !findings.isPoisoned([...path, "url"]) &&
    !findings.isPoisoned([...path, "urls"])
  )
    findings.add({
      code: "Z1046",
      path,
      at: "key",
      message: `the upstream ${printable(name)} has neither \`url\` nor \`urls\``,
      fix: 'add url = "http://host:port"',
    });

  const endpoints: EndpointConfig[] = [];
  const seen = new Map<string, Path>();
  for (const source of sources) {
    const endpoint = take(readEndpoint(source.url), "Z1105", source.path, source.url, context);
    if (endpoint === undefined) continue;
    const identity = `${endpoint.scheme} ${endpoint.host} ${endpoint.port} ${endpoint.socketPath}`;
    const first = seen.get(identity);
    if (first !== undefined) {
      const message = `the upstream ${printable(name)} has the member ${shownValue(source.path, source.url)} twice`;
      findings.add({
        code: "Z1211",
        path: source.path,
        message,
        related: [{ path: first, label: "first here" }],
        effect: "its health and load would be counted in two places.",
        fix: "use { url, weight } to give a member a larger share",
      });
      continue;
    }
    seen.set(identity, source.path);
    endpoints.push({ ...endpoint, weight: source.weight });
  }
  return endpoints;
}

function readUpstreamFiles(
  path: Path,
  input: UpstreamInput,
  endpoints: readonly EndpointConfig[],
  context: SectionContext,
): UpstreamFiles {
  const secure = endpoints.some(({ scheme }) => scheme === "https");
  const plain = endpoints.find(({ scheme }) => scheme === "http");
  const clash = (key: keyof UpstreamInput, message: string, fix: string): void =>
    context.findings.add({ code: "Z1214", path: [...path, key], message, fix });
  if (input.tls === true && plain !== undefined)
    clash(
      "tls",
      `${keyLabel([...path, "tls"])} says https, but a member is ${shownValue([], plain.url)}`,
      "write https:// in the URL or remove `tls`",
    );
  if (input.tls === false && secure)
    clash(
      "tls",
      `${keyLabel([...path, "tls"])} is false, but a member is https`,
      "remove `tls`: the URL says it already",
    );
  if (endpoints.length > 0 && !secure && input.tls !== true) {
    for (const key of ["ca_path", "client_cert_path", "client_key_path", "server_name"] as const)
      if (input[key] !== undefined)
        clash(
          key,
          `${keyLabel([...path, key])} needs an https member`,
          "write https:// in the URL or remove the key",
        );
  }
  const { protocol } = input;
  if ((protocol === "h2" && plain !== undefined) || (protocol === "auto" && endpoints.length > 0 && !secure))
    clash(
      "protocol",
      `${keyLabel([...path, "protocol"])} is "${protocol}", which TLS negotiates, but a member is ${shownValue([], plain!.url)}`,
      'write https:// in the URL, or protocol = "h2c" for HTTP/2 without TLS',
    );
  if (protocol === "h2c" && secure)
    clash(
      "protocol",
      `${keyLabel([...path, "protocol"])} is "h2c", HTTP/2 without TLS, but a member is https`,
      'write protocol = "h2"',
    );
  const { client_cert_path: cert, client_key_path: key } = input;
  const half = cert === undefined ? "client_cert_path" : "client_key_path";
  if ((cert === undefined) !== (key === undefined) && !context.findings.isPoisoned([...path, half])) {
    const present = cert === undefined ? "client_key_path" : "client_cert_path";
    clash(present, `${keyLabel([...path, present])} needs \`${half}\` as well`, `add \`${half}\``);
  }
  const pair =
    cert === undefined || key === undefined
      ? undefined
      : readPair(
          {
            certKey: [...path, "client_cert_path"],
            keyKey: [...path, "client_key_path"],
            certPath: cert,
            keyPath: key,
            serverName: undefined,
            isClient: true,
          },
          context,
        );
  const host = (at: "server_name" | "health_host"): string | undefined => {
    const text = input[at];
    if (text === undefined) return undefined;
    // A Host header may name a port, a TLS server name may not.
    const name = at === "health_host" ? text.replace(/:[0-9]{1,5}$/, "") : text;
    return take(readHostName(name, false), "Z1103", [...path, at], text, context) === undefined
      ? undefined
      : text.toLowerCase();
  };
  return {
    caPem:
      input.ca_path === undefined ? undefined : readAuthorities([...path, "ca_path"], input.ca_path, context),
    clientCertPem: pair?.certPem,
    clientKeyPem: pair?.keyPem,
    serverName: host("server_name"),
    healthHost: host("health_host"),
  };
}

function checkHashKey(path: Path, input: UpstreamInput, context: SectionContext): void {
  const key = input.hash_key;
  const at = [...path, "hash_key"];
  if (!/^(client_ip|path|(header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128})$/.test(key))
    context.findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, key)} is not a hash key`,
      fix: 'write "client_ip", "path", "header:NAME" or "cookie:NAME"',
    });
  else if (key !== "client_ip" && input.load_balancing !== "consistent_hash")
    context.findings.add({
      code: "Z2108",
      path: at,
      message: `${keyLabel(at)} is only used by load_balancing = "consistent_hash"`,
    });
}

function checkProbePath(path: Path, probe: string, context: SectionContext): void {
  if (/^\/[\x21-\x7e]*$/.test(probe) && !probe.includes("#")) return;
  const at = [...path, "health", "path"];
  context.findings.add({
    code: "Z1106",
    path: at,
    message: `${keyLabel(at)}: ${shownValue(at, probe)} is not a path`,
    fix: 'start with "/", percent-encode spaces and non-ASCII characters',
  });
}
