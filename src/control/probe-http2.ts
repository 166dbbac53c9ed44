import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import { authorityOf, describe, type Probe, type ProbeResult, probeByHttp } from "./probe.ts";
import { unbracket } from "./resolver.ts";

/** Read of gRPC's answer; a health answer has 7 bytes. */
const bodyCapBytes = 1024;

/** Asks in the protocol that the workers use. */
export const probeEndpoint: Probe = (upstream, ...where) =>
  upstream.protocol === "h2" || upstream.protocol === "h2c"
    ? probeByHttp2(upstream, ...where)
    : probeByHttp(upstream, ...where);

/**
 * One request over an HTTP/2 connection of its own: GET as over HTTP/1.1, or `grpc.health.v1.Health/Check` for the
 * whole server, which must say SERVING.
 */
export const probeByHttp2: Probe = async (upstream, endpoint, addresses, stop) => {
  if (addresses !== undefined && addresses.length === 0)
    return { healthy: false, cause: "name does not resolve" };
  const { health } = upstream;
  let socket: net.Socket | undefined;
  let session: http2.ClientHttp2Session | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<ProbeResult>((resolve, reject) => {
      timer = setTimeout(() => resolve({ healthy: false, cause: "timeout" }), health.timeoutMs);
      stop?.addEventListener("abort", () => resolve({ healthy: false, cause: "stopped" }), { once: true });
      const dialled = dial(upstream, endpoint, addresses);
      socket = dialled;
      dialled.on("error", reject);
      dialled.on("close", () => resolve({ healthy: false, cause: "closed" }));
      dialled.on(endpoint.scheme === "https" ? "secureConnect" : "connect", () => {
        if (dialled instanceof tls.TLSSocket && dialled.alpnProtocol !== "h2") {
          resolve({ healthy: false, cause: "no HTTP/2" });
          return;
        }
        session = http2.connect(`${endpoint.scheme}://upstream`, { createConnection: () => dialled });
        session.on("error", reject);
        ask(session, upstream, endpoint, resolve, reject);
      });
    });
  } catch (cause) {
    return { healthy: false, cause: describe(cause) };
  } finally {
    clearTimeout(timer);
    session?.destroy();
    socket?.destroy();
  }
};

function ask(
  session: http2.ClientHttp2Session,
  { health }: UpstreamConfig,
  endpoint: EndpointConfig,
  resolve: (result: ProbeResult) => void,
  reject: (cause: Error) => void,
): void {
  const common = {
    ":authority": health.host ?? authorityOf(endpoint),
    ":scheme": endpoint.scheme,
    "user-agent": "zion-health",
  };
  const stream = session.request(
    health.grpc
      ? {
          ...common,
          ":method": "POST",
          ":path": `/${healthService}/Check`,
          "content-type": "application/grpc",
          te: "trailers",
        }
      : { ...common, ":method": "GET", ":path": health.path, accept: "*/*" },
  );
  stream.on("error", reject);
  stream.end(health.grpc ? emptyMessage : undefined);
  let grpcStatus: unknown;
  stream.on("trailers", (trailers) => {
    grpcStatus = trailers["grpc-status"];
  });
  stream.on("response", (headers) => {
    const status = headers[":status"] ?? 0;
    if (!health.grpc) {
      const expected = health.expectedStatus.some(([low, high]) => status >= low && status <= high);
      resolve(expected ? { healthy: true } : { healthy: false, cause: `status ${status}` });
      return;
    }
    grpcStatus = headers["grpc-status"];
    let body = Buffer.alloc(0);
    stream.on("data", (bytes: Buffer) => {
      if (body.length < bodyCapBytes) body = Buffer.concat([body, bytes]);
    });
    stream.on("end", () => {
      if (status !== 200 || String(grpcStatus) !== "0")
        resolve({ healthy: false, cause: `status ${status}, grpc-status ${String(grpcStatus ?? "none")}` });
      else if (body.equals(serving)) resolve({ healthy: true });
      else resolve({ healthy: false, cause: "not serving" });
    });
  });
}

const healthService = "grpc.health.v1.Health";
/** `HealthCheckRequest` without a service name, and `HealthCheckResponse { status: SERVING }`, each with its prefix. */
const emptyMessage = Buffer.from([0, 0, 0, 0, 0]);
const serving = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

function dial(
  upstream: UpstreamConfig,
  endpoint: EndpointConfig,
  addresses: readonly string[] | undefined,
): net.Socket {
  const where =
    endpoint.socketPath === ""
      ? { host: addresses?.[0] ?? unbracket(endpoint.host), port: endpoint.port }
      : { path: endpoint.socketPath };
  if (endpoint.scheme === "http") return net.connect(where);
  const name = upstream.serverName ?? endpoint.host;
  return tls.connect({
    ...where,
    // Explicit, because of the process-wide --tls-min-v1.3: upstreams may be older than clients.
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
    servername: net.isIP(name) === 0 ? name : "",
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    ...(upstream.caPem === undefined ? {} : { ca: upstream.caPem }),
    ...(upstream.clientCertPem === undefined ? {} : { cert: upstream.clientCertPem }),
    ...(upstream.clientKeyPem === undefined ? {} : { key: upstream.clientKeyPem }),
  });
}
