import type { Socket } from "node:net";
import { Exchange } from "../exchange.ts";
import {
  CHUNK_DATA,
  CHUNK_END,
  CHUNK_MORE,
  ChunkDecoder,
  printTrailers,
  writeChunkSize,
} from "../http/chunked.ts";
import type { BodySink, ConnectionLogPiece, Downstream } from "../http/downstream.ts";
import { HEAD_MORE, HEAD_REFUSED, readHead } from "../http/head.ts";
import { ForwardedMemo } from "../http/print-request.ts";
import {
  ANSWER_CHUNKED,
  ANSWER_CLOSE,
  ANSWER_LENGTH,
  ANSWER_NONE,
  OWN_RESPONSE_BYTES_MAX,
  printResponse,
} from "../http/print-response.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, type CanonicalRequest, HEAD } from "../http/request.ts";
import {
  RESPONSE_HEAD_BYTES_MAX,
  RESPONSE_LENGTH,
  RESPONSE_NONE,
  type ResponseHead,
} from "../http/response-head.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import type { Trailers } from "../http/trailer.ts";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import { errorBody } from "../respond/error-page.ts";
import { printOwnAnswer, printRefusal } from "../respond/own.ts";
import type { Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";
import { takenBytes, waitingBytes } from "../std/direct-write.ts";
import { isFree, type Leaver } from "../std/outbox.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { identify } from "./identify.ts";

const READING_HEAD = 0;
const BUSY = 1;
/** The last answer is out; what still comes in is read and thrown away for a moment, then the socket goes. */
const LINGERING = 2;
const CLOSED = 3;
/** Its bytes go to a WebSocket's other end. */
const TUNNEL = 4;

/** Discarded after the last answer so that the client can read it before a reset (reliability.md FR19). */
const LINGER_BYTES = 65536;
const LINGER_MS = 1000;
/** A body may be slower than the minimum rate for this long. */
const RATE_GRACE_MS = 10_000;
/** What an answer of our own holds beside its fields and body. */
const OWN_BYTES_MAX = 1024;
/** The output buffer has room for the largest head of an upstream and so much that routes add. */
const ADDED_BYTES_USUAL = 16_384;

/**
 * One client connection speaking HTTP/1.1: reads heads, one exchange at a time, in order; gives it the body and prints
 * its answer. Input that nobody can take yet is kept (at most one read) and reading pauses, so that neither a fast
 * client nor a pipelining one grows anything.
 */
export class Http1Connection implements ClientConnection, Downstream, TunnelEnd, Leaver {
  readonly peer: PeerFacts;
  readonly peerText: string;
  readonly secure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly listener: "http" | "https";
  logPiece: ConnectionLogPiece | undefined = undefined;
  leftTurn = -1;
  readonly forwardedMemo = new ForwardedMemo();
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #state: State;
  readonly #deadline = new Deadline(this);
  readonly #bornMs: number;
  #phase = READING_HEAD;
  #idleSinceMs: number;
  #served = 0;

  /** Input not yet taken. `#input` is the reader's buffer during a read event, or the stash. */
  #input: Buffer = EMPTY;
  #inputStart = 0;
  #inputEnd = 0;
  /** `#input` is our own copy rather than the reader's buffer. */
  #stashed = false;
  /** Line feeds seen in an incomplete head: it is read again only when another line is complete. */
  #lookedAt = 0;
  #paused = false;
  #endSeen = false;

  // The exchange under way.
  #request: CanonicalRequest | undefined;
  #exchange: Exchange | undefined;
  #snapshot: Snapshot;

  // Its body.
  #sink: BodySink | undefined;
  #bodyDone = true;
  #bodyRemaining = 0;
  #chunks: ChunkDecoder | undefined;
  #bodyStartMs = 0;
  #bodyBytes = 0;
  #sinkFull = false;

  /** The tunnel it is an end of. */
  #side: TunnelSide | undefined;

  // Its answer.
  #answerFraming = ANSWER_NONE;
  #trailers: Trailers | undefined = undefined;
  #keepAlive = true;
  #blocked = false;
  /** Bytes taken when progress was last looked for; -Infinity = not yet. */
  #takenBytes = -Infinity;

  constructor(
    socket: Socket,
    peer: PeerFacts,
    tls: TlsFacts | undefined,
    owner: ConnectionOwner,
    state: State,
  ) {
    this.#socket = socket;
    this.peer = peer;
    this.peerText = peer.text;
    this.secure = tls !== undefined;
    this.tls = tls;
    this.listener = owner.name;
    this.#owner = owner;
    this.#state = state;
    this.#snapshot = state.snapshot;
    this.#bornMs = state.wheel.nowMs;
    this.#idleSinceMs = this.#bornMs;
    socket.on("error", () => this.close());
    socket.on("close", () => this.close());
    socket.on("end", () => this.#onEnd());
    socket.on("drain", () => this.#onDrain());
    state.wheel.set(this.#deadline, state.wheel.nowMs + this.#snapshot.connection.headTimeoutMs);
    state.reader.attach(socket, this);
  }

  /** When it last became idle, coarse monotonic ms. */
  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  /** Waiting for a request, with none begun and the last answer gone. */
  get idle(): boolean {
    return this.#phase === READING_HEAD && this.#inputEnd === this.#inputStart && !this.#isSending;
  }

  get lasting(): boolean {
    return this.#exchange?.isLasting ?? false;
  }

  /** Takes the connection down, whatever it is doing. */
  close(reason: Reason = reasons.clientGone): void {
    if (this.#phase === CLOSED) return;
    this.#settle();
    const exchange = this.#exchange;
    // An answer that only the end of the connection ends looks complete after a FIN: a cut one ends in a reset.
    const reset = this.#phase === BUSY && this.#answerFraming === ANSWER_CLOSE && !this.secure;
    const side = this.#side;
    this.#phase = CLOSED;
    this.#exchange = undefined;
    this.#side = undefined;
    this.#sink = undefined;
    this.#state.wheel.clear(this.#deadline);
    this.#owner.forget(this);
    if (reset) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#input = EMPTY;
    this.#inputStart = this.#inputEnd = 0;
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
      this.#bodyBytes += length;
      if (this.#bodyBytes > LINGER_BYTES) this.close();
      return;
    }
    if (this.#phase === CLOSED) return;
    if (this.#side !== undefined) {
      if (!this.#side.onBytes(buffer, 0, length) && this.#phase === TUNNEL) this.#pauseReading();
      return;
    }
    if (this.#inputEnd > this.#inputStart) {
      buffer = Buffer.concat([
        this.#input.subarray(this.#inputStart, this.#inputEnd),
        buffer.subarray(0, length),
      ]);
      length = buffer.length;
      this.#stashed = true;
    } else {
      this.#stashed = false;
    }
    this.#input = buffer;
    this.#inputStart = 0;
    this.#inputEnd = length;
    this.#take();
    this.#keepRest();
  }

  onDefect(cause: unknown): void {
    this.#state.onDefect(cause);
    // Half a request or answer may stand in either: it must not leave in front of somebody else's.
    this.#state.outbox.drop();
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
    while (this.#inputStart < this.#inputEnd) {
      if (this.#phase === READING_HEAD) {
        // A client that reads no answers gets no further ones made: they would all wait in memory.
        if (this.#blocked || !this.#takeHead()) return;
      } else if (this.#phase === BUSY && !this.#bodyDone && this.#sink !== undefined && !this.#sinkFull) {
        this.#takeBody();
      } else {
        return;
      }
    }
  }

  /** What is left of the reader's buffer is copied before the buffer is used again; then reading pauses if need be. */
  #keepRest(): void {
    if (this.#phase === CLOSED || this.#phase === LINGERING) return;
    if (this.#inputStart === this.#inputEnd) {
      this.#input = EMPTY;
      this.#inputStart = this.#inputEnd = 0;
      if (this.#paused) this.#resumeReading();
      return;
    }
    if (this.#phase === BUSY && this.#request?.webSocket === true) {
      // RFC 6455 §4.1: a client waits for the answer. What comes before it could be meant for another reader.
      this.#inputStart = this.#inputEnd;
      this.#exchange?.fail(reasons.websocketEarly);
      return;
    }
    if (!this.#stashed) {
      this.#input = Buffer.from(this.#input.subarray(this.#inputStart, this.#inputEnd));
      this.#inputEnd -= this.#inputStart;
      this.#inputStart = 0;
      this.#stashed = true;
    }
    // A head that is not complete needs more; everything else waits for its turn.
    if (this.#phase === READING_HEAD && !this.#blocked) {
      if (this.#paused) this.#resumeReading();
    } else {
      this.#pauseReading();
    }
  }

  #pauseReading(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resumeReading(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  /** Reads one head and serves it. False: more bytes are needed. */
  #takeHead(): boolean {
    // A head that comes in pieces is read again only when a line was completed: at most one reading per line.
    if (this.#lookedAt > 0 && !this.#hasNewLine()) return false;
    const snapshot = this.#state.snapshot;
    const request = this.#request ?? this.#state.requests.take();
    this.#request = request;
    request.secure = this.secure;
    const next = readHead(this.#input, this.#inputStart, this.#inputEnd, request, snapshot.head);
    if (next === HEAD_MORE) {
      if (this.#lookedAt === 0) {
        this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + snapshot.connection.headTimeoutMs);
      }
      this.#lookedAt = this.#inputEnd - this.#inputStart;
      return false;
    }
    this.#lookedAt = 0;
    this.#snapshot = snapshot;
    if (next === HEAD_REFUSED) this.#inputStart = this.#inputEnd;
    else this.#inputStart = next;
    this.#serve(request);
    return true;
  }

  #hasNewLine(): boolean {
    const from = this.#inputStart + this.#lookedAt;
    const size = this.#inputEnd - this.#inputStart;
    // Without a line feed it is looked at when it doubles, or passes the limit that refuses it.
    if (size >= this.#lookedAt * 2 || size > this.#snapshot.head.headBytesMax) return true;
    return this.#input.subarray(from, this.#inputEnd).includes(LF);
  }

  #serve(request: CanonicalRequest): void {
    const { wheel } = this.#state;
    const limits = this.#snapshot.connection;
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
    this.#bodyDone =
      request.bodyKind === BODY_NONE || (request.bodyKind === BODY_LENGTH && request.bodyLength === 0);
    this.#bodyRemaining = request.bodyLength;
    this.#bodyBytes = 0;
    this.#sink = undefined;
    this.#sinkFull = false;
    if (request.bodyKind === BODY_CHUNKED) (this.#chunks ??= new ChunkDecoder(true)).reset();
    this.#answerFraming = ANSWER_NONE;
    wheel.pause(this.#deadline);
    const exchange = new Exchange(this, request, this.#snapshot, this.#state);
    this.#exchange = exchange;
    exchange.serve();
  }

  // --- the request body

  startBody(sink: BodySink): void {
    const request = this.#request!;
    if (this.#sink === undefined && request.expectContinue && this.#inputStart === this.#inputEnd) {
      this.#state.counters.expectContinue++;
      this.#settle();
      this.#socket.write(CONTINUE);
    }
    this.#sink = sink;
    this.#sinkFull = false;
    this.#bodyStartMs = this.#state.wheel.nowMs;
    if (this.#bodyDone) {
      sink.onBodyEnd();
      return;
    }
    this.#armBody();
    this.resumeBody();
  }

  resumeBody(): void {
    if (this.#phase !== BUSY || this.#bodyDone) return;
    this.#sinkFull = false;
    // During a read event the loop in `onRead` goes on by itself; a stash is taken here.
    while (this.#inputStart < this.#inputEnd && this.#phase === BUSY && !this.#bodyDone && !this.#sinkFull)
      this.#takeBody();
    if (this.#phase === BUSY && this.#paused && this.#inputStart === this.#inputEnd && !this.#sinkFull)
      this.#resumeReading();
    // What the upstream has not taken is not the client's to hurry.
    if (this.#phase === BUSY && !this.#bodyDone && !this.#sinkFull) this.#armBody();
  }

  #armBody(): void {
    this.#state.wheel.set(
      this.#deadline,
      this.#state.wheel.nowMs + this.#snapshot.connection.bodyIdleTimeoutMs,
    );
  }

  #takeBody(): void {
    const sink = this.#sink!;
    const request = this.#request!;
    if (request.bodyKind === BODY_LENGTH) {
      const available = this.#inputEnd - this.#inputStart;
      const taken = available < this.#bodyRemaining ? available : this.#bodyRemaining;
      const start = this.#inputStart;
      this.#inputStart += taken;
      this.#bodyRemaining -= taken;
      this.#giveBody(sink, start, start + taken);
      if (this.#bodyRemaining === 0 && this.#phase === BUSY && !this.#bodyDone) this.#endBody(sink);
      return;
    }
    const chunks = this.#chunks!;
    const result = chunks.next(this.#input, this.#inputStart, this.#inputEnd);
    this.#inputStart = result < 0 ? this.#inputEnd : chunks.position;
    if (result === CHUNK_DATA) {
      this.#giveBody(sink, chunks.dataStart, chunks.dataEnd);
    } else if (result === CHUNK_END) {
      if (chunks.trailers.length > 0) sink.onBodyTrailers(chunks.trailers);
      if (this.#phase === BUSY) this.#endBody(sink);
    } else if (result !== CHUNK_MORE) {
      this.#keepAlive = false;
      this.#exchange?.fail(chunks.refusal);
    }
  }

  #giveBody(sink: BodySink, start: number, end: number): void {
    const { nowMs } = this.#state.wheel;
    this.#bodyBytes += end - start;
    const rate = this.#snapshot.connection.bodyMinRate;
    const elapsedMs = nowMs - this.#bodyStartMs;
    if (rate > 0 && elapsedMs > RATE_GRACE_MS && this.#bodyBytes * 1000 < rate * elapsedMs) {
      this.#timeOutBody();
      return;
    }
    if (!sink.onBody(this.#input, start, end)) {
      this.#sinkFull = true;
      // The upstream's slowness is not the client's: its clock stops, and what it sent so far counts no more.
      this.#state.wheel.pause(this.#deadline);
      this.#bodyStartMs = nowMs;
      this.#bodyBytes = 0;
      if (this.#phase === BUSY) this.#pauseReading();
    } else if (this.#phase === BUSY) {
      this.#state.wheel.set(this.#deadline, nowMs + this.#snapshot.connection.bodyIdleTimeoutMs);
    }
  }

  #endBody(sink: BodySink): void {
    this.#bodyDone = true;
    this.#sink = undefined;
    // Nobody asks for more of this body: a pause for its sake would never end.
    this.#sinkFull = false;
    this.#state.wheel.pause(this.#deadline);
    sink.onBodyEnd();
  }

  #timeOutBody(): void {
    this.#keepAlive = false;
    this.#exchange?.fail(reasons.bodyTimeout);
  }

  // --- the answer

  answerHead(head: ResponseHead): void {
    const request = this.#request!;
    // A body still on its way cannot be waited for: the answer is the last one on this connection.
    if (!this.#bodyDone) this.#keepAlive = false;
    // Nobody can say whether bytes after a handshake that failed were meant for a WebSocket.
    if (this.#state.draining || request.webSocket) this.#keepAlive = false;
    if (head.bodyKind === RESPONSE_NONE || request.method === HEAD) this.#answerFraming = ANSWER_NONE;
    else if (head.bodyKind === RESPONSE_LENGTH) this.#answerFraming = ANSWER_LENGTH;
    else if (request.version === 10) {
      this.#answerFraming = ANSWER_CLOSE;
      this.#keepAlive = false;
    } else this.#answerFraming = ANSWER_CHUNKED;
    this.#printHead(head, this.#answerFraming, this.#keepAlive);
  }

  #printHead(head: ResponseHead, framing: number, keepAlive: boolean): void {
    const request = this.#request!;
    if (head.addedLines.length > ADDED_BYTES_USUAL) {
      const needed = RESPONSE_HEAD_BYTES_MAX + OWN_RESPONSE_BYTES_MAX + head.addedLines.length;
      this.#state.outbox.reserve(needed, this.#socket, this.secure);
    }
    printResponse(
      head,
      framing,
      keepAlive,
      request.version,
      request.arena,
      request.idLinesStart,
      request.idLinesEnd,
      this.#state.dateLine(),
      this.#state.outbox,
    );
  }

  answerBody(bytes: Buffer, start: number, end: number): boolean {
    const { outbox } = this.#state;
    if (this.#answerFraming === ANSWER_CHUNKED) {
      if (outbox.room < 32) outbox.flush(this.#socket, this.secure);
      outbox.end = writeChunkSize(outbox.bytes, outbox.end, end - start);
      outbox.append(bytes, start, end, this.#socket, this.secure);
      outbox.append(CRLF, 0, 2, this.#socket, this.secure);
    } else {
      outbox.append(bytes, start, end, this.#socket, this.secure);
    }
    return !this.#blocked && isFree(this.#socket);
  }

  answerFlush(): boolean {
    if (!this.#state.outbox.leave(this, this.#socket, this.secure)) this.#block();
    return !this.#blocked;
  }

  answerTrailers(trailers: Trailers): void {
    // RFC 9110 §6.5.1: whoever did not ask for trailers may not know what they are.
    if (this.#request?.acceptsTrailers === true) this.#trailers = trailers;
  }

  answerEnd(): void {
    if (this.#answerFraming === ANSWER_CHUNKED) {
      const last =
        this.#trailers === undefined ? LAST_CHUNK : Buffer.from(printTrailers(this.#trailers), "latin1");
      this.#state.outbox.append(last, 0, last.length, this.#socket, this.secure);
    }
    this.#trailers = undefined;
    this.answerFlush();
    this.#finish();
  }

  // --- as one end of a tunnel

  switchProtocols(head: ResponseHead, side: TunnelSide): TunnelEnd | undefined {
    if (this.#phase !== BUSY) return undefined;
    this.#printHead(head, ANSWER_NONE, true);
    this.#phase = TUNNEL;
    this.#side = side;
    this.answerFlush();
    return this;
  }

  sendTunnel(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#phase !== TUNNEL || this.#socket.writableEnded) return true;
    const { outbox } = this.#state;
    outbox.append(bytes, start, end, this.#socket, this.secure);
    if (outbox.flush(this.#socket, this.secure)) return true;
    this.#block();
    return false;
  }

  endTunnel(): void {
    if (this.#phase !== TUNNEL) return;
    // Of an upstream over TLS its answer and its end are read in one turn.
    this.#settle();
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

  refuse(reason: Reason, retryAfterSecs: number, methods: number): void {
    if (this.#phase !== BUSY) return;
    if (reason.close || !this.#bodyDone || this.#request!.webSocket) this.#keepAlive = false;
    if (reason.status !== 0) {
      const page = errorBody(this.#snapshot.errorPages, reason, this.#request!);
      if (page !== undefined) {
        const needed = page.body.length + this.#request!.answerLines.length + OWN_BYTES_MAX;
        this.#state.outbox.reserve(needed, this.#socket, this.secure);
      }
      printRefusal(
        reason,
        this.#request!,
        this.#keepAlive,
        retryAfterSecs,
        methods,
        page,
        this.#state.dateLine(),
        this.#state.outbox,
      );
      this.answerFlush();
    }
    this.#finish();
  }

  answerOwn(status: number, fields: string, body: string): void {
    if (!this.#bodyDone || this.#state.draining) this.#keepAlive = false;
    // A redirect repeats the target, which may be as long as the configuration allows.
    this.#state.outbox.reserve(
      fields.length + this.#request!.answerLines.length + body.length + OWN_BYTES_MAX,
      this.#socket,
      this.secure,
    );
    printOwnAnswer(
      status,
      fields,
      body,
      this.#request!,
      this.#keepAlive,
      this.#state.dateLine(),
      this.#state.outbox,
    );
    this.answerFlush();
    this.#finish();
  }

  cut(): void {
    this.#state.outbox.drop();
    this.#exchange = undefined;
    // The exchange still has to write its record from the request; `onConcluded` gives it back.
    const request = this.#request;
    this.#request = undefined;
    this.close();
    this.#request = request;
  }

  /** What left with others of its turn was not all taken. */
  onQueued(): void {
    if (this.#phase !== CLOSED && this.#queued() >= this.#socket.writableHighWaterMark) this.#block();
  }

  onTaken(): void {
    // What the stream has put behind it may be too little for a 'drain'.
    const { writableLength, writableNeedDrain } = this.#socket;
    if (this.#phase !== CLOSED && !writableNeedDrain && waitingBytes(this.#socket) <= writableLength)
      this.#onDrain();
  }

  /** What leaves in this turn goes before anything that the outbox does not write. */
  #settle(): void {
    if (this.#state.outbox.isLeaving(this)) this.#state.outbox.settle();
  }

  /** The answer is out (or queued): the next request, or the end. The exchange concludes after this returns. */
  #finish(): void {
    if (this.#phase !== BUSY) return;
    this.#exchange = undefined;
    this.#sink = undefined;
    if (!this.#blocked) this.#takenBytes = -Infinity;
    if (!this.#keepAlive) {
      this.#linger();
      return;
    }
    this.#phase = READING_HEAD;
    this.#idleSinceMs = this.#state.wheel.nowMs;
    const limits = this.#snapshot.connection;
    this.#state.wheel.set(
      this.#deadline,
      this.#state.wheel.nowMs + (this.#blocked ? limits.writeTimeoutMs : limits.keepaliveTimeoutMs),
    );
    // Taken up again outside of the exchange that just ended; only a pipelined request waits here.
    if (this.#stashed && this.#inputStart < this.#inputEnd) process.nextTick(takeNext, this);
  }

  /** For `process.nextTick`: goes on with input that waited for an answer. */
  takeNext(): void {
    if (this.#phase !== READING_HEAD || this.#inputStart === this.#inputEnd) return;
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
    this.#settle();
    this.#phase = LINGERING;
    this.#bodyBytes = 0;
    this.#input = EMPTY;
    this.#inputStart = this.#inputEnd = 0;
    // The client has `write_timeout_ms` for each step of what is queued, and a moment more when it is gone.
    const queued = this.#queued() > 0;
    this.#blocked = queued && this.#blocked; // no 'drain' comes after this
    if (queued) this.#socket.end(() => this.#onFinish());
    else this.#socket.end();
    const waitMs = queued || this.#endSeen ? this.#snapshot.connection.writeTimeoutMs : LINGER_MS;
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + waitMs);
    // When nothing more comes from the client, the socket closes itself once the answer is written.
    if (this.#paused && !this.#endSeen) this.#resumeReading();
  }

  /** All that was queued before the end of the connection has been taken. */
  #onFinish(): void {
    if (this.#phase !== LINGERING) return;
    this.#blocked = false;
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + LINGER_MS);
  }

  // --- time and the other end

  #block(): void {
    if (this.#blocked) return;
    this.#blocked = true;
    this.#takenBytes = takenBytes(this.#socket);
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + this.#snapshot.connection.writeTimeoutMs);
  }

  #onDrain(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#takenBytes = -Infinity;
    if (this.#side !== undefined) {
      this.#state.wheel.pause(this.#deadline);
      this.#tell(this.#side, "onDrain");
    } else if (this.#phase === BUSY) {
      this.#state.wheel.pause(this.#deadline);
      if (this.#sink !== undefined && !this.#bodyDone && !this.#sinkFull) this.#armBody();
      this.#exchange?.onDownstreamDrain();
    } else if (this.#phase === READING_HEAD) {
      this.#state.wheel.set(
        this.#deadline,
        this.#state.wheel.nowMs + this.#snapshot.connection.keepaliveTimeoutMs,
      );
      this.takeNext();
    }
  }

  /** Something that is said has not gone: it leaves in this turn, or waits for the client to take more. */
  get #isSending(): boolean {
    return this.#state.outbox.isLeaving(this) || this.#queued() > 0;
  }

  /** Bytes that the kernel has not taken. */
  #queued(): number {
    return this.#socket.writableLength + waitingBytes(this.#socket);
  }

  #onEnd(): void {
    this.#settle();
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
      if (!this.#bodyDone) this.#exchange?.fail(reasons.bodyCut);
      return;
    }
    // Half-closed while its answer is still queued: it gets that, and no other.
    if (this.#queued() > 0) {
      if (this.#phase !== READING_HEAD) return;
      this.#releaseRequest();
      this.#linger();
      return;
    }
    this.close(this.idle ? reasons.idleTimeout : reasons.clientGone);
  }

  /** Called by the timer wheel. */
  expire(_nowMs: number): void {
    const { wheel } = this.#state;
    // Also after an answer: what is queued of it is the client's to take, however little it is.
    const unread = this.#phase !== BUSY && this.#inputStart === this.#inputEnd;
    if (this.#blocked || (unread && this.#isSending)) {
      // What is queued alone would hide it: more may come behind.
      const taken = takenBytes(this.#socket);
      if (taken > this.#takenBytes) {
        this.#takenBytes = taken;
        wheel.set(this.#deadline, wheel.nowMs + this.#snapshot.connection.writeTimeoutMs);
        return;
      }
      this.close(reasons.writeTimeout);
    } else if (this.#phase === READING_HEAD) {
      if (this.idle && this.#served > 0) {
        this.close(reasons.idleTimeout);
        return;
      }
      this.#refuseLateHead();
    } else if (this.#phase === BUSY && !this.#bodyDone) {
      this.#timeOutBody();
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
    const request = this.#request ?? this.#state.requests.take();
    this.#request = request;
    request.reset();
    request.refusal = reasons.headTimeout;
    this.#inputStart = this.#inputEnd;
    this.#snapshot = this.#state.snapshot;
    this.#serve(request);
  }
}

function takeNext(connection: Http1Connection): void {
  connection.takeNext();
}

const EMPTY = Buffer.alloc(0);
const LF = 10;
const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
const CRLF = Buffer.from("\r\n", "latin1");
const LAST_CHUNK = Buffer.from("0\r\n\r\n", "latin1");
