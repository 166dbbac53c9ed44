import type { AnswerSink } from "./answer-sink.ts";

/**
 * What carries one attempt to an endpoint: an HTTP/1.1 connection, which serves exchanges one after the other, or a
 * stream of an HTTP/2 session. After `abandon`, or after the exchange was told of the end or a fault, every call does
 * nothing.
 */
export interface Carrier {
  /** Sends the request: at once, or when the connection is made. The exchange hears of everything else. */
  begin(exchange: AnswerSink): void;
  /** Valid during the call only. False asks to wait for `resumeRequestBody`. */
  sendBody(bytes: Buffer, start: number, end: number): boolean;
  endBody(): void;
  /** The client takes answer bytes again. */
  resume(): void;
  /** The answer is a stream: neither its pauses nor its length are limited from here on. */
  unhurry(): void;
  /** The exchange is over for its client: whatever comes is thrown away. */
  abandon(): void;
  /** The same behind the answer's head; what is short is read to its end, and the connection kept. */
  discard(): void;
}
