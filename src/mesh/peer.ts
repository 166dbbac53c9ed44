import { ReplayWindow } from "./replay-window.ts";

export interface PeerLimits {
  readonly claimsPerSec: number;
  readonly burst: number;
}

/** How many points make a quarantine; one is forgotten every ten seconds. */
const POINTS_MAX = 60;
const POINT_MS = 10_000;
const QUARANTINE_MS = 900_000;
/** Signatures under its name that may be wrong before they are only tried now and then. */
const DOUBTS_MAX = 32;
const DOUBTS_PER_SEC = 8;

/** What one signer did: what was seen of it, what it may still say this second, and whether it behaves. */
export class Peer {
  readonly window: ReplayWindow;
  lastSeenMs = 0;
  /** When it last said what it stands by. */
  lastBeaconMs = 0;
  /** Claims that were taken from it. */
  claims = 0;
  #tokens: number;
  #filledMs: number;
  #points = 0;
  #pointsMs = 0;
  #blamedMs = -Infinity;
  #quarantinedUntilMs = -Infinity;
  #doubts = DOUBTS_MAX;
  #doubtsMs: number;

  constructor(floor: number, { burst }: PeerLimits, nowMs: number) {
    this.window = new ReplayWindow(floor);
    this.#tokens = burst;
    this.#filledMs = nowMs;
    this.#doubtsMs = nowMs;
  }

  /**
   * Whether it may say that much now. Looked at before the signature is verified and charged after it, so that somebody
   * who writes in its name uses nothing up.
   */
  mayClaim(count: number, { claimsPerSec, burst }: PeerLimits, nowMs: number): boolean {
    const passedMs = Math.max(0, nowMs - this.#filledMs);
    this.#filledMs = nowMs;
    this.#tokens = Math.min(burst, this.#tokens + (passedMs * claimsPerSec) / 1000);
    return this.#tokens >= count;
  }

  /** A second in which it is too fast is one point, however fast it is. */
  isWorthBlaming(nowMs: number): boolean {
    if (nowMs - this.#blamedMs < 1000) return false;
    this.#blamedMs = nowMs;
    return true;
  }

  charge(count: number): void {
    this.#tokens -= count;
  }

  /** Adds to its points; only for what its own signature proves. True: with these it is quarantined. */
  misbehave(points: number, nowMs: number): boolean {
    const forgotten = Math.floor(Math.max(0, nowMs - this.#pointsMs) / POINT_MS);
    this.#points = Math.max(0, this.#points - forgotten) + points;
    this.#pointsMs = nowMs;
    if (this.#points < POINTS_MAX || this.isQuarantined(nowMs)) return false;
    this.#points = 0;
    this.#quarantinedUntilMs = nowMs + QUARANTINE_MS;
    return true;
  }

  isQuarantined(nowMs: number): boolean {
    return nowMs < this.#quarantinedUntilMs;
  }

  /** Whether a signature in its name is worth 100 us. */
  isWorthVerifying(nowMs: number): boolean {
    const passedMs = Math.max(0, nowMs - this.#doubtsMs);
    this.#doubtsMs = nowMs;
    this.#doubts = Math.min(DOUBTS_MAX, this.#doubts + (passedMs * DOUBTS_PER_SEC) / 1000);
    return this.#doubts >= 1;
  }

  /**
   * A wrong signature in its name by somebody who has the cluster's key. Not its fault: else any edge could have any
   * other one quarantined. It costs the name verifications.
   */
  doubt(): void {
    this.#doubts--;
  }
}

/** Of misbehave: alone enough. */
export const POINTS_ALL = POINTS_MAX;
