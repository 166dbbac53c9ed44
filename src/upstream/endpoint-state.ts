import type { RateWindow } from "./rate-window.ts";

/**
 * What balancing reads of one endpoint. The worker that serves writes it, nobody else: in-flight and latency by the
 * attempts, `up` by the health message, the ejection fields by outlier.ts, the round-robin field by balance.ts. All
 * times are milliseconds of one monotonic clock.
 */
export class EndpointState {
  /** 1..1000 */
  readonly weight: number;
  /** Of the endpoint's address, for consistent hashing: the same in every worker and after a reload. */
  readonly identity: number;

  /** Attempts that have a connection or wait for one. */
  inFlight = 0;
  /** Last word of the active probes; true until they say otherwise. */
  up = true;

  /** 0 = not ejected. Once it is past, one request at a time tries the endpoint until an answer ends the ejection. */
  ejectedUntilMs = 0;
  /** A trial request is out, or was and gave no answer. */
  onTrial = false;
  /** The last ejection was for its error rate, not for failed connections. */
  ejectedForRate = false;
  /** Ejections in a row for its error rate; 0 once it has shown itself healthy. */
  ejections = 0;
  /** Connection failures in a row, and when the last few of them happened, by count modulo length. */
  connectFailures = 0;
  readonly connectFailedAtMs = new Float64Array(CONNECT_FAILURES_MAX);
  /** Outcomes within the window; only with outlier detection. */
  outcomes: RateWindow | undefined = undefined;

  /** Smooth weighted round robin. */
  turn = 0;

  #latencyMs = 0;
  #latencyAtMs = 0;

  /** @param id stable name of the address, as `http://10.0.0.1:80` */
  constructor(id: string, weight: number) {
    this.weight = weight;
    this.identity = hashText(id);
  }

  /** May be chosen: up, and not ejected or due for a trial. */
  isUsable(nowMs: number): boolean {
    return this.up && (this.ejectedUntilMs === 0 || nowMs >= this.ejectedUntilMs);
  }

  /**
   * One attempt took this long to its response head, or until a time-out. Refused connections do not count: they are
   * fast, and would make a dead endpoint look attractive.
   */
  observeLatency(latencyMs: number, nowMs: number): void {
    // Bad news counts at once; good news only keeps the fading peak from falling below it.
    this.#latencyMs = Math.min(Math.max(this.#decayed(nowMs), latencyMs), LATENCY_MAX_MS);
    this.#latencyAtMs = nowMs;
  }

  /**
   * Peak-EWMA latency, 1..60,000: rises at once, halves every 5 s. It fades also while nobody measures, so that an
   * endpoint once slow is tried again: after 80 s at the latest it looks as good as any.
   */
  latencyMs(nowMs: number): number {
    return Math.max(this.#decayed(nowMs), LATENCY_MIN_MS);
  }

  #decayed(nowMs: number): number {
    return this.#latencyMs * 2 ** ((this.#latencyAtMs - nowMs) / LATENCY_HALVES_MS);
  }
}

/** How many of the last connection failures are dated. */
export const CONNECT_FAILURES_MAX = 5;

const LATENCY_HALVES_MS = 5_000;
/** Differences below this are noise of the event loop. */
const LATENCY_MIN_MS = 1;
const LATENCY_MAX_MS = 60_000;

/** FNV-1a over UTF-16 units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
