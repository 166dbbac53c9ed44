import { Exchange } from "../exchange.ts";
import type { BodySink, ConnectionLogPiece, Downstream } from "../http/downstream.ts";
import { F } from "../http/field.ts";
import { isGrpc } from "../http/grpc.ts";
import { putStatus } from "../http/hpack-encoder.ts";
import { answerBytesMax, putAnswer } from "../http/http2-answer.ts";
import { CANCEL, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR } from "../http/http2-frame.ts";
import type { ForwardedMemo } from "../http/print-request.ts";
import { BODY_LENGTH, type CanonicalRequest, HEAD } from "../http/request.ts";
import {
  RESPONSE_CHUNKED,
  RESPONSE_CLOSE,
  RESPONSE_LENGTH,
  RESPONSE_NONE,
  type ResponseHead,
} from "../http/response-head.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import type { Trailers } from "../http/trailer.ts";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import { grpcTrailers } from "../respond/grpc.ts";
import type { Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { Http2Desk } from "./http2-desk.ts";
import type { FloodGuard } from "./http2-guard.ts";
import { type SendingStream, StreamOutput } from "./http2-output.ts";
import { StallWatch } from "./http2-stall-watch.ts";
import { type InputOwner, StreamInput, type StreamReader } from "./http2-stream-input.ts";
import { identify } from "./identify.ts";

/** A body may be slower than the minimum rate for this long. */
const RATE_GRACE_MS = 10_000;

/** The connection, as its streams see it. Met by http2.ts `Http2Connection`. */
export interface StreamOwner extends InputOwner {
  readonly peer: PeerFacts;
  readonly peerText: string;
  readonly secure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly listener: "http" | "https";
  readonly forwardedMemo: ForwardedMemo;
  logPiece: ConnectionLogPiece | undefined;
  readonly guard: FloodGuard;
  /** A message of the client's was refused for what it is. */
  countRejected(): void;
  /** The client made us reset a stream of the upstream's, without a reset of its own. */
  countReset(): void;
  resetStream(id: number, code: number, isOpen: boolean): void;
  forgetStream(stream: Http2Stream): void;
}

/**
 * One HTTP/2 request and its answer: serves one exchange, takes its body as far as somebody wants it, and keeps
 * deadlines of its own. What a bug breaks is this stream.
 */
export class Http2Stream implements Downstream, TunnelEnd, SendingStream, StreamReader {
  readonly id: number;
  readonly output: StreamOutput;
  readonly input: StreamInput;
  readonly #owner: StreamOwner;
  readonly #state: State;
  readonly #desk: Http2Desk;
  #snapshot: Snapshot;
  /** Made when there is something to wait for: most streams end without. */
  #deadline: Deadline | undefined = undefined;
  #request: CanonicalRequest | undefined;
  #exchange: Exchange | undefined = undefined;
  #isGone = false;

  /** gRPC. */
  #isCall = false;

  // The body.
  #sink: BodySink | undefined = undefined;
  /** All of the body was given to the sink, or there is none. */
  #isBodyDone = false;
  #bodyBytes = 0;
  #bodyStartMs = 0;
  #requestTrailers: Trailers | undefined = undefined;

  /** The tunnel it is an end of. */
  #side: TunnelSide | undefined = undefined;
  #isServed = false;

  // The answer.
  #isAnswerEnded = false;
  #answerTrailers: Trailers | undefined = undefined;
  #takesTrailers = false;
  #isBlocked = false;
  /** Made when the client is first waited for. */
  #stallWatch: StallWatch | undefined = undefined;

  constructor(
    owner: StreamOwner,
    id: number,
    request: CanonicalRequest,
    isOver: boolean,
    desk: Http2Desk,
    state: State,
  ) {
    this.id = id;
    this.#owner = owner;
    this.#request = request;
    this.input = new StreamInput(id, owner, this, isOver);
    this.#desk = desk;
    this.#state = state;
    this.#snapshot = state.snapshot;
    this.output = new StreamOutput(id, owner.output.streamWindow, this);
  }

  get peerText(): string {
    return this.#owner.peerText;
  }
  get secure(): boolean {
    return this.#owner.secure;
  }
  get tls(): TlsFacts | undefined {
    return this.#owner.tls;
  }
  get listener(): "http" | "https" {
    return this.#owner.listener;
  }
  get forwardedMemo(): ForwardedMemo {
    return this.#owner.forwardedMemo;
  }
  get logPiece(): ConnectionLogPiece | undefined {
    return this.#owner.logPiece;
  }
  set logPiece(piece: ConnectionLogPiece | undefined) {
    this.#owner.logPiece = piece;
  }

  /** Called once: the head is read. */
  serve(): void {
    const request = this.#request;
    // Its connection ended for a head beside it.
    if (this.#isGone || request === undefined) return;
    this.#isServed = true;
    try {
      identify(request, this.#owner.peer, this.#snapshot, this.#state);
      this.#isCall = request.refusal === undefined && isGrpc(request);
      const { status } = request.refusal ?? NOT_REFUSED;
      if (status === 431 || request.refusal === reasons.http2Head) this.#owner.countRejected();
      if (this.#isGone) return;
      this.#isBodyDone =
        (this.input.isOver && this.input.isTaken) ||
        (request.bodyKind === BODY_LENGTH && request.bodyLength === 0);
      this.#exchange = new Exchange(this, request, this.#snapshot, this.#state);
      this.#exchange.serve();
      this.input.settle();
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  /** Takes the stream down, whatever it is doing. */
  close(reason: Reason, code: number = CANCEL): void {
    if (this.#isGone) return;
    this.#owner.resetStream(this.id, code, !this.input.isOver);
    this.#leave(reason);
  }

  /** The client reset it. */
  onGone(): void {
    if (!this.#isGone) this.#leave(reasons.clientGone);
  }

  /** Nothing more is sent or taken. */
  #leave(reason: Reason): void {
    this.#isGone = true;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#sink = undefined;
    this.#owner.output.drop(this.output);
    this.input.close();
    if (this.#deadline !== undefined) this.#state.wheel.clear(this.#deadline);
    this.#owner.forgetStream(this);
    try {
      if (exchange !== undefined) exchange.abandon(reason);
      else if (!this.#isAnswerEnded) this.onConcluded();
    } catch (cause) {
      this.#state.onDefect(cause);
    }
  }

  onDefect(cause: unknown): void {
    this.#state.onDefect(cause);
    // Half a request may stand in it: it must not leave in front of somebody else's.
    this.#state.upstreamDeps.outbox.drop();
    try {
      this.#exchange?.fail(reasons.defect);
    } catch (again) {
      this.#state.onDefect(again);
    }
    if (!this.#isAnswerEnded) this.close(reasons.defect, INTERNAL_ERROR);
  }

  /** No input may end the worker: Node would make an exception in a listener an uncaught one. */
  #guard(step: () => void): void {
    try {
      step.call(this);
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  // --- the request body

  /** DATA of `count` bytes, which come in one read with the head, may wait until the request is served. */
  mayWait(count: number): boolean {
    const request = this.#request;
    return (
      !this.#isServed &&
      count > 0 &&
      this.input.isTaken &&
      (request?.bodyKind !== BODY_LENGTH || this.#bodyBytes + count <= request.bodyLength)
    );
  }

  /** Bytes of the body, from the connection. */
  onData(bytes: Buffer, start: number, end: number): void {
    // Behind the answer it is for nobody, and no window is given for it.
    if (this.#isGone || this.#isAnswerEnded) return;
    try {
      if (this.#side !== undefined || this.#isLengthKept(end - start)) {
        if (this.#isServed) this.input.take(bytes, start, end);
        else this.input.lend(bytes, start, end);
      }
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  #isLengthKept(count: number): boolean {
    const request = this.#request;
    if (request === undefined) return true;
    this.#bodyBytes += count;
    if (request.bodyKind !== BODY_LENGTH || this.#bodyBytes <= request.bodyLength) return true;
    this.#failMalformed(reasons.contentLength);
    return false;
  }

  /** The client has sent all, `trailers` last. */
  onInputEnd(trailers: Trailers | undefined): void {
    this.input.isOver = true;
    if (this.#isGone) return;
    if (trailers !== undefined && trailers.length > 0) this.#requestTrailers = trailers;
    this.#guard(this.#checkEnd);
  }

  refuseTrailers(reason: Reason): void {
    this.input.isOver = true;
    this.#guard(() => this.#failMalformed(reason));
  }

  /**
   * The message cannot be what its head said. Its request may be at the upstream: whoever goes on with that makes us
   * cancel as a flood of resets would (CVE-2025-8671, MadeYouReset).
   */
  #failMalformed(reason: Reason): void {
    if (this.#exchange === undefined) return;
    this.#exchange.fail(reason);
    this.#owner.countRejected();
  }

  /** Ends the body when all of it was given. */
  #checkEnd(): void {
    if (!this.input.isOver || this.#isBodyDone) return;
    const request = this.#request;
    if (this.#side === undefined && request?.bodyKind === BODY_LENGTH) {
      if (this.#bodyBytes !== request.bodyLength) {
        this.#failMalformed(reasons.bodyCut);
        return;
      }
    }
    if (!this.input.isTaken) return;
    if (this.#side !== undefined) {
      this.#isBodyDone = true;
      this.#side.onEnd();
      return;
    }
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#isBodyDone = true;
    this.#sink = undefined;
    if (!this.#isBlocked) this.#pause();
    if (this.#requestTrailers !== undefined) sink.onBodyTrailers(this.#requestTrailers);
    if (this.#exchange !== undefined) sink.onBodyEnd();
  }

  startBody(sink: BodySink): void {
    if (this.#isBodyDone) {
      sink.onBodyEnd();
      return;
    }
    const isFirst = this.#sink === undefined;
    this.#sink = sink;
    this.#bodyStartMs = this.#state.wheel.nowMs;
    this.#armBody();
    if (isFirst && this.#request!.expectContinue && this.#bodyBytes === 0 && !this.input.isOver)
      this.#sayContinue();
    this.#resumeInput();
  }

  #sayContinue(): void {
    this.#state.counters.expectContinue++;
    this.#owner.output.head(this.output, 8, false, (out, at) => putStatus(out, at, 100));
  }

  resumeBody(): void {
    if (this.#isBodyDone || this.#sink === undefined || this.#isGone) return;
    this.#armBody();
    this.#resumeInput();
  }

  #resumeInput(): void {
    this.input.resume();
    this.#checkEnd();
  }

  get wantsInput(): boolean {
    return this.#sink !== undefined || this.#side !== undefined;
  }

  onInput(bytes: Buffer, start: number, end: number): boolean {
    if (this.#side !== undefined) return this.#side.onBytes(bytes, start, end);
    if (this.#isTooSlow()) {
      this.#exchange?.fail(reasons.bodyTimeout);
      return true;
    }
    const takesMore = this.#sink!.onBody(bytes, start, end);
    if (this.#sink === undefined) return true;
    // What the upstream has not taken is not the client's to hurry. Its window fills meanwhile.
    if (!this.#isBlocked && takesMore) this.#armBody();
    else if (!this.#isBlocked) this.#pause();
    return takesMore;
  }

  #isTooSlow(): boolean {
    const rate = this.#mayBeSilent ? 0 : this.#snapshot.connection.bodyMinRate;
    const elapsedMs = this.#state.wheel.nowMs - this.#bodyStartMs;
    return rate > 0 && elapsedMs > RATE_GRACE_MS && this.#bodyBytes * 1000 < rate * elapsedMs;
  }

  #armBody(): void {
    // A call may be silent for as long as both ends like: the connection's own deadlines and pings watch over it.
    if (this.#mayBeSilent) this.#pause();
    else this.#arm(this.#snapshot.connection.bodyIdleTimeoutMs);
  }

  /** To an HTTP/1.1 upstream anything is a body: its own time-outs would blame it for what the client does not send. */
  get #mayBeSilent(): boolean {
    return this.#isCall && this.#exchange?.takesCalls === true;
  }

  // --- the answer

  answerHead(head: ResponseHead): void {
    const isBodiless = head.bodyKind === RESPONSE_NONE || this.#request!.method === HEAD;
    this.#startAnswer(head, isBodiless);
  }

  #startAnswer(head: ResponseHead, isBodiless: boolean): void {
    if (this.#isGone) return;
    const hasLength = isBodiless
      ? head.bodyLength >= 0 && head.status !== 204 && head.bodyKind !== RESPONSE_CHUNKED
      : head.bodyKind === RESPONSE_LENGTH;
    const length = hasLength && head.bodyKind !== RESPONSE_CLOSE ? head.bodyLength : -1;
    const isEnd = isBodiless || (head.bodyKind === RESPONSE_LENGTH && head.bodyLength === 0);
    this.#takesTrailers = !isEnd && head.bodyKind !== RESPONSE_LENGTH && this.#request!.acceptsTrailers;
    this.#sendHead(head, head.status, length, 0, isEnd);
  }

  #sendHead(head: ResponseHead, status: number, bodyLength: number, without: number, isEnd: boolean): void {
    const request = this.#request!;
    const date = this.#desk.dateText();
    if (isEnd) this.#isAnswerEnded = true;
    this.#owner.output.head(this.output, answerBytesMax(head), isEnd, (out, at) =>
      putAnswer(out, at, head, status, request, date, bodyLength, without),
    );
  }

  answerBody(bytes: Buffer, start: number, end: number): boolean {
    if (this.#isGone || this.#isAnswerEnded) return true;
    this.#owner.guard.countAnswer(end - start);
    if (this.#owner.output.data(this.output, bytes, start, end)) return true;
    this.#block();
    return false;
  }

  /** Frames leave together at the end of the turn. */
  answerFlush(): boolean {
    return true;
  }

  answerTrailers(trailers: Trailers): void {
    if (this.#takesTrailers) this.#answerTrailers = trailers;
  }

  answerEnd(): void {
    if (!this.#isAnswerEnded && !this.#isGone) {
      this.#isAnswerEnded = true;
      this.#owner.output.end(this.output, this.#answerTrailers);
    }
    this.#finish();
  }

  /** Called by the output: the client has it all, or will. */
  onSendEnd(): void {
    if (this.#isGone || this.#exchange !== undefined) return;
    this.#conclude();
  }

  /** The answer is out or queued: the exchange concludes after this returns. */
  #finish(): void {
    this.#exchange = undefined;
    this.#sink = undefined;
    this.#side = undefined;
    this.#isAnswerEnded = true;
    if (this.#isGone) return;
    if (this.output.isOver) this.#conclude();
    else this.#watchQueue();
  }

  /** The end of the stream. Whoever still sends a body is told to stop (RFC 9113 §8.1). */
  #conclude(): void {
    if (!this.input.isOver) this.#owner.resetStream(this.id, NO_ERROR, true);
    this.#leave(reasons.clientGone);
  }

  // --- as one end of a tunnel (RFC 8441)

  switchProtocols(head: ResponseHead, side: TunnelSide): TunnelEnd | undefined {
    if (this.#isGone) return undefined;
    this.#side = side;
    // A handshake has no body, but the tunnel has an end.
    this.#isBodyDone = false;
    this.#sendHead(head, 200, -1, F.secWebsocketAccept, false);
    // What came early is for the tunnel, once both its ends are there.
    if (!this.input.isTaken || this.input.isOver) process.nextTick(resumeTunnel, this);
    return this;
  }

  sendTunnel(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#side === undefined || this.#isGone) return true;
    this.#owner.guard.countAnswer(end - start);
    if (this.#owner.output.data(this.output, bytes, start, end)) return true;
    this.#block();
    return false;
  }

  endTunnel(): void {
    if (!this.#isGone) this.#owner.output.end(this.output, undefined);
  }

  resumeTunnel(): void {
    if (this.#isGone || this.#side === undefined) return;
    this.#guard(this.#resumeInput);
  }

  leaveTunnel(): void {
    if (this.#side === undefined) return;
    this.#side = undefined;
    if (!this.#isGone) this.#owner.output.end(this.output, undefined);
    this.#finish();
  }

  /** Holds a WebSocket or an event stream. */
  get lasting(): boolean {
    return this.#exchange?.isLasting ?? false;
  }

  /** Ends a gRPC call with a status of its own. False: it is none. */
  endCall(reason: Reason): boolean {
    if (!this.#isCall || this.#exchange === undefined) return false;
    const exchange = this.#exchange;
    this.#guard(() => exchange.fail(reason));
    return true;
  }

  endStream(): void {
    if (this.lasting) this.#exchange!.drain();
  }

  // --- answers of our own

  refuse(reason: Reason, retryAfterSecs: number, methods: number): void {
    if (reason.status === 0 && !this.#isCall) {
      this.#stop(reason === reasons.http2Head ? PROTOCOL_ERROR : CANCEL);
      return;
    }
    const { ownAnswers } = this.#desk;
    this.#sendOwn(ownAnswers.refuse(reason, this.#request!, this.#isCall, retryAfterSecs, methods));
    this.#countDeadline(reason);
  }

  answerOwn(status: number, fields: string, body: string): void {
    this.#sendOwn(this.#desk.ownAnswers.answer(status, fields, body, this.#request!));
  }

  /** Sends what is printed. */
  #sendOwn(bodyStart: number): void {
    const { head, bytes, end } = this.#desk.ownAnswers;
    this.#startAnswer(head, head.bodyKind === RESPONSE_NONE);
    if (bodyStart < end && !this.#isAnswerEnded && !this.#isGone)
      this.#owner.output.data(this.output, bytes, bodyStart, end);
    this.answerEnd();
  }

  cut(reason: Reason): void {
    if (this.#isGone) return;
    // A call that fails says so in its trailers: a client may try again what was unavailable, but not what was reset.
    if (this.#isCall && this.#takesTrailers && !this.#isAnswerEnded) {
      this.#isAnswerEnded = true;
      this.#owner.output.end(this.output, grpcTrailers(reason));
      this.#finish();
    } else this.#stop(INTERNAL_ERROR);
    this.#countDeadline(reason);
  }

  /**
   * Whoever gives a call no time has its stream at the upstream reset, as often as it likes: that counts as a reset of
   * its own. A client that keeps its deadlines sends that one before we notice.
   */
  #countDeadline(reason: Reason): void {
    if (reason === reasons.grpcDeadline) this.#owner.countReset();
  }

  /** The exchange concludes after this returns. */
  #stop(code: number): void {
    this.#exchange = undefined;
    this.#isAnswerEnded = true;
    this.close(reasons.clientGone, code);
  }

  /** The record is written: the request may be used again. */
  onConcluded(): void {
    if (this.#request === undefined) return;
    this.#state.requests.give(this.#request);
    this.#request = undefined;
  }

  // --- time and the other end

  #arm(waitMs: number): void {
    const { wheel } = this.#state;
    wheel.set((this.#deadline ??= new Deadline(this)), wheel.nowMs + waitMs);
  }

  #pause(): void {
    if (this.#deadline !== undefined) this.#state.wheel.pause(this.#deadline);
  }

  #block(): void {
    if (this.#isBlocked || this.#isGone) return;
    this.#isBlocked = true;
    this.#watchQueue();
  }

  #watchQueue(): void {
    this.#stallWatch ??= new StallWatch();
    this.#stallWatch.begin(this.output.queuedBytes, this.#owner.output.takenBytes);
    this.#arm(this.#snapshot.connection.writeTimeoutMs);
  }

  /** Called by the output: nothing waits any more. */
  onSendDrain(): void {
    this.#guard(this.#onDrain);
  }

  #onDrain(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    if (this.#exchange === undefined) return;
    this.#pause();
    if (this.#sink !== undefined && !this.#isBodyDone && !this.input.isFull) this.#armBody();
    if (this.#side !== undefined) this.#side.onDrain();
    else this.#exchange.onDownstreamDrain();
  }

  /** Called by the timer wheel. */
  expire(): void {
    this.#guard(this.#onDeadline);
  }

  #onDeadline(): void {
    if (!this.#isBlocked && this.#exchange !== undefined) {
      this.#exchange.fail(reasons.bodyTimeout);
    } else if (
      this.#stallWatch?.isStalled(this.output.queuedBytes, this.#owner.output.takenBytes) === false
    ) {
      this.#arm(this.#snapshot.connection.writeTimeoutMs);
    } else {
      if (this.#exchange === undefined) this.#state.counters.rejects[reasons.writeTimeout.index]!++;
      this.close(reasons.writeTimeout);
    }
  }
}

const NOT_REFUSED = { status: 0 };

function resumeTunnel(stream: Http2Stream): void {
  stream.resumeTunnel();
}
