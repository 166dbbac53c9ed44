import type { Socket } from "node:net";
import { printTrailers, writeChunkSize } from "../http/chunked.ts";
import {
  ANSWER_CHUNKED,
  ANSWER_CLOSE,
  ANSWER_LENGTH,
  ANSWER_NONE,
  OWN_RESPONSE_BYTES_MAX,
  printResponse,
} from "../http/print-response.ts";
import { type CanonicalRequest, HEAD } from "../http/request.ts";
import {
  RESPONSE_HEAD_BYTES_MAX,
  RESPONSE_LENGTH,
  RESPONSE_NONE,
  type ResponseHead,
} from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import type { Reason } from "../reason.ts";
import { errorBody } from "../respond/error-page.ts";
import { printOwnAnswer, printRefusal } from "../respond/own.ts";
import type { Snapshot } from "../snapshot.ts";
import type { State } from "../state.ts";
import { takenBytes, waitingBytes } from "../std/direct-write.ts";
import { isFree, type Leaver } from "../std/outbox.ts";

/** What an answer of our own holds beside its fields and body. */
const OWN_BYTES_MAX = 1024;
/** The output buffer has room for the largest head of an upstream and so much that routes add. */
const ADDED_BYTES_USUAL = 16_384;

/** The connection, as what it sends sees it. Met by http1.ts. */
export interface OutputOwner {
  /** Its client does not take all that is sent. */
  onBlocked(): void;
  /** It has taken what waited. */
  onUnblocked(): void;
}

/**
 * What one HTTP/1.1 connection sends: prints answers into the worker's outbox and sees them off. A client that does not
 * take all blocks its connection until it has.
 */
export class Http1Output implements Leaver {
  leftTurn = -1;
  /** Nothing more should be made for this client: what was is queued. */
  isBlocked = false;
  readonly #owner: OutputOwner;
  readonly #socket: Socket;
  readonly #isEncrypted: boolean;
  readonly #state: State;
  #isClosed = false;
  /** Bytes taken when progress was last looked for; -Infinity = not yet. */
  #takenBytes = -Infinity;

  // The answer under way.
  #framing = ANSWER_NONE;
  #trailers: Trailers | undefined = undefined;

  constructor(owner: OutputOwner, socket: Socket, isEncrypted: boolean, state: State) {
    this.#owner = owner;
    this.#socket = socket;
    this.#isEncrypted = isEncrypted;
    this.#state = state;
  }

  // --- an upstream's answer

  /** Another request's. */
  begin(): void {
    this.#framing = ANSWER_NONE;
  }

  /** Decides how the answer will end. False: with its connection. */
  frame(head: ResponseHead, { method, version }: CanonicalRequest): boolean {
    if (head.bodyKind === RESPONSE_NONE || method === HEAD) this.#framing = ANSWER_NONE;
    else if (head.bodyKind === RESPONSE_LENGTH) this.#framing = ANSWER_LENGTH;
    else this.#framing = version === 10 ? ANSWER_CLOSE : ANSWER_CHUNKED;
    return this.#framing !== ANSWER_CLOSE;
  }

  /** Its end would look like the end of its connection. */
  get endsByClose(): boolean {
    return this.#framing === ANSWER_CLOSE;
  }

  /** As `frame` decided. */
  head(head: ResponseHead, request: CanonicalRequest, keepAlive: boolean): void {
    if (head.addedLines.length > ADDED_BYTES_USUAL)
      this.#reserve(RESPONSE_HEAD_BYTES_MAX + OWN_RESPONSE_BYTES_MAX + head.addedLines.length);
    printResponse(
      head,
      this.#framing,
      keepAlive,
      request.version,
      request.arena,
      request.idLinesStart,
      request.idLinesEnd,
      this.#state.dateLine(),
      this.#state.outbox,
    );
  }

