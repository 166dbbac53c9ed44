import type { BreakerConfig } from "../config/config.ts";
import { RateWindow } from "./rate-window.ts";

/**
 * Stops sending to an upstream that mostly fails, and lets one probe through after a while.
 *
 *     closed ──error rate──▶ open ──open_secs──▶ half-open: one probe ──ok──▶ closed
 *                             ▲                                └─────fails──▶ open
 *
 * A failure is a 502, 503 or 504, the gateway's own time-outs and broken connections included; a 500 is an answer.
 * Every ticket from `admit` is given back once, by `settle` or `cancel`: a probe that never is keeps the breaker
 * half-open. One per upstream and worker.
 */
export class Breaker {
  readonly #settings: BreakerConfig;
  readonly #window: RateWindow;
  /** Rises with every change of state. A ticket is the epoch it was given in: tickets of older ones count for nothing. */
  #epoch = 0;
  #state: State = CLOSED;
  #openUntilMs = 0;
  #trips = 0;

  constructor(settings: BreakerConfig) {
    this.#settings = settings;
    this.#window = new RateWindow(settings.windowSecs);
  }

  /** How often it has opened, failed probes included; only grows. */
  get trips(): number {
    return this.#trips;
  }

  /** Whether it is open or half-open. */
  get isOpen(): boolean {
    return this.#state !== CLOSED;
  }

  /** A ticket (0 or more) for one exchange, or -1: refuse with `upstream_open`. */
  admit(nowMs: number): number {
    if (this.#state === CLOSED) return this.#epoch;
    if (this.#state === HALF_OPEN || nowMs < this.#openUntilMs) return -1;
    this.#enter(HALF_OPEN);
    return this.#epoch;
  }

  /** The exchange's outcome. Late ones, admitted before the breaker opened or after a cancelled probe, are ignored. */
  settle(ticket: number, isOk: boolean, nowMs: number): void {
    if (ticket !== this.#epoch) return;
    if (this.#state === HALF_OPEN) {
      if (isOk) this.#enter(CLOSED);
      else this.#open(nowMs);
      return;
    }
    this.#window.add(!isOk, nowMs);
    if (!isOk && this.#window.isAbove(this.#settings.errorRatePct, this.#settings.minRequests))
      this.#open(nowMs);
  }

  /** The client ended the exchange, which says nothing about the upstream: the next one may probe. */
  cancel(ticket: number): void {
    if (ticket === this.#epoch && this.#state === HALF_OPEN) this.#enter(OPEN);
  }

  /** Seconds until a probe may pass, rounded up, at least 1. For Retry-After. */
  retryAfterSecs(nowMs: number): number {
    return Math.max(1, Math.ceil((this.#openUntilMs - nowMs) / 1000));
  }

  #open(nowMs: number): void {
    this.#trips++;
    this.#openUntilMs = nowMs + this.#settings.openSecs * 1000;
    this.#enter(OPEN);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#epoch++;
    if (state === CLOSED) this.#window.clear();
  }
}

const CLOSED = 0;
const OPEN = 1;
const HALF_OPEN = 2;
type State = typeof CLOSED | typeof OPEN | typeof HALF_OPEN;
