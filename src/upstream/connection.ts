import type net from "node:net";
import {
  CHUNK_DATA,
  CHUNK_END,
  CHUNK_MORE,
  ChunkDecoder,
  printTrailers,
  writeChunkSize,
} from "../http/chunked.ts";
import { OWN_HEAD_BYTES_MAX, printRequest } from "../http/print-request.ts";
import { BODY_CHUNKED, BODY_NONE, HEAD } from "../http/request.ts";
import {
  RESPONSE_BAD,
  RESPONSE_CHUNKED,
  RESPONSE_CLOSE,
  RESPONSE_HEAD_BYTES_MAX,
  RESPONSE_LENGTH,
  RESPONSE_MORE,
  RESPONSE_NONE,
  readResponseHead,
} from "../http/response-head.ts";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import { switchFault } from "../http/websocket.ts";
import { type Reason, reasons } from "../reason.ts";
import { type ClosedWriteOwner, hearClosedWrites } from "../std/closed-writes.ts";
import { hasLeft, waitingBytes } from "../std/direct-write.ts";
import { isFree, type Leaver } from "../std/outbox.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { AnswerSink, AnswerTail } from "./answer-sink.ts";
import type { Endpoint } from "./endpoint.ts";

const CONNECTING = 0;
const IDLE = 1;
const BUSY = 2;
const CLOSED = 3;
/** Its bytes go to a WebSocket's other end. */
const TUNNEL = 4;
/** Out of a tunnel: what is queued goes out, what comes is thrown away. */
const LEAVING = 5;

/** What an upstream that leaves a tunnel has to take the last bytes and to close. */
const LEAVE_MS = 5000;

/** For what an upstream sent before it closed its connection in the midst of a request: it is here, or will not come. */
const LAST_WORDS_MS = 1000;

/** 1xx answers before the final one (reliability.md C33). */
const INTERIM_MAX = 4;

/**
 * One HTTP/1.1 connection to an upstream endpoint; it serves one exchange at a time and never pipelines. It is used
 * again only when the answer was complete, the request fully sent (taken by the kernel), nothing came after the answer, and both sides said
 * keep-alive: anything else could give the next client somebody else's answer (reliability.md C20).
 */
export class UpstreamConnection implements TunnelEnd, Leaver, ClosedWriteOwner {
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
  #headDone = false;
  /** The head came with the read event under way. */
  #headNow = false;
  #interim = 0;
  #bodyKind = RESPONSE_NONE;
  #remaining = 0;
  #keepAlive = false;
  #chunks: ChunkDecoder | undefined;
  #stash: Buffer | undefined;
  #paused = false;
  #endSeen = false;
  /** An answer without limits of time; see `unhurry`. */
  #unhurried = false;
  #side: TunnelSide | undefined;

  constructor(endpoint: Endpoint, socket: net.Socket, encrypted: boolean) {
    this.endpoint = endpoint;
    this.socket = socket;
    this.#encrypted = encrypted;
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
    this.#side = undefined;
    this.close();
  }

