import type { ByteSpan } from "../http/byte-range.ts";
import { type Reason, reasons } from "../reason.ts";
import type { Reader, StoredAnswer } from "./stored-answer.ts";

/** The exchange, as a stored answer sees it (respond/source.ts `SourceOwner`). */
export interface StoredSourceOwner {
  onAnswerBody(bytes: Buffer, start: number, end: number): boolean;
  onAnswerFlush(): boolean;
  onAnswerEnd(atOnce: boolean): void;
  /** The rest will not come: what was sent must not look complete. */
  onSourceFault(reason: Reason, detail: string): void;
}

/** A part of a body: of the stored one, or bytes of our own between such parts. */
export type BodyPart = ByteSpan | { readonly bytes: Buffer };

/**
 * A stored body, or parts of it, on its way to one client: as fast as that takes it, and no faster than it comes where it
 * still grows. Nothing is copied; the answer is held until the last byte is given or the client is gone.
 */
export class StoredSource implements Reader {
  readonly #owner: StoredSourceOwner;
  readonly #answer: StoredAnswer;
  readonly #parts: readonly BodyPart[];
  #part = 0;
  /** Within a stored part: offset in the body. Within own bytes: in those. */
  #at: number;
  #piece = 0;
  #pieceStart: number;
  #closed = false;
  #running = false;
  /** The client takes no more for now. */
  #waits = false;

  constructor(owner: StoredSourceOwner, answer: StoredAnswer, parts: readonly BodyPart[]) {
    this.#owner = owner;
    this.#answer = answer;
    this.#parts = parts;
    this.#at = startOf(parts[0]);
    this.#pieceStart = answer.firstOffset;
    answer.enter(this);
  }

  get offset(): number {
    const part = this.#parts[this.#part];
    if (part === undefined) return Infinity;
    let least = "bytes" in part ? Infinity : this.#at;
    // Ranges may be asked for in any order.
    for (let next = this.#part + 1; next < this.#parts.length; next++) {
      const later = this.#parts[next]!;
      if (!("bytes" in later) && later.start < least) least = later.start;
    }
    return least;
  }

  resume(): void {
    this.#waits = false;
    this.#run();
  }

  onMore(): void {
    if (!this.#waits) this.#run();
  }

  onBroken(): void {
    if (this.#closed) return;
    this.close();
    this.#owner.onSourceFault(reasons.upstreamReset, "cache_fetch");
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answer.leave(this);
  }

  /** Gives what is there. An owner that asks for more meanwhile is heard by the loop. */
  #run(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    while (!this.#closed && !this.#waits && this.#give());
    this.#running = false;
    if (this.#closed) return;
    if (this.#part < this.#parts.length) {
      this.#owner.onAnswerFlush();
      this.#answer.onRead?.();
      return;
    }
    this.close();
    this.#owner.onAnswerEnd(false);
  }

  /** False: there is nothing to give now. */
  #give(): boolean {
    const part = this.#parts[this.#part];
    if (part === undefined) return false;
    const answer = this.#answer;
    if ("bytes" in part) {
      this.#next();
      this.#waits = !this.#owner.onAnswerBody(part.bytes, 0, part.bytes.length);
      return true;
    }
    const end = Math.min(part.end, answer.bodyBytes);
    if (this.#at >= end) {
      if (this.#at < part.end && !answer.complete) return false;
      this.#next();
      return true;
    }
    this.#find();
    const piece = answer.pieces[this.#piece]!;
    const from = this.#at - this.#pieceStart;
    const to = Math.min(piece.length, end - this.#pieceStart, from + STEP_BYTES);
    this.#at += to - from;
    const wantsMore = this.#owner.onAnswerBody(piece, from, to);
    // A buffer full: what is gathered behind one that waits would cost a second one.
    this.#waits = (to - from === STEP_BYTES && !this.#owner.onAnswerFlush()) || !wantsMore;
    return true;
  }

  /** The piece that `#at` stands in. */
  #find(): void {
    const { pieces, firstOffset } = this.#answer;
    // Where earlier ones were forgotten, places have moved.
    if (firstOffset > 0 || this.#at < this.#pieceStart) {
      this.#piece = 0;
      this.#pieceStart = firstOffset;
    }
    while (this.#at >= this.#pieceStart + pieces[this.#piece]!.length)
      this.#pieceStart += pieces[this.#piece++]!.length;
  }

  #next(): void {
    this.#part++;
    this.#at = startOf(this.#parts[this.#part]);
  }
}

function startOf(part: BodyPart | undefined): number {
  return part === undefined || "bytes" in part ? 0 : part.start;
}

/** A client's buffer takes about that much at a time. */
const STEP_BYTES = 65_536;
