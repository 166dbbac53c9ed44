import type { CanonicalRequest } from "../http/request.ts";
import { ResponseHead, readResponseHead } from "../http/response-head.ts";
import type { Reason } from "../reason.ts";
import { errorBody } from "../respond/error-page.ts";
import { printGrpcRefusal } from "../respond/grpc.ts";
import { isSilent, printOwnAnswer, printRefusal } from "../respond/own.ts";
import type { State } from "../state.ts";
import { Outbox } from "../std/outbox.ts";

/** What an answer of our own holds beside its fields and body. */
const OWN_BYTES_MAX = 1024;

/**
 * The gateway's own answers over HTTP/2. They are printed once, for HTTP/1.1, and read back: both protocols say the same.
 * Scratch that the streams of a listener use in turn, never across two events.
 */
export class OwnAnswers {
  readonly head = new ResponseHead();
  readonly #outbox = new Outbox(16_384);
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** Where the printed answer stands. */
  get bytes(): Buffer {
    return this.#outbox.bytes;
  }

  get end(): number {
    return this.#outbox.end;
  }

  /** A refusal, in `head`; returns where its body begins in `bytes`. `isCall`: as gRPC knows it. */
  refuse(
    reason: Reason,
    request: CanonicalRequest,
    isCall: boolean,
    retryAfterSecs: number,
    methods: number,
  ): number {
    const dateLine = this.#state.dateLine();
    if (isCall) {
      printGrpcRefusal(reason, request, dateLine, this.#begin(0));
      return this.#readBack(true);
    }
    const page = errorBody(this.#state.snapshot.errorPages, reason, request);
    const outbox = this.#begin((page?.body.length ?? 0) + request.answerLines.length);
    printRefusal(reason, request, true, retryAfterSecs, methods, page, dateLine, outbox);
    return this.#readBack(isSilent(request));
  }

  /** An answer with these fields, in `head`; returns where its body begins in `bytes`. */
  answer(status: number, fields: string, body: string, request: CanonicalRequest): number {
    const outbox = this.#begin(fields.length + request.answerLines.length + body.length);
    printOwnAnswer(status, fields, body, request, true, this.#state.dateLine(), outbox);
    return this.#readBack(isSilent(request));
  }

  /** Room for so many bytes beside what every answer has. */
  #begin(bytes: number): Outbox {
    const outbox = this.#outbox;
    outbox.end = 0;
    if (outbox.bytes.length < bytes + OWN_BYTES_MAX)
      outbox.bytes = Buffer.allocUnsafeSlow(bytes + OWN_BYTES_MAX);
    return outbox;
  }

  #readBack(isBodiless: boolean): number {
    const bodyStart = readResponseHead(this.bytes, 0, this.end, isBodiless, this.head);
    if (bodyStart <= 0) throw new Error(`an answer of our own cannot be read: ${this.head.fault}`);
    return bodyStart;
  }
}
