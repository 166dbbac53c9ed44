import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { ForwardedMemo } from "../http/print-request.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import type { PeerFacts } from "../identity/client-address.ts";
import { type Reason, reasons } from "../reason.ts";
import type { State } from "../state.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import type { Http2Desk } from "./http2-desk.ts";
import { FloodGuard, type SessionFigures } from "./http2-guard.ts";
import { CONNECTION_WINDOW_BYTES, http2Options } from "./http2-options.ts";
import { Http2Stream, type StreamOwner } from "./http2-stream.ts";

const { NGHTTP2_NO_ERROR, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_CANCEL, NGHTTP2_SETTINGS_TIMEOUT } = constants;

const OPEN = 0;
/**
 * GOAWAY with the last stream: what is open goes on. What the client sent before it read that was not looked at, and
 * it knows so (RFC 9113 §6.8). A notice without a last stream before it would be kinder, but nghttp2 ignores all new
 * streams from the first GOAWAY on, and the client would believe that they were served.
 */
const LEAVING = 1;
/** GOAWAY with an error, or the end: the socket goes at once or at the deadline. */
const CLOSED = 2;

/** For a GOAWAY to arrive; then the socket goes, whoever reads it or not (reliability.md N15). */
const FAREWELL_MS = 800;
const END_STREAM = 1;

