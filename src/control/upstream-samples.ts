import { families, type MetricFamily, type MetricSample } from "../record/metrics.ts";
import type { Upstream } from "../upstream/upstream.ts";

/** What a worker knows of its upstreams, at a scrape. */
export function upstreamSamples(upstreams: Iterable<Upstream>, nowMs: number): MetricSample[] {
  const samples: MetricSample[] = [];
  for (const upstream of upstreams) readUpstream(samples, upstream, nowMs);
  return samples;
}

function readUpstream(samples: MetricSample[], upstream: Upstream, nowMs: number): void {
  const { name, breaker, config } = upstream;
  const add = ({ name: family }: MetricFamily, value: number, ...labels: string[]): void => {
    samples.push({ name: family, labels: [name, ...labels], value });
  };
  upstream.answers.forEach((count, codeClass) => {
    if (count > 0) add(families.upstreamRequests, count, `${codeClass}xx`);
  });
  for (const [reason, count] of upstream.errors) add(families.upstreamErrors, count, reason);
  add(families.upstreamRetries, upstream.retries);
  add(families.upstreamFailovers, upstream.failovers);
  add(families.upstreamInFlight, upstream.inFlight);
  add(families.upstreamOpened, upstream.opened);
  add(families.upstreamEjections, upstream.outliers.ejectionsTotal);
  if (config.maxInFlight > 0) {
    add(families.bulkheadLimit, config.maxInFlight);
    add(families.bulkheadShed, upstream.shed);
  }
  if (breaker !== undefined) {
    add(families.circuitOpen, breaker.isOpen ? 1 : 0);
    add(families.circuitTrips, breaker.trips);
    add(families.circuitRejected, upstream.brokenOff);
  }
  if (upstream.sticky !== undefined)
    for (const [result, count] of Object.entries(upstream.sticky.counts))
      add(families.upstreamSticky, count, result);
  let open = 0;
  // By position, not by address: /metrics leaves the machine (operators.md §1.2).
  for (const [index, endpoint] of upstream.endpoints.entries()) {
    const position = String(index);
    open += endpoint.open;
    add(families.upstreamUp, endpoint.isUsable(nowMs) ? 1 : 0, position);
    add(families.upstreamEjected, endpoint.ejectedUntilMs === 0 ? 0 : 1, position);
    add(families.upstreamLatency, endpoint.latencyMs(nowMs) / 1000, position);
  }
  add(families.upstreamConnections, open);
}
