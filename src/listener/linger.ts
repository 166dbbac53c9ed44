/** What of the worker's state matters to it. */
export interface LingerState {
  readonly wheel: { readonly nowMs: number };
  readonly pressure: { readonly level: number };
}

/**
 * What a client still sends when its answer is out is read and thrown away for a while: a socket closed before that is
 * reset by TCP, and the reset overtakes the answer; so does RST_STREAM in curl 7.88. Many clients look for an answer only
 * when all of their body is sent. A body may go on for half a minute, as long as some of it comes every five seconds
 * (nginx's lingering_time and lingering_timeout); what is no body, and all under overload, has a second and 64 KiB
 * (decisions/0032).
 */
export class Linger {
  readonly #state: LingerState;
  readonly #isBody: boolean;
  /** Its time counts since then. Not yet: the answer waits for the client. */
  #startMs = Infinity;
  #bytes = 0;

  /** `isBody`: what comes is the rest of a message that was understood. */
  constructor(isBody: boolean, state: LingerState) {
    this.#isBody = isBody;
    this.#state = state;
  }

  /** The answer has left. */
  start(): void {
    this.#startMs = this.#state.wheel.nowMs;
  }

  /** How long to wait for the next bytes, in ms. 0: no more is read. */
  get waitMs(): number {
    const isLong = this.#isBody && this.#state.pressure.level === 0;
    if (!isLong && this.#bytes > REST_BYTES) return 0;
    const endMs = this.#startMs + (isLong ? BODY_MS : REST_MS);
    return Math.max(0, Math.min(BODY_IDLE_MS, endMs - this.#state.wheel.nowMs));
  }

  /** `bytes` came, and are gone. What `waitMs` says next. */
  take(bytes: number): number {
    this.#bytes += bytes;
    return this.waitMs;
  }
}

const BODY_IDLE_MS = 5000;
const BODY_MS = 30_000;
const REST_BYTES = 65_536;
const REST_MS = 1000;
