import { constants, type ServerHttp2Stream } from "node:http2";
import { Exchange } from "../exchange.ts";
import type { BodySink, Downstream } from "../http/downstream.ts";
import { isGrpc } from "../http/grpc.ts";
import { http2AnswerFields } from "../http/http2-answer.ts";
import { readHttp2Head } from "../http/http2-head.ts";
import type { ForwardedMemo } from "../http/print-request.ts";
import { BODY_LENGTH, type CanonicalRequest, HEAD } from "../http/request.ts";
import {
  RESPONSE_CHUNKED,
  RESPONSE_CLOSE,
  RESPONSE_LENGTH,
  RESPONSE_NONE,
  type ResponseHead,
  readResponseHead,
} from "../http/response-head.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import { TRAILER_FIELDS_MAX, type Trailers, takeTrailer } from "../http/trailer.ts";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import { grpcTrailers, printGrpcRefusal } from "../respond/grpc.ts";
import { printOwnAnswer, printRefusal } from "../respond/own.ts";
import type { Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";
import type { Outbox } from "../std/outbox.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { Http2Desk } from "./http2-desk.ts";
import type { FloodGuard } from "./http2-guard.ts";
import { identify } from "./identify.ts";

const { NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL } = constants;

/** A body may be slower than the minimum rate for this long. */
const RATE_GRACE_MS = 10_000;
/** Written at once: progress of a slow client is seen in steps of this size. */
const WRITE_BYTES_MAX = 16_384;
/** Without any progress of its own, a stream lives this many `write_timeout_ms` while its connection progresses. */
const STALLS_MAX = 10;
/** What an answer of our own holds beside its fields and body. */
const OWN_BYTES_MAX = 1024;

/** The connection, as its streams see it. Met by http2.ts `Http2Connection`. */
export interface StreamOwner {
  readonly peer: PeerFacts;
  readonly peerText: string;
  readonly secure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly listener: "http" | "https";
  readonly forwardedMemo: ForwardedMemo;
  logPiece: Uint8Array | undefined;
  /** Bytes that the connection has written so far: other streams' progress. */
  readonly bytesWritten: number;
  readonly guard: FloodGuard;
  forgetStream(stream: Http2Stream): void;
}

/**
 * One HTTP/2 request and its answer: reads the head, serves one exchange, and keeps deadlines of its own, because the
 * HTTP/2 layer has none. Everything the layer calls is guarded: what a bug breaks is this stream.
 */
export class Http2Stream implements Downstream, TunnelEnd {
  readonly #owner: StreamOwner;
  readonly #stream: ServerHttp2Stream;
  readonly #state: State;
  readonly #desk: Http2Desk;
  readonly #snapshot: Snapshot;
  readonly #deadline = new Deadline(this);
  #request: CanonicalRequest | undefined;
  #exchange: Exchange | undefined = undefined;
  #gone = false;

  /** gRPC. */
  #isCall = false;

  // The body.
  #sink: BodySink | undefined = undefined;
  #bodyDone = false;
  /** A body, or its end, is still to come on this stream. */
  #hasBody = false;
  #bodyBytes = 0;
  #bodyStartMs = 0;
  #requestTrailers: Trailers | undefined = undefined;

  /** The tunnel it is an end of. */
  #side: TunnelSide | undefined = undefined;

  // The answer.
  /** Body bytes not yet written: the last of them leave with the end of the stream. */
  #pending: Buffer | undefined = undefined;
  #answerEnded = false;
  #answerTrailers: Trailers | undefined = undefined;
  #waitsForTrailers = false;
  #blocked = false;
  /** Bytes queued, and written by the connection, when progress was last looked for. */
  #queueSize = Infinity;
  #writtenThen = 0;
  #stalls = 0;

  constructor(owner: StreamOwner, stream: ServerHttp2Stream, desk: Http2Desk, state: State) {
    this.#owner = owner;
    this.#stream = stream;
    this.#state = state;
    this.#desk = desk;
    this.#snapshot = state.snapshot;
    stream.on("error", ignoreError); // 'close' follows and says all there is to say
    stream.on("close", () => this.#onGone());
    stream.on("aborted", () => this.#onGone());
    stream.on("drain", () => this.#guard(this.#onDrain));
    // They may come before anybody asks for the body.
    stream.on("trailers", (_headers, _flags, raw?: readonly string[]) => this.#takeTrailers(raw ?? []));
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
  get logPiece(): Uint8Array | undefined {
    return this.#owner.logPiece;
  }
  set logPiece(piece: Uint8Array | undefined) {
    this.#owner.logPiece = piece;
  }

  /** Called once: `fields` as they came, name and value in turn; `isOver`: no body follows. */
  serve(fields: readonly string[], isOver: boolean): void {
    const request = this.#state.requests.take();
    this.#request = request;
    request.secure = this.secure;
    readHttp2Head(fields, isOver, request, this.#snapshot.head, this.#desk.scratch);
    identify(request, this.#owner.peer, this.#snapshot, this.#state);
    this.#isCall = request.refusal === undefined && isGrpc(request);
    this.#hasBody = !isOver;
    this.#owner.guard.countHead(request.targetBytes + request.arenaEnd, this.#hasBody);
    if (request.refusal?.status === 431) this.#owner.guard.countOversize();
    this.#bodyDone = isOver || (request.bodyKind === BODY_LENGTH && request.bodyLength === 0);
    const exchange = new Exchange(this, request, this.#snapshot, this.#state);
    this.#exchange = exchange;
    try {
      exchange.serve();
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  /** Takes the stream down, whatever it is doing. */
  close(reason: Reason, code: number = NGHTTP2_CANCEL): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#sink = undefined;
    if (this.#answerEnded || !this.#stream.headersSent) this.#reset(code);
    else this.#stream.destroy(cutAnswer);
    exchange?.abandon(reason);
  }

  onDefect(cause: unknown): void {
    this.#state.onDefect(cause);
    // Half a request may stand in it: it must not leave in front of somebody else's.
    this.#state.upstreamDeps.outbox.length = 0;
    this.#desk.outbox.length = 0;
    try {
      this.#exchange?.fail(reasons.defect);
    } catch (again) {
      this.#state.onDefect(again);
    }
    if (!this.#answerEnded) this.close(reasons.defect, NGHTTP2_INTERNAL_ERROR);
  }

  /** No input may end the worker: Node would make an exception in a listener an uncaught one. */
  #guard(step: () => void): void {
    try {
      step.call(this);
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  #onGone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#state.wheel.clear(this.#deadline);
    this.#pending = undefined;
    this.#sink = undefined;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    // A paused body would keep an aborted stream for ever. Not at once: Node still has to send the reset.
    setImmediate(destroyStream, this.#stream);
    if (this.#hasBody) this.#owner.guard.countBodyEnd(false);
    this.#owner.forgetStream(this);
    try {
      exchange?.abandon(reasons.clientGone);
    } catch (cause) {
      this.#state.onDefect(cause);
    }
  }

  // --- the request body

  startBody(sink: BodySink): void {
    if (this.#bodyDone) {
      sink.onBodyEnd();
      return;
    }
    const isFirst = this.#sink === undefined;
    this.#sink = sink;
    this.#bodyStartMs = this.#state.wheel.nowMs;
    this.#armBody();
    if (!isFirst) {
      this.#stream.resume();
      return;
    }
    if (this.#request!.expectContinue && this.#isOpen()) {
      this.#state.counters.expectContinue++;
      this.#stream.additionalHeaders({ ":status": 100 });
    }
    const stream = this.#stream;
    stream.on("end", () => this.#guard(this.#onBodyEnd));
    stream.on("data", (bytes: Buffer) => {
      try {
        this.#onBody(bytes);
      } catch (cause) {
        this.onDefect(cause);
      }
    });
  }

  resumeBody(): void {
    if (this.#bodyDone || this.#sink === undefined || this.#gone) return;
    this.#armBody();
    this.#stream.resume();
  }

  #armBody(): void {
    // A call may be silent for as long as both ends like: the connection's own deadlines and pings watch over it.
    if (this.#isCall) {
      this.#state.wheel.pause(this.#deadline);
      return;
    }
    this.#state.wheel.set(
      this.#deadline,
      this.#state.wheel.nowMs + this.#snapshot.connection.bodyIdleTimeoutMs,
    );
  }

  #onBody(bytes: Buffer): void {
    this.#owner.guard.countBody(bytes.length);
    const sink = this.#sink;
    if (sink === undefined) return;
    const request = this.#request!;
    const { nowMs } = this.#state.wheel;
    this.#bodyBytes += bytes.length;
    if (request.bodyKind === BODY_LENGTH && this.#bodyBytes > request.bodyLength) {
      this.#exchange?.fail(reasons.contentLength);
      return;
    }
    const rate = this.#isCall ? 0 : this.#snapshot.connection.bodyMinRate;
    const elapsedMs = nowMs - this.#bodyStartMs;
    if (rate > 0 && elapsedMs > RATE_GRACE_MS && this.#bodyBytes * 1000 < rate * elapsedMs) {
      this.#exchange?.fail(reasons.bodyTimeout);
      return;
    }
    if (sink.onBody(bytes, 0, bytes.length)) {
      if (!this.#blocked && this.#sink !== undefined) this.#armBody();
      return;
    }
    // What the upstream has not taken is not the client's to hurry. Its window fills meanwhile.
    if (this.#sink === undefined) return;
    this.#stream.pause();
    if (!this.#blocked) this.#state.wheel.pause(this.#deadline);
  }

  /** A stream that the client reset ends like one that is complete: Node pushes the same end. */
  #onBodyEnd(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#bodyDone) return;
    const request = this.#request!;
    if (this.#stream.closed || this.#stream.aborted) {
      this.close(reasons.clientGone);
      return;
    }
    if (request.bodyKind === BODY_LENGTH && this.#bodyBytes !== request.bodyLength) {
      this.#exchange?.fail(reasons.bodyCut);
      return;
    }
    this.#bodyDone = true;
    this.#hasBody = false;
    this.#owner.guard.countBodyEnd(true);
    this.#sink = undefined;
    if (!this.#blocked) this.#state.wheel.pause(this.#deadline);
    if (this.#requestTrailers !== undefined) sink.onBodyTrailers(this.#requestTrailers);
    if (this.#exchange !== undefined) sink.onBodyEnd();
  }

  #takeTrailers(raw: readonly string[]): void {
    if (raw.length > 2 * TRAILER_FIELDS_MAX) {
      this.#exchange?.fail(reasons.trailerBytes);
      return;
    }
    const trailers: string[] = [];
    for (let at = 0; at + 1 < raw.length; at += 2) takeTrailer(trailers, raw[at]!, raw[at + 1]!, true);
    if (trailers.length > 0) this.#requestTrailers = trailers;
  }

  // --- the answer

  answerHead(head: ResponseHead): void {
    const request = this.#request!;
    const isBodiless = head.bodyKind === RESPONSE_NONE || request.method === HEAD;
    this.#startAnswer(head, isBodiless);
  }

  #startAnswer(head: ResponseHead, isBodiless: boolean): void {
    if (!this.#isOpen()) return;
    const list = http2AnswerFields(head, this.#request!, this.#desk.dateText());
    const hasLength = isBodiless
      ? head.bodyLength >= 0 && head.status !== 204 && head.bodyKind !== RESPONSE_CHUNKED
      : head.bodyKind === RESPONSE_LENGTH;
    if (hasLength && head.bodyKind !== RESPONSE_CLOSE) list.push("content-length", String(head.bodyLength));
    const endStream = isBodiless || (head.bodyKind === RESPONSE_LENGTH && head.bodyLength === 0);
    // An END_STREAM that must wait for trailers cannot ride on the last DATA frame: only where some may come.
    this.#waitsForTrailers =
      !endStream && head.bodyKind !== RESPONSE_LENGTH && this.#request!.acceptsTrailers;
    if (this.#waitsForTrailers) this.#stream.once("wantTrailers", () => this.#guard(this.#sendTrailers));
    this.#stream.respond(list, { endStream, waitForTrailers: this.#waitsForTrailers });
    if (endStream) this.#answerEnded = true;
  }

  answerBody(bytes: Buffer, start: number, end: number): boolean {
    // Valid during the call only, and Node keeps what it is given until it is sent.
    this.#writePending();
    this.#pending = Buffer.from(bytes.subarray(start, end));
    this.#owner.guard.countAnswer(end - start);
    return !this.#stream.writableNeedDrain;
  }

  answerFlush(): void {
    this.#writePending();
    if (this.#stream.writableNeedDrain && !this.#answerEnded) this.#block();
  }

  answerTrailers(trailers: Trailers): void {
    if (this.#waitsForTrailers) this.#answerTrailers = trailers;
  }

  answerEnd(): void {
    if (!this.#answerEnded && this.#isOpen()) {
      const last = this.#pending;
      this.#pending = undefined;
      if (last === undefined) this.#stream.end();
      else if (last.length <= WRITE_BYTES_MAX) this.#stream.end(last);
      else {
        this.#write(last);
        this.#stream.end();
      }
    }
    this.#finish();
  }

  #sendTrailers(): void {
    if (!this.#isOpen()) return;
    const fields: Record<string, string[]> = {};
    const trailers = this.#answerTrailers ?? [];
    for (let at = 0; at + 1 < trailers.length; at += 2)
      (fields[trailers[at]!] ??= []).push(trailers[at + 1]!);
    this.#stream.sendTrailers(fields);
    // Not at once: a reset would overtake them.
    setImmediate(() => this.#refuseRest());
  }

  // --- as one end of a tunnel (RFC 8441)

  switchProtocols(head: ResponseHead, side: TunnelSide): TunnelEnd | undefined {
    if (!this.#isOpen()) return undefined;
    const list = http2AnswerFields(head, this.#request!, this.#desk.dateText());
    list[1] = "200";
    const accept = list.indexOf("sec-websocket-accept");
    list.splice(accept, 2);
    this.#side = side;
    this.#stream.respond(list, { endStream: false });
    this.#stream.on("end", () => this.#guard(this.#onTunnelEnd));
    this.#stream.on("data", (bytes: Buffer) => {
      this.#owner.guard.countBody(bytes.length);
      try {
        if (this.#side?.onBytes(bytes, 0, bytes.length) === false) this.#stream.pause();
      } catch (cause) {
        this.onDefect(cause);
      }
    });
    return this;
  }

  sendTunnel(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#side === undefined || this.#stream.writableEnded) return true;
    this.#owner.guard.countAnswer(end - start);
    this.#write(Buffer.from(bytes.subarray(start, end)));
    if (!this.#stream.writableNeedDrain) return true;
    this.#block();
    return false;
  }

  endTunnel(): void {
    if (this.#isOpen()) this.#stream.end();
  }

  resumeTunnel(): void {
    if (this.#isOpen()) this.#stream.resume();
  }

  leaveTunnel(): void {
    if (this.#side === undefined) return;
    this.#side = undefined;
    if (this.#isOpen()) this.#stream.end();
    this.#finish();
  }

  /** A stream that was reset ends like one that is complete; then the close that follows says it. */
  #onTunnelEnd(): void {
    if (this.#stream.closed || this.#stream.aborted || !this.#hasBody) return;
    this.#bodyDone = true;
    this.#hasBody = false;
    this.#owner.guard.countBodyEnd(true);
    this.#side?.onEnd();
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

  refuse(reason: Reason, retryAfterSecs: number, methods: number): void {
    if (reason.status === 0 && !this.#isCall) {
      this.#finish();
      this.#stream.close(NGHTTP2_CANCEL);
      return;
    }
    const { outbox } = this.#desk;
    const request = this.#request!;
    outbox.length = 0;
    if (this.#isCall) printGrpcRefusal(reason, request, this.#state.dateLine(), outbox);
    else printRefusal(reason, request, true, retryAfterSecs, methods, this.#state.dateLine(), outbox);
    this.#answerPrinted(outbox, this.#isCall);
  }

  answerOwn(status: number, fields: string, body: string): void {
    const { outbox } = this.#desk;
    outbox.length = 0;
    const needed = fields.length + this.#request!.answerLines.length + body.length + OWN_BYTES_MAX;
    if (outbox.bytes.length < needed) outbox.bytes = Buffer.allocUnsafeSlow(needed);
    printOwnAnswer(status, fields, body, this.#request!, true, this.#state.dateLine(), outbox);
    this.#answerPrinted(outbox);
  }

  /** Our own answers are printed once, for HTTP/1.1, and read back: both protocols say the same. */
  #answerPrinted(outbox: Outbox, isCall = false): void {
    const request = this.#request!;
    const isSilent = isCall || (request.refusal === undefined && request.method === HEAD);
    const { head } = this.#desk;
    const bodyStart = readResponseHead(outbox.bytes, 0, outbox.length, isSilent, head);
    if (bodyStart <= 0) throw new Error(`an answer of our own cannot be read: ${head.fault}`);
    this.#startAnswer(head, head.bodyKind === RESPONSE_NONE);
    if (bodyStart < outbox.length && !this.#answerEnded)
      this.#pending = Buffer.from(outbox.bytes.subarray(bodyStart, outbox.length));
    outbox.length = 0;
    this.answerEnd();
  }

  cut(reason: Reason): void {
    // A call that fails says so in its trailers: a client may try again what was unavailable, but not what was reset.
    if (this.#isCall && this.#waitsForTrailers && !this.#answerEnded && this.#isOpen()) {
      this.#pending = undefined;
      this.#answerTrailers = grpcTrailers(reason);
      this.#stream.end();
      this.#finish();
      return;
    }
    this.#exchange = undefined;
    this.#sink = undefined;
    this.#pending = undefined;
    this.#stream.destroy(cutAnswer);
  }

  #reset(code: number): void {
    if (!this.#stream.destroyed) this.#stream.close(code);
  }

  /** The record is written: the request may be used again. */
  onConcluded(): void {
    if (this.#request === undefined) return;
    this.#state.requests.give(this.#request);
    this.#request = undefined;
  }

  #isOpen(): boolean {
    return !this.#gone && !this.#stream.destroyed && !this.#stream.closed;
  }

  #writePending(): void {
    const bytes = this.#pending;
    if (bytes === undefined) return;
    this.#pending = undefined;
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    if (!this.#isOpen() || this.#answerEnded) return;
    for (let at = 0; at < bytes.length; at += WRITE_BYTES_MAX)
      this.#stream.write(bytes.length <= WRITE_BYTES_MAX ? bytes : bytes.subarray(at, at + WRITE_BYTES_MAX));
  }

  /** The answer is out or queued. The stream goes when it is taken; the exchange concludes after this returns. */
  #finish(): void {
    this.#exchange = undefined;
    this.#sink = undefined;
    this.#answerEnded = true;
    if (this.#gone) return;
    // Node sends no trailers on a stream that it was told to close.
    if (!this.#waitsForTrailers) this.#refuseRest();
    this.#watchQueue();
  }

  /** Whoever still sends a body is told to stop (RFC 9113 §8.1). Waits for the answer to leave. */
  #refuseRest(): void {
    if (!this.#bodyDone && this.#isOpen()) this.#stream.close(NGHTTP2_NO_ERROR);
  }

  // --- time and the other end

  #block(): void {
    if (this.#blocked || this.#gone) return;
    this.#blocked = true;
    this.#watchQueue();
  }

  #watchQueue(): void {
    this.#queueSize = this.#queued();
    this.#writtenThen = this.#owner.bytesWritten;
    this.#stalls = 0;
    this.#armWrite();
  }

  #armWrite(): void {
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + this.#snapshot.connection.writeTimeoutMs);
  }

  #onDrain(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#exchange === undefined) return;
    this.#state.wheel.pause(this.#deadline);
    if (this.#sink !== undefined && !this.#bodyDone && !this.#stream.isPaused()) this.#armBody();
    if (this.#side !== undefined) this.#side.onDrain();
    else this.#exchange.onDownstreamDrain();
  }

  #queued(): number {
    return this.#stream.destroyed ? 0 : this.#stream.bufferSize;
  }

  /** Called by the timer wheel. */
  expire(): void {
    this.#guard(this.#onDeadline);
  }

  #onDeadline(): void {
    if (this.#blocked || this.#exchange === undefined) {
      this.#checkProgress();
      return;
    }
    this.#exchange.fail(reasons.bodyTimeout);
  }

  /**
   * A client that opens no window holds what is queued for it. Streams of one slow connection wait for each other, so
   * its own progress counts for a while too, but not for ever.
   */
  #checkProgress(): void {
    const queued = this.#queued();
    const written = this.#owner.bytesWritten;
    const moved = written - this.#writtenThen >= WRITE_BYTES_MAX;
    if (queued < this.#queueSize) this.#stalls = 0;
    else if (!moved || ++this.#stalls >= STALLS_MAX) {
      if (this.#exchange === undefined) this.#state.counters.rejects[reasons.writeTimeout.index]!++;
      this.close(reasons.writeTimeout);
      return;
    }
    this.#queueSize = queued;
    this.#writtenThen = written;
    this.#armWrite();
  }
}

function ignoreError(): void {}

/**
 * Ends a stream whose answer is not complete. `close` would not do: Node ends the writable side with it, and what is
 * queued goes out with END_STREAM, as if it were all.
 */
const cutAnswer: Error = new Error("the answer is cut");

function destroyStream(stream: ServerHttp2Stream): void {
  stream.destroy();
}
