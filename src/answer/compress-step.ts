import type { AnswerCoding } from "../http/accept-encoding.ts";
import { keepHead } from "../http/kept-head.ts";
import type { AnswerStep, Outlet, StepOwner } from "../http/outlet.ts";
import { RESPONSE_CHUNKED, RESPONSE_LENGTH, type ResponseHead } from "../http/response-head.ts";
import type { Trailers } from "../http/trailer.ts";
import { reasons } from "../reason.ts";
import { isFalseOnceCoded, markCoded } from "./coded-head.ts";
import { Coder, type CoderOwner, codeWhole } from "./coder.ts";
import { type EffortRow, flowBytes } from "./coding-effort.ts";
import type { CompressionDesk } from "./compression-desk.ts";

/** Head and body wait: short bodies are coded in one call, and their length is known then. */
const HOLDING = 0;
const CODING = 1;
/** There is no memory for a compressor: the answer goes as it is. */
const PASSING = 2;
const OVER = 3;

/**
 * Codes one answer on its way to the client.
 *
 *     HOLDING ─┬─ complete ────────── coded in one call, Content-Length ── OVER
 *              └─ too long, or late ─┬─ CODING: block by block ─────────── OVER
 *                                    └─ PASSING ────────────────────────── OVER
 */
export class CompressStep implements AnswerStep, CoderOwner {
  readonly #owner: StepOwner;
  readonly #next: Outlet;
  readonly #desk: CompressionDesk;
  readonly #coding: AnswerCoding;
  readonly #effort: EffortRow;
  #phase: typeof HOLDING | typeof CODING | typeof PASSING | typeof OVER = HOLDING;
  /** Until it is on its way. */
  #head: ResponseHead | undefined = undefined;
  /** Bytes not given to the coder yet. */
  #block: Buffer = NO_BYTES;
  #filledBytes = 0;
  #takenBytes = 0;
  #coder: Coder | undefined = undefined;
  /** Bytes went into the coder since it was last flushed. */
  #isFlushDue = false;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isEnded = false;
  #refusedBody = false;
  #trailers: Trailers | undefined = undefined;
  #bytesIn = 0;
  /** The head said so. */
  #isCoded = false;
  sentBytes = 0;

  constructor(
    owner: StepOwner,
    next: Outlet,
    desk: CompressionDesk,
    coding: AnswerCoding,
    effort: EffortRow,
  ) {
    this.#owner = owner;
    this.#next = next;
    this.#desk = desk;
    this.#coding = coding;
    this.#effort = effort;
  }

  get holdsHead(): boolean {
    return this.#head !== undefined;
  }

  // --- from the origin

