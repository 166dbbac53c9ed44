import type net from "node:net";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import { type Reason, reasons } from "../reason.ts";
import type { Deadline } from "../std/timer-wheel.ts";
import type { Endpoint } from "./endpoint.ts";

/** What an upstream that leaves a tunnel has to take the last bytes and to close. */
const LEAVE_MS = 5000;

/** The connection that was switched. Met by connection.ts. */
export interface SwitchedConnection {
  readonly endpoint: Endpoint;
  readonly socket: net.Socket;
  close(): void;
  onDefect(cause: unknown): void;
}

/** An upstream's connection as one end of a tunnel. Its connection tells it what happens to the socket. */
export class TunnelSocket implements TunnelEnd {
  readonly #connection: SwitchedConnection;
  /** The connection's. */
  readonly #deadline: Deadline;
  /** Undefined: not yet there, or out of the tunnel: what is queued goes out, what comes is thrown away. */
  #side: TunnelSide | undefined = undefined;
  #isLeaving = false;
  #isPaused = false;

  constructor(connection: SwitchedConnection, deadline: Deadline) {
    this.#connection = connection;
    this.#deadline = deadline;
    // Each direction ends by itself.
    connection.socket.allowHalfOpen = true;
    connection.endpoint.deps.wheel.pause(deadline);
  }

  /** From now on `side` hears of what comes. */
  start(side: TunnelSide): void {
    if (!this.#isLeaving) this.#side = side;
  }

  sendTunnel(bytes: Uint8Array, start: number, end: number): boolean {
    const { endpoint, socket } = this.#connection;
    if (this.#isLeaving || socket.destroyed || socket.writableEnded) return true;
    const { outbox, wheel } = endpoint.deps;
    outbox.append(bytes, start, end, socket, endpoint.encrypted);
    if (outbox.flush(socket, endpoint.encrypted)) return true;
    wheel.set(this.#deadline, wheel.nowMs + endpoint.settings.idleTimeoutMs);
    return false;
  }

  endTunnel(): void {
    const { socket } = this.#connection;
    if (!this.#isLeaving && !socket.destroyed) socket.end();
  }

  resumeTunnel(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#connection.socket.resume();
  }

  leaveTunnel(): void {
    const { endpoint, socket } = this.#connection;
    if (this.#isLeaving || socket.destroyed) return;
    this.#isLeaving = true;
    this.#side = undefined;
    const { wheel } = endpoint.deps;
    wheel.set(this.#deadline, wheel.nowMs + LEAVE_MS);
    socket.end();
    this.resumeTunnel();
  }

  // --- what its connection tells

  onBytes(buffer: Buffer, start: number, end: number): void {
    const side = this.#side;
    if (side === undefined || side.onBytes(buffer, start, end)) return;
    const { socket } = this.#connection;
    if (this.#isPaused || this.#isLeaving || socket.destroyed) return;
    this.#isPaused = true;
    socket.pause();
  }

  onDrain(): void {
    const side = this.#side;
    if (side === undefined) return;
    this.#connection.endpoint.deps.wheel.pause(this.#deadline);
    // Comes from Node, not from the reader: a bug in it is caught here.
    try {
      side.onDrain();
    } catch (cause) {
      this.#connection.onDefect(cause);
    }
  }

  /** FIN. */
  onEnd(): void {
    if (this.#side === undefined) {
      this.#connection.close();
      return;
    }
    try {
      this.#side.onEnd();
    } catch (cause) {
      this.#connection.onDefect(cause);
    }
  }

  /** The connection is gone, or has to go. */
  lose(reason: Reason, detail: string): void {
    const side = this.#side;
    this.#side = undefined;
    this.#connection.close();
    side?.onGone(reason, detail);
  }

  expire(): void {
    this.lose(reasons.upstreamIdle, "write_timeout");
  }
}
