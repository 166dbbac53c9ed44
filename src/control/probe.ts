import type { LookupFunction } from "node:net";
import { isIP } from "node:net";
import { Client } from "undici";
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import { unbracket } from "./resolver.ts";

/** Read of a probe's answer before the connection is closed; the verdict is the status alone. */
const bodyCapBytes = 65_536;

export type ProbeResult = { readonly healthy: true } | { readonly healthy: false; readonly cause: string };

/** Asks one endpoint once. Never rejects. */
export type Probe = (
  upstream: UpstreamConfig,
  endpoint: EndpointConfig,
  addresses: readonly string[] | undefined,
  /** Ends the probe early; its result is then of no use to anybody. */
  stop?: AbortSignal,
) => Promise<ProbeResult>;

/**
 * GET over a connection of its own, so that what is tested is what a new connection of a worker would meet. HTTP/1.1 by
 * undici: probes are the control plane's. One deadline covers connecting, TLS and the head; redirects are not followed.
 */
export const probeByHttp: Probe = async (upstream, endpoint, addresses, stop) => {
  const { health } = upstream;
  if (addresses !== undefined && addresses.length === 0)
    return { healthy: false, cause: "name does not resolve" };
  let client: Client | undefined;
  try {
    client = new Client(originOf(endpoint), {
      connect: connectOptions(upstream, endpoint, addresses),
      allowH2: false,
      pipelining: 0,
      maxHeaderSize: 32_768,
      maxResponseSize: -1,
    });
    const answer = await client.request({
      method: "GET",
      path: health.path,
      headers: { host: health.host ?? authorityOf(endpoint), "user-agent": "zion-health", accept: "*/*" },
      signal: deadline(health.timeoutMs, stop),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    // Read politely, so that small answers are not logged as aborted by the upstream; its errors change nothing.
    await answer.body.dump({ limit: bodyCapBytes }).catch(() => {});
    const { statusCode } = answer;
    const expected = health.expectedStatus.some(([low, high]) => statusCode >= low && statusCode <= high);
    return expected ? { healthy: true } : { healthy: false, cause: `status ${statusCode}` };
  } catch (cause) {
    return { healthy: false, cause: describe(cause) };
  } finally {
    client?.destroy().catch(() => {});
  }
};

function deadline(timeoutMs: number, stop: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return stop === undefined ? timeout : AbortSignal.any([timeout, stop]);
}

function originOf({ scheme, host, port, socketPath }: EndpointConfig): string {
  return socketPath === "" ? `${scheme}://${bracket(host)}:${port}` : `${scheme}://localhost`;
}

export function authorityOf({ scheme, host, port, socketPath }: EndpointConfig): string {
  if (socketPath !== "") return "localhost";
  return port === (scheme === "https" ? 443 : 80) ? bracket(host) : `${bracket(host)}:${port}`;
}

function connectOptions(
  upstream: UpstreamConfig,
  endpoint: EndpointConfig,
  addresses: readonly string[] | undefined,
) {
  const options: Record<string, unknown> = { timeout: upstream.health.timeoutMs, maxCachedSessions: 0 };
  if (endpoint.socketPath !== "") options["socketPath"] = endpoint.socketPath.replace(/^unix:/, "");
  if (addresses !== undefined) options["lookup"] = lookupIn(addresses);
  if (endpoint.scheme === "https") {
    // Explicit, because of the process-wide --tls-min-v1.3: upstreams may be older than clients.
    options["minVersion"] = "TLSv1.2";
    options["rejectUnauthorized"] = true;
    if (upstream.caPem !== undefined) options["ca"] = upstream.caPem;
    if (upstream.clientCertPem !== undefined) options["cert"] = upstream.clientCertPem;
    if (upstream.clientKeyPem !== undefined) options["key"] = upstream.clientKeyPem;
    if (upstream.serverName !== undefined) options["servername"] = upstream.serverName;
  }
  return options;
}

/** Answers from the resolver's table, the one that workers use, instead of a lookup per probe. */
function lookupIn(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, done) => {
    if (options.all) (done as (e: null, all: readonly object[]) => void)(null, all);
    else done(null, all[0]!.address, all[0]!.family);
  };
}

function bracket(host: string): string {
  const plain = unbracket(host);
  return isIP(plain) === 6 ? `[${plain}]` : plain;
}

export function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === "TimeoutError") return "timeout";
  const { code } = cause as NodeJS.ErrnoException;
  return (code ?? cause.message).slice(0, 200);
}