  answerHead(head: ResponseHead): void {
    this.#head = keepHead(head);
    const { wholeBytesMax } = this.#effort;
    const room = head.bodyKind === RESPONSE_LENGTH ? Math.min(head.bodyLength, wholeBytesMax) : wholeBytesMax;
    if (!this.#take(room)) this.#pass();
    else if (head.bodyKind === RESPONSE_LENGTH && head.bodyLength > wholeBytesMax) this.#flow();
  }

  answerBody(bytes: Buffer, start: number, end: number): boolean {
    this.#bytesIn += end - start;
    if (this.#phase === HOLDING && this.#filledBytes + end - start > this.#effort.wholeBytesMax) this.#flow();
    if (this.#phase === PASSING) return this.#send(bytes, start, end);
    if (this.#phase === OVER) return true;
    let wantsMore = true;
    while (start < end) {
      if (this.#filledBytes === this.#block.length) this.#grow(end - start);
      const count = Math.min(end - start, this.#block.length - this.#filledBytes);
      bytes.copy(this.#block, this.#filledBytes, start, start + count);
      this.#filledBytes += count;
      start += count;
      if (this.#phase === CODING && this.#filledBytes === BLOCK_BYTES) wantsMore = this.#feed();
    }
    this.#refusedBody = !wantsMore;
    return wantsMore;
  }

  /** Nothing more is there now: what there is may wait for `HELD_MS`, not for what comes next. */
  answerFlush(): boolean {
    if (this.#phase === PASSING) return this.#flushNext();
    if (this.#phase === HOLDING || (this.#phase === CODING && this.#isAnythingHeld)) this.#arm();
    return true;
  }

  answerTrailers(trailers: Trailers): void {
    this.#trailers = trailers;
  }

  answerEnd(): void {
    this.#isEnded = true;
    this.#disarm();
    if (this.#phase === HOLDING) this.#codeWhole();
    else if (this.#phase === CODING) {
      if (this.#filledBytes > 0) this.#feed();
      this.#coder!.end();
    } else if (this.#phase === PASSING) this.#end();
  }

  // --- from the client

  resume(): void {
    if (this.#coder !== undefined) this.#coder.resume();
    else this.#owner.onStepDrain();
  }

  close(): void {
    if (this.#isCoded) this.#count();
    this.#isCoded = false;
    this.#phase = OVER;
    this.#disarm();
    this.#coder?.close();
    this.#coder = undefined;
    this.#block = NO_BYTES;
    this.#head = undefined;
    this.#desk.give(this.#takenBytes);
    this.#takenBytes = 0;
  }

  // --- from the coder

  onCoded(bytes: Buffer): void {
    const wantsMore = this.#send(bytes, 0, bytes.length);
    const flushed = this.#next.answerFlush();
    if (!wantsMore || !flushed) this.#coder?.pause();
  }

  onCoderDrain(): void {
    if (!this.#refusedBody) return;
    this.#refusedBody = false;
    this.#owner.onStepDrain();
  }

  onCoderEnd(): void {
    this.#end();
  }

  onCoderFault(): void {
    this.#owner.onStepFault(reasons.compression);
  }

  onDefect(cause: unknown): void {
    this.#owner.onDefect(cause);
  }

  // --- phases

  #codeWhole(): void {
    const body = codeWhole(this.#coding, this.#block.subarray(0, this.#filledBytes), this.#effort);
    const head = this.#head!;
    // Trailers need chunks.
    if (this.#trailers === undefined) {
      head.bodyKind = RESPONSE_LENGTH;
      head.bodyLength = body.length;
    } else head.bodyKind = RESPONSE_CHUNKED;
    this.#send(body, 0, body.length);
    this.#end();
  }

  /** From here on what comes is coded block by block. */
  #flow(): void {
    if (!this.#take(flowBytes[this.#coding])) {
      this.#pass();
      return;
    }
    this.#phase = CODING;
    this.#coder = new Coder(this, this.#coding, this.#effort);
    this.#head!.bodyKind = RESPONSE_CHUNKED;
    if (this.#filledBytes > 0) this.#feed();
  }

  #pass(): void {
    this.#desk.skipped.memory++;
    this.#phase = PASSING;
    const held = this.#block;
    this.#block = NO_BYTES;
    if (this.#filledBytes > 0) this.#send(held, 0, this.#filledBytes);
  }

  #end(): void {
    // An empty body of unknown length.
    if (this.#head !== undefined) this.#sendHead();
    this.#phase = OVER;
    const trailers = this.#isCoded ? this.#trailers?.filter(isStillTrue) : this.#trailers;
    if (trailers !== undefined) this.#next.answerTrailers(trailers);
    this.#next.answerEnd();
    this.#owner.onStepEnd();
  }

  #count(): void {
    const counts = this.#desk.coded[this.#coding];
    counts.answers++;
    counts.bytesIn += this.#bytesIn;
    counts.bytesOut += this.sentBytes;
  }

  // --- bytes

  #send(bytes: Buffer, start: number, end: number): boolean {
    if (this.#head !== undefined) this.#sendHead();
    this.sentBytes += end - start;
    return this.#next.answerBody(bytes, start, end);
  }

  #sendHead(): void {
    const head = this.#head!;
    this.#head = undefined;
    this.#isCoded = this.#phase !== PASSING;
    if (this.#isCoded) markCoded(head, this.#coding);
    this.#next.answerHead(head);
  }

  /** Gives the block to the coder. */
  #feed(): boolean {
    const block = this.#block.subarray(0, this.#filledBytes);
    this.#block = NO_BYTES;
    this.#filledBytes = 0;
    this.#isFlushDue = true;
    return this.#coder!.write(block);
  }

  #grow(wantedBytes: number): void {
    if (this.#phase === CODING) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      return;
    }
    const head = this.#head!;
    const size =
      head.bodyKind === RESPONSE_LENGTH
        ? head.bodyLength
        : Math.min(
            Math.max(2 * this.#block.length, wantedBytes, BLOCK_LEAST_BYTES),
            this.#effort.wholeBytesMax,
          );
    const grown = Buffer.allocUnsafeSlow(size);
    this.#block.copy(grown, 0, 0, this.#filledBytes);
    this.#block = grown;
  }

  #take(bytes: number): boolean {
    if (!this.#desk.take(bytes)) return false;
    this.#takenBytes += bytes;
    return true;
  }

  // --- time

  #arm(): void {
    this.#timer ??= setTimeout(this.#onHeldLong, HELD_MS);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #onHeldLong = (): void => {
    this.#timer = undefined;
    try {
      if (this.#phase === HOLDING) this.#flow();
      if (this.#phase === CODING && this.#isAnythingHeld) this.#flushCoder();
      else if (this.#phase !== OVER) this.#flushNext();
    } catch (cause) {
      this.onDefect(cause);
    }
  };

  #flushCoder(): void {
    if (this.#filledBytes > 0) this.#feed();
    this.#isFlushDue = false;
    this.#coder!.flush(this.#onFlushed);
  }

  /** More came in the meantime. */
  readonly #onFlushed = (): void => {
    if (this.#phase === CODING && !this.#isEnded && this.#isAnythingHeld) this.#arm();
  };

  get #isAnythingHeld(): boolean {
    return this.#isFlushDue || this.#filledBytes > 0;
  }

  #flushNext(): boolean {
    if (this.#head !== undefined) this.#sendHead();
    return this.#next.answerFlush();
  }
}

/** A byte waits so long for others at most, beside the time that coding takes. */
const HELD_MS = 20;
const BLOCK_BYTES = 32_768;
const BLOCK_LEAST_BYTES = 4096;
const NO_BYTES = Buffer.alloc(0);

function isStillTrue(_text: string, index: number, all: Trailers): boolean {
  return !isFalseOnceCoded(all[index - (index % 2)]!);
}
