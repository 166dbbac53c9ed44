import { F } from "../http/field.ts";
import { putStatus } from "../http/hpack-encoder.ts";
import { answerBytesMax, putAnswer } from "../http/http2-answer.ts";
import type { CanonicalRequest } from "../http/request.ts";
import {
  RESPONSE_CHUNKED,
  RESPONSE_CLOSE,
  RESPONSE_LENGTH,
  RESPONSE_NONE,
  type ResponseHead,
} from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import type { Http2Desk } from "./http2-desk.ts";
import type { FloodGuard } from "./http2-guard.ts";
import type { Http2Output, StreamOutput } from "./http2-output.ts";

/** The connection, as answers see it. Met by http2.ts. */
export interface AnswerCarrier {
  readonly output: Http2Output;
  readonly guard: FloodGuard;
}

/** What one stream answers: its head, its body as it comes, its trailers. */
export class StreamAnswer {
  /** Nothing is added to it. */
  isEnded = false;
  /** It may end with trailers. */
  takesTrailers = false;
  #trailers: Trailers | undefined = undefined;
  readonly #stream: StreamOutput;
  readonly #carrier: AnswerCarrier;
  readonly #desk: Http2Desk;

  constructor(stream: StreamOutput, carrier: AnswerCarrier, desk: Http2Desk) {
    this.#stream = stream;
    this.#carrier = carrier;
    this.#desk = desk;
  }

  begin(head: ResponseHead, request: CanonicalRequest, isBodiless: boolean): void {
    const hasLength = isBodiless
      ? head.bodyLength >= 0 && head.status !== 204 && head.bodyKind !== RESPONSE_CHUNKED
      : head.bodyKind === RESPONSE_LENGTH;
    const length = hasLength && head.bodyKind !== RESPONSE_CLOSE ? head.bodyLength : -1;
    const isEnd = isBodiless || (head.bodyKind === RESPONSE_LENGTH && head.bodyLength === 0);
    this.takesTrailers = !isEnd && head.bodyKind !== RESPONSE_LENGTH && request.acceptsTrailers;
    this.#sendHead(head, request, head.status, length, 0, isEnd);
  }

  /** A WebSocket is agreed (RFC 8441 §5): no 101, and nothing of the HTTP/1.1 handshake. */
  switchProtocols(head: ResponseHead, request: CanonicalRequest): void {
    this.#sendHead(head, request, 200, -1, F.secWebsocketAccept, false);
  }

  sayContinue(): void {
    this.#carrier.output.head(this.#stream, 8, false, (out, at) => putStatus(out, at, 100));
  }

  #sendHead(
    head: ResponseHead,
    request: CanonicalRequest,
    status: number,
    bodyLength: number,
    without: number,
    isEnd: boolean,
  ): void {
    const date = this.#desk.dateText();
    if (isEnd) this.isEnded = true;
    this.#carrier.output.head(this.#stream, answerBytesMax(head), isEnd, (out, at) =>
      putAnswer(out, at, head, status, request, date, bodyLength, without),
    );
  }

  /** False: the client takes no more for now. */
  send(bytes: Uint8Array, start: number, end: number): boolean {
    this.#carrier.guard.countAnswer(end - start);
    return this.#carrier.output.data(this.#stream, bytes, start, end);
  }

  /** An answer of ours, as the desk printed it. */
  sendOwn(bodyStart: number, request: CanonicalRequest): void {
    const { head, bytes, end } = this.#desk.ownAnswers;
    this.begin(head, request, head.bodyKind === RESPONSE_NONE);
    if (bodyStart < end && !this.isEnded) this.#carrier.output.data(this.#stream, bytes, bodyStart, end);
  }

  /** They go with its end, where they may. */
  addTrailers(trailers: Trailers): void {
    if (this.takesTrailers) this.#trailers = trailers;
  }

  end(): void {
    this.endWith(this.#trailers);
  }

  endWith(trailers: Trailers | undefined): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#carrier.output.end(this.#stream, trailers);
  }
}
