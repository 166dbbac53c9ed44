import type { Socket } from "node:net";
import { Exchange } from "../exchange.ts";
import type { BodySink, ConnectionLogPiece, Downstream } from "../http/downstream.ts";
import { HEAD_MORE, HEAD_REFUSED, readHead } from "../http/head.ts";
import { ForwardedMemo } from "../http/print-request.ts";
import { findRefusedHead } from "../http/refused-head.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import type { Trailers } from "../http/trailer.ts";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import type { ConnectionLimits, Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";
import { forgetListeners } from "../std/gone-socket.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { type BodyOwner, Http1Body } from "./http1-body.ts";
import { Http1Input } from "./http1-input.ts";
import { Http1Output, type OutputOwner } from "./http1-output.ts";
import { identify } from "./identify.ts";
import { Linger } from "./linger.ts";

const READING_HEAD = 0;
const BUSY = 1;
/** The last answer is out; what still comes in is read and thrown away for a while, then the socket goes. */
const LINGERING = 2;
const CLOSED = 3;
/** Its bytes go to a WebSocket's other end. */
const TUNNEL = 4;

/**
 * A client that closes its connection, and one that only says that it sends no more, look the same until something is
 * written to it. An upstream that is silent for so long (a watch, a log that is followed) is let go; nginx does it at once.
 */
const HALF_CLOSED_MS = 5000;

/**
 * One client connection speaking HTTP/1.1: reads heads, one exchange at a time, in order; gives it the body and prints
 * its answer. Input that nobody can take yet is kept (at most one read) and reading pauses, so that neither a fast
 * client nor a pipelining one grows anything. Its phases stand here; what waits of its input, the body under way and what
 * it sends have files of their own.
 */
export class Http1Connection implements ClientConnection, Downstream, TunnelEnd, BodyOwner, OutputOwner {
  before: ClientConnection | undefined = undefined;
  behind: ClientConnection | undefined = undefined;
  readonly peer: PeerFacts;
  readonly peerText: string;
  readonly secure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly listener: "http" | "https";
  logPiece: ConnectionLogPiece | undefined = undefined;
  readonly forwardedMemo = new ForwardedMemo();
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #state: State;
  readonly #deadline = new Deadline(this);
  readonly #bornMs: number;
  readonly #input = new Http1Input();
  readonly #body: Http1Body;
  readonly #output: Http1Output;
  #phase = READING_HEAD;
  #idleSinceMs: number;
  #served = 0;
  #paused = false;
  #endSeen = false;
  /** Of what comes behind the last answer. */
  #rest: Linger | undefined = undefined;
  /** What the client sends is a message, and not too slow: the rest of it may come. */
  #mayLinger = true;

  // The exchange under way.
  #request: CanonicalRequest | undefined;
  #exchange: Exchange | undefined;
  #snapshot: Snapshot;
  #keepAlive = true;
  /** The tunnel it is an end of. */
  #side: TunnelSide | undefined;

