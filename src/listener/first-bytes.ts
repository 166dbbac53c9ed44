import type { Socket } from "node:net";
import { type Reason, reasons } from "../reason.ts";
import type { State } from "../state.ts";
import { Deadline } from "../std/timer-wheel.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";

/** What the bytes so far say: more are needed, why they are refused, or what to do with the connection. */
export type FirstBytesVerdict = undefined | Reason | (() => void);

/**
 * A connection whose first bytes decide what becomes of it: reads until they do, at most for `header_timeout_ms`, then
 * lets go of the socket. What may be read is bounded by whoever judges it.
 */
export class FirstBytes implements ClientConnection {
  before: ClientConnection | undefined = undefined;
  behind: ClientConnection | undefined = undefined;
  readonly idleSinceMs: number;
  readonly idle = true;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #state: State;
  readonly #judge: (bytes: Buffer) => FirstBytesVerdict;
  readonly #late: Reason;
  readonly #deadline = new Deadline(this);
  readonly #onReadable = (): void => this.#read();
  readonly #onEnd = (): void => this.close(reasons.clientGone);
  #bytes: Buffer = EMPTY;
  #done = false;

  /** `judge` gets all bytes so far, each time there are more; `late` counts a connection that did not say enough in time. */
  constructor(
    socket: Socket,
    owner: ConnectionOwner,
    state: State,
    judge: (bytes: Buffer) => FirstBytesVerdict,
    late: Reason,
  ) {
    this.#socket = socket;
    this.#owner = owner;
    this.#state = state;
    this.#judge = judge;
    this.#late = late;
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
    this.#refuse(this.#late);
  }

  #refuse(reason: Reason): void {
    this.#state.counters.rejects[reason.index]!++;
    this.close(reason);
  }

  #read(): void {
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk === null || this.#done) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const verdict = this.#judge(this.#bytes);
    if (verdict === undefined) return;
    if (typeof verdict !== "function") {
      this.#refuse(verdict);
      return;
    }
    this.#leave();
    verdict();
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
