import type { EndpointConfig, UpstreamConfig } from "../config/config.ts";
import { families } from "../record/metrics.ts";
import { figureOf } from "./overview-figures.ts";
import type { OverviewSources } from "./overview-parts.ts";
import type { EndpointHealth } from "./prober.ts";

type Sources = Pick<
  OverviewSources,
  "reloader" | "prober" | "resolver" | "supervision" | "exposition" | "clock"
>;

/** Every upstream with its endpoints, and why one of them is not used. */
export function upstreamsPart(sources: Sources): readonly object[] {
  const probes = new Map(
    sources.prober.results().map((result) => [`${result.upstream} ${result.url}`, result]),
  );
  return sources.reloader.config.upstreams.map((upstream) => {
    const figure = (family: (typeof families)[keyof typeof families]) =>
      figureOf(sources.exposition, family, upstream.name) ?? 0;
    const open = figure(families.circuitOpen);
    return {
      name: upstream.name,
      // Its routes answer 503 when it is not.
      usable: upstream.endpoints.some((_one, index) => isUsable(sources, upstream, index)),
      balance: upstream.balance,
      circuit_breaker:
        upstream.circuitBreaker === undefined
          ? "off"
          : open === 0
            ? "closed"
            : `open ${inWorkers(open, sources)}`,
      in_flight: figure(families.upstreamInFlight),
      connections: figure(families.upstreamConnections),
      endpoints: upstream.endpoints.map((endpoint, index) =>
        showEndpoint(sources, upstream, endpoint, index, probes.get(`${upstream.name} ${endpoint.url}`)),
      ),
    };
  });
}

function showEndpoint(
  sources: Sources,
  upstream: UpstreamConfig,
  endpoint: EndpointConfig,
  index: number,
  probe: EndpointHealth | undefined,
): object {
  const { resolver, exposition, clock } = sources;
  const latency = figureOf(exposition, families.upstreamLatency, upstream.name, String(index));
  return {
    url: endpoint.url,
    usable: isUsable(sources, upstream, index),
    reasons: reasonsOf(sources, upstream, endpoint, index, probe),
    addresses: resolver.addresses.get(endpoint.host) ?? [],
    latency_ms: latency === undefined ? undefined : Math.round(latency * 1000),
    probe:
      probe === undefined
        ? undefined
        : {
            healthy: probe.healthy,
            since: new Date(probe.sinceMs).toISOString(),
            probed_secs_ago: Math.round((clock.wallMs() - probe.probedMs) / 1000),
          },
  };
}

/** In words; none = nothing speaks against it. */
function reasonsOf(
  sources: Sources,
  { name }: UpstreamConfig,
  { host }: EndpointConfig,
  index: number,
  probe: EndpointHealth | undefined,
): readonly string[] {
  const { resolver, exposition } = sources;
  const reasons: string[] = [];
  if (probe !== undefined && !probe.healthy) reasons.push(`unhealthy: ${probe.cause}`);
  else if (probe !== undefined && probe.cause !== "") reasons.push(`the last probe failed: ${probe.cause}`);
  const addresses = resolver.addresses.get(host);
  if (addresses?.length === 0) reasons.push("its name has no address");
  else if (resolver.failing.has(host))
    reasons.push("its name does not resolve: the last good addresses are used");
  const ejected = figureOf(exposition, families.upstreamEjected, name, String(index)) ?? 0;
  if (ejected > 0) reasons.push(`ejected ${inWorkers(ejected, sources)}: requests failed there`);
  return reasons;
}

/** Some worker may choose it. */
function isUsable({ exposition }: Sources, { name }: UpstreamConfig, index: number): boolean {
  return figureOf(exposition, families.upstreamUp, name, String(index)) === 1;
}

function inWorkers(count: number, { supervision }: Sources): string {
  return `in ${count} of ${supervision.serving} workers`;
}
