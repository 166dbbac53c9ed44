import { BODY_LENGTH, BODY_NONE, type CanonicalRequest } from "../http/request.ts";

/** Longer bodies, and those that say no length, are turned away first: one costs as much as hundreds of small requests. */
const LARGE_BODY_BYTES = 65_536;

/** Kinds of requests, in the order in which they are turned away. */
const LARGE_BODY = 0;
const SMALL_BODY = 1;
const NO_BODY = 2;

/**
 * A round of all inspections that wait takes this long, and this many wait: then a body of a megabyte, which needs 125
 * rounds, is not done in time.
 */
const LARGE_ROUND_MS = 25;
const LARGE_WAITING = 8;
/** Small bodies need one round or two. */
const SMALL_ROUND_MS = 250;
/** What has no body waits for the event loop only. */
const LOOP_LATE_MS = 1000;

/** Of a kind turned away more, or less, with each sample: all of it after a second, none of it four seconds later. */
const STEP_UP = 0.05;
const STEP_DOWN = 0.0125;
/** Of requests without a body a part is always served: a late loop may be a neighbour's fault, which refusals cure not. */
const SHED_MAX = 2.75;
/** Weight of the newest sample. */
const NEWEST = 0.2;

/** Shares of memory (reliability.md C34); a level is left this much lower than it was entered. */
const LEVELS = [0.85, 0.92, 0.97] as const;
const HYSTERESIS = 0.05;

/** What is looked at every SAMPLE_MS. */
export interface PressureSample {
  /** How late the event loop is. */
  readonly loopLateMs: number;
  /** What one turn waited for that was queued as the last of all inspections. */
  readonly roundMs: number;
  readonly inspectionsWaiting: number;
  /** Bodies that wait for memory. */
  readonly roomWaiting: number;
}

export const SAMPLE_MS = 50;

/**
 * How far behind its work a worker is, how full its memory, and whom it turns away for either: politely, with 503 and
 * Retry-After, before any other work is done. Three times more load than it can carry then costs a little of what it
 * can, where it would otherwise begin everything and finish it too late.
 */
export class Pressure {
  /** 0 to 3: how many kinds are turned away, the last one in part. */
  #shed = 0;
  #roundMs = 0;
  #loopLateMs = 0;
  #roomWaiting = 0;
  /** 0 to 3. 1: connections are not kept. 2: no bodies. 3: nothing. */
  level = 0;
  /** Spreads a share evenly: what is left over counts for the next request of the kind. */
  readonly #due = new Float64Array(3);

  /** Work that waits. */
  sample(now: PressureSample): void {
    this.#roundMs += (now.roundMs - this.#roundMs) * NEWEST;
    this.#loopLateMs += (now.loopLateMs - this.#loopLateMs) * NEWEST;
    this.#roomWaiting += ((now.roomWaiting > 0 ? 1 : 0) - this.#roomWaiting) * NEWEST;
    const isLate =
      this.#roomWaiting > 0.5 || (this.#roundMs > LARGE_ROUND_MS && now.inspectionsWaiting >= LARGE_WAITING);
    let wanted = isLate ? 1 : 0;
    if (this.#roundMs > SMALL_ROUND_MS) wanted = 2;
    if (this.#loopLateMs > LOOP_LATE_MS) wanted = SHED_MAX;
    if (wanted > this.#shed) this.#shed = Math.min(wanted, this.#shed + STEP_UP);
    else this.#shed = Math.max(wanted, this.#shed - STEP_DOWN);
  }

  /** Memory in use, as a share of what there is. */
  fill(share: number): void {
    let level = 0;
    for (const [index, from] of LEVELS.entries()) {
      if (share >= (this.level > index ? from - HYSTERESIS : from)) level = index + 1;
    }
    this.level = level;
  }

  /** How much is turned away, 0 to 3 kinds. */
  get shed(): number {
    return Math.max(this.#shed, this.level === 3 ? 3 : this.level === 2 ? 2 : 0);
  }

  /** Whether this request is to be turned away. */
  turnsAway({ bodyKind, bodyLength }: CanonicalRequest): boolean {
    const { shed } = this;
    if (shed === 0) return false;
    const kind =
      bodyKind === BODY_NONE
        ? NO_BODY
        : bodyKind === BODY_LENGTH && bodyLength <= LARGE_BODY_BYTES
          ? SMALL_BODY
          : LARGE_BODY;
    const due = this.#due[kind]! + Math.min(1, Math.max(0, shed - kind));
    this.#due[kind] = due >= 1 ? due - 1 : due;
    return due >= 1;
  }
}
