import type net from "node:net";
import { printTrailers, writeChunkSize } from "../http/chunked.ts";
import { OWN_HEAD_BYTES_MAX, printRequest } from "../http/print-request.ts";
import { BODY_CHUNKED, BODY_NONE } from "../http/request.ts";
import { switchFault } from "../http/websocket.ts";
import { type Reason, reasons } from "../reason.ts";
import { type ClosedWriteOwner, hearClosedWrites } from "../std/closed-writes.ts";
import { hasLeft, waitingBytes } from "../std/direct-write.ts";
import { isFree, type Leaver } from "../std/outbox.ts";
import { Deadline } from "../std/timer-wheel.ts";
import { ANSWER_BAD, ANSWER_MORE, ANSWER_SWITCH, AnswerReader } from "./answer-reader.ts";
import type { AnswerSink, AnswerTail } from "./answer-sink.ts";
import { DISCARDED_BYTES_MAX, Discarding } from "./discarding.ts";
import type { Endpoint } from "./endpoint.ts";
import { type SwitchedConnection, TunnelSocket } from "./tunnel-socket.ts";

const CONNECTING = 0;
const IDLE = 1;
const BUSY = 2;
const CLOSED = 3;
/** Its bytes go to a WebSocket's other end. */
const TUNNEL = 4;
/** For what an upstream sent before it closed its connection in the midst of a request: it is here, or will not come. */
const LAST_WORDS_MS = 1000;

/**
 * One HTTP/1.1 connection to an upstream endpoint; it serves one exchange at a time and never pipelines. It is used
 * again only when the answer was complete, the request fully sent (taken by the kernel), nothing came after the answer, and both sides said
 * keep-alive: anything else could give the next client somebody else's answer (reliability.md C20).
 */
export class UpstreamConnection implements SwitchedConnection, Leaver, ClosedWriteOwner {
  readonly endpoint: Endpoint;
  readonly socket: net.Socket;
  /** Exchanges served before the present one. */
  served = 0;
  /** When it became idle, coarse monotonic ms. */
  idleSinceMs = 0;
  leftTurn = -1;
  #state = CONNECTING;
  #exchange: AnswerSink | undefined;
  /** Takes the rest of an answer that nobody wants. */
  #discarding: Discarding | undefined = undefined;
  readonly #deadline = new Deadline(this);
  readonly #encrypted: boolean;

  // The request under way.
  #requestDone = false;
  #chunkedRequest = false;
  /** Between the request head and the end of what is at hand: gathered, not yet written. */
  #gathering = false;
  #startedMs = 0;

  /** It left, or leaves, with its head: until it has, the upstream knows nothing of it. */
  #leavesWhole = false;
  /** Some of it waits in libuv, where the stream does not count it. */
  #isQueued = false;
  /** The error, where the upstream closed the connection before it was sent: the rest of it is thrown away. */
  #sendFault = "";
  #hearsClosedWrites = false;

  // The answer under way.
  readonly #answer: AnswerReader;
  /** The head came with the read event under way. */
  #headNow = false;
  #keepAlive = false;
  #paused = false;
  #endSeen = false;
  /** An answer without limits of time; see `unhurry`. */
  #unhurried = false;

  #tunnel: TunnelSocket | undefined = undefined;

