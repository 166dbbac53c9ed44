import { tlsFailures } from "../listener/tls-failure.ts";
import { authReasonCodes, timeoutNames } from "../record/derived.ts";
import { families, type MetricFamily } from "../record/metrics.ts";

/**
 * Series that are there from the start, at 0. One that begins at 1 hides its first event: Prometheus sees no increase
 * from nothing. Of families with labels only where all values are known beforehand, and few.
 */
export function presetSeries(
  known: readonly MetricFamily[],
): [family: MetricFamily, labels: readonly string[]][] {
  const counters = known.filter(({ type, labels }) => type === "counter" && labels.length === 0);
  return [
    ...counters.map((family): [MetricFamily, readonly string[]] => [family, []]),
    ...timeoutNames.map((op): [MetricFamily, readonly string[]] => [families.ioTimeouts, [op]]),
    ...authReasonCodes.map((reason): [MetricFamily, readonly string[]] => [families.authFailures, [reason]]),
    ...tlsFailures.map((reason): [MetricFamily, readonly string[]] => [families.handshakeFailures, [reason]]),
    ...queues.map((queue): [MetricFamily, readonly string[]] => [families.queueDropped, [queue]]),
  ];
}

const queues = ["access_log", "audit", "decisions", "spans"];
