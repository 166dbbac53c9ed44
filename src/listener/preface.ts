import type { Socket } from "node:net";
import { type Reason, reasons } from "../reason.ts";
import type { State } from "../state.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";

/** What every HTTP/2 client says first (RFC 9113 §3.4). No HTTP/1 method begins like it. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/**
 * A plain connection that has not said yet which protocol it speaks: reads until the bytes differ from the preface of
 * HTTP/2 or are all of it, then hands the socket on. Only where prior knowledge is served.
 */
export class PrefaceReading implements ClientConnection {
  readonly idleSinceMs: number;
  readonly idle = true;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #state: State;
  readonly #onKnown: (isHttp2: boolean, bytes: Buffer) => void;
  readonly #deadline = new Deadline(this);
  readonly #onReadable = (): void => this.#read();
  readonly #onEnd = (): void => this.close(reasons.clientGone);
  #bytes: Buffer = EMPTY;
  #done = false;

  /**
   * `onKnown` gets what was read: for HTTP/2 it stands in the socket again, for HTTP/1 it is the caller's to give on.
   */
  constructor(
    socket: Socket,
    owner: ConnectionOwner,
    state: State,
    onKnown: (isHttp2: boolean, bytes: Buffer) => void,
  ) {
    this.#socket = socket;
    this.#owner = owner;
    this.#state = state;
    this.#onKnown = onKnown;
    this.idleSinceMs = state.wheel.nowMs;
    socket.on("error", ignoreError);
    socket.on("close", this.#onEnd);
    socket.on("end", this.#onEnd);
    socket.on("readable", this.#onReadable);
    state.wheel.set(this.#deadline, state.wheel.nowMs + state.snapshot.connection.headTimeoutMs);
  }

  close(_reason: Reason): void {
    if (this.#done) return;
    this.#leave();
    this.#socket.destroy();
  }

  drain(): void {
    this.close(reasons.draining);
  }

  /** Called by the timer wheel. */
  expire(): void {
    this.#state.counters.rejects[reasons.headTimeout.index]!++;
    this.close(reasons.headTimeout);
  }

  #read(): void {
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk === null || this.#done) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const size = Math.min(this.#bytes.length, PREFACE.length);
    const fits = this.#bytes.compare(PREFACE, 0, size, 0, size) === 0;
    if (fits && size < PREFACE.length) return;
    this.#leave();
    if (fits) this.#socket.unshift(this.#bytes);
    this.#onKnown(fits, this.#bytes);
  }

  #leave(): void {
    this.#done = true;
    this.#state.wheel.clear(this.#deadline);
    this.#socket.off("close", this.#onEnd);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("readable", this.#onReadable);
    this.#owner.forget(this);
  }
}

const EMPTY = Buffer.alloc(0);

function ignoreError(): void {}
