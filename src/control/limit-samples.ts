import type { KeyTable } from "../limit/key-table.ts";
import type { Limits } from "../limit/limits.ts";
import type { StrictLimit } from "../limit/strict.ts";
import { families, type MetricFamily, type MetricSample } from "../record/metrics.ts";

/** Figures of the limits of one worker. */
export function readLimits(limits: Limits): MetricSample[] {
  return limits.limiters().flatMap((limiter) => {
    const { name, table } = limiter;
    return [
      sample(families.limitDecisions, name, limiter.allowed, "allow"),
      sample(families.limitDecisions, name, limiter.limited, "limited"),
      sample(families.limitDecisions, name, limiter.shadowed, "shadow"),
      sample(families.limitDecisions, name, limiter.undecided, "undecided"),
      ...keySamples(name, table),
      sample(families.limitUntold, name, limiter.untold),
    ];
  });
}

/** Of those that the primary counts for all workers. */
export function readStrict(limits: Iterable<StrictLimit>): MetricSample[] {
  return [...limits].flatMap(({ name, table }) => keySamples(name, table));
}

function keySamples(name: string, table: KeyTable): MetricSample[] {
  return [sample(families.limitKeys, name, table.size), sample(families.limitEvictions, name, table.evicted)];
}

function sample({ name }: MetricFamily, limit: string, value: number, ...labels: string[]): MetricSample {
  return { name, labels: [limit, ...labels], value };
}
