import { Exchange } from "../exchange.ts";
import type { BodySink, ConnectionLogPiece, Downstream } from "../http/downstream.ts";
import { isGrpc } from "../http/grpc.ts";
import { CANCEL, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR } from "../http/http2-frame.ts";
import type { ForwardedMemo } from "../http/print-request.ts";
import { type CanonicalRequest, HEAD } from "../http/request.ts";
import { RESPONSE_NONE, type ResponseHead } from "../http/response-head.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import type { Trailers } from "../http/trailer.ts";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import { grpcTrailers } from "../respond/grpc.ts";
import type { ConnectionLimits, Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { Http2Desk } from "./http2-desk.ts";
import { type SendingStream, StreamOutput } from "./http2-output.ts";
import { StallWatch } from "./http2-stall-watch.ts";
import { type AnswerCarrier, StreamAnswer } from "./http2-stream-answer.ts";
import { StreamBody, type StreamBodyOwner } from "./http2-stream-body.ts";
import type { InputOwner } from "./http2-stream-input.ts";
import { identify } from "./identify.ts";
import { Linger } from "./linger.ts";

/** The connection, as its streams see it. Met by http2.ts `Http2Connection`. */
export interface StreamOwner extends InputOwner, AnswerCarrier {
  readonly peer: PeerFacts;
  readonly peerText: string;
  readonly secure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly listener: "http" | "https";
  readonly forwardedMemo: ForwardedMemo;
  logPiece: ConnectionLogPiece | undefined;
  /** A message of the client's was refused for what it is. */
  countRejected(): void;
  /** The client made us reset a stream of the upstream's, without a reset of its own. */
  countReset(): void;
  resetStream(id: number, code: number, isOpen: boolean): void;
  forgetStream(stream: Http2Stream): void;
}

/**
 * One HTTP/2 request and its answer: serves one exchange and keeps deadlines of its own. What a bug breaks is this stream.
 * What the client sends is in http2-stream-body.ts, what it is sent in http2-stream-answer.ts.
 *
 * Longer than other files, because all ends meet here: client, upstream, connection and clock may each come first.
 */
export class Http2Stream implements Downstream, TunnelEnd, SendingStream, StreamBodyOwner {
  readonly id: number;
  readonly output: StreamOutput;
  request: CanonicalRequest | undefined;
  /** The answer waits for the client. */
  isBlocked = false;
  readonly #owner: StreamOwner;
  readonly #state: State;
  readonly #desk: Http2Desk;
  readonly #answer: StreamAnswer;
  /** Undefined = the head was all that the client sends. */
  #body: StreamBody | undefined;
  #snapshot: Snapshot;
  /** Made when there is something to wait for: most streams end without. */
  #deadline: Deadline | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #isServed = false;
  #isGone = false;
  /** gRPC. */
  #isCall = false;
  /** The tunnel it is an end of. */
  #side: TunnelSide | undefined = undefined;
  /** The client still sends a body behind its answer. */
  #rest: Linger | undefined = undefined;
  /** What the client sends is a message, and not too slow: the rest of it may come. */
  #mayLinger = true;
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
    this.request = request;
    this.#desk = desk;
    this.#state = state;
    this.#snapshot = state.snapshot;
    this.#body = isOver ? undefined : new StreamBody(this, owner, id, false, state.wheel);
    this.output = new StreamOutput(id, owner.output.streamWindow, this);
    this.#answer = new StreamAnswer(this.output, owner, desk);
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
    const request = this.request;
    // Its connection ended for a head beside it.
    if (this.#isGone || request === undefined) return;
    this.#isServed = true;
    try {
      identify(request, this.#owner.peer, this.#snapshot, this.#state);
      this.#isCall = request.refusal === undefined && isGrpc(request);
      // Clients of gRPC know that an answer ends a call.
      this.#mayLinger = request.refusal === undefined && !this.#isCall;
      const { status } = request.refusal ?? NOT_REFUSED;
      if (status === 431 || request.refusal === reasons.http2Head) this.#owner.countRejected();
      if (this.#isGone) return;
      this.#body?.begin(request);
      this.#exchange = new Exchange(this, request, this.#snapshot, this.#state);
      this.#exchange.serve();
      this.#body?.input.settle();
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  /** Takes the stream down, whatever it is doing. */
  close(reason: Reason, code: number = CANCEL): void {
    if (this.#isGone) return;
    this.#owner.resetStream(this.id, code, !this.isInputOver);
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
    this.#owner.output.drop(this.output);
    this.#body?.close();
    if (this.#deadline !== undefined) this.#state.wheel.clear(this.#deadline);
    this.#owner.forgetStream(this);
    try {
      if (exchange !== undefined) exchange.abandon(reason);
      else if (!this.#answer.isEnded) this.onConcluded();
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
    if (!this.#answer.isEnded) this.close(reasons.defect, INTERNAL_ERROR);
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

  /** The client sends nothing more. */
  get isInputOver(): boolean {
    return this.#body === undefined || this.#body.input.isOver;
  }

  /** DATA of `length` comes, of which `padding` is nobody's. False: more than the window. */
  beginData(length: number, padding: number): boolean {
    return this.#body!.input.begin(length, padding);
  }

  /** DATA of `count` bytes, which come in one read with the head, may wait until the request is served. */
  mayWait(count: number): boolean {
    return !this.#isServed && this.#body!.mayWait(count);
  }

  /** Bytes of the body, from the connection. */
  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#isGone) return;
    // Behind the answer it is for nobody. Until that has left, no window is given for it.
    if (this.#answer.isEnded) {
      if (this.#rest !== undefined) this.#waitForRest(this.#rest.take(end - start));
      return;
    }
    const body = this.#body!;
    try {
      if (!body.count(end - start)) return;
      if (this.#isServed) body.input.take(bytes, start, end);
      else body.input.lend(bytes, start, end);
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  /** The client has sent all, `trailers` last. */
  onInputEnd(trailers: Trailers | undefined): void {
    const body = this.#body!;
    body.input.isOver = true;
    if (this.#isGone) return;
    if (this.isLingering) {
      this.#leave(reasons.clientGone);
      return;
    }
    if (trailers !== undefined) body.noteTrailers(trailers);
    this.#guard(this.#checkBodyEnd);
  }

  #checkBodyEnd(): void {
    this.#body!.checkEnd();
  }

  refuseTrailers(reason: Reason): void {
    this.#body!.input.isOver = true;
    if (this.isLingering) this.#leave(reasons.clientGone);
    else this.#guard(() => this.failMalformed(reason));
  }

  /**
   * The message cannot be what its head said. Its request may be at the upstream: whoever goes on with that makes us
   * cancel as a flood of resets would (CVE-2025-8671, MadeYouReset).
   */
  failMalformed(reason: Reason): void {
    if (this.#exchange === undefined) return;
    this.failBody(reason);
    this.#owner.countRejected();
  }

  failBody(reason: Reason): void {
    this.#mayLinger = false;
    this.#exchange?.fail(reason);
  }

  startBody(sink: BodySink): void {
    if (this.#body === undefined || this.#body.isDone) sink.onBodyEnd();
    else this.#body.start(sink);
  }

  resumeBody(): void {
    if (!this.#isGone) this.#body?.resume();
  }

  sayContinue(): void {
    this.#state.counters.expectContinue++;
    this.#answer.sayContinue();
  }

  get isServing(): boolean {
    return this.#exchange !== undefined;
  }

  get limits(): ConnectionLimits {
    return this.#snapshot.connection;
  }

  /** To an HTTP/1.1 upstream anything is a body: its own time-outs would blame it for what the client does not send. */
  get mayBeSilent(): boolean {
    return this.#isCall && this.#exchange?.takesCalls === true;
  }

  // --- the answer

  answerHead(head: ResponseHead): void {
    if (this.#isGone) return;
    const request = this.request!;
    this.#answer.begin(head, request, head.bodyKind === RESPONSE_NONE || request.method === HEAD);
  }

  answerBody(bytes: Buffer, start: number, end: number): boolean {
    if (this.#isGone || this.#answer.isEnded) return true;
    if (this.#answer.send(bytes, start, end)) return true;
    this.#block();
    return false;
  }

  /** Frames leave together at the end of the turn. */
  answerFlush(): boolean {
    return true;
  }

  answerTrailers(trailers: Trailers): void {
    this.#answer.addTrailers(trailers);
  }

  answerEnd(): void {
    if (!this.#isGone) this.#answer.end();
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
    this.#body?.drop();
    this.#side = undefined;
    this.#answer.isEnded = true;
    if (this.#isGone) return;
    if (this.output.isOver) this.#conclude();
    else this.#watchQueue();
  }

  /** The end of the stream, as soon as the client has sent its body. */
  #conclude(): void {
    if (this.isInputOver) this.#leave(reasons.clientGone);
    else if (this.#mayLinger && this.#state.pressure.level === 0) this.#linger();
    else this.stopInput();
  }

  /** The client is told to stop sending (RFC 9113 §8.1). */
  stopInput(): void {
    this.#owner.resetStream(this.id, NO_ERROR, true);
    this.#leave(reasons.clientGone);
  }

  #linger(): void {
    this.#rest = new Linger(true, this.#state);
    this.#rest.start();
    this.#body!.input.discard();
    this.#waitForRest(this.#rest.waitMs);
  }

  #waitForRest(waitMs: number): void {
    if (waitMs > 0) this.arm(waitMs);
    else this.stopInput();
  }

  /** The answer has left, whole; the client still sends. */
  get isLingering(): boolean {
    return this.#rest !== undefined;
  }

  // --- as one end of a tunnel (RFC 8441)

  switchProtocols(head: ResponseHead, side: TunnelSide): TunnelEnd | undefined {
    if (this.#isGone) return undefined;
    this.#side = side;
    this.#mayLinger = false;
    this.#body ??= new StreamBody(this, this.#owner, this.id, true, this.#state.wheel);
    const { input } = this.#body;
    this.#body.switchTo(side);
    this.#answer.switchProtocols(head, this.request!);
    // What came early is for the tunnel, once both its ends are there.
    if (!input.isTaken || input.isOver) process.nextTick(resumeTunnel, this);
    return this;
  }

  sendTunnel(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#side === undefined || this.#isGone) return true;
    if (this.#answer.send(bytes, start, end)) return true;
    this.#block();
    return false;
  }

  endTunnel(): void {
    if (!this.#isGone) this.#owner.output.end(this.output, undefined);
  }

  resumeTunnel(): void {
    if (this.#isGone || this.#side === undefined) return;
    this.#guard(this.#pumpBody);
  }

  #pumpBody(): void {
    this.#body!.pump();
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
    this.#sendOwn(ownAnswers.refuse(reason, this.request!, this.#isCall, retryAfterSecs, methods));
    this.#countDeadline(reason);
  }

  answerOwn(status: number, fields: string, body: string): void {
    this.#sendOwn(this.#desk.ownAnswers.answer(status, fields, body, this.request!));
  }

  /** Sends what is printed. */
  #sendOwn(bodyStart: number): void {
    if (!this.#isGone) this.#answer.sendOwn(bodyStart, this.request!);
    this.answerEnd();
  }

  cut(reason: Reason): void {
    if (this.#isGone) return;
    // A call that fails says so in its trailers: a client may try again what was unavailable, but not what was reset.
    if (this.#isCall && this.#answer.takesTrailers && !this.#answer.isEnded) {
      this.#answer.endWith(grpcTrailers(reason));
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
    this.#answer.isEnded = true;
    this.close(reasons.clientGone, code);
  }

  /** The record is written: the request may be used again. */
  onConcluded(): void {
    if (this.request === undefined) return;
    this.#state.requests.give(this.request);
    this.request = undefined;
  }

  // --- time and the other end

  arm(waitMs: number): void {
    const { wheel } = this.#state;
    wheel.set((this.#deadline ??= new Deadline(this)), wheel.nowMs + waitMs);
  }

  pause(): void {
    if (this.#deadline !== undefined) this.#state.wheel.pause(this.#deadline);
  }

  #block(): void {
    if (this.isBlocked || this.#isGone) return;
    this.isBlocked = true;
    this.#watchQueue();
  }

  #watchQueue(): void {
    this.#stallWatch ??= new StallWatch();
    this.#stallWatch.begin(this.output.queuedBytes, this.#owner.output.takenBytes);
    this.arm(this.#snapshot.connection.writeTimeoutMs);
  }

  /** Called by the output: nothing waits any more. */
  onSendDrain(): void {
    this.#guard(this.#onDrain);
  }

  #onDrain(): void {
    if (!this.isBlocked) return;
    this.isBlocked = false;
    if (this.#exchange === undefined) return;
    this.pause();
    this.#body?.onUnblocked();
    if (this.#side !== undefined) this.#side.onDrain();
    else this.#exchange.onDownstreamDrain();
  }

  /** Called by the timer wheel. */
  expire(): void {
    this.#guard(this.#onDeadline);
  }

  #onDeadline(): void {
    if (this.isLingering) {
      this.stopInput();
    } else if (!this.isBlocked && this.#exchange !== undefined) {
      this.#exchange.fail(reasons.bodyTimeout);
    } else if (
      this.#stallWatch?.isStalled(this.output.queuedBytes, this.#owner.output.takenBytes) === false
    ) {
      this.arm(this.#snapshot.connection.writeTimeoutMs);
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
