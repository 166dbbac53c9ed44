import type { FieldScratch } from "../http/hpack-decoder.ts";
import { Http2HeadReader } from "../http/http2-head.ts";
import type { State } from "../state.ts";
import { GATHERED_BYTES, Outbox } from "../std/outbox.ts";
import { ChunkShelf } from "./chunk-shelf.ts";
import type { Http2Output, OutputDesk } from "./http2-output.ts";
import { OwnAnswers } from "./http2-own-answers.ts";

/** Connections that put together what they send in one turn; more than that send at once. */
const LENT_MAX = 32;

/**
 * What the HTTP/2 connections of a listener share: scratch that their streams use in turn, never across two events,
 * and the buffers of those that have something to send in this turn of the event loop.
 */
export class Http2Desk implements OutputDesk {
  readonly scratch: FieldScratch = { bytes: Buffer.allocUnsafeSlow(16_384) };
  readonly headReader = new Http2HeadReader();
  readonly chunks = new ChunkShelf();
  readonly ownAnswers: OwnAnswers;
  /** Those that are open. */
  connections = 0;
  readonly #state: State;
  readonly #lent: Outbox[] = [];
  readonly #borrowers: Http2Output[] = [];
  readonly #free: Outbox[] = [];
  readonly #flushAll = (): void => this.#endTurn();
  #dateLine: Uint8Array | undefined = undefined;
  #dateText = "";

  constructor(state: State) {
    this.#state = state;
    this.ownAnswers = new OwnAnswers(state);
  }

  lend(output: Http2Output): Outbox {
    if (this.#lent.length === LENT_MAX) this.#endTurn();
    if (this.#lent.length === 0) setImmediate(this.#flushAll);
    const outbox = this.#free.pop() ?? new Outbox(GATHERED_BYTES);
    this.#lent.push(outbox);
    this.#borrowers.push(output);
    return outbox;
  }

  /** All sockets that were read in this turn were served: what was put together leaves. */
  #endTurn(): void {
    // Nobody borrows while it is flushed: a write tells nobody before the next turn.
    for (const output of this.#borrowers) output.flush();
    for (const outbox of this.#lent) this.#free.push(outbox);
    this.#borrowers.length = this.#lent.length = 0;
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
}
