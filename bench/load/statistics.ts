/** Median with its spread. Figures on a shared machine are never quoted without their range. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** `undefined` for no values. An even count takes the mean of the two in the middle. */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  const median = sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** In another unit. */
export function scaled(value: Spread | undefined, by: number): Spread | undefined {
  return value && { median: value.median * by, min: value.min * by, max: value.max * by };
}

/**
 * Ratios of two candidates within the same round. Both saw the same neighbours on the machine, so the ratio is
 * steadier than either figure. Rounds where one of them has no valid figure are left out.
 */
export function pairedRatios(
  ours: readonly (number | undefined)[],
  peer: readonly (number | undefined)[],
): readonly number[] {
  const ratios: number[] = [];
  for (let round = 0; round < Math.min(ours.length, peer.length); round++) {
    const a = ours[round];
    const b = peer[round];
    if (a !== undefined && b !== undefined && b > 0) ratios.push(a / b);
  }
  return ratios;
}
