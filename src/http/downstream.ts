import type { Reason } from "../reason.ts";
import type { Outlet } from "./outlet.ts";
import type { ForwardedMemo } from "./print-request.ts";
import type { ResponseHead } from "./response-head.ts";
import type { TlsFacts } from "./tls-facts.ts";
import type { Trailers } from "./trailer.ts";
import type { TunnelEnd, TunnelSide } from "./tunnel-end.ts";

/** Takes request body bytes as they come in. */
export interface BodySink {
  /** Valid during the call only. False asks to wait for `resumeBody`. */
  onBody(bytes: Buffer, start: number, end: number): boolean;
  /** Directly before `onBodyEnd`, where the client sent trailers that may travel on. They are the sink's to keep. */
  onBodyTrailers(trailers: Trailers): void;
  onBodyEnd(): void;
}

/** The part of access log lines that only the connection decides, and the log that made it. */
export interface ConnectionLogPiece {
  readonly log: object;
  readonly bytes: Uint8Array;
}

/** The client's side of one exchange. Made by listener/http1.ts and listener/http2-stream.ts. */
export interface Downstream extends Outlet {
  /** TCP peer, textual. */
  readonly peerText: string;
  readonly secure: boolean;
  /** Undefined on plain connections. */
  readonly tls: TlsFacts | undefined;
  readonly forwardedMemo: ForwardedMemo;
  /** Kept for the access log. */
  logPiece: ConnectionLogPiece | undefined;
  /** Name of the listener, for metrics. */
  readonly listener: "http" | "https";

  /** Body bytes go to `sink` from now on, those that are here already before this returns. */
  startBody(sink: BodySink): void;
  resumeBody(): void;

  /**
   * Prints the client's 101; what comes from it goes to `side` from now on. Undefined: the client is gone. Absent
   * where the client's protocol has no tunnels.
   */
  switchProtocols?(head: ResponseHead, side: TunnelSide): TunnelEnd | undefined;
  /** Our own fixed answer. */
  /** `methods` are the served ones as bits `1 << method`, for Allow; 0 = the seven common ones. */
  refuse(reason: Reason, retryAfterSecs: number, methods: number): void;
  /** Our own answer with these bytes: complete head, ids included by the caller's printer. */
  answerOwn(status: number, fields: string, body: string): void;
  /** Ends a half-sent answer so that it cannot look complete. */
  cut(reason: Reason): void;
  /** A bug of ours came up outside of a call from the client's side: the exchange and its connection end. */
  onDefect(cause: unknown): void;
  /** The record is written; the request may be used for another exchange. */
  onConcluded(): void;
}
