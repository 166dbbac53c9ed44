import { randomBytes } from "node:crypto";

/** What OpenSSL asks for: 16 bytes of name, 16 of HMAC key, 16 of AES key. */
const keyBytes = 48;
const rotateEveryMs = 3_600_000;

/** Why the keys are changed: they are an hour old, somebody asked for it, or what clients must show changed. */
export type RotatedBy = "time" | "api" | "client_auth";

export interface TicketKeys {
  readonly current: Buffer;
  /** New keys now: tickets given out before stop working (revocation). */
  rotate(by: RotatedBy): void;
  stop(): void;
}

/**
 * Keys of the TLS session tickets, the same in all workers: with reusePort a client comes back to any of them, and
 * without shared keys only about half of the sessions resumed (reliability.md N22). Rotated hourly, kept in memory only.
 */
export function createTicketKeys(
  onRotate: (keys: Buffer, by: RotatedBy) => void,
  /** Those of the version before: its tickets are still good. */
  inherited?: Buffer,
): TicketKeys {
  let current = inherited ?? randomBytes(keyBytes);
  const rotate = (by: RotatedBy) => {
    current = randomBytes(keyBytes);
    onRotate(current, by);
  };
  const timer = setInterval(rotate, rotateEveryMs, "time");
  timer.unref();
  return {
    get current() {
      return current;
    },
    rotate,
    stop: () => clearInterval(timer),
  };
}
