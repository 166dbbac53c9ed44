import { CHUNK_DATA, CHUNK_END, CHUNK_MORE, ChunkDecoder } from "../http/chunked.ts";
import { type CanonicalRequest, HEAD } from "../http/request.ts";
import {
  RESPONSE_BAD,
  RESPONSE_CHUNKED,
  RESPONSE_CLOSE,
  RESPONSE_HEAD_BYTES_MAX,
  RESPONSE_LENGTH,
  RESPONSE_MORE,
  RESPONSE_NONE,
  type ResponseHead,
  readResponseHead,
} from "../http/response-head.ts";
import type { AnswerTail } from "./answer-sink.ts";

/** It goes on with what the upstream sends next. */
export const ANSWER_MORE = -1;
/** It is none; `fault` says why. */
export const ANSWER_BAD = -2;
/** A 101 that was asked for; what is behind it begins at `position`. */
export const ANSWER_SWITCH = -3;

/** 1xx answers before the final one (reliability.md C33). */
const INTERIM_MAX = 4;

/** The answer under way on a connection: its head, then its body, cut out of what comes by its framing. */
export class AnswerReader {
  isHeadDone = false;
  /** Whoever takes the body asked to wait. */
  isFull = false;
  /** A closed word, for the log. */
  fault = "";
  position = 0;
  /** Of the worker; valid until the next answer's. */
  readonly #head: ResponseHead;
  /** The beginning of a head. */
  #stash: Buffer | undefined = undefined;
  #interim = 0;
  #kind = RESPONSE_NONE;
  #remaining = 0;
  #chunks: ChunkDecoder | undefined = undefined;

  constructor(head: ResponseHead) {
    this.#head = head;
  }

  /** Another answer is to come. */
  begin(): void {
    this.isHeadDone = false;
    this.isFull = false;
    this.#interim = 0;
  }

  /** Nobody takes more of it. */
  drop(): void {
    this.#kind = RESPONSE_NONE;
  }

  /** It has no end but the connection's. */
  get endsWithConnection(): boolean {
    return this.isHeadDone && this.#kind === RESPONSE_CLOSE;
  }

  /** No more than `bytes` of it are to come, as far as its head says. */
  isWithin(bytes: number): boolean {
    return this.#kind !== RESPONSE_CLOSE && this.#remaining <= bytes;
  }

  /** `buffer`, or with it what came before of the head. */
  joined(buffer: Buffer, length: number): Buffer {
    const stash = this.#stash;
    if (stash === undefined) return buffer;
    this.#stash = undefined;
    return Buffer.concat([stash, buffer.subarray(0, length)]);
  }

  /** Reads the head of the answer to `request`: the offset of the body, or ANSWER_MORE, ANSWER_BAD or ANSWER_SWITCH. */
  readHead(buffer: Buffer, length: number, request: CanonicalRequest): number {
    const head = this.#head;
    for (let at = 0; ; ) {
      const next = readResponseHead(buffer, at, length, request.method === HEAD, head);
      if (next === RESPONSE_MORE) {
        if (length - at > RESPONSE_HEAD_BYTES_MAX) return this.#refuse("head_bytes");
        this.#stash = Buffer.from(buffer.subarray(at, length));
        return ANSWER_MORE;
      }
      if (next === RESPONSE_BAD) return this.#refuse(head.fault);
      if (head.status >= 200) {
        this.isHeadDone = true;
        this.#kind = head.bodyKind;
        this.#remaining = head.bodyKind === RESPONSE_LENGTH ? head.bodyLength : 0;
        if (head.bodyKind === RESPONSE_CHUNKED) (this.#chunks ??= new ChunkDecoder(false)).reset();
        return next;
      }
      if (head.status === 101 && request.webSocket) {
        this.position = next;
        return ANSWER_SWITCH;
      }
      // 100 and 103 are answers to us; nobody asked for another protocol.
      if (head.status === 101) return this.#refuse("unasked_101");
      if (++this.#interim > INTERIM_MAX) return this.#refuse("interim_count");
      if (next === length) return ANSWER_MORE;
      at = next;
    }
  }

  /**
   * Gives `tail` what of the body is there. The offset behind its end, or ANSWER_MORE or ANSWER_BAD. Whoever takes a piece may end
   * the connection.
   */
  readBody(buffer: Buffer, at: number, length: number, tail: AnswerTail): number {
    switch (this.#kind) {
      case RESPONSE_NONE:
        return at;
      case RESPONSE_LENGTH: {
        const end = length - at < this.#remaining ? length : at + this.#remaining;
        this.#remaining -= end - at;
        this.isFull = end > at && !tail.onAnswerBody(buffer, at, end);
        return this.#remaining === 0 ? end : ANSWER_MORE;
      }
      case RESPONSE_CHUNKED:
        return this.#readChunks(this.#chunks!, buffer, at, length, tail);
      default: // until the upstream closes
        this.isFull = length > at && !tail.onAnswerBody(buffer, at, length);
        return ANSWER_MORE;
    }
  }

  #readChunks(chunks: ChunkDecoder, buffer: Buffer, start: number, length: number, tail: AnswerTail): number {
    this.isFull = false;
    for (let at = start; ; at = chunks.position) {
      const result = chunks.next(buffer, at, length);
      if (result === CHUNK_MORE) return ANSWER_MORE;
      if (result === CHUNK_DATA) {
        this.isFull = !tail.onAnswerBody(buffer, chunks.dataStart, chunks.dataEnd);
        if (this.#kind === RESPONSE_NONE) return ANSWER_MORE;
      } else if (result === CHUNK_END) {
        if (chunks.trailers.length > 0) tail.onAnswerTrailers(chunks.trailers);
        return chunks.position;
      } else return this.#refuse("chunk");
    }
  }

  #refuse(fault: string): number {
    this.fault = fault;
    return ANSWER_BAD;
  }
}
