import type { HeadScratch } from "../http/http2-head.ts";
import { ResponseHead } from "../http/response-head.ts";
import type { State } from "../state.ts";
import { Outbox } from "../std/outbox.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection } from "./client-connection.ts";

/** Between two looks at all connections, and up to two ticks of the wheel more. */
const CHECK_MS = 50;

/** Something that a flood guard looks at. Met by http2.ts `Http2Connection`. */
export interface Watched extends ClientConnection {
  checkFlood(nowMs: number): void;
}

/**
 * What the HTTP/2 connections of a listener share: scratch that their streams use in turn, never across two events,
 * and the one deadline by which all of them are looked at for floods.
 */
export class Http2Desk {
  readonly scratch: HeadScratch = { bytes: Buffer.allocUnsafeSlow(16_384) };
  /** Answers of our own are printed here. */
  readonly outbox = new Outbox(16_384);
  readonly head = new ResponseHead();
  readonly #watched = new Set<Watched>();
  readonly #deadline = new Deadline(this);
  readonly #state: State;
  #dateLine: Uint8Array | undefined = undefined;
  #dateText = "";

  constructor(state: State) {
    this.#state = state;
  }

  /** HTTP/2 connections that are open. */
  get size(): number {
    return this.#watched.size;
  }

  watch(connection: Watched): void {
    this.#watched.add(connection);
    if (this.#watched.size === 1) this.#arm();
  }

  forget(connection: ClientConnection): void {
    this.#watched.delete(connection as Watched);
  }

  /** Called by the timer wheel. */
  expire(): void {
    const nowMs = this.#state.clock.nowMs();
    for (const connection of this.#watched) connection.checkFlood(nowMs);
    if (this.#watched.size > 0) this.#arm();
  }

  /** The value of `Date` in the current second. */
  dateText(): string {
    const line = this.#state.dateLine();
    if (line !== this.#dateLine) {
      this.#dateLine = line;
      this.#dateText = Buffer.from(line).latin1Slice("Date: ".length, line.length - 2);
    }
    return this.#dateText;
  }

  #arm(): void {
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + CHECK_MS);
  }
}