  constructor(endpoint: Endpoint, socket: net.Socket, encrypted: boolean) {
    this.endpoint = endpoint;
    this.socket = socket;
    this.#encrypted = encrypted;
    this.#answer = new AnswerReader(endpoint.deps.responseHead);
    socket.on("error", (error: NodeJS.ErrnoException) => this.#onError(error));
    socket.on("end", () => this.#onEnd());
    socket.on("close", () => this.#onClose());
    socket.on("drain", () => this.#onDrain());
    socket.on(encrypted ? "secureConnect" : "connect", () => this.#onConnect());
    const timeoutMs = endpoint.settings.connectTimeoutMs;
    if (timeoutMs > 0) endpoint.deps.wheel.set(this.#deadline, endpoint.deps.wheel.nowMs + timeoutMs);
  }

  get idle(): boolean {
    return this.#state === IDLE;
  }

  /** Serves `exchange`: at once when idle, or as soon as the connection is made. */
  begin(exchange: AnswerSink): void {
    this.#exchange = exchange;
    if (this.#state !== CONNECTING) this.#send(exchange);
  }

  /** The exchange is over for its client: whatever comes is thrown away with the connection. */
  abandon(): void {
    this.#exchange = undefined;
    this.#tunnel = undefined;
    this.close();
  }

  discard(): void {
    const isShort = this.#answer.isWithin(DISCARDED_BYTES_MAX);
    if (this.#state !== BUSY || !this.#requestDone || !isShort) {
      this.abandon();
      return;
    }
    const { wheel } = this.endpoint.deps;
    this.#exchange = undefined;
    this.#discarding = new Discarding(wheel.nowMs, () => this.close());
    wheel.set(this.#deadline, this.#discarding.untilMs);
  }

  close(): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#answer.drop();
    this.endpoint.deps.wheel.clear(this.#deadline);
    this.endpoint.forget(this);
    this.socket.destroy();
  }

  /** Body bytes of the request. False asks to wait for `resumeRequestBody`. */
  sendBody(bytes: Buffer, start: number, end: number): boolean {
    if (this.#state !== BUSY || this.#sendFault !== "") return true;
    const { outbox, wheel } = this.endpoint.deps;
    if (this.#chunkedRequest) {
      if (outbox.room < 32) outbox.flush(this.socket, this.#encrypted);
      outbox.end = writeChunkSize(outbox.bytes, outbox.end, end - start);
      outbox.append(bytes, start, end, this.socket, this.#encrypted);
      outbox.append(CRLF, 0, 2, this.socket, this.#encrypted);
    } else {
      outbox.append(bytes, start, end, this.socket, this.#encrypted);
    }
    wheel.set(this.#deadline, this.#limit(wheel.nowMs + this.endpoint.settings.idleTimeoutMs));
    if (this.#gathering) return true;
    // With what follows in this turn of the event loop: frames and TLS records are 16 KiB, and a read brings several.
    return outbox.leave(this, this.socket, this.#encrypted) && !this.#isQueued;
  }

  endBody(): void {
    if (this.#state !== BUSY) return;
    this.#requestDone = true;
    if (this.#sendFault !== "") return;
    const { outbox, wheel } = this.endpoint.deps;
    if (this.#chunkedRequest) {
      const trailers = this.#exchange?.requestTrailers;
      const last = trailers === undefined ? LAST_CHUNK : Buffer.from(printTrailers(trailers), "latin1");
      outbox.append(last, 0, last.length, this.socket, this.#encrypted);
    }
    if (!this.#gathering) outbox.leave(this, this.socket, this.#encrypted);
    if (!this.#answer.isHeadDone)
      wheel.set(this.#deadline, this.#limit(wheel.nowMs + this.endpoint.settings.requestTimeoutMs));
  }

  /** The client is slower than the upstream. */
  pause(): void {
    if (this.#paused || this.#state !== BUSY) return;
    this.#paused = true;
    this.socket.pause();
    // The client's own write time-out counts now; only the total goes on.
    const { wheel } = this.endpoint.deps;
    wheel.set(this.#deadline, this.#limit(Infinity));
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#state !== BUSY) return;
    const { wheel } = this.endpoint.deps;
    wheel.set(this.#deadline, this.#limit(wheel.nowMs + this.endpoint.settings.idleTimeoutMs));
    this.socket.resume();
  }

  /** The answer is a stream: neither its pauses nor its length are limited from here on. */
  unhurry(): void {
    this.#unhurried = true;
  }

  onQueued(): void {
    this.#isQueued = true;
  }

  onTaken(): void {
    this.#isQueued = false;
    this.#resumeBody();
  }

  /** The answer to a handshake that the client's connection was switched for. */
  #switch(buffer: Buffer, at: number, length: number): void {
    const exchange = this.#exchange!;
    const { responseHead } = this.endpoint.deps;
    const fault = switchFault(responseHead, exchange.request);
    if (fault !== "") {
      this.#fail(reasons.upstreamInvalid, false, fault);
      return;
    }
    this.#exchange = undefined;
    this.#state = TUNNEL;
    const tunnel = new TunnelSocket(this, this.#deadline);
    const side = exchange.onAnswerSwitch(responseHead, tunnel);
    if (side === undefined) {
      this.close();
      return;
    }
    this.#tunnel = tunnel;
    tunnel.start(side);
    if (at < length) tunnel.onBytes(buffer, at, length);
  }

  /** Bytes from the upstream; `buffer` belongs to the reader. */
  onRead(buffer: Buffer, length: number): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.onBytes(buffer, 0, length);
      return;
    }
    if (this.#state !== BUSY) {
      // Nobody asked: an answer to nothing must not become the next exchange's answer.
      this.close();
      return;
    }
    const { outbox } = this.endpoint.deps;
    if (outbox.isLeaving(this)) {
      if (this.#leavesWhole) {
        // The request has not left: this answers something else.
        this.#fail(reasons.upstreamReset, true, "stale");
        return;
      }
      // An answer that does not wait for the body's end. Whether the connection may be kept depends on what has left.
      outbox.settle();
    }
    this.#headNow = !this.#answer.isHeadDone;
    if (this.#headNow) this.#readHead(buffer, length);
    else this.#readBody(buffer, 0, length);
  }

  onDefect(cause: unknown): void {
    this.endpoint.deps.onDefect(cause);
    this.endpoint.deps.outbox.drop();
    if (this.#tunnel !== undefined) this.#tunnel.lose(reasons.defect, "defect");
    else this.#fail(reasons.defect, false, "defect");
  }

  /** Called by the timer wheel. */
  expire(nowMs: number): void {
    const { settings } = this.endpoint;
    if (this.#tunnel !== undefined) {
      this.#tunnel.expire();
    } else if (this.#state === IDLE) {
      this.close();
    } else if (this.#state === CONNECTING) {
      this.#fail(reasons.upstreamConnectTimeout, true, "connect_timeout");
    } else if (this.#sendFault !== "") {
      this.#fail(reasons.upstreamReset, false, this.#sendFault);
    } else if (settings.totalTimeoutMs > 0 && nowMs - this.#startedMs >= settings.totalTimeoutMs) {
      this.#fail(reasons.upstreamTotal, false, "total_timeout");
    } else {
      const isBegun = this.#answer.isHeadDone;
      const reason = isBegun ? reasons.upstreamIdle : reasons.upstreamTimeout;
      this.#fail(reason, false, isBegun ? "idle_timeout" : "head_timeout");
    }
  }

  #onConnect(): void {
    if (this.#state !== CONNECTING) return;
    this.endpoint.onConnected(this);
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.#becomeIdle();
      return;
    }
    try {
      exchange.onConnected();
      this.#send(exchange);
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  /** Head and whatever of the body is at hand leave in one write. */
  #send(exchange: AnswerSink): void {
    const { outbox, wheel } = this.endpoint.deps;
    const { settings } = this.endpoint;
    const request = exchange.request;
    this.#state = BUSY;
    this.#answer.begin();
    this.#paused = false;
    this.#unhurried = exchange.isStream;
    this.#requestDone = request.bodyKind === BODY_NONE;
    this.#chunkedRequest = request.bodyKind === BODY_CHUNKED;
    this.#sendFault = "";
    this.#startedMs = wheel.nowMs;
    wheel.set(this.#deadline, this.#limit(wheel.nowMs + settings.requestTimeoutMs));
    outbox.reserve(request.arenaEnd + OWN_HEAD_BYTES_MAX, this.socket, this.#encrypted);
    printRequest(
      request,
      exchange.hop,
      exchange.mergeSlashes ? this.endpoint.mergedHeadFacts : this.endpoint.headFacts,
      exchange.forwardedMemo,
      exchange.peerText,
      outbox,
    );
    if (exchange.wantsTrailers && !request.webSocket) {
      // In place of the empty line (RFC 9110 §10.1.4).
      outbox.end -= 2;
      outbox.end += outbox.bytes.latin1Write(WANTS_TRAILERS, outbox.end);
    }
    if (!this.#requestDone) {
      this.#gathering = true;
      exchange.startRequestBody();
      this.#gathering = false;
    }
    this.#leavesWhole = this.#requestDone;
    // The body may have failed, and with it this connection.
    if (this.#state !== BUSY) outbox.drop();
    else if (this.#requestDone) outbox.leave(this, this.socket, this.#encrypted);
    else this.#sendInPieces();
  }

  /** The upstream may answer and close before it has read all: many do, with 413, and what is on its way resets them. */
  #sendInPieces(): void {
    if (!this.#hearsClosedWrites && !this.#encrypted) hearClosedWrites(this.socket, this);
    this.#hearsClosedWrites = true;
    this.endpoint.deps.outbox.flush(this.socket, this.#encrypted);
  }

  onClosedWrite(code: string): boolean {
    if (this.#state !== BUSY || this.#leavesWhole) return false;
    const { wheel } = this.endpoint.deps;
    if (this.#sendFault === "") wheel.set(this.#deadline, this.#limit(wheel.nowMs + LAST_WORDS_MS));
    this.#sendFault = code;
    return true;
  }

  #readHead(bytes: Buffer, byteCount: number): void {
    const exchange = this.#exchange!;
    const answer = this.#answer;
    const { responseHead } = this.endpoint.deps;
    const buffer = answer.joined(bytes, byteCount);
    const length = buffer === bytes ? byteCount : buffer.length;
    const at = answer.readHead(buffer, length, exchange.request);
    if (at === ANSWER_BAD) this.#fail(reasons.upstreamInvalid, false, answer.fault);
    else if (at === ANSWER_SWITCH) this.#switch(buffer, answer.position, length);
    if (at < 0) return;
    this.#keepAlive = responseHead.keepAlive;
    exchange.onAnswerHead(responseHead);
    if (this.#state === BUSY) this.#readBody(buffer, at, length);
  }

  #readBody(buffer: Buffer, at: number, length: number): void {
    const tail: AnswerTail = this.#exchange ?? this.#discarding!;
    const answer = this.#answer;
    const end = answer.readBody(buffer, at, length, tail);
    if (this.#state !== BUSY) return;
    if (end !== ANSWER_MORE) {
      if (end === ANSWER_BAD) this.#fail(reasons.upstreamInvalid, false, answer.fault);
      else this.#finish(end === length);
      return;
    }
    // Asked even if it wants no more already: what was gathered has to leave.
    const flushed = tail.onAnswerFlush();
    if (this.#state !== BUSY) return;
    const { wheel } = this.endpoint.deps;
    wheel.set(this.#deadline, this.#limit(wheel.nowMs + this.endpoint.settings.idleTimeoutMs));
    if (answer.isFull || !flushed) this.pause();
  }

  /** The answer is complete. The connection is given back before the exchange goes on, who may want it at once. */
  #finish(nothingAfter: boolean): void {
    const exchange: AnswerTail = this.#exchange ?? this.#discarding!;
    this.#exchange = undefined;
    this.#discarding = undefined;
    exchange.onAnswerFlush();
    // Bytes of the request that still wait were not asked for: an upstream that answers without reading them would
    // leave the next request behind them.
    const requestGone =
      this.#requestDone && this.#sendFault === "" && !this.#isQueued && hasLeft(this.socket, this.#encrypted);
    if (nothingAfter && this.#keepAlive && requestGone && !this.#endSeen && !this.#paused) this.#becomeIdle();
    else this.close();
    exchange.onAnswerEnd(this.#headNow);
  }

  #becomeIdle(): void {
    const { wheel } = this.endpoint.deps;
    this.served++;
    this.#state = IDLE;
    this.idleSinceMs = wheel.nowMs;
    const keepMs = this.endpoint.keep(this);
    if (keepMs > 0) wheel.set(this.#deadline, wheel.nowMs + keepMs);
    else this.close();
  }

  #onDrain(): void {
    this.#isQueued = !this.#encrypted && waitingBytes(this.socket) > 0;
    if (this.#tunnel !== undefined) {
      this.#tunnel.onDrain();
      return;
    }
    this.#resumeBody();
  }

  /** Nothing waits any more, neither in the stream nor behind it. */
  #resumeBody(): void {
    if (this.#state !== BUSY || this.#requestDone || this.#isQueued || !isFree(this.socket)) return;
    try {
      this.#exchange?.resumeRequestBody();
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  #onEnd(): void {
    this.#endSeen = true;
    if (this.#tunnel !== undefined) {
      this.#tunnel.onEnd();
      return;
    }
    this.#headNow = false;
    // Behind a reset nobody knows whether it was all.
    const endsAnswer = this.#answer.endsWithConnection && this.#sendFault === "";
    if (this.#state === BUSY && endsAnswer) this.#finish(true);
    else if (this.#state === BUSY) this.#fail(reasons.upstreamReset, false, this.#sendFault || "closed");
    // Inside a TLS handshake: an exchange waits for it.
    else if (this.#state === CONNECTING) this.#onClose();
    else this.close();
  }

  #onError(error: NodeJS.ErrnoException): void {
    const code = error.code ?? "error";
    if (this.#tunnel !== undefined) {
      this.#tunnel.lose(reasons.upstreamReset, code);
      return;
    }
    if (this.#state === CONNECTING) {
      const connected = this.#encrypted && !this.socket.connecting && code !== "ECONNREFUSED";
      this.#fail(connected ? reasons.upstreamTls : reasons.upstreamConnect, true, code);
    } else {
      this.#fail(reasons.upstreamReset, false, code);
    }
  }

  #onClose(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.lose(reasons.upstreamReset, "closed");
      return;
    }
    if (this.#state === CONNECTING)
      this.#fail(this.#encrypted ? reasons.upstreamTls : reasons.upstreamConnect, true, "closed");
    else this.#fail(reasons.upstreamReset, false, "closed");
  }

  #fail(reason: Reason, nothingSent: boolean, detail: string): void {
    if (this.#state === CLOSED) return;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    // What leaves at the end of this turn has not left, and does not any more.
    if (this.#leavesWhole && this.endpoint.deps.outbox.isLeaving(this)) nothingSent = true;
    // A connection that had served before and was closed before a single byte of the answer: most likely the
    // upstream closed it while idle and our request crossed its FIN.
    const stale = this.served > 0 && !this.#answer.isHeadDone && reason === reasons.upstreamReset;
    this.close();
    exchange?.onFault({ reason, nothingSent, detail: stale ? "stale" : detail });
  }

  /** The deadline, but no later than the exchange's total. */
  #limit(atMs: number): number {
    if (this.#discarding !== undefined) return this.#discarding.untilMs;
    if (this.#unhurried) return Infinity;
    const total = this.endpoint.settings.totalTimeoutMs;
    return total > 0 ? Math.min(atMs, this.#startedMs + total) : atMs;
  }
}

const CRLF = Buffer.from("\r\n", "latin1");
const WANTS_TRAILERS = "TE: trailers\r\nConnection: TE\r\n\r\n";
const LAST_CHUNK = Buffer.from("0\r\n\r\n", "latin1");
