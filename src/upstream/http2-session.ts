import http2 from "node:http2";
import type net from "node:net";
import type tls from "node:tls";
import { type Reason, reasons } from "../reason.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { Endpoint } from "./endpoint.ts";

const CONNECTING = 0;
const OPEN = 1;
/** Takes no further streams: it ends with its last one. */
const CLOSING = 2;
const CLOSED = 3;

/** Streams at once in one session, where the peer allows as many. */
const STREAMS_MAX = 250;
/** Of each stream: what a client that reads nothing can make us hold. */
const WINDOW_BYTES = 65_535;
/**
 * Streams that we reset before their end. A client that cancels at once, again and again, must not get the session
 * that others share closed as an attack: it is replaced before that (Go, nginx and Envoy tolerate 100 to 1000).
 */
const RESETS_MAX = 90;
/** Of 2^30 that there are. */
const STREAMS_TOTAL_MAX = 1_000_000;
/** A session with streams is asked for a sign of life this often, and has this long to give it. */
const PING_EVERY_MS = 30_000;
const PING_WAIT_MS = 10_000;

/** A stream as its session sees it. */
export interface SessionStream {
  /** The session is there. */
  onOpen(): void;
  /** It will not be; nothing was sent. */
  onConnectFault(reason: Reason, detail: string): void;
  /** The endpoint speaks HTTP/1.1 only. */
  onHttp1(): void;
}

/** What the endpoint wants to know of its sessions. */
export interface SessionOwner {
  onSessionConnected(session: UpstreamSession): void;
  /** It takes no further streams; `onSessionClosed` follows with its last one. */
  onSessionLeaving(session: UpstreamSession): void;
  onSessionClosed(session: UpstreamSession): void;
  /** ALPN chose HTTP/1.1. True: it will do (`protocol = "auto"`). */
  onHttp1(): boolean;
}

/** One HTTP/2 connection to an endpoint, shared by the exchanges of many clients (RFC 9113). */
export class UpstreamSession {
  readonly endpoint: Endpoint;
  /** Requests go out at once. */
  session: http2.ClientHttp2Session | undefined = undefined;
  readonly encrypted: boolean;
  /** Streams that ended with a complete answer. */
  served = 0;
  /** The last stream that the peer says it looked at, once it is going away. */
  lastStreamId = Infinity;
  /** Streams open, or waiting for the connection. */
  streams = 0;
  readonly #owner: SessionOwner;
  readonly #socket: net.Socket;
  readonly #waiting: Set<SessionStream> = new Set();
  readonly #deadline = new Deadline(this);
  #state = CONNECTING;
  #streamsMax = STREAMS_MAX;
  #total = 0;
  #resets = 0;
  #pinging = false;

