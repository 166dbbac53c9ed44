import { wafReasons } from "../gate/waf-verdict.ts";
import { families, type MetricFamily } from "../record/metrics.ts";
import type { Exposition } from "./exposition.ts";
import { addUp, type Distribution, quantile } from "./quantile.ts";
import type { Series } from "./series-store.ts";

type Figures = Pick<Exposition, "read">;

/** The figure of these labels; undefined = there is none yet. */
export function figureOf(
  figures: Figures,
  family: MetricFamily,
  ...labels: readonly string[]
): number | undefined {
  for (const series of figures.read(family))
    if (labels.every((label, i) => series.labels[i] === label)) return series.value;
  return undefined;
}

/** Since this gateway began; of processes that are gone, too. */
export function totalsPart(figures: Figures): object {
  const sum = (family: MetricFamily, fits: (labels: readonly string[]) => boolean = () => true) =>
    total(figures.read(family), fits);
  const decided = (decision: string) => sum(families.requests, (labels) => labels[2] === decision);
  const answered = (codeClass: string) => sum(families.requests, (labels) => labels[1] === codeClass);
  return {
    requests: sum(families.requests),
    answers: Object.fromEntries(["2xx", "3xx", "4xx", "5xx", "none"].map((name) => [name, answered(name)])),
    decisions: Object.fromEntries(["allow", "deny", "shadow", "error"].map((name) => [name, decided(name)])),
    waf_denied: sum(families.gateDecisions, ([, gate, , mode]) => isWafGate(gate!) && mode === "enforce"),
    waf_would_deny: sum(families.gateDecisions, ([, gate, , mode]) => isWafGate(gate!) && mode === "shadow"),
    rate_limited: sum(families.limitDecisions, ([, result]) => result === "limited"),
    auth_failures: sum(families.authFailures),
    connections_open: sum(families.connections),
    connections: sum(families.connectionsTotal),
    connections_rejected: sum(families.connectionsRejected),
    handshakes: sum(families.handshakeAttempts),
    handshakes_failed: sum(families.handshakeFailures),
    handshakes_limited: sum(families.handshakesLimited),
    websockets_open: sum(families.webSockets),
    event_streams_open: sum(families.eventStreams),
    request_bytes: sum(families.requestBytes),
    response_bytes: sum(families.responseBytes),
    upstream_retries: sum(families.upstreamRetries),
    upstream_failovers: sum(families.upstreamFailovers),
    timeouts: sum(families.ioTimeouts),
    dropped: sum(families.queueDropped),
    defects: sum(families.defects),
  };
}

function isWafGate(gate: string): boolean {
  return Object.hasOwn(wafReasons, gate);
}

/** Percentiles in milliseconds, since this gateway began. */
export function latencyPart(figures: Figures): object {
  const whole = (family: Timed) => percentiles(family, addUp(figures.read(family)));
  const byRoute = (family: Timed) =>
    Object.fromEntries(
      [...figures.read(family)].map((series) => [series.labels[0]!, percentiles(family, addUp([series]))]),
    );
  return {
    request_ms: whole(families.duration),
    request_buckets: buckets(families.duration, addUp(figures.read(families.duration))),
    gates_ms: whole(families.gates),
    upstream_ms: whole(families.upstreamDuration),
    tls_handshake_ms: whole(families.handshakeDuration),
    request_ms_by_route: byRoute(families.duration),
    upstream_ms_by_route: byRoute(families.upstreamDuration),
  };
}

type Timed = MetricFamily & { readonly buckets?: readonly number[] };

/** How many took how long: bounds in milliseconds, and one count more than bounds. For whoever draws it over time. */
function buckets({ buckets: bounds }: Timed, { counts }: Distribution): object {
  return {
    bounds_ms: bounds!.map((seconds) => inMs(seconds)),
    counts: [...bounds!, Infinity].map((_, i) => counts[i] ?? 0),
  };
}

function percentiles({ buckets }: Timed, seen: Distribution): object {
  const at = (q: number) => inMs(quantile(q, buckets!, seen));
  const mean = seen.count === 0 ? undefined : inMs(seen.sum / seen.count);
  return { count: seen.count, mean, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1e6) / 1000;
}

function total(all: Iterable<Series>, fits: (labels: readonly string[]) => boolean): number {
  let sum = 0;
  for (const { labels, value } of all) if (fits(labels)) sum += value;
  return sum;
}