  /** False: the client takes no more for now. */
  body(bytes: Buffer, start: number, end: number): boolean {
    const { outbox } = this.#state;
    if (this.#framing === ANSWER_CHUNKED) {
      if (outbox.room < 32) outbox.flush(this.#socket, this.#isEncrypted);
      outbox.end = writeChunkSize(outbox.bytes, outbox.end, end - start);
      outbox.append(bytes, start, end, this.#socket, this.#isEncrypted);
      outbox.append(CRLF, 0, 2, this.#socket, this.#isEncrypted);
    } else {
      outbox.append(bytes, start, end, this.#socket, this.#isEncrypted);
    }
    return !this.isBlocked && isFree(this.#socket);
  }

  trailers(trailers: Trailers): void {
    this.#trailers = trailers;
  }

  end(): void {
    if (this.#framing === ANSWER_CHUNKED) {
      const last =
        this.#trailers === undefined ? LAST_CHUNK : Buffer.from(printTrailers(this.#trailers), "latin1");
      this.#state.outbox.append(last, 0, last.length, this.#socket, this.#isEncrypted);
    }
    this.#trailers = undefined;
    this.leave();
  }

  // --- answers of our own

  refusal(
    reason: Reason,
    request: CanonicalRequest,
    keepAlive: boolean,
    retryAfterSecs: number,
    methods: number,
    { errorPages }: Snapshot,
  ): void {
    const page = errorBody(errorPages, reason, request);
    if (page !== undefined) this.#reserve(page.body.length + request.answerLines.length + OWN_BYTES_MAX);
    const { outbox } = this.#state;
    printRefusal(reason, request, keepAlive, retryAfterSecs, methods, page, this.#state.dateLine(), outbox);
    this.leave();
  }

  own(status: number, fields: string, body: string, request: CanonicalRequest, keepAlive: boolean): void {
    // A redirect repeats the target, which may be as long as the configuration allows.
    this.#reserve(fields.length + request.answerLines.length + body.length + OWN_BYTES_MAX);
    const { outbox } = this.#state;
    printOwnAnswer(status, fields, body, request, keepAlive, this.#state.dateLine(), outbox);
    this.leave();
  }

  #reserve(bytes: number): void {
    this.#state.outbox.reserve(bytes, this.#socket, this.#isEncrypted);
  }

  // --- past the answer

  /** The client is told to send its body. */
  sayContinue(): void {
    this.settle();
    this.#socket.write(CONTINUE);
  }

  /** Bytes of a tunnel. False: the client takes no more for now. */
  pass(bytes: Uint8Array, start: number, end: number): boolean {
    const { outbox } = this.#state;
    outbox.append(bytes, start, end, this.#socket, this.#isEncrypted);
    if (outbox.flush(this.#socket, this.#isEncrypted)) return true;
    this.#block();
    return false;
  }

  // --- on its way

  /** What is printed leaves, with what others have printed. */
  leave(): boolean {
    if (!this.#state.outbox.leave(this, this.#socket, this.#isEncrypted)) this.#block();
    return !this.isBlocked;
  }

  /** What leaves in this turn goes before anything that the outbox does not write. */
  settle(): void {
    const { outbox } = this.#state;
    if (outbox.isLeaving(this)) outbox.settle();
  }

  /** What is printed and has not left is not sent. */
  drop(): void {
    this.#state.outbox.drop();
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Something that is said has not gone: it leaves in this turn, or waits for the client to take more. */
  get isSending(): boolean {
    return this.#state.outbox.isLeaving(this) || this.queuedBytes > 0;
  }

  /** Bytes that the kernel has not taken. */
  get queuedBytes(): number {
    return this.#socket.writableLength + waitingBytes(this.#socket);
  }

  /** Whether the client took something since this was last asked. What is queued alone would hide it: more may come behind. */
  get hasMoved(): boolean {
    const taken = takenBytes(this.#socket);
    if (taken <= this.#takenBytes) return false;
    this.#takenBytes = taken;
    return true;
  }

  /** An answer is out: the next one is judged by itself. */
  forgetProgress(): void {
    if (!this.isBlocked) this.#takenBytes = -Infinity;
  }

  #block(): void {
    if (this.isBlocked) return;
    this.isBlocked = true;
    this.#takenBytes = takenBytes(this.#socket);
    this.#owner.onBlocked();
  }

  /** What left with others of its turn was not all taken. */
  onQueued(): void {
    if (!this.#isClosed && this.queuedBytes >= this.#socket.writableHighWaterMark) this.#block();
  }

  onTaken(): void {
    // What the stream has put behind it may be too little for a 'drain'.
    const { writableLength, writableNeedDrain } = this.#socket;
    if (!this.#isClosed && !writableNeedDrain && waitingBytes(this.#socket) <= writableLength) this.onDrain();
  }

  /** For the socket's 'drain'. */
  onDrain(): void {
    if (!this.isBlocked) return;
    this.isBlocked = false;
    this.#takenBytes = -Infinity;
    this.#owner.onUnblocked();
  }
}

const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
const CRLF = Buffer.from("\r\n", "latin1");
const LAST_CHUNK = Buffer.from("0\r\n\r\n", "latin1");