/** One client connection speaking HTTP/2, over TLS or by prior knowledge. Its streams are exchanges of their own. */
export class Http2Connection implements ClientConnection, StreamOwner {
  readonly peer: PeerFacts;
  readonly peerText: string;
  readonly secure: boolean;
  readonly tls: TlsFacts | undefined;
  readonly listener: "http" | "https";
  logPiece: Uint8Array | undefined = undefined;
  readonly forwardedMemo = new ForwardedMemo();
  readonly guard: FloodGuard;
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #owner: ConnectionOwner;
  readonly #desk: Http2Desk;
  readonly #state: State;
  readonly #deadline = new Deadline(this);
  readonly #streams = new Set<Http2Stream>();
  readonly #ageAtMs: number;
  #phase = OPEN;
  #idleSinceMs: number;
  #bytesSeen = 0;
  #forgotten = false;

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
    // Connections of one moment do not all come back in one moment.
    const { ageMaxMs } = snapshot.connection;
    this.#ageAtMs = wheel.nowMs + ageMaxMs - Math.random() * AGE_JITTER * ageMaxMs;
    // A client that closes its side has no streams that could still be answered.
    socket.allowHalfOpen = false;
    // Node ends the socket with the session's error before it tells the session.
    socket.on("error", (error) => this.#onError(error));
    socket.on("close", () => this.#onGone());
    const session = performServerHandshake(socket, http2Options(snapshot));
    this.#session = session;
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.on("error", (error) => this.#onError(error));
    session.on("close", () => this.#onGone());
    session.on("ping", () => {
      this.guard.pings++;
    });
    session.on("remoteSettings", () => {
      this.guard.settings++;
    });
    session.on("stream", (stream: ServerHttp2Stream, _headers, flags, raw?: readonly string[]) => {
      this.#onStream(stream, flags, raw ?? []);
    });
    wheel.set(this.#deadline, wheel.nowMs + snapshot.connection.headTimeoutMs);
  }

  get idle(): boolean {
    return this.#phase < LEAVING && this.#streams.size === 0;
  }

  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  close(reason: Reason): void {
    this.#end(reason, NGHTTP2_NO_ERROR);
  }

  drain(): void {
    this.#leave();
  }

  get lasting(): boolean {
    for (const stream of this.#streams) if (stream.lasting) return true;
    return false;
  }

  endCalls(): boolean {
    let some = false;
    for (const stream of [...this.#streams]) some = stream.endCall(reasons.drainDeadline) || some;
    return some;
  }

  endStreams(): void {
    for (const stream of [...this.#streams]) stream.endStream();
  }

  /** Called by the listener's guard several times a second. */
  checkFlood(nowMs: number): void {
    if (this.#phase === CLOSED) return;
    const bytesRead = this.#socket.bytesRead;
    // Most connections are silent most of the time: nothing came, nothing to look at.
    if (bytesRead === this.#bytesSeen) return;
    this.#bytesSeen = bytesRead;
    const figures: SessionFigures = {
      bytesRead,
      streamsSeen: ((this.#session.state.lastProcStreamID ?? 0) + 1) >> 1,
    };
    const rejectedBefore = this.guard.rejected;
    const { counters, snapshot } = this.#state;
    const flood = this.guard.check(figures, nowMs, snapshot.connection.controlFramesPerSec);
    counters.rejects[reasons.http2Head.index]! += this.guard.rejected - rejectedBefore;
    if (this.guard.framesPeak > counters.http2FramesPeak) counters.http2FramesPeak = this.guard.framesPeak;
    if (flood === undefined) return;
    counters.http2Floods[flood]++;
    counters.rejects[reasons.http2Flood.index]!++;
    this.#end(reasons.http2Flood, NGHTTP2_ENHANCE_YOUR_CALM);
  }

  forgetStream(stream: Http2Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#idleSinceMs = this.#state.wheel.nowMs;
    if (this.#phase === LEAVING) this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + FAREWELL_MS);
  }

  #onStream(stream: ServerHttp2Stream, flags: number, fields: readonly string[]): void {
    if (stream.destroyed || stream.closed || this.#phase === CLOSED) {
      // Reset in the same read as it was opened.
      this.guard.countHead(sizeOf(fields), false);
      stream.on("error", ignoreError);
      if (this.#phase === CLOSED) stream.close(NGHTTP2_CANCEL);
      return;
    }
    const served = new Http2Stream(this, stream, this.#desk, this.#state);
    this.#streams.add(served);
    try {
      served.serve(fields, (flags & END_STREAM) !== 0);
    } catch (cause) {
      served.onDefect(cause);
    }
    const { keepaliveRequests } = this.#state.snapshot.connection;
    const { draining, pressure } = this.#state;
    if (this.guard.streamsTaken >= keepaliveRequests || draining || pressure.level > 0) this.#leave();
  }

  /** Nothing new on this connection; what has begun is finished. */
  #leave(): void {
    if (this.#phase !== OPEN) return;
    this.#phase = LEAVING;
    this.#session.close();
    if (this.#streams.size === 0)
      this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + FAREWELL_MS);
  }

  #end(reason: Reason, code: number): void {
    if (this.#phase === CLOSED) return;
    this.#phase = CLOSED;
    for (const stream of [...this.#streams]) stream.close(reason);
    // Null: without it Node would take the code for an error and report it to us.
    this.#session.destroy(null as unknown as undefined, code);
    this.#state.wheel.set(this.#deadline, this.#state.wheel.nowMs + FAREWELL_MS);
  }

  /** Where the client broke the protocol, the layer below has said so to it already. All other errors end in 'close'. */
  #onError(error: NodeJS.ErrnoException): void {
    if (this.#phase === CLOSED || error.code?.startsWith("ERR_HTTP2") !== true) return;
    this.#state.counters.rejects[reasons.http2Protocol.index]!++;
    this.#end(reasons.clientGone, NGHTTP2_NO_ERROR);
  }

  #onGone(): void {
    if (this.#forgotten) return;
    this.#forgotten = true;
    this.#phase = CLOSED;
    for (const stream of [...this.#streams]) stream.close(reasons.clientGone);
    this.#state.wheel.clear(this.#deadline);
    if (!this.#session.destroyed) this.#session.destroy();
    this.#socket.destroy();
    this.#owner.forget(this);
  }

  /** Called by the timer wheel. */
  expire(nowMs: number): void {
    const { wheel, snapshot, counters } = this.#state;
    const limits = snapshot.connection;
    if (this.#phase === CLOSED) {
      this.#onGone();
    } else if (this.#phase === LEAVING) {
      if (this.#streams.size === 0) this.#onGone();
    } else if (this.#session.pendingSettingsAck) {
      // Whoever never acknowledges our limits never has to keep them (RFC 9113 §6.5.3).
      counters.rejects[reasons.http2Protocol.index]!++;
      this.#end(reasons.clientGone, NGHTTP2_SETTINGS_TIMEOUT);
    } else if (this.guard.streamsTaken === 0) {
      counters.rejects[reasons.headTimeout.index]!++;
      this.#end(reasons.headTimeout, NGHTTP2_NO_ERROR);
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

function sizeOf(fields: readonly string[]): number {
  let bytes = 0;
  for (const text of fields) bytes += text.length + 2;
  return bytes;
}

function ignoreError(): void {}
