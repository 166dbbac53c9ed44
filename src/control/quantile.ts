/** What a histogram has seen, in the unit of its bounds. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** Not cumulative, one more than there are bounds: the last one is beyond them. */
  readonly counts: readonly number[];
}

/**
 * The value that a share `q` of the observations is not above, read as Prometheus' histogram_quantile does: straight
 * lines within a bucket, and the highest bound for what lies beyond it. Undefined without observations.
 */
export function quantile(
  q: number,
  bounds: readonly number[],
  { count, counts }: Distribution,
): number | undefined {
  if (count === 0) return undefined;
  let rank = q * count;
  for (const [bucket, upper] of bounds.entries()) {
    const inside = counts[bucket]!;
    if (rank <= inside && inside > 0) {
      const lower = bucket === 0 ? 0 : bounds[bucket - 1]!;
      return lower + (upper - lower) * (rank / inside);
    }
    rank -= inside;
  }
  return bounds.at(-1);
}

/** Several histograms of the same bounds as one. */
export function addUp(
  all: Iterable<{ readonly value: number; readonly counts: ArrayLike<number> | undefined }>,
): Distribution {
  let sum = 0;
  const counts: number[] = [];
  for (const one of all) {
    sum += one.value;
    for (let i = 0; i < (one.counts?.length ?? 0); i++) counts[i] = (counts[i] ?? 0) + one.counts![i]!;
  }
  return { sum, counts, count: counts.reduce((total, count) => total + count, 0) };
}
