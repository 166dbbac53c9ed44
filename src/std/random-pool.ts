import { randomFillSync } from "node:crypto";

/**
 * Unguessable bytes, drawn from the system in large pieces: one call for 8 bytes costs as much as one for 4 KiB, and
 * an id per request must not pay it. One pool per worker.
 */
export interface RandomPool {
  /** Where `take` points into; replaced in place by a refill, so read before the next `take`. */
  readonly bytes: Buffer;
  /** Offset in `bytes` of `count` bytes never handed out before. `count` is at most POOL_BYTES. */
  take(count: number): number;
}

export const POOL_BYTES = 8192;

/** Opens a full pool. */
export function openRandomPool(): RandomPool {
  const bytes = Buffer.allocUnsafeSlow(POOL_BYTES);
  let next = POOL_BYTES;
  return {
    bytes,
    take(count) {
      if (next + count > POOL_BYTES) {
        randomFillSync(bytes);
        next = 0;
      }
      const at = next;
      next += count;
      return at;
    },
  };
}
