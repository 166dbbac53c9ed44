/** Time as the data path reads it. Durations come from the monotonic clock, stamps from the wall clock. */
export interface Clock {
  /** Monotonic milliseconds with fractions. */
  nowMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

export const systemClock: Clock = { nowMs: () => performance.now(), wallMs: () => Date.now() };
