import type { Socket } from "node:net";
import type { ConnectionLogPiece } from "../http/downstream.ts";
import { type FieldSink, HpackDecoder } from "../http/hpack-decoder.ts";
import {
  ACK,
  CONTINUATION,
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_BYTES_MAX,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  NO_ERROR,
  PADDED,
  PING,
  PRIORITY,
  PRIORITY_GIVEN,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  readUint32,
  SETTINGS,
  SETTINGS_TIMEOUT,
  STREAM_CLOSED,
  STREAM_ID_MAX,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
} from "../http/http2-frame.ts";
import { Http2TrailerReader } from "../http/http2-trailers.ts";
import { ForwardedMemo } from "../http/print-request.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import type { State } from "../state.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import type { Http2Desk } from "./http2-desk.ts";
import {
  type Flood,
  FloodGuard,
  IDLE_FRAME,
  PING_FRAME,
  RESET_FRAME,
  SETTINGS_FRAME,
} from "./http2-guard.ts";
import { Http2HeadBlock } from "./http2-head-block.ts";
import { type FrameSink, Http2Input } from "./http2-input.ts";
import {
  blockBytesMax,
  CONNECTION_WINDOW_BYTES,
  openingFrames,
  SETTINGS_BYTES_MAX,
  STREAMS_MAX,
  takesWebSockets,
} from "./http2-limits.ts";
import { Http2Output } from "./http2-output.ts";
import { RecentResets } from "./http2-resets.ts";
import { applySettings } from "./http2-settings.ts";
import { Http2Stream, type StreamOwner } from "./http2-stream.ts";

const OPEN = 0;
/** GOAWAY without a last stream: the client opens no new ones when it reads that (RFC 9113 §6.8). */
const NOTIFIED = 1;
/** GOAWAY with the last stream that is served: what is open goes on, what comes behind it is not looked at. */
const LEAVING = 2;
/** All was said: nothing more is read or sent, and the socket goes when the client closes, or at the deadline. */
const CLOSED = 3;

/** For the notice to arrive: until its PING is answered, at most this long. */
const NOTICE_MS = 1000;
/** For a GOAWAY to arrive; then the socket goes, whoever reads it or not (reliability.md N15). */
const FAREWELL_MS = 800;
/** Frames of DATA below this are hardly any: each costs what 16 KiB cost. A gRPC message has 5 bytes without content. */
const TINY_BYTES = 8;
/** Of answers that the client does not read; then nothing more is read from it. DATA waits long before. */
const OUTPUT_BYTES_MAX = 262_144;

/** One client connection speaking HTTP/2, over TLS or by prior knowledge. Its streams are exchanges of their own. */
export class Http2Connection implements ClientConnection, StreamOwner, FrameSink {
  readonly peer: PeerFacts;
  readonly peerText: string;
  readonly secure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly listener: "http" | "https";
  logPiece: ConnectionLogPiece | undefined = undefined;
  readonly forwardedMemo = new ForwardedMemo();
  readonly guard: FloodGuard;
  readonly output: Http2Output;
  readonly takesWebSockets: boolean;
  readonly #input = new Http2Input(this);
  readonly #decoder = new HpackDecoder();
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #desk: Http2Desk;
  readonly #state: State;
  readonly #deadline = new Deadline(this);
  readonly #streams = new Map<number, Http2Stream>();
  /** Streams whose head came in the read under way: a reset behind it comes before the request goes anywhere. */
  #unserved: Http2Stream[] = [];
  readonly #resets = new RecentResets();
  readonly #ageAtMs: number;
  #phase = OPEN;
  #idleSinceMs: number;
  #isForgotten = false;
  #isPaused = false;
  #settingsAcknowledged = false;
  /** Of answers, when the connection was last looked at on its way out. */
  #unsentBytes = 0;
  /** Streams opened by the client so far. */
  #served = 0;
  #lastStream = 0;

  /** The head that is being put together. */
  readonly #block = new Http2HeadBlock();

