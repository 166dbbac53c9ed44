import type { TlsFacts } from "../http/tls-facts.ts";
import type { Reason } from "../reason.ts";
import type { LineMember } from "../std/line.ts";

/** One client connection, whatever it speaks, as the listener and the drain see it. */
export interface ClientConnection extends LineMember<ClientConnection> {
  /** What TLS said of it. Absent: without TLS, or not yet. */
  readonly tls?: TlsFacts | undefined;
  /** Nothing is under way on it: closing it now costs the client no answer. */
  readonly idle: boolean;
  /** When it last became idle, coarse monotonic ms. */
  readonly idleSinceMs: number;
  /** Holds a WebSocket or an event stream, which have no end of their own. Absent: never. */
  readonly lasting?: boolean;
  /** The worker drains: ends those. */
  endStreams?(): void;
  /** The drain's time is over: gRPC calls end with a status that lets their clients try elsewhere. True: some did. */
  endCalls?(): boolean;
  /** Takes the connection down, whatever it is doing. */
  close(reason: Reason): void;
  /**
   * The worker drains: an idle connection goes, a busy one after what it has begun. Called again and again until it
   * is gone.
   */
  drain(): void;
}

/** What the listener that accepted a connection wants to know of it. */
export interface ConnectionOwner {
  readonly name: "http" | "https";
  forget(connection: ClientConnection): void;
}