  discard(): void {
    const isShort = this.#bodyKind !== RESPONSE_CLOSE && this.#remaining <= DISCARDED_BYTES_MAX;
    if (this.#state !== BUSY || !this.#requestDone || !isShort) {
      this.abandon();
      return;
    }
    const { wheel } = this.endpoint.deps;
    this.#exchange = undefined;
    this.#discarding = new Discarding(this, wheel.nowMs + DISCARDED_MS);
    wheel.set(this.#deadline, this.#discarding.untilMs);
  }

  close(): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
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
    if (!this.#headDone)
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

  // --- as one end of a tunnel

  sendTunnel(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#state !== TUNNEL || this.socket.writableEnded) return true;
    const { outbox, wheel } = this.endpoint.deps;
    outbox.append(bytes, start, end, this.socket, this.#encrypted);
    if (outbox.flush(this.socket, this.#encrypted)) return true;
    wheel.set(this.#deadline, wheel.nowMs + this.endpoint.settings.idleTimeoutMs);
    return false;
  }

  endTunnel(): void {
    if (this.#state === TUNNEL) this.socket.end();
  }

  resumeTunnel(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.socket.resume();
  }

  leaveTunnel(): void {
    if (this.#state !== TUNNEL) return;
    this.#state = LEAVING;
    this.#side = undefined;
    const { wheel } = this.endpoint.deps;
    wheel.set(this.#deadline, wheel.nowMs + LEAVE_MS);
    this.socket.end();
    this.resumeTunnel();
  }

  /** The answer to a handshake that the client's connection was switched for. */
  #switch(buffer: Buffer, at: number, length: number): void {
    const exchange = this.#exchange!;
    const { responseHead, wheel } = this.endpoint.deps;
    const fault = switchFault(responseHead, exchange.request);
    if (fault !== "") {
      this.#fail(reasons.upstreamInvalid, false, fault);
      return;
    }
    this.#exchange = undefined;
    this.#state = TUNNEL;
    // Each direction ends by itself.
    this.socket.allowHalfOpen = true;
    wheel.pause(this.#deadline);
    this.#side = exchange.onAnswerSwitch(responseHead, this);
    if (this.#side === undefined) this.close();
    else if (at < length) this.#pass(this.#side, buffer, at, length);
  }

  #pass(side: TunnelSide, buffer: Buffer, start: number, end: number): void {
    if (side.onBytes(buffer, start, end) || this.#paused || this.#state !== TUNNEL) return;
    this.#paused = true;
    this.socket.pause();
  }

  #loseTunnel(reason: Reason, detail: string): void {
    const side = this.#side;
    this.#side = undefined;
    this.close();
    side?.onGone(reason, detail);
  }

  /** Bytes from the upstream; `buffer` belongs to the reader. */
  onRead(buffer: Buffer, length: number): void {
    if (this.#side !== undefined) {
      this.#pass(this.#side, buffer, 0, length);
      return;
    }
    if (this.#state === LEAVING) return;
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
    if (this.#stash !== undefined) {
      buffer = Buffer.concat([this.#stash, buffer.subarray(0, length)]);
      length = buffer.length;
      this.#stash = undefined;
    }
    this.#headNow = !this.#headDone;
    const at = this.#headNow ? this.#readHead(buffer, length) : 0;
    if (at < 0 || this.#state !== BUSY) return;
    this.#readBody(buffer, at, length);
  }

  onDefect(cause: unknown): void {
    this.endpoint.deps.onDefect(cause);
    this.endpoint.deps.outbox.drop();
    if (this.#side !== undefined) this.#loseTunnel(reasons.defect, "defect");
    else this.#fail(reasons.defect, false, "defect");
  }

  /** Called by the timer wheel. */
  expire(nowMs: number): void {
    const { settings } = this.endpoint;
    if (this.#state === IDLE || this.#state === LEAVING) {
      this.close();
    } else if (this.#state === TUNNEL) {
      this.#loseTunnel(reasons.upstreamIdle, "write_timeout");
    } else if (this.#state === CONNECTING) {
      this.#fail(reasons.upstreamConnectTimeout, true, "connect_timeout");
    } else if (this.#sendFault !== "") {
      this.#fail(reasons.upstreamReset, false, this.#sendFault);
    } else if (settings.totalTimeoutMs > 0 && nowMs - this.#startedMs >= settings.totalTimeoutMs) {
      this.#fail(reasons.upstreamTotal, false, "total_timeout");
    } else {
      this.#fail(
        this.#headDone ? reasons.upstreamIdle : reasons.upstreamTimeout,
        false,
        this.#headDone ? "idle_timeout" : "head_timeout",
      );
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
    this.#headDone = false;
    this.#interim = 0;
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

  /** Returns the offset of the body, or -1 when there is no complete head (yet). */
  #readHead(buffer: Buffer, length: number): number {
    const exchange = this.#exchange!;
    const head = this.endpoint.deps.responseHead;
    let at = 0;
    for (;;) {
      const next = readResponseHead(buffer, at, length, exchange.request.method === HEAD, head);
      if (next === RESPONSE_MORE) {
        if (length - at > RESPONSE_HEAD_BYTES_MAX) this.#fail(reasons.upstreamInvalid, false, "head_bytes");
        else this.#stash = Buffer.from(buffer.subarray(at, length));
        return -1;
      }
      if (next === RESPONSE_BAD) {
        this.#fail(reasons.upstreamInvalid, false, head.fault);
        return -1;
      }
      if (head.status >= 200) {
        at = next;
        break;
      }
      if (head.status === 101 && exchange.request.webSocket) {
        this.#switch(buffer, next, length);
        return -1;
      }
      // 100 and 103 are answers to us; nobody asked for another protocol.
      if (head.status === 101 || ++this.#interim > INTERIM_MAX) {
        this.#fail(reasons.upstreamInvalid, false, head.status === 101 ? "unasked_101" : "interim_count");
        return -1;
      }
      at = next;
      if (at === length) return -1;
    }
    this.#headDone = true;
    this.#bodyKind = head.bodyKind;
    this.#remaining = head.bodyKind === RESPONSE_LENGTH ? head.bodyLength : 0;
    this.#keepAlive = head.keepAlive;
    if (head.bodyKind === RESPONSE_CHUNKED) (this.#chunks ??= new ChunkDecoder(false)).reset();
    exchange.onAnswerHead(head);
    return at;
  }

  #readBody(buffer: Buffer, at: number, length: number): void {
    const exchange: AnswerTail = this.#exchange ?? this.#discarding!;
    let wanted = true;
    switch (this.#bodyKind) {
      case RESPONSE_NONE:
        this.#finish(at === length);
        return;
      case RESPONSE_LENGTH: {
        const end = length - at < this.#remaining ? length : at + this.#remaining;
        if (end > at) wanted = exchange.onAnswerBody(buffer, at, end);
        this.#remaining -= end - at;
        if (this.#state !== BUSY) return;
        if (this.#remaining === 0) {
          this.#finish(end === length);
          return;
        }
        break;
      }
      case RESPONSE_CHUNKED: {
        const chunks = this.#chunks!;
        for (;;) {
          const result = chunks.next(buffer, at, length);
          if (result === CHUNK_MORE) break;
          if (result === CHUNK_DATA) {
            wanted = exchange.onAnswerBody(buffer, chunks.dataStart, chunks.dataEnd);
            if (this.#state !== BUSY) return;
            at = chunks.position;
            continue;
          }
          if (result === CHUNK_END) {
            if (chunks.trailers.length > 0) exchange.onAnswerTrailers(chunks.trailers);
            this.#finish(chunks.position === length);
            return;
          }
          this.#fail(reasons.upstreamInvalid, false, "chunk");
          return;
        }
        break;
      }
      default: // until the upstream closes
        if (length > at) wanted = exchange.onAnswerBody(buffer, at, length);
        if (this.#state !== BUSY) return;
    }
    // Asked even if it wants no more already: what was gathered has to leave.
    const flushed = exchange.onAnswerFlush();
    if (this.#state !== BUSY) return;
    const { wheel } = this.endpoint.deps;
    wheel.set(this.#deadline, this.#limit(wheel.nowMs + this.endpoint.settings.idleTimeoutMs));
    if (!wanted || !flushed) this.pause();
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
    if (this.#side !== undefined) {
      this.endpoint.deps.wheel.pause(this.#deadline);
      this.#guard(this.#side, (side) => side.onDrain());
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

  /** Events of a tunnel come from Node, not from the reader: a bug in them is caught here. */
  #guard(side: TunnelSide, tell: (side: TunnelSide) => void): void {
    try {
      tell(side);
    } catch (cause) {
      this.onDefect(cause);
    }
  }

  #onEnd(): void {
    this.#endSeen = true;
    if (this.#side !== undefined) {
      this.#guard(this.#side, (side) => side.onEnd());
      return;
    }
    this.#headNow = false;
    // Behind a reset nobody knows whether it was all.
    const endsAnswer = this.#headDone && this.#bodyKind === RESPONSE_CLOSE && this.#sendFault === "";
    if (this.#state === BUSY && endsAnswer) this.#finish(true);
    else if (this.#state === BUSY) this.#fail(reasons.upstreamReset, false, this.#sendFault || "closed");
    // Inside a TLS handshake: an exchange waits for it.
    else if (this.#state === CONNECTING) this.#onClose();
    else this.close();
  }

  #onError(error: NodeJS.ErrnoException): void {
    const code = error.code ?? "error";
    if (this.#side !== undefined) {
      this.#loseTunnel(reasons.upstreamReset, code);
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
    if (this.#side !== undefined) {
      this.#loseTunnel(reasons.upstreamReset, "closed");
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
    const stale = this.served > 0 && !this.#headDone && reason === reasons.upstreamReset;
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

/** What is read of an answer that nobody wants, and for how long: a new connection costs more than a short page. */
const DISCARDED_BYTES_MAX = 65_536;
const DISCARDED_MS = 1_000;

class Discarding implements AnswerTail {
  readonly untilMs: number;
  readonly #connection: UpstreamConnection;
  #bytes = 0;

  constructor(connection: UpstreamConnection, untilMs: number) {
    this.#connection = connection;
    this.untilMs = untilMs;
  }

  onAnswerBody(_bytes: Buffer, start: number, end: number): boolean {
    this.#bytes += end - start;
    if (this.#bytes > DISCARDED_BYTES_MAX) this.#connection.close();
    return true;
  }

  onAnswerFlush(): boolean {
    return true;
  }

  onAnswerTrailers(): void {}

  onAnswerEnd(): void {}
}

const CRLF = Buffer.from("\r\n", "latin1");
const WANTS_TRAILERS = "TE: trailers\r\nConnection: TE\r\n\r\n";
const LAST_CHUNK = Buffer.from("0\r\n\r\n", "latin1");