  constructor(
    socket: Socket,
    peer: PeerFacts,
    tls: TlsFacts | undefined,
    owner: ConnectionOwner,
    state: State,
  ) {
    const { wheel, reader } = state;
    this.#socket = socket;
    this.peer = peer;
    this.peerText = peer.text;
    this.secure = tls !== undefined;
    this.tls = tls;
    this.listener = owner.name;
    this.#owner = owner;
    this.#state = state;
    this.#snapshot = state.snapshot;
    this.#body = new Http1Body(this, wheel, this.#deadline);
    this.#output = new Http1Output(this, socket, this.secure, state);
    this.#bornMs = wheel.nowMs;
    this.#idleSinceMs = this.#bornMs;
    socket.on("error", () => this.close());
    socket.on("close", () => {
      this.close();
      forgetListeners(socket);
    });
    socket.on("end", () => this.#onEnd());
    socket.on("drain", () => this.#output.onDrain());
    this.#wait(this.#snapshot.connection.headTimeoutMs);
    reader.attach(socket, this);
  }

  /** When it last became idle, coarse monotonic ms. */
  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  /** Waiting for a request, with none begun and the last answer gone. */
  get idle(): boolean {
    return this.#phase === READING_HEAD && this.#input.isEmpty && !this.#output.isSending;
  }

  get lasting(): boolean {
    return this.#exchange?.isLasting ?? false;
  }

  /** Takes the connection down, whatever it is doing. */
  close(reason: Reason = reasons.clientGone): void {
    if (this.#phase === CLOSED) return;
    this.#output.settle();
    const exchange = this.#exchange;
    // An answer that only the end of the connection ends looks complete after a FIN: a cut one ends in a reset.
    const reset = this.#phase === BUSY && this.#output.endsByClose && !this.secure;
    const side = this.#side;
    this.#phase = CLOSED;
    this.#exchange = undefined;
    this.#side = undefined;
    this.#body.drop();
    this.#output.close();
    this.#state.wheel.clear(this.#deadline);
    this.#owner.forget(this);
    if (reset) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#input.clear();
    if (side === undefined) exchange?.abandon(reason);
    else side.onGone(reason, "");
    this.#releaseRequest();
  }

  /** The worker drains: an idle connection goes, a busy one after its answer. */
  drain(): void {
    if (this.idle) this.close(reasons.idleTimeout);
  }

  endStreams(): void {
    if (this.lasting) this.#exchange!.drain();
  }

  // --- input

  onRead(buffer: Buffer, length: number): void {
    if (this.#phase === LINGERING) {
      const waitMs = this.#rest!.take(length);
      if (waitMs === 0) this.close();
      else if (!this.#output.isSending) this.#wait(waitMs);
      return;
    }
    if (this.#phase === CLOSED) return;
    if (this.#side !== undefined) {
      if (!this.#side.onBytes(buffer, 0, length) && this.#phase === TUNNEL) this.pauseReading();
      return;
    }
    this.#input.add(buffer, length);
    this.#take();
    this.#keepRest();
  }

  onDefect(cause: unknown): void {
    this.#state.onDefect(cause);
    // Half a request or answer may stand in either: it must not leave in front of somebody else's.
    this.#output.drop();
    this.#state.upstreamDeps.outbox.drop();
    this.#keepAlive = false;
    try {
      this.#exchange?.fail(reasons.defect);
    } catch (again) {
      this.#state.onDefect(again);
    }
    if (this.#phase !== LINGERING) this.close(reasons.defect);
  }

  /** Takes input until there is none, or the exchange under way must go on first. */
  #take(): void {
    const input = this.#input;
    while (!input.isEmpty) {
      if (this.#phase === READING_HEAD) {
        // A client that reads no answers gets no further ones made: they would all wait in memory.
        if (this.#output.isBlocked || !this.#takeHead()) return;
      } else if (this.#phase === BUSY && this.#body.isWanted) {
        this.#body.take(input);
      } else {
        return;
      }
    }
  }

  /** What is left of the reader's buffer is copied before the buffer is used again; then reading pauses if need be. */
  #keepRest(): void {
    if (this.#phase === CLOSED || this.#phase === LINGERING) return;
    const input = this.#input;
    if (input.isEmpty) {
      input.clear();
      if (this.#paused) this.#resumeReading();
      return;
    }
    if (this.#phase === BUSY && this.#request?.webSocket === true) {
      // RFC 6455 §4.1: a client waits for the answer. What comes before it could be meant for another reader.
      input.skip();
      this.#exchange?.fail(reasons.websocketEarly);
      return;
    }
    input.keep();
    // A head that is not complete needs more; everything else waits for its turn.
    if (this.#phase !== READING_HEAD || this.#output.isBlocked) this.pauseReading();
    else if (this.#paused) this.#resumeReading();
  }

  pauseReading(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resumeReading(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  // --- heads

  /** Reads one head and serves it. False: more bytes are needed. */
  #takeHead(): boolean {
    const input = this.#input;
    // A head that comes in pieces is read again only when a line was completed: at most one reading per line.
    if (input.headBytes > 0 && !input.hasMoreOfHead(this.#snapshot.head.headBytesMax)) return false;
    const { snapshot } = this.#state;
    const request = this.#takeRequest();
    request.secure = this.secure;
    const next = readHead(input.bytes, input.start, input.end, request, snapshot.head);
    if (next === HEAD_MORE) {
      if (input.headBytes === 0) this.#wait(snapshot.connection.headTimeoutMs);
      input.headBytes = input.end - input.start;
      return false;
    }
    input.headBytes = 0;
    this.#snapshot = snapshot;
    if (next === HEAD_REFUSED) {
      request.refusedHead = findRefusedHead(input.bytes, input.start, input.end);
      input.start = input.end;
    } else input.start = next;
    this.#serve(request);
    return true;
  }

  #takeRequest(): CanonicalRequest {
    const request = this.#request ?? this.#state.requests.take();
    this.#request = request;
    return request;
  }

  #serve(request: CanonicalRequest): void {
    const { wheel } = this.#state;
    const { limits } = this;
    this.#phase = BUSY;
    this.#served++;
    identify(request, this.peer, this.#snapshot, this.#state);
    this.#keepAlive =
      request.refusal === undefined &&
      request.keepAlive &&
      !this.#state.draining &&
      this.#state.pressure.level === 0 &&
      this.#served < limits.keepaliveRequests &&
      wheel.nowMs - this.#bornMs < limits.ageMaxMs;
    this.#body.begin(request);
    this.#output.begin();
    wheel.pause(this.#deadline);
    const exchange = new Exchange(this, request, this.#snapshot, this.#state);
    this.#exchange = exchange;
    exchange.serve();
  }

  // --- the request body

  startBody(sink: BodySink): void {
    const body = this.#body;
    if (!body.isStarted && this.#request!.expectContinue && this.#input.isEmpty) {
      this.#state.counters.expectContinue++;
      this.#output.sayContinue();
    }
    body.start(sink);
    if (body.isDone) {
      sink.onBodyEnd();
      return;
    }
    body.expectMore();
    this.resumeBody();
  }

  resumeBody(): void {
    const body = this.#body;
    const input = this.#input;
    if (this.#phase !== BUSY || body.isDone) return;
    body.isFull = false;
    // During a read event the loop in `onRead` goes on by itself; a stash is taken here.
    while (!input.isEmpty && this.#phase === BUSY && body.isWanted) body.take(input);
    if (this.#phase !== BUSY) return;
    if (this.#paused && input.isEmpty && !body.isFull) this.#resumeReading();
    // What the upstream has not taken is not the client's to hurry.
    if (!body.isDone && !body.isFull) body.expectMore();
  }

  get isServing(): boolean {
    return this.#phase === BUSY;
  }

  get limits(): ConnectionLimits {
    return this.#snapshot.connection;
  }

  failBody(reason: Reason): void {
    this.#keepAlive = false;
    this.#mayLinger = false;
    this.#exchange?.fail(reason);
  }

  // --- the answer

  answerHead(head: ResponseHead): void {
    const request = this.#request!;
    // A body still on its way cannot be waited for: the answer is the last one on this connection.
    if (!this.#body.isDone) this.#keepAlive = false;
    // Nobody can say whether bytes after a handshake that failed were meant for a WebSocket.
    if (this.#state.draining || request.webSocket) this.#keepAlive = false;
    if (!this.#output.frame(head, request)) this.#keepAlive = false;
    this.#output.head(head, request, this.#keepAlive);
  }

  answerBody(bytes: Buffer, start: number, end: number): boolean {
    return this.#output.body(bytes, start, end);
  }

  answerFlush(): boolean {
    if (this.#endSeen) this.#wait(HALF_CLOSED_MS);
    return this.#output.leave();
  }

  answerTrailers(trailers: Trailers): void {
    // RFC 9110 §6.5.1: whoever did not ask for trailers may not know what they are.
    if (this.#request?.acceptsTrailers === true) this.#output.trailers(trailers);
  }

  answerEnd(): void {
    this.#output.end();
    this.#finish();
  }

  refuse(reason: Reason, retryAfterSecs: number, methods: number): void {
    if (this.#phase !== BUSY) return;
    const request = this.#request!;
    if (reason.close || !this.#body.isDone || request.webSocket) this.#keepAlive = false;
    if (reason.status === 0) this.#mayLinger = false;
    else this.#output.refusal(reason, request, this.#keepAlive, retryAfterSecs, methods, this.#snapshot);
    this.#finish();
  }

  answerOwn(status: number, fields: string, body: string): void {
    if (!this.#body.isDone || this.#state.draining) this.#keepAlive = false;
    this.#output.own(status, fields, body, this.#request!, this.#keepAlive);
    this.#finish();
  }

  cut(): void {
    this.#output.drop();
    this.#exchange = undefined;
    // The exchange still has to write its record from the request; `onConcluded` gives it back.
    const request = this.#request;
    this.#request = undefined;
    this.close();
    this.#request = request;
  }

  // --- as one end of a tunnel

  switchProtocols(head: ResponseHead, side: TunnelSide): TunnelEnd | undefined {
    if (this.#phase !== BUSY) return undefined;
    this.#output.head(head, this.#request!, true);
    this.#phase = TUNNEL;
    this.#side = side;
    this.#output.leave();
    return this;
  }

  sendTunnel(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#phase !== TUNNEL || this.#socket.writableEnded) return true;
    return this.#output.pass(bytes, start, end);
  }

  endTunnel(): void {
    if (this.#phase !== TUNNEL) return;
    // Of an upstream over TLS its answer and its end are read in one turn.
    this.#output.settle();
    this.#socket.end();
  }

  resumeTunnel(): void {
    if (this.#phase === TUNNEL && this.#paused) this.#resumeReading();
  }

  leaveTunnel(): void {
    if (this.#phase !== TUNNEL) return;
    this.#exchange = undefined;
    this.#side = undefined;
    this.#linger();
  }

  /** Events of a tunnel that come from Node, not from the reader: a bug in them is caught here. */
  #tell(side: TunnelSide, event: "onEnd" | "onDrain"): void {
    try {
      side[event]();
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  // --- after the answer

  /** The answer is out (or queued): the next request, or the end. The exchange concludes after this returns. */
  #finish(): void {
    if (this.#phase !== BUSY) return;
    this.#exchange = undefined;
    this.#body.drop();
    this.#output.forgetProgress();
    if (!this.#keepAlive) {
      this.#linger();
      return;
    }
    this.#phase = READING_HEAD;
    this.#idleSinceMs = this.#state.wheel.nowMs;
    const { limits } = this;
    this.#wait(this.#output.isBlocked ? limits.writeTimeoutMs : limits.keepaliveTimeoutMs);
    // Taken up again outside of the exchange that just ended; only a pipelined request waits here.
    if (this.#input.isKept && !this.#input.isEmpty) process.nextTick(takeNext, this);
  }

  /** For `process.nextTick`: goes on with input that waited for an answer. */
  takeNext(): void {
    if (this.#phase !== READING_HEAD || this.#input.isEmpty) return;
    try {
      this.#take();
      this.#keepRest();
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  /** The record is written: the request may be used again. Called by the worker's `conclude`. */
  onConcluded(): void {
    this.#releaseRequest();
  }

  #releaseRequest(): void {
    if (this.#request === undefined) return;
    this.#state.requests.give(this.#request);
    this.#request = undefined;
  }

  #linger(): void {
    const output = this.#output;
    output.settle();
    this.#phase = LINGERING;
    const rest = new Linger(this.#mayLinger && !this.#body.isDone, this.#state);
    this.#rest = rest;
    this.#input.clear();
    // The client has `write_timeout_ms` for each step of what is queued, and a moment more when it is gone.
    const isQueued = output.queuedBytes > 0;
    output.isBlocked &&= isQueued; // no 'drain' comes after this
    if (isQueued) {
      this.#socket.end(() => this.#onFinish());
    } else {
      this.#socket.end();
      rest.start();
    }
    this.#wait(isQueued || this.#endSeen ? this.limits.writeTimeoutMs : rest.waitMs);
    // When nothing more comes from the client, the socket closes itself once the answer is written.
    if (this.#paused && !this.#endSeen) this.#resumeReading();
  }

  /** All that was queued before the end of the connection has been taken. */
  #onFinish(): void {
    if (this.#phase !== LINGERING) return;
    this.#output.isBlocked = false;
    this.#rest!.start();
    this.#wait(this.#rest!.waitMs);
  }

  // --- time and the other end

  #wait(ms: number): void {
    const { wheel } = this.#state;
    wheel.set(this.#deadline, wheel.nowMs + ms);
  }

  onBlocked(): void {
    this.#wait(this.limits.writeTimeoutMs);
  }

  onUnblocked(): void {
    if (this.#side !== undefined) {
      this.#state.wheel.pause(this.#deadline);
      this.#tell(this.#side, "onDrain");
    } else if (this.#phase === BUSY) {
      if (this.#endSeen) this.#wait(HALF_CLOSED_MS);
      else this.#state.wheel.pause(this.#deadline);
      if (this.#body.isWanted) this.#body.expectMore();
      this.#exchange?.onDownstreamDrain();
    } else if (this.#phase === READING_HEAD) {
      this.#wait(this.limits.keepaliveTimeoutMs);
      this.takeNext();
    }
  }

  #onEnd(): void {
    this.#output.settle();
    this.#endSeen = true;
    if (this.#side !== undefined) {
      this.#tell(this.#side, "onEnd");
      return;
    }
    // Nobody sends half a handshake, and a stream's reader that left would otherwise be noticed at its next event.
    if (this.#phase === BUSY && (this.lasting || this.#request?.webSocket === true)) {
      this.close();
      return;
    }
    if (this.#phase === BUSY) {
      // Half-closed: a client that sent everything still gets its answer; one that did not never will send it.
      this.#keepAlive = false;
      if (!this.#body.isDone) this.#exchange?.fail(reasons.bodyCut);
      else this.#wait(HALF_CLOSED_MS);
      return;
    }
    // Half-closed while its answer is still queued: it gets that, and no other.
    if (this.#output.queuedBytes > 0) {
      if (this.#phase !== READING_HEAD) return;
      this.#releaseRequest();
      this.#linger();
      return;
    }
    this.close(this.idle ? reasons.idleTimeout : reasons.clientGone);
  }

  /** Called by the timer wheel. */
  expire(_nowMs: number): void {
    const output = this.#output;
    // Also after an answer: what is queued of it is the client's to take, however little it is.
    const unread = this.#phase !== BUSY && this.#input.isEmpty;
    if (output.isBlocked || (unread && output.isSending)) {
      if (output.hasMoved) this.#wait(this.limits.writeTimeoutMs);
      else this.close(reasons.writeTimeout);
    } else if (this.#phase === READING_HEAD) {
      if (this.idle && this.#served > 0) this.close(reasons.idleTimeout);
      else this.#refuseLateHead();
    } else if (this.#phase === BUSY && !this.#body.isDone) {
      this.failBody(reasons.bodyTimeout);
    } else if (this.#phase !== TUNNEL) {
      this.close();
    }
  }

  /** The head did not come in time: 408 for whoever began one, silence for whoever did not. */
  #refuseLateHead(): void {
    if (this.idle) {
      this.#state.counters.rejects[reasons.headTimeout.index]!++;
      this.close(reasons.headTimeout);
      return;
    }
    const request = this.#takeRequest();
    request.reset();
    request.refusal = reasons.headTimeout;
    request.refusedHead = findRefusedHead(this.#input.bytes, this.#input.start, this.#input.end);
    this.#input.skip();
    this.#snapshot = this.#state.snapshot;
    this.#serve(request);
  }
}

function takeNext(connection: Http1Connection): void {
  connection.takeNext();
}
