import type { Endpoint } from "./endpoint.ts";
import { type SessionOwner, UpstreamSession } from "./http2-session.ts";
import type { NoCarrier } from "./no-carrier.ts";

/** Sessions to one endpoint that take streams, per worker: with 250 streams each, 8,000 exchanges at once. */
const SESSIONS_MAX = 32;
/** An endpoint that chose HTTP/1.1 is asked again after this long: it may have been replaced. */
const HTTP1_KNOWN_MS = 300_000;

/** The HTTP/2 sessions of one endpoint: few, each shared by many exchanges. */
export class Http2Sessions implements SessionOwner {
  readonly #endpoint: Endpoint;
  readonly #protocol: "http1" | "h2" | "h2c" | "auto";
  /**
   * Those that take streams, oldest first. One that leaves is bounded by what keeps it, an exchange that lasts: 32 of
   * them must not be all there is.
   */
  readonly #sessions: UpstreamSession[] = [];
  /** Until then the endpoint is known to speak HTTP/1.1 only. */
  #http1UntilMs = -Infinity;

  constructor(endpoint: Endpoint, protocol: "http1" | "h2" | "h2c" | "auto") {
    this.#endpoint = endpoint;
    this.#protocol = protocol;
  }

  /** False while the endpoint is known to speak HTTP/1.1 only. */
  get isChosen(): boolean {
    return this.#endpoint.deps.wheel.nowMs >= this.#http1UntilMs;
  }

  /**
   * The oldest session with room, so that surplus ones become idle and go; else a new one, or why there is none.
   * `fresh`: none that has answered before.
   */
  take(fresh: boolean): UpstreamSession | NoCarrier {
    for (const session of this.#sessions)
      if (session.hasRoom && !(fresh && session.served > 0)) return session;
    if (this.#sessions.length >= SESSIONS_MAX) return "streams";
    const socket = this.#endpoint.dialHttp2(this.#protocol === "auto" ? ["h2", "http/1.1"] : ["h2"]);
    if (socket === undefined) return "no_address";
    const session = new UpstreamSession(this.#endpoint, socket, this.#endpoint.encrypted, this);
    this.#sessions.push(session);
    this.#endpoint.onConnecting(session);
    return session;
  }

  retire(): void {
    for (const session of [...this.#sessions]) session.retire();
  }

  onSessionConnected(session: UpstreamSession): void {
    this.#endpoint.onConnected(session);
  }

  onSessionClosed(session: UpstreamSession): void {
    this.#endpoint.forget(session);
    this.onSessionLeaving(session);
  }

  onSessionLeaving(session: UpstreamSession): void {
    const at = this.#sessions.indexOf(session);
    if (at >= 0) this.#sessions.splice(at, 1);
  }

  onHttp1(): boolean {
    if (this.#protocol !== "auto") return false;
    this.#http1UntilMs = this.#endpoint.deps.wheel.nowMs + HTTP1_KNOWN_MS;
    return true;
  }
}