  /** DATA under way: its stream, undefined = thrown away. */
  #dataStream: Http2Stream | undefined = undefined;
  #dataIsTiny = false;
  /** What the client may send on all streams together, and what was taken since it was told. */
  #window = CONNECTION_WINDOW_BYTES;
  #taken = 0;

  constructor(
    socket: Socket,
    peer: PeerFacts,
    tls: TlsFacts | undefined,
    owner: ConnectionOwner,
    desk: Http2Desk,
    state: State,
  ) {
    this.#socket = socket;
    this.peer = peer;
    this.peerText = peer.text;
    this.secure = tls !== undefined;
    this.tls = tls;
    this.listener = owner.name;
    this.#owner = owner;
    this.#desk = desk;
    this.#state = state;
    const { wheel, snapshot } = state;
    this.#idleSinceMs = wheel.nowMs;
    this.guard = new FloodGuard(wheel.nowMs);
    this.output = new Http2Output(socket, this.secure, desk);
    this.takesWebSockets = takesWebSockets(snapshot);
    // Connections of one moment do not all come back in one moment.
    const { ageMaxMs } = snapshot.connection;
    this.#ageAtMs = wheel.nowMs + ageMaxMs - Math.random() * AGE_JITTER * ageMaxMs;
    socket.on("error", () => this.#onGone());
    socket.on("close", () => this.#onGone());
    // A client that closes its side has no streams that could still be answered.
    socket.on("end", () => this.#onGone());
    socket.on("drain", () => this.#onDrain());
    this.output.frames(openingFrames(snapshot));
    wheel.set(this.#deadline, wheel.nowMs + snapshot.connection.headTimeoutMs);
    state.reader.attach(socket, this);
  }

  get idle(): boolean {
    return this.#phase < LEAVING && this.#streams.size === 0;
  }

  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  close(reason: Reason): void {
    this.#end(reason, NO_ERROR);
  }

  drain(): void {
    this.#leave();
  }

  get lasting(): boolean {
    for (const stream of this.#streams.values()) if (stream.lasting) return true;
    return false;
  }

  endCalls(): boolean {
    let some = false;
    for (const stream of [...this.#streams.values()]) some = stream.endCall(reasons.drainDeadline) || some;
    return some;
  }

  endStreams(): void {
    for (const stream of [...this.#streams.values()]) stream.endStream();
  }

  // --- input

  onRead(buffer: Buffer, length: number): void {
    this.#input.read(buffer, length);
    this.#serveAll();
    if (this.output.queuedBytes <= OUTPUT_BYTES_MAX || this.#isPaused || this.#phase === CLOSED) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** A bug: what it broke is this connection. Streams guard themselves. */
  onDefect(cause: unknown): void {
    this.#state.onDefect(cause);
    this.#end(reasons.defect, NO_ERROR);
  }

  #onDrain(): void {
    try {
      this.output.onDrain();
    } catch (cause) {
      this.onDefect(cause);
    }
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  get takesFrames(): boolean {
    return this.#phase !== CLOSED;
  }

  onFrameFault(code: number): void {
    if (this.#phase === CLOSED) return;
    this.#state.counters.rejects[reasons.http2Protocol.index]!++;
    this.#end(reasons.clientGone, code);
  }

  onFrame(type: number, flags: number, stream: number, source: Buffer, start: number, end: number): void {
    const headStream = this.#block.stream;
    if (headStream !== 0 && (type !== CONTINUATION || stream !== headStream)) {
      // RFC 9113 §6.10: nothing comes between the pieces of a head.
      this.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    switch (type) {
      case HEADERS:
        this.#onHeaders(flags, stream, source, start, end);
        return;
      case CONTINUATION:
        if (headStream === 0) this.onFrameFault(PROTOCOL_ERROR);
        else this.#addToHead(flags, source, start, end);
        return;
      case RST_STREAM:
        this.#onReset(stream, end - start);
        return;
      case SETTINGS:
        this.#onSettings(flags, stream, source, start, end);
        return;
      case PING:
        this.#onPing(flags, stream, source, start, end);
        return;
      case WINDOW_UPDATE:
        this.#onWindowUpdate(stream, source, start, end);
        return;
      case PRIORITY:
        // Deprecated (RFC 9113 §5.3.2): read for its form only.
        if (stream === 0) this.onFrameFault(PROTOCOL_ERROR);
        else if (end - start !== 5) this.onFrameFault(FRAME_SIZE_ERROR);
        else this.#count(IDLE_FRAME);
        return;
      case PUSH_PROMISE:
        this.onFrameFault(PROTOCOL_ERROR);
        return;
      case GOAWAY:
        if (stream !== 0) this.onFrameFault(PROTOCOL_ERROR);
        else if (end - start < 8) this.onFrameFault(FRAME_SIZE_ERROR);
        else if (this.#count(IDLE_FRAME)) this.#leave();
        return;
      default:
        this.#count(IDLE_FRAME);
    }
  }

  /** Counts a frame that carries nothing of a message. False: it is one too many. */
  #count(kind: number): boolean {
    const { guard } = this;
    const { wheel, counters, snapshot } = this.#state;
    const flood = guard.count(kind, wheel.nowMs, snapshot.connection.controlFramesPerSec);
    if (guard.framesPeak > counters.http2FramesPeak) counters.http2FramesPeak = guard.framesPeak;
    if (flood === undefined) return true;
    this.#onFlood(flood);
    return false;
  }

  /** A message that was refused for its form: a client that goes on with that has a purpose of its own. */
  countRejected(): void {
    const flood = this.guard.countRejected();
    if (flood !== undefined) this.#onFlood(flood);
  }

  countReset(): void {
    this.#count(RESET_FRAME);
  }

  #onFlood(flood: Flood): void {
    if (this.#phase === CLOSED) return;
    const { counters } = this.#state;
    counters.http2Floods[flood]++;
    counters.rejects[reasons.http2Flood.index]!++;
    this.#end(reasons.http2Flood, ENHANCE_YOUR_CALM);
  }

  // --- heads

  #onHeaders(flags: number, stream: number, source: Buffer, start: number, end: number): void {
    let padding = 0;
    if ((flags & PADDED) !== 0) padding = start < end ? source[start++]! : FRAME_BYTES_MAX;
    if ((flags & PRIORITY_GIVEN) !== 0) start += 5;
    end -= padding;
    // Streams of clients are odd (RFC 9113 §5.1.1).
    if (start > end || (stream & 1) === 0) {
      this.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    if ((flags & END_HEADERS) !== 0) {
      this.#onBlock(flags, stream, source, start, end);
      return;
    }
    this.#block.begin(stream, flags);
    this.#addToHead(0, source, start, end);
  }

  #addToHead(flags: number, source: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (!block.add(source, start, end, blockBytesMax(this.#state.snapshot))) {
      this.#onUnreadableHead();
    } else if ((flags & END_HEADERS) !== 0) {
      const { stream } = block;
      const bytes = block.take();
      this.#onBlock(block.flags, stream, bytes, 0, bytes.length);
    }
  }

  /** It is too large, and cannot be left unread: later heads refer to what it brings. */
  #onUnreadableHead(): void {
    this.#state.counters.rejects[reasons.http2Head.index]!++;
    this.#onFlood("rejected_heads");
  }

  #onBlock(flags: number, id: number, source: Buffer, start: number, end: number): void {
    const isOver = (flags & END_STREAM) !== 0;
    const open = this.#streams.get(id);
    if (open !== undefined) {
      this.#onTrailers(open, isOver, source, start, end);
      return;
    }
    if (id <= this.#lastStream) {
      // Trailers of a stream that we reset may have been on their way. All else was closed, or skipped.
      if (this.#resets.has(id)) this.#ignoreHead(source, start, end);
      else this.onFrameFault(id === this.#lastStream ? STREAM_CLOSED : PROTOCOL_ERROR);
      return;
    }
    if (this.#phase >= LEAVING) {
      this.#ignoreHead(source, start, end);
      return;
    }
    this.#lastStream = id;
    if (this.#streams.size >= STREAMS_MAX) {
      this.#ignoreHead(source, start, end);
      this.resetStream(id, REFUSED_STREAM, !isOver);
      this.countRejected();
      return;
    }
    this.#open(id, isOver, source, start, end);
  }

  #open(id: number, isOver: boolean, source: Buffer, start: number, end: number): void {
    const { requests, snapshot } = this.#state;
    const request = requests.take();
    request.secure = this.secure;
    const { headReader } = this.#desk;
    headReader.begin(request, snapshot.head);
    const isDecoded = this.#decode(source, start, end, headReader);
    headReader.end(isOver, this.takesWebSockets);
    if (!isDecoded) {
      requests.give(request);
      return;
    }
    const stream = new Http2Stream(this, id, request, isOver, this.#desk, this.#state);
    this.#streams.set(id, stream);
    this.#unserved.push(stream);
    this.#served++;
  }

  #onTrailers(stream: Http2Stream, isOver: boolean, source: Buffer, start: number, end: number): void {
    if (stream.input.isOver) {
      this.onFrameFault(STREAM_CLOSED);
      return;
    }
    const reader = new Http2TrailerReader();
    if (!this.#decode(source, start, end, reader)) return;
    this.#serveOne(stream);
    if (this.#streams.get(stream.id) !== stream) return;
    if (!isOver || reader.isMalformed) stream.refuseTrailers(reasons.http2Head);
    else if (reader.isTooLarge) stream.refuseTrailers(reasons.trailerBytes);
    else stream.onInputEnd(reader.trailers);
  }

  #decode(source: Buffer, start: number, end: number, sink: FieldSink): boolean {
    const bytesMax = blockBytesMax(this.#state.snapshot);
    const code = this.#decoder.decode(source, start, end, sink, this.#desk.scratch, bytesMax);
    if (code === NO_ERROR) return true;
    if (code === ENHANCE_YOUR_CALM) this.#onUnreadableHead();
    else this.onFrameFault(code);
    return false;
  }

  /** The table learns what is in a head that nobody wants. */
  #ignoreHead(source: Buffer, start: number, end: number): void {
    if (this.#decode(source, start, end, ignoreFields)) this.#count(IDLE_FRAME);
  }

  #serveAll(): void {
    if (this.#unserved.length === 0) return;
    const unserved = this.#unserved;
    this.#unserved = [];
    for (const stream of unserved) stream.serve();
    const { draining, pressure, snapshot } = this.#state;
    if (this.#served >= snapshot.connection.keepaliveRequests || draining || pressure.level > 0)
      this.#leave();
  }

  /** Its body came in the same read. */
  #serveOne(stream: Http2Stream): void {
    const at = this.#unserved.indexOf(stream);
    if (at < 0) return;
    this.#unserved.splice(at, 1);
    stream.serve();
  }

  // --- bodies

  onDataHead(id: number, length: number, padding: number): void {
    this.#dataStream = undefined;
    if (this.#block.stream !== 0 || id === 0) {
      this.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    this.#window -= length;
    if (this.#window < 0) {
      this.onFrameFault(FLOW_CONTROL_ERROR);
      return;
    }
    this.#dataIsTiny = length - padding < TINY_BYTES;
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#isIdle(id)) this.onFrameFault(PROTOCOL_ERROR);
      else if (id <= this.#lastStream && !this.#resets.has(id)) this.onFrameFault(STREAM_CLOSED);
      else if (this.#count(IDLE_FRAME)) this.takeBody(length);
      return;
    }
    if (stream.input.isOver) {
      this.onFrameFault(STREAM_CLOSED);
      return;
    }
    if (!stream.input.begin(length, padding)) {
      this.onFrameFault(FLOW_CONTROL_ERROR);
      return;
    }
    // Head and body of one read leave in one write: a second costs the upstream, too.
    if (!stream.mayWait(length - padding)) this.#serveOne(stream);
    // Serving it may have ended it, which gave the window back.
    if (this.#streams.get(id) === stream) this.#dataStream = stream;
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#dataStream?.onData(bytes, start, end);
  }

  onDataEnd(flags: number): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    if ((flags & END_STREAM) !== 0) stream?.onInputEnd(undefined);
    else if (this.#dataIsTiny) this.#count(IDLE_FRAME);
  }

  /** `bytes` of bodies, with their padding, are taken: the client may send as many again. */
  takeBody(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < CONNECTION_WINDOW_BYTES / 2) return;
    this.output.openWindow(0, this.#taken);
    this.#window += this.#taken;
    this.#taken = 0;
  }

  // --- other frames

  #onReset(id: number, length: number): void {
    if (length !== 4) {
      this.onFrameFault(FRAME_SIZE_ERROR);
      return;
    }
    if (this.#isIdle(id) || id === 0) {
      this.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    const stream = this.#streams.get(id);
    if (!this.#count(RESET_FRAME) || stream === undefined) return;
    const at = this.#unserved.indexOf(stream);
    if (at >= 0) this.#unserved.splice(at, 1);
    stream.onGone();
  }

  #onSettings(flags: number, stream: number, source: Buffer, start: number, end: number): void {
    if (stream !== 0) {
      this.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    if ((flags & ACK) !== 0) {
      if (end !== start) this.onFrameFault(FRAME_SIZE_ERROR);
      else if (this.#settingsAcknowledged) this.#count(SETTINGS_FRAME);
      this.#settingsAcknowledged = true;
      return;
    }
    if ((end - start) % 6 !== 0) {
      this.onFrameFault(FRAME_SIZE_ERROR);
      return;
    }
    if (end - start > SETTINGS_BYTES_MAX) {
      this.#onFlood("settings");
      return;
    }
    if (!this.#count(SETTINGS_FRAME)) return;
    const code = applySettings(source, start, end, this.output, this.#streams);
    if (code !== NO_ERROR) {
      this.onFrameFault(code);
      return;
    }
    this.output.empty(SETTINGS, ACK, 0);
  }

  #onPing(flags: number, stream: number, source: Buffer, start: number, end: number): void {
    if (stream !== 0) {
      this.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    if (end - start !== 8) {
      this.onFrameFault(FRAME_SIZE_ERROR);
      return;
    }
    if (!this.#count(PING_FRAME)) return;
    if ((flags & ACK) === 0)
      this.output.small(PING, ACK, 0, readUint32(source, start), readUint32(source, start + 4));
    else if (this.#phase === NOTIFIED) this.#sayLast();
  }

  #onWindowUpdate(id: number, source: Buffer, start: number, end: number): void {
    if (end - start !== 4) {
      this.onFrameFault(FRAME_SIZE_ERROR);
      return;
    }
    const bytes = readUint32(source, start) & WINDOW_BYTES_MAX;
    if (bytes === 0 || this.#isIdle(id)) {
      this.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    if (!this.#count(IDLE_FRAME)) return;
    const stream = id === 0 ? undefined : this.#streams.get(id);
    if (id !== 0 && stream === undefined) return;
    const isWithin =
      stream === undefined ? this.output.widen(bytes) : this.output.widenStream(stream.output, bytes);
    if (!isWithin) this.onFrameFault(FLOW_CONTROL_ERROR);
  }

  // --- streams

  /** The client never opened it. On its way out, the connection no longer looks which it opens. */
  #isIdle(id: number): boolean {
    return id > this.#lastStream && this.#phase < LEAVING;
  }

  /** `isOpen`: the client has not ended it, and may be sending. */
  resetStream(id: number, code: number, isOpen: boolean): void {
    this.output.reset(id, code);
    if (isOpen) this.#resets.add(id);
  }

  forgetStream(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    if (this.#streams.size > 0) return;
    this.#idleSinceMs = this.#state.wheel.nowMs;
    if (this.#phase === LEAVING) this.#sayFarewell();
  }

  // --- the end

  /** Nothing new on this connection; what has begun is finished. */
  #leave(): void {
    if (this.#phase !== OPEN) return;
    this.#phase = NOTIFIED;
    this.output.small(GOAWAY, 0, 0, STREAM_ID_MAX, NO_ERROR);
    this.output.small(PING, 0, 0, 0, 0);
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + NOTICE_MS);
  }

  /** Requests that were under way when the client read the notice are here by now. */
  #sayLast(): void {
    this.#phase = LEAVING;
    // Streams have deadlines of their own.
    this.#state.wheel.pause(this.#deadline);
    this.output.small(GOAWAY, 0, 0, this.#lastStream, NO_ERROR);
    if (this.#streams.size === 0) this.#sayFarewell();
  }

  /** Nothing is left to do but to send what waits. */
  #sayFarewell(): void {
    this.#phase = CLOSED;
    this.#shut();
    this.#unsentBytes = this.output.queuedBytes;
    if (this.#unsentBytes > 0) this.#awaitSending();
  }

  /** No time for it but that of the slowest client: what it has not read may be the end of an answer. */
  #awaitSending(): void {
    const { wheel, snapshot } = this.#state;
    wheel.set(this.#deadline, wheel.nowMs + snapshot.connection.writeTimeoutMs);
  }

  /** The client closes when it has read all. What it sends meanwhile is read, and thrown away: else TCP would reset. */
  #shut(): void {
    this.output.flush();
    this.output.close();
    this.#socket.end();
    if (this.#isPaused) this.#socket.resume();
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + FAREWELL_MS);
  }

  #end(reason: Reason, code: number): void {
    if (this.#phase === CLOSED) return;
    this.#phase = CLOSED;
    this.output.small(GOAWAY, 0, 0, this.#lastStream, code);
    this.#shut();
    this.#unserved = [];
    for (const stream of [...this.#streams.values()]) stream.close(reason);
  }

  #onGone(): void {
    if (this.#isForgotten) return;
    this.#isForgotten = true;
    this.#phase = CLOSED;
    this.output.close();
    this.#unserved = [];
    for (const stream of [...this.#streams.values()]) stream.close(reasons.clientGone);
    this.#state.wheel.clear(this.#deadline);
    this.#socket.destroy();
    this.#owner.forget(this);
  }

  /** Called by the timer wheel. */
  expire(nowMs: number): void {
    const { wheel, snapshot, counters } = this.#state;
    const limits = snapshot.connection;
    if (this.#phase === CLOSED) {
      const unsent = this.output.queuedBytes;
      const isSending = unsent > 0 && unsent < this.#unsentBytes;
      this.#unsentBytes = unsent;
      if (isSending) this.#awaitSending();
      else this.#onGone();
    } else if (this.#phase === NOTIFIED) {
      this.#sayLast();
    } else if (!this.#settingsAcknowledged && this.#served > 0) {
      // Whoever never acknowledges our limits never has to keep them (RFC 9113 §6.5.3).
      counters.rejects[reasons.http2Protocol.index]!++;
      this.#end(reasons.clientGone, SETTINGS_TIMEOUT);
    } else if (this.#served === 0) {
      counters.rejects[reasons.headTimeout.index]!++;
      this.#end(reasons.headTimeout, NO_ERROR);
    } else if (nowMs >= this.#ageAtMs) {
      this.#leave();
    } else if (this.#streams.size > 0) {
      wheel.set(this.#deadline, Math.min(nowMs + limits.keepaliveTimeoutMs, this.#ageAtMs));
    } else {
      const idleAtMs = this.#idleSinceMs + limits.keepaliveTimeoutMs;
      if (nowMs >= idleAtMs) this.#leave();
      else wheel.set(this.#deadline, Math.min(idleAtMs, this.#ageAtMs));
    }
  }
}

/** Part of the greatest age by which connections differ. */
const AGE_JITTER = 0.1;
const ignoreFields: FieldSink = { onField() {} };
