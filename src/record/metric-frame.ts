import type { MetricSample } from "./metrics.ts";

/**
 * What a worker measured, as it goes to the primary: numbers, and their names only when those are not the ones of the
 * frame before. With 500 routes a scrape is 17,000 numbers; as objects with labels their copying alone held the event
 * loop for 55 ms, as one array it takes less than 1 ms (bench/micro/record/scrape.bench.ts).
 */
export interface MetricFrame {
  /** Undefined = as before. */
  readonly rows: readonly MetricRow[] | undefined;
  /** Row by row: a value, and for histograms the buckets behind it. */
  readonly values: Float64Array;
  /** Of the request duration, at most one a route. */
  readonly exemplars: readonly Exemplar[];
}

/** A request of a trace that is reported, for the bucket that took it. */
export interface Exemplar {
  readonly route: string;
  readonly bucket: number;
  readonly value: number;
  readonly traceId: string;
  readonly wallMs: number;
}

export interface MetricRow {
  /** `MetricFamily.name`. */
  readonly name: string;
  readonly labels: readonly string[];
  /** Of a histogram, +Inf counted; 0 = one value. */
  readonly buckets: number;
}

/** Makes the frames of one sender, in order. */
export function createFrames(): (
  samples: readonly MetricSample[],
  exemplars?: readonly Exemplar[],
) => MetricFrame {
  let rows: readonly MetricRow[] = [];
  return (samples, exemplars = []) => {
    const isSame = samples.length === rows.length && samples.every((sample, i) => fits(rows[i]!, sample));
    if (!isSame) rows = samples.map(rowOf);
    return { rows: isSame ? undefined : rows, values: valuesOf(rows, samples), exemplars };
  };
}

function valuesOf(rows: readonly MetricRow[], samples: readonly MetricSample[]): Float64Array {
  const values = new Float64Array(rows.reduce((length, { buckets }) => length + 1 + buckets, 0));
  let at = 0;
  for (const { value, counts } of samples) {
    values[at++] = value;
    if (counts !== undefined) for (const count of counts) values[at++] = count;
  }
  return values;
}

function rowOf({ name, labels, counts }: MetricSample): MetricRow {
  return { name, labels, buckets: counts?.length ?? 0 };
}

function fits(row: MetricRow, { name, labels, counts }: MetricSample): boolean {
  if (row.name !== name || row.buckets !== (counts?.length ?? 0)) return false;
  // What counts keeps its labels (record/route-counts.ts), so most are the same array.
  return (
    row.labels === labels ||
    (row.labels.length === labels.length && row.labels.every((l, i) => l === labels[i]))
  );
}
