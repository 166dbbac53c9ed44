import type { Socket } from "node:net";
import type { ConnectionLogPiece } from "../http/downstream.ts";
import {
  ENHANCE_YOUR_CALM,
  GOAWAY,
  NO_ERROR,
  PING,
  SETTINGS_TIMEOUT,
  STREAM_ID_MAX,
} from "../http/http2-frame.ts";
import { ForwardedMemo } from "../http/print-request.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import type { State } from "../state.ts";
import { forgetListeners } from "../std/gone-socket.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { Http2Bodies } from "./http2-bodies.ts";
import type { Http2Desk } from "./http2-desk.ts";
import { type FramesOwner, Http2Frames } from "./http2-frames.ts";
import { type Flood, FloodGuard, RESET_FRAME } from "./http2-guard.ts";
import { type HeadsOwner, Http2Heads } from "./http2-heads.ts";
import { Http2Input } from "./http2-input.ts";
import { openingFrames, takesWebSockets } from "./http2-limits.ts";
import { Http2Output } from "./http2-output.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { Http2Streams } from "./http2-streams.ts";

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
/** Of answers that the client does not read; then nothing more is read from it. DATA waits long before. */
const OUTPUT_BYTES_MAX = 262_144;

/**
 * The life of one client connection that speaks HTTP/2, over TLS or by prior knowledge. Its streams are exchanges of their
 * own; what its frames mean is in http2-frames.ts, http2-heads.ts and http2-bodies.ts.
 */
