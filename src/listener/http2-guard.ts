/** Which flood ended a connection: the `reason` label of `zion_h2_control_flood_closed_total`. */
export const floods = ["ping", "settings", "reset", "rejected_heads", "idle_frames", "rate"] as const;
export type Flood = (typeof floods)[number];

/** Frames that a guard counts. */
export const PING_FRAME = 0;
export const SETTINGS_FRAME = 1;
export const RESET_FRAME = 2;
/** WINDOW_UPDATE, PRIORITY, DATA of hardly a byte, unknown types, and what comes for streams that are gone. */
export const IDLE_FRAME = 3;

/**
 * Watches one HTTP/2 connection for work without purpose (reliability.md §5.4): every frame that carries nothing of a
 * message is counted when it arrives, and what is beyond the allowances of its kind is a flood. All allowances run full
 * again with time; answers earn more of them, because clients measure their path with PINGs and open windows as they
 * read.
 */
export class FloodGuard {
  /** Most counted frames in a second so far. */
  framesPeak = 0;
  #lastMs: number;
  readonly #debts = new Float64Array(KINDS);
  #frames = 0;
  #earned = 0;
  #rejected = 0;
  #secondMs: number;
  #inSecond = 0;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
    this.#secondMs = nowMs;
  }

  /** Counts a frame of `kind`. `framesPerSec` 0 = no limit of the operator's. Which flood this is, or undefined. */
  count(kind: number, nowMs: number, framesPerSec: number): Flood | undefined {
    if (nowMs !== this.#lastMs) this.#pay(nowMs, framesPerSec);
    if (++this.#inSecond > this.framesPeak) this.framesPeak = this.#inSecond;
    if (this.#earned >= 1 && kind !== SETTINGS_FRAME && kind !== RESET_FRAME) {
      this.#earned--;
      return undefined;
    }
    const debt = ++this.#debts[kind]!;
    if (debt > bursts[kind]!) return kindFloods[kind];
    if (framesPerSec > 0 && ++this.#frames > framesPerSec) return "rate";
    return undefined;
  }

  /** A message that was refused for its form or size, or for want of a place: provoked refusals are work too. */
  countRejected(): Flood | undefined {
    return ++this.#rejected > REJECTED_HEADS_MAX ? "rejected_heads" : undefined;
  }

  /** Body bytes sent. */
  countAnswer(bytes: number): void {
    this.#earned = Math.min(EARNED_MAX, this.#earned + 1 + bytes / ANSWER_BYTES_PER_FRAME);
  }

  #pay(nowMs: number, framesPerSec: number): void {
    const seconds = Math.max(0, nowMs - this.#lastMs) / 1000;
    this.#lastMs = nowMs;
    for (let kind = 0; kind < KINDS; kind++)
      this.#debts[kind] = Math.max(0, this.#debts[kind]! - seconds * perSecond[kind]!);
    this.#frames = Math.max(0, this.#frames - seconds * framesPerSec);
    if (nowMs - this.#secondMs >= 1000) {
      this.#secondMs = nowMs;
      this.#inSecond = 0;
    }
  }
}

const KINDS = 4;
const bursts: readonly number[] = [50, 20, 100, 10_000];
/** The same for resets as nghttp2 in Node: a page that is left resets what it had asked for. */
const perSecond: readonly number[] = [20, 1, 10, 5000];
const kindFloods: readonly Flood[] = ["ping", "settings", "reset", "idle_frames"];

/** On one connection, however long it lives: header bombs, and requests beyond the streams it may have. */
const REJECTED_HEADS_MAX = 30;
/** grpc-go sends a PING for each read of an answer on a fast path (zion-reference.md §2.4). */
const ANSWER_BYTES_PER_FRAME = 256;
/** What a long download earns is not for a flood an hour later. */
const EARNED_MAX = 100_000;