  constructor(endpoint: Endpoint, socket: net.Socket, encrypted: boolean, owner: SessionOwner) {
    this.endpoint = endpoint;
    this.encrypted = encrypted;
    this.#socket = socket;
    this.#owner = owner;
    socket.on("error", (error: NodeJS.ErrnoException) => this.#onSocketError(error));
    socket.on("close", () => this.#onSocketClose());
    socket.on(encrypted ? "secureConnect" : "connect", () => this.#guard(() => this.#onConnect()));
    const { wheel } = endpoint.deps;
    const timeoutMs = endpoint.settings.connectTimeoutMs;
    if (timeoutMs > 0) wheel.set(this.#deadline, wheel.nowMs + timeoutMs);
  }

  /** Whether one more stream may be opened. */
  get hasRoom(): boolean {
    return this.#state <= OPEN && this.streams < this.#streamsMax;
  }

  get connecting(): boolean {
    return this.#state === CONNECTING;
  }

  get isOver(): boolean {
    return this.#state === CLOSED;
  }

  /** Opens a stream: at once, or when the connection is made. `leave` follows in any case. */
  enter(stream: SessionStream): void {
    this.streams++;
    this.#total++;
    if (this.#total >= STREAMS_TOTAL_MAX) this.retire();
    if (this.session === undefined) {
      this.#waiting.add(stream);
      return;
    }
    if (this.streams === 1) this.#armPing();
    stream.onOpen();
  }

  /** A stream is over. `reset`: we ended it before its end. */
  leave(stream: SessionStream, reset: boolean): void {
    this.streams--;
    this.#waiting.delete(stream);
    if (reset && ++this.#resets >= RESETS_MAX) this.retire();
    if (this.streams > 0) return;
    if (this.#state === CLOSING) this.close();
    else if (this.#state === OPEN) this.#becomeIdle();
  }

  /** No further streams; it ends with its last one. */
  retire(): void {
    if (this.#state > OPEN) return;
    if (this.#state === CONNECTING) {
      if (this.streams === 0) this.close();
      return;
    }
    this.#state = CLOSING;
    this.#owner.onSessionLeaving(this);
    if (this.streams === 0) this.close();
  }

  close(): void {
    if (this.#state === CLOSED) return;
    const connected = this.#state !== CONNECTING;
    this.#state = CLOSED;
    this.endpoint.deps.wheel.clear(this.#deadline);
    this.#owner.onSessionClosed(this);
    if (connected) this.session?.destroy();
    this.#socket.destroy();
  }

  /** Called by the timer wheel. */
  expire(_nowMs: number): void {
    this.#guard(() => {
      if (this.#state === CONNECTING) this.#failConnect(reasons.upstreamConnectTimeout, "connect_timeout");
      else if (this.streams === 0 || this.#pinging || this.session?.destroyed === true) this.close();
      else this.#ping();
    });
  }

  #onConnect(): void {
    if (this.#state !== CONNECTING) return;
    const { endpoint } = this;
    if (this.encrypted && (this.#socket as tls.TLSSocket).alpnProtocol !== "h2") {
      this.#onHttp1();
      return;
    }
    const session = http2.connect(`${this.encrypted ? "https" : "http"}://upstream`, {
      ...sessionOptions,
      createConnection: () => this.#socket,
    });
    session.on("error", () => this.close());
    session.on("close", () => this.close());
    // A peer that goes finishes what it has taken; node refuses the rest, which is tried elsewhere.
    session.on("goaway", (_code, lastStreamId) => {
      this.lastStreamId = lastStreamId;
      this.retire();
    });
    session.on("remoteSettings", (settings) => {
      this.#streamsMax = Math.min(STREAMS_MAX, settings.maxConcurrentStreams ?? STREAMS_MAX);
    });
    // One slow client must not use up what all streams share.
    session.on("connect", () => {
      if (!session.destroyed) session.setLocalWindowSize(WINDOW_BYTES * STREAMS_MAX);
    });
    this.session = session;
    this.#state = OPEN;
    this.#owner.onSessionConnected(this);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    if (waiting.length === 0) this.#becomeIdle();
    else this.#armPing();
    for (const stream of waiting) stream.onOpen();
    if (endpoint.isRetired) this.retire();
  }

  #onHttp1(): void {
    if (!this.#owner.onHttp1()) {
      this.#failConnect(reasons.upstreamTls, "alpn");
      return;
    }
    const waiting = this.#takeWaiting();
    this.close();
    for (const stream of waiting) stream.onHttp1();
  }

  #failConnect(reason: Reason, detail: string): void {
    const waiting = this.#takeWaiting();
    this.close();
    for (const stream of waiting) stream.onConnectFault(reason, detail);
  }

  #takeWaiting(): readonly SessionStream[] {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    return waiting;
  }

  #becomeIdle(): void {
    const { wheel } = this.endpoint.deps;
    const { keepalive, keepaliveTimeoutMs } = this.endpoint.settings;
    if (keepalive === 0 || this.endpoint.isRetired) this.close();
    else wheel.set(this.#deadline, wheel.nowMs + keepaliveTimeoutMs);
  }

  #armPing(): void {
    const { wheel } = this.endpoint.deps;
    this.#pinging = false;
    wheel.set(this.#deadline, wheel.nowMs + PING_EVERY_MS);
  }

  #ping(): void {
    const { wheel } = this.endpoint.deps;
    this.#pinging = true;
    wheel.set(this.#deadline, wheel.nowMs + PING_WAIT_MS);
    this.session?.ping((error) => {
      if (error !== null || this.#state === CLOSED) return;
      if (this.streams > 0) this.#armPing();
      else this.#pinging = false;
    });
  }

  #onSocketError(error: NodeJS.ErrnoException): void {
    const code = error.code ?? "error";
    if (this.#state !== CONNECTING) return; // 'close' follows, and the streams say what it meant for them
    const connected = this.encrypted && !this.#socket.connecting && code !== "ECONNREFUSED";
    this.#failConnect(connected ? reasons.upstreamTls : reasons.upstreamConnect, code);
  }

  #onSocketClose(): void {
    if (this.#state === CONNECTING)
      this.#failConnect(this.encrypted ? reasons.upstreamTls : reasons.upstreamConnect, "closed");
    else this.close();
  }

  /** Bugs end the session, not the worker. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (cause) {
      this.endpoint.deps.onDefect(cause);
      this.close();
    }
  }
}

const sessionOptions = {
  settings: {
    enablePush: false,
    initialWindowSize: WINDOW_BYTES,
    maxHeaderListSize: 32_768,
    maxConcurrentStreams: 0,
  },
  peerMaxConcurrentStreams: STREAMS_MAX,
  maxReservedRemoteStreams: 0,
  maxSettings: 16,
  maxOutstandingPings: 4,
  maxSessionInvalidFrames: 100,
  maxSessionMemory: 64,
  // Clients may repeat what they like: it was counted and checked, and goes on as it came.
  strictSingleValueFields: false,
};