export class Http2Connection implements ClientConnection, HeadsOwner, FramesOwner {
  before: ClientConnection | undefined = undefined;
  behind: ClientConnection | undefined = undefined;
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
  readonly #streams = new Http2Streams();
  readonly #bodies: Http2Bodies;
  readonly #frames: Http2Frames;
  readonly #input: Http2Input;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #state: State;
  readonly #deadline = new Deadline(this);
  readonly #ageAtMs: number;
  #phase = OPEN;
  #idleSinceMs: number;
  #isForgotten = false;
  #isPaused = false;
  /** Of answers, when the connection was last looked at on its way out. */
  #unsentBytes = 0;

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
    this.#state = state;
    const { wheel, snapshot } = state;
    this.#idleSinceMs = wheel.nowMs;
    this.guard = new FloodGuard(wheel.nowMs);
    this.output = new Http2Output(socket, this.secure, desk);
    this.takesWebSockets = takesWebSockets(snapshot);
    this.#bodies = new Http2Bodies(this, this.#streams);
    const heads = new Http2Heads(this, this.#streams, desk, state);
    this.#frames = new Http2Frames(this, this.#streams, heads, this.#bodies);
    this.#input = new Http2Input(this.#frames);
    // Connections of one moment do not all come back in one moment.
    const { ageMaxMs } = snapshot.connection;
    this.#ageAtMs = wheel.nowMs + ageMaxMs - Math.random() * AGE_JITTER * ageMaxMs;
    socket.on("error", () => this.#onGone());
    socket.on("close", () => {
      this.#onGone();
      forgetListeners(socket);
    });
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
    this.leave();
  }

  get lasting(): boolean {
    return this.#streams.lasting;
  }

  endCalls(): boolean {
    return this.#streams.endCalls(reasons.drainDeadline);
  }

  endStreams(): void {
    this.#streams.endLasting();
  }

  // --- input

  onRead(buffer: Buffer, length: number): void {
    this.#input.read(buffer, length);
    if (this.#streams.serveAll()) this.#checkUse();
    if (this.output.queuedBytes <= OUTPUT_BYTES_MAX || this.#isPaused || this.#phase === CLOSED) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** Clients that were served often, or whom we cannot serve for long, are asked to come again. */
  #checkUse(): void {
    const { draining, pressure, snapshot } = this.#state;
    if (this.#streams.opened >= snapshot.connection.keepaliveRequests || draining || pressure.level > 0)
      this.leave();
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

  count(kind: number): boolean {
    const { guard } = this;
    const { wheel, counters, snapshot } = this.#state;
    const flood = guard.count(kind, wheel.nowMs, snapshot.connection.controlFramesPerSec);
    if (guard.framesPeak > counters.http2FramesPeak) counters.http2FramesPeak = guard.framesPeak;
    if (flood === undefined) return true;
    this.onFlood(flood);
    return false;
  }

  /** A message was refused for its form: a client that goes on with that has a purpose of its own. */
  countRejected(): void {
    const flood = this.guard.countRejected();
    if (flood !== undefined) this.onFlood(flood);
  }

  countReset(): void {
    this.count(RESET_FRAME);
  }

  onFlood(flood: Flood): void {
    if (this.#phase === CLOSED) return;
    const { counters } = this.#state;
    counters.http2Floods[flood]++;
    counters.rejects[reasons.http2Flood.index]!++;
    this.#end(reasons.http2Flood, ENHANCE_YOUR_CALM);
  }

  // --- streams

  get isLeaving(): boolean {
    return this.#phase >= LEAVING;
  }

  /** On its way out, the connection no longer looks which streams are opened. */
  isIdle(id: number): boolean {
    return id > this.#streams.lastId && this.#phase < LEAVING;
  }

  takeBody(bytes: number): void {
    this.#bodies.giveBack(bytes);
  }

  /** `isOpen`: the client has not ended it, and may be sending. */
  resetStream(id: number, code: number, isOpen: boolean): void {
    this.output.reset(id, code);
    if (isOpen) this.#streams.noteReset(id);
  }

  forgetStream(stream: Http2Stream): void {
    this.#streams.forget(stream);
    if (this.#streams.size > 0) return;
    this.#idleSinceMs = this.#state.wheel.nowMs;
    if (this.#phase === LEAVING) this.#sayFarewell();
  }

  // --- the end

  /** Nothing new on this connection; what has begun is finished. */
  leave(): void {
    if (this.#phase !== OPEN) return;
    this.#phase = NOTIFIED;
    this.output.small(GOAWAY, 0, 0, STREAM_ID_MAX, NO_ERROR);
    this.output.small(PING, 0, 0, 0, 0);
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + NOTICE_MS);
  }

  onPong(): void {
    if (this.#phase === NOTIFIED) this.#sayLast();
  }

  /** Requests that were under way when the client read the notice are here by now. */
  #sayLast(): void {
    this.#phase = LEAVING;
    // Streams have deadlines of their own.
    this.#state.wheel.pause(this.#deadline);
    this.output.small(GOAWAY, 0, 0, this.#streams.lastId, NO_ERROR);
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
    this.output.small(GOAWAY, 0, 0, this.#streams.lastId, code);
    this.#shut();
    this.#streams.closeAll(reason);
  }

  #onGone(): void {
    if (this.#isForgotten) return;
    this.#isForgotten = true;
    this.#phase = CLOSED;
    this.output.close();
    this.#streams.closeAll(reasons.clientGone);
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
    } else if (!this.#frames.isAcknowledged && this.#streams.opened > 0) {
      // Whoever never acknowledges our limits never has to keep them (RFC 9113 §6.5.3).
      counters.rejects[reasons.http2Protocol.index]!++;
      this.#end(reasons.clientGone, SETTINGS_TIMEOUT);
    } else if (this.#streams.opened === 0) {
      counters.rejects[reasons.headTimeout.index]!++;
      this.#end(reasons.headTimeout, NO_ERROR);
    } else if (nowMs >= this.#ageAtMs) {
      this.leave();
    } else if (this.#streams.size > 0) {
      wheel.set(this.#deadline, Math.min(nowMs + limits.keepaliveTimeoutMs, this.#ageAtMs));
    } else {
      const idleAtMs = this.#idleSinceMs + limits.keepaliveTimeoutMs;
      if (nowMs >= idleAtMs) this.leave();
      else wheel.set(this.#deadline, Math.min(idleAtMs, this.#ageAtMs));
    }
  }
}

/** Part of the greatest age by which connections differ. */
const AGE_JITTER = 0.1;
