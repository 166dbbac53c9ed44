import { CHUNK_DATA, CHUNK_END, CHUNK_MORE, ChunkDecoder } from "../http/chunked.ts";
import type { BodySink } from "../http/downstream.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, type CanonicalRequest } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { ConnectionLimits } from "../snapshot.ts";
import type { Deadline, TimerWheel } from "../std/timer-wheel.ts";
import type { Http1Input } from "./http1-input.ts";

/** A body may be slower than the minimum rate for this long. */
const RATE_GRACE_MS = 10_000;

/** The connection, as the body that comes over it sees it. Met by http1.ts. */
export interface BodyOwner {
  /** The exchange goes on. Whoever takes a piece of the body may end it. */
  readonly isServing: boolean;
  readonly limits: ConnectionLimits;
  pauseReading(): void;
  /** The exchange ends, and its connection after it. */
  failBody(reason: Reason): void;
}

/** The body of the request under way: cut out of the input by its framing, given to whoever asked for it. */
export class Http1Body {
  /** All of it was given, or there is none. */
  isDone = true;
  /** Whoever takes it asked to wait. */
  isFull = false;
  readonly #owner: BodyOwner;
  readonly #wheel: TimerWheel;
  /** The connection's. */
  readonly #deadline: Deadline;
  #sink: BodySink | undefined = undefined;
  #kind = BODY_NONE;
  #remaining = 0;
  #chunks: ChunkDecoder | undefined = undefined;
  /** When it began, and what came since: for its rate. */
  #startMs = 0;
  #bytes = 0;

  constructor(owner: BodyOwner, wheel: TimerWheel, deadline: Deadline) {
    this.#owner = owner;
    this.#wheel = wheel;
    this.#deadline = deadline;
  }

  /** Somebody asked for it, and it is not over. */
  get isStarted(): boolean {
    return this.#sink !== undefined;
  }

  /** Somebody takes what comes. */
  get isWanted(): boolean {
    return !this.isDone && this.#sink !== undefined && !this.isFull;
  }

  /** Another request's. */
  begin(request: CanonicalRequest): void {
    this.#kind = request.bodyKind;
    this.#remaining = request.bodyLength;
    this.isDone = this.#kind === BODY_NONE || (this.#kind === BODY_LENGTH && this.#remaining === 0);
    this.#bytes = 0;
    this.#sink = undefined;
    this.isFull = false;
    if (this.#kind === BODY_CHUNKED) (this.#chunks ??= new ChunkDecoder(true)).reset();
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.isFull = false;
    this.#startMs = this.#wheel.nowMs;
  }

  /** Nobody takes more of it. */
  drop(): void {
    this.#sink = undefined;
  }

  /** The client has `body_idle_timeout_ms` for the next piece. */
  expectMore(): void {
    this.#wheel.set(this.#deadline, this.#wheel.nowMs + this.#owner.limits.bodyIdleTimeoutMs);
  }

  /** Takes the next piece. There is input, and somebody wants it. */
  take(input: Http1Input): void {
    const sink = this.#sink!;
    if (this.#kind === BODY_LENGTH) {
      const { start } = input;
      const available = input.end - start;
      const taken = available < this.#remaining ? available : this.#remaining;
      input.start += taken;
      this.#remaining -= taken;
      this.#give(sink, input.bytes, start, start + taken);
      if (this.#remaining === 0 && this.#owner.isServing && !this.isDone) this.#end(sink);
      return;
    }
    const chunks = this.#chunks!;
    const result = chunks.next(input.bytes, input.start, input.end);
    input.start = result < 0 ? input.end : chunks.position;
    if (result === CHUNK_DATA) {
      this.#give(sink, input.bytes, chunks.dataStart, chunks.dataEnd);
    } else if (result === CHUNK_END) {
      if (chunks.trailers.length > 0) sink.onBodyTrailers(chunks.trailers);
      if (this.#owner.isServing) this.#end(sink);
    } else if (result !== CHUNK_MORE) {
      this.#owner.failBody(chunks.refusal);
    }
  }

  #give(sink: BodySink, bytes: Buffer, start: number, end: number): void {
    const owner = this.#owner;
    const { nowMs } = this.#wheel;
    this.#bytes += end - start;
    const rate = owner.limits.bodyMinRate;
    const elapsedMs = nowMs - this.#startMs;
    if (rate > 0 && elapsedMs > RATE_GRACE_MS && this.#bytes * 1000 < rate * elapsedMs) {
      owner.failBody(reasons.bodyTimeout);
      return;
    }
    if (!sink.onBody(bytes, start, end)) {
      this.isFull = true;
      // The upstream's slowness is not the client's: its clock stops, and what it sent so far counts no more.
      this.#wheel.pause(this.#deadline);
      this.#startMs = nowMs;
      this.#bytes = 0;
      if (owner.isServing) owner.pauseReading();
    } else if (owner.isServing) {
      this.expectMore();
    }
  }

  #end(sink: BodySink): void {
    this.isDone = true;
    this.#sink = undefined;
    // Nobody asks for more of this body: a pause for its sake would never end.
    this.isFull = false;
    this.#wheel.pause(this.#deadline);
    sink.onBodyEnd();
  }
}
