import type { Socket } from "node:net";
import {
  PROXY_BAD,
  PROXY_HEADER_BYTES_MAX,
  PROXY_MORE,
  type ProxyHeader,
  readProxyHeader,
} from "../identity/proxy-header.ts";
import { type Reason, reasons } from "../reason.ts";
import type { State } from "../state.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";

/**
 * A connection from a peer of `proxy_protocol`, before its PROXY header: reads until the header is whole and hands the
 * socket on, with what followed the header. Such a peer must send one; who could leave it out would come in by the proxy's
 * own address.
 */
export class ProxyReading implements ClientConnection {
  readonly idleSinceMs: number;
  readonly idle = true;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #state: State;
  readonly #onHeader: (header: ProxyHeader, rest: Buffer) => void;
  readonly #deadline = new Deadline(this);
  readonly #onReadable = (): void => this.#read();
  readonly #onEnd = (): void => this.close(reasons.clientGone);
  #bytes: Buffer = EMPTY;
  #done = false;

  constructor(
    socket: Socket,
    owner: ConnectionOwner,
    state: State,
    onHeader: (header: ProxyHeader, rest: Buffer) => void,
  ) {
    this.#socket = socket;
    this.#owner = owner;
    this.#state = state;
    this.#onHeader = onHeader;
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
    this.#refuse();
  }

  #refuse(): void {
    const { counters } = this.#state;
    counters.rejects[reasons.proxyHeader.index]!++;
    counters.proxyHeaders.refused++;
    this.close(reasons.proxyHeader);
  }

  #read(): void {
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk === null || this.#done) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const header = readProxyHeader(this.#bytes);
    if (header === PROXY_BAD || (header === PROXY_MORE && this.#bytes.length >= PROXY_HEADER_BYTES_MAX)) {
      this.#refuse();
      return;
    }
    if (header === PROXY_MORE) return;
    this.#leave();
    this.#onHeader(header, this.#bytes.subarray(header.size));
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
