import type { BodySink } from "../http/downstream.ts";
import { BODY_LENGTH, type CanonicalRequest } from "../http/request.ts";
import type { Trailers } from "../http/trailer.ts";
import type { TunnelSide } from "../http/tunnel-end.ts";
import { type Reason, reasons } from "../reason.ts";
import type { ConnectionLimits } from "../snapshot.ts";
import type { TimerWheel } from "../std/timer-wheel.ts";
import { type InputOwner, StreamInput, type StreamReader } from "./http2-stream-input.ts";

/** A body may be slower than the minimum rate for this long. */
const RATE_GRACE_MS = 10_000;

/** The stream, as its body sees it. Met by http2-stream.ts. */
export interface StreamBodyOwner {
  readonly request: CanonicalRequest | undefined;
  readonly limits: ConnectionLimits;
  /** The exchange goes on. Whoever takes a piece of the body may end it. */
  readonly isServing: boolean;
  /** The answer waits for the client: time counts for that, and not for the body. */
  readonly isBlocked: boolean;
  /** Neither end has to say anything. */
  readonly mayBeSilent: boolean;
  arm(waitMs: number): void;
  pause(): void;
  sayContinue(): void;
  /** The exchange ends. */
  failBody(reason: Reason): void;
  /** The same: the message cannot be what its head said. */
  failMalformed(reason: Reason): void;
}

/** What a client sends on one stream behind its head: a body as long as its head says, or its side of a tunnel. */
export class StreamBody implements StreamReader {
  readonly input: StreamInput;
  /** All of it was given, or there is none. */
  isDone = false;
  readonly #owner: StreamBodyOwner;
  readonly #wheel: TimerWheel;
  #sink: BodySink | undefined = undefined;
  #side: TunnelSide | undefined = undefined;
  /** What came, and when the first of it was asked for: for its rate. */
  #bytes = 0;
  #startMs = 0;
  #trailers: Trailers | undefined = undefined;

  constructor(
    owner: StreamBodyOwner,
    connection: InputOwner,
    id: number,
    isOver: boolean,
    wheel: TimerWheel,
  ) {
    this.#owner = owner;
    this.#wheel = wheel;
    this.input = new StreamInput(id, connection, this, isOver);
  }

  /** Its request is about to be served. */
  begin(request: CanonicalRequest): void {
    this.isDone =
      (this.input.isOver && this.input.isTaken) ||
      (request.bodyKind === BODY_LENGTH && request.bodyLength === 0);
  }

  /** DATA of `count` bytes, which come in one read with the head, may wait until the request is served. */
  mayWait(count: number): boolean {
    const { request } = this.#owner;
    return (
      count > 0 &&
      this.input.isTaken &&
      (request?.bodyKind !== BODY_LENGTH || this.#bytes + count <= request.bodyLength)
    );
  }

  /** Counts what comes. False: it is more than the head said. */
  count(bytes: number): boolean {
    if (this.#side !== undefined) return true;
    const { request } = this.#owner;
    if (request === undefined) return true;
    this.#bytes += bytes;
    if (request.bodyKind !== BODY_LENGTH || this.#bytes <= request.bodyLength) return true;
    this.#owner.failMalformed(reasons.contentLength);
    return false;
  }

  start(sink: BodySink): void {
    const isFirst = this.#sink === undefined;
    this.#sink = sink;
    this.#startMs = this.#wheel.nowMs;
    this.#expectMore();
    if (isFirst && this.#owner.request!.expectContinue && this.#bytes === 0 && !this.input.isOver)
      this.#owner.sayContinue();
    this.pump();
  }

  resume(): void {
    if (this.isDone || this.#sink === undefined) return;
    this.#expectMore();
    this.pump();
  }

  /** What comes is for a tunnel. */
  switchTo(side: TunnelSide): void {
    this.#side = side;
    // A handshake has no body, but the tunnel has an end.
    this.isDone = false;
  }

  /** Gives what waits, and the end behind it. */
  pump(): void {
    this.input.resume();
    this.checkEnd();
  }

  /** Nobody asks for more of it. */
  drop(): void {
    this.#sink = undefined;
    this.#side = undefined;
  }

  close(): void {
    this.#sink = undefined;
    this.input.close();
  }

  noteTrailers(trailers: Trailers): void {
    if (trailers.length > 0) this.#trailers = trailers;
  }

  /** Ends the body when all of it was given. */
  checkEnd(): void {
    if (!this.input.isOver || this.isDone) return;
    const owner = this.#owner;
    const side = this.#side;
    const { request } = owner;
    if (side === undefined && request?.bodyKind === BODY_LENGTH && this.#bytes !== request.bodyLength) {
      owner.failMalformed(reasons.bodyCut);
      return;
    }
    if (!this.input.isTaken) return;
    if (side !== undefined) {
      this.isDone = true;
      side.onEnd();
      return;
    }
    const sink = this.#sink;
    if (sink === undefined) return;
    this.isDone = true;
    this.#sink = undefined;
    if (!owner.isBlocked) owner.pause();
    if (this.#trailers !== undefined) sink.onBodyTrailers(this.#trailers);
    if (owner.isServing) sink.onBodyEnd();
  }

  get wantsInput(): boolean {
    return this.#sink !== undefined || this.#side !== undefined;
  }

  onInput(bytes: Buffer, start: number, end: number): boolean {
    if (this.#side !== undefined) return this.#side.onBytes(bytes, start, end);
    const owner = this.#owner;
    if (this.#isTooSlow()) {
      owner.failBody(reasons.bodyTimeout);
      return true;
    }
    const takesMore = this.#sink!.onBody(bytes, start, end);
    if (this.#sink === undefined) return true;
    // What the upstream has not taken is not the client's to hurry. Its window fills meanwhile.
    if (!owner.isBlocked && takesMore) this.#expectMore();
    else if (!owner.isBlocked) owner.pause();
    return takesMore;
  }

  #isTooSlow(): boolean {
    const { mayBeSilent, limits } = this.#owner;
    const rate = mayBeSilent ? 0 : limits.bodyMinRate;
    const elapsedMs = this.#wheel.nowMs - this.#startMs;
    return rate > 0 && elapsedMs > RATE_GRACE_MS && this.#bytes * 1000 < rate * elapsedMs;
  }

  /** The answer does not wait any more: the body's time counts again, where somebody takes it. */
  onUnblocked(): void {
    if (this.#sink !== undefined && !this.isDone && !this.input.isFull) this.#expectMore();
  }

  #expectMore(): void {
    // A call may be silent for as long as both ends like: the connection's own deadlines and pings watch over it.
    if (this.#owner.mayBeSilent) this.#owner.pause();
    else this.#owner.arm(this.#owner.limits.bodyIdleTimeoutMs);
  }
}
