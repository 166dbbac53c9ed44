import { STREAM_WINDOW_BYTES } from "./http2-options.ts";

/** Which flood ended a connection: the `reason` label of `zion_h2_control_flood_closed_total`. */
export const floods = ["ping", "settings", "rejected_heads", "idle_bytes", "rate"] as const;
export type Flood = (typeof floods)[number];

/** What the HTTP/2 layer tells of a session at a check; all of it grows only. */
export interface SessionFigures {
  /** Bytes read, after TLS. */
  readonly bytesRead: number;
  /** Streams that the client opened, also those that never reached us. */
  readonly streamsSeen: number;
}

/**
 * Watches one HTTP/2 session for work without purpose (reliability.md §5.4). The layer below hands over no frames, so
 * two things are counted: the events it does give (PING, SETTINGS, streams), and bytes that nothing explains, which is
 * what empty DATA, WINDOW_UPDATE, PRIORITY and unknown frames leave behind. All allowances run full again with time;
 * answers earn more of them, because clients measure their path with PINGs and open windows as they read.
 */
export class FloodGuard {
  /** Streams that were delivered to us. */
  streamsTaken = 0;
  pings = 0;
  settings = 0;
  /** Most control frames in a second so far, as far as can be told. */
  framesPeak = 0;
  /** Bodies under way: each may have a window of bytes below us that nobody has asked for yet. */
  #bodiesOpen = 0;
  #rejected = 0;
  #oversize = 0;
  /** Bytes that heads and bodies explain, since the last check. */
  #explained = FIRST_BYTES;
  #answerBytes = 0;
  #lastMs: number;
  #lastBytes = 0;
  #pingDebt = 0;
  #settingsDebt = 0;
  #byteDebt = 0;
  #frameDebt = 0;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** A head of `bytes` as printed: compressed it can hardly be larger. */
  countHead(bytes: number, hasBody: boolean): void {
    this.streamsTaken++;
    this.#explained += bytes + FRAME_OVERHEAD_BYTES;
    if (hasBody) this.#bodiesOpen++;
  }

  /** One piece of a body. Its frame may be padded (RFC 9113 §6.1). */
  countBody(bytes: number): void {
    this.#explained += bytes + FRAME_OVERHEAD_BYTES;
  }

  /** `isWhole`: all of it was delivered; else what was on its way is thrown away below us. */
  countBodyEnd(isWhole: boolean): void {
    this.#bodiesOpen--;
    if (!isWhole) this.#explained += STREAM_WINDOW_BYTES;
  }

  /** A head that we refused for its size ourselves: it counts like one that was refused below. */
  countOversize(): void {
    this.#oversize++;
  }

  countAnswer(bytes: number): void {
    this.#answerBytes += bytes;
  }

  /** Heads that were refused below us. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Which flood this is, or undefined. `framesPerSec` 0 = no limit of the operator's. */
  check(figures: SessionFigures, nowMs: number, framesPerSec: number): Flood | undefined {
    const seconds = Math.max(0, nowMs - this.#lastMs) / 1000;
    const rejected = Math.max(this.#rejected, figures.streamsSeen - this.streamsTaken);
    const unexplained =
      figures.bytesRead -
      this.#lastBytes -
      this.#explained -
      (rejected - this.#rejected) * REJECTED_HEAD_BYTES;
    const earned = this.#answerBytes / ANSWER_BYTES_PER_FRAME;
    const events = this.pings + this.settings;
    const idleBytes = unexplained - events * PING_BYTES - earned * FRAME_BYTES;
    const frames = events + Math.max(0, unexplained - events * PING_BYTES) / FRAME_BYTES;
    this.framesPeak = Math.max(this.framesPeak, frames / Math.max(seconds, 1));
    this.#pingDebt = settle(this.#pingDebt + this.pings - earned, PINGS_PER_SEC * seconds);
    this.#settingsDebt = settle(this.#settingsDebt + this.settings, SETTINGS_PER_SEC * seconds);
    this.#byteDebt = settle(this.#byteDebt + idleBytes, IDLE_BYTES_PER_SEC * seconds);
    this.#frameDebt = settle(this.#frameDebt + frames - earned, framesPerSec * seconds);
    this.#rejected = rejected;
    this.pings = this.settings = this.#answerBytes = this.#explained = 0;
    this.#lastMs = nowMs;
    this.#lastBytes = figures.bytesRead;
    if (rejected + this.#oversize > REJECTED_HEADS_MAX) return "rejected_heads";
    if (this.#pingDebt > PINGS_BURST) return "ping";
    if (this.#settingsDebt > SETTINGS_BURST) return "settings";
    const waiting = this.#bodiesOpen * STREAM_WINDOW_BYTES;
    if (this.#byteDebt > IDLE_BYTES_BURST + waiting) return "idle_bytes";
    if (framesPerSec > 0 && this.#frameDebt > framesPerSec + waiting / FRAME_BYTES) return "rate";
    return undefined;
  }
}

function settle(debt: number, paid: number): number {
  return debt > paid ? debt - paid : 0;
}

/** Heads that the layer below refused on one connection: header bombs, and resets that the client provokes. */
const REJECTED_HEADS_MAX = 30;
const PINGS_BURST = 50;
const PINGS_PER_SEC = 20;
const SETTINGS_BURST = 20;
const SETTINGS_PER_SEC = 1;
const IDLE_BYTES_BURST = 131_072;
const IDLE_BYTES_PER_SEC = 65_536;
/** grpc-go sends a PING for each read of an answer on a fast path (zion-reference.md §2.4). */
const ANSWER_BYTES_PER_FRAME = 256;
/** A PING, and a WINDOW_UPDATE, on the wire. */
const PING_BYTES = 17;
const FRAME_BYTES = 13;
const FRAME_OVERHEAD_BYTES = 9 + 256;
/** A head just beyond the limit of the layer below. */
const REJECTED_HEAD_BYTES = 24_576;
/** Preface and first SETTINGS. */
const FIRST_BYTES = 1024;
