/** Time as the data path reads it. Durations come from the monotonic clock, stamps from the wall clock. */
export interface Clock {
  /** Monotonic milliseconds with fractions. */
  nowMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

/**
 * Added to `systemClock.nowMs()`: milliseconds of the machine's monotonic clock, which all its processes share
 * (CLOCK_MONOTONIC, hrtime), where `performance.now()` starts at 0 in each.
 */
export function machineOffsetMs(): number {
  return Number(process.hrtime.bigint()) / 1e6 - performance.now();
}

export const systemClock: Clock = { nowMs: () => performance.now(), wallMs: () => Date.now() };
