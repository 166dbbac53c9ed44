import type { ForwardedMemo, HopFacts } from "../http/print-request.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import type { Reason } from "../reason.ts";

/** Where the rest of an answer goes, behind its head. */
export interface AnswerTail {
  /** Bytes are valid during the call only. False asks for `pause`; `resume` follows. */
  onAnswerBody(bytes: Buffer, start: number, end: number): boolean;
  /** The bytes of one read are through: whatever was gathered may leave. False as `onAnswerBody`'s. */
  onAnswerFlush(): boolean;
  /** Directly before `onAnswerEnd`, where there are any that may travel on. */
  onAnswerTrailers(trailers: Trailers): void;
  /**
   * The answer is complete. The connection is already free for the next exchange. `atOnce`: it came in one read with
   * its head.
   */
  onAnswerEnd(atOnce: boolean): void;
}

/** The exchange, as an upstream connection sees it: where the request comes from and where its answer goes. */
export interface AnswerSink extends AnswerTail {
  readonly request: CanonicalRequest;
  readonly hop: HopFacts;
  /** TCP peer of the client, textual. */
  readonly peerText: string;
  readonly forwardedMemo: ForwardedMemo;
  /** The route's `merge_slashes`. */
  readonly mergeSlashes: boolean;
  /** The upstream may be told that trailers are welcome. */
  readonly wantsTrailers: boolean;
  /** The request may end with trailers. */
  readonly sendsTrailers: boolean;
  /** When a gRPC client gives its call up, coarse monotonic ms; Infinity = not told. */
  readonly deadlineMs: number;
  /** To be sent behind the request body; known when the body ends. */
  readonly requestTrailers: Trailers | undefined;
  /** The connection that had to be made first is there; the head goes out now. */
  onConnected(): void;
  /** Starts the request body towards `sendBody`/`endBody` of the connection; what has arrived comes synchronously. */
  startRequestBody(): void;
  /** The connection can take body bytes again after `sendBody` returned false. */
  resumeRequestBody(): void;
  /** `head` is valid during the call only. */
  onAnswerHead(head: ResponseHead): void;
  /** The upstream may take its time to answer: its head has no time-out but the exchange's own. */
  readonly isStream: boolean;
  /**
   * The upstream answered a WebSocket handshake with a 101 that was checked. What comes from it goes to the returned
   * side from now on; `connection` is where it takes bytes. Undefined: the client is gone.
   */
  onAnswerSwitch(head: ResponseHead, connection: TunnelEnd): TunnelSide | undefined;
  onFault(fault: Fault): void;
}

/** How an attempt failed. */
export interface Fault {
  readonly reason: Reason;
  /** Not one byte of the request can have reached the upstream's application. */
  readonly nothingSent: boolean;
  /** For the log: a closed word of ours or an errno code. */
  readonly detail: string;
}
