import { FRAME_BYTES_MAX } from "../http/http2-frame.ts";
import { STREAM_WINDOW_BYTES } from "./http2-limits.ts";
import type { Http2Output } from "./http2-output.ts";

/** Where a stream's body goes. Met by http2-stream.ts. */
export interface StreamReader {
  /** Somebody takes the body. */
  readonly wantsInput: boolean;
  /** Valid during the call only. False: no more until `resume`. */
  onInput(bytes: Buffer, start: number, end: number): boolean;
}

/** The connection, as bodies see it. Met by http2.ts. */
export interface InputOwner {
  readonly output: Http2Output;
  /** Bytes of bodies, with their padding, are taken: the client may send as many again. */
  takeBody(bytes: number): void;
}

/**
 * What one stream brings: goes on as long as somebody takes it, else waits here, as much as the window at most. The
 * window opens again as bytes are taken, which makes the upstream's pace the client's (RFC 9113 §5.2).
 */
export class StreamInput {
  /** The client sends nothing more. */
  isOver: boolean;
  /** The reader asked to wait. */
  isFull = false;
  readonly #id: number;
  readonly #owner: InputOwner;
  readonly #reader: StreamReader;
  /**
   * What waits stands in `#waiting[#waitingStart, #waitingEnd)`: one stretch. A client may cut what it sends into bytes,
   * and a buffer for each would cost a hundred times the window.
   */
  #waiting: Buffer = EMPTY;
  /** It is the read's own buffer: what is left when the read is over has to be copied. */
  #isLent = false;
  #waitingStart = 0;
  #waitingEnd = 0;
  /** What the client may still send, and what was taken since it was told. */
  #window = STREAM_WINDOW_BYTES;
  #taken = 0;
  /** What came and was not taken: it is missing in the connection's window. */
  #untaken = 0;
  /** What comes is thrown away: so much, since the client was told that it may send as many again. */
  #isDiscarding = false;
  #discarded = 0;

  constructor(id: number, owner: InputOwner, reader: StreamReader, isOver: boolean) {
    this.#id = id;
    this.#owner = owner;
    this.#reader = reader;
    this.isOver = isOver;
  }

  /** Nothing waits, and nobody asked to wait. */
  get isTaken(): boolean {
    return this.#waitingStart === this.#waitingEnd && !this.isFull;
  }

  /** DATA of `length` comes, of which `padding` is nobody's. False: more than the window. */
  begin(length: number, padding: number): boolean {
    this.#window -= length;
    if (this.#window < 0) return false;
    if (this.#isDiscarding) {
      this.#discard(length);
      return true;
    }
    this.#untaken += length - padding;
    this.#taken += padding;
    if (padding > 0) this.#openWindow();
    return true;
  }

  take(bytes: Buffer, start: number, end: number): void {
    if (this.#isDiscarding) return;
    if (this.#reader.wantsInput && this.isTaken) this.#give(bytes, start, end);
    else this.#keep(bytes, start, end);
  }

  /**
   * Body that came in one read with its head, before the request is served: it can leave in one write with that. Nothing
   * waits yet. `settle` follows before the read is over.
   */
  lend(bytes: Buffer, start: number, end: number): void {
    this.#waiting = bytes;
    this.#waitingStart = start;
    this.#waitingEnd = end;
    this.#isLent = true;
  }

  /** The read is over, as far as this stream goes. */
  settle(): void {
    if (!this.#isLent) return;
    this.#isLent = false;
    const bytes = this.#waiting;
    const start = this.#waitingStart;
    const end = this.#waitingEnd;
    this.#forgetWaiting();
    if (start < end) this.#keep(bytes, start, end);
  }

  /** Somebody takes more, perhaps not all: first what came before it was asked for. */
  resume(): void {
    this.isFull = false;
    while (this.#waitingStart < this.#waitingEnd && !this.isFull && this.#reader.wantsInput) {
      const bytes = this.#waiting;
      const start = this.#waitingStart;
      const end = Math.min(this.#waitingEnd, start + FRAME_BYTES_MAX);
      if (end === this.#waitingEnd) this.#forgetWaiting();
      else this.#waitingStart = end;
      this.#give(bytes, start, end);
    }
    if (!this.isFull) this.#openWindow();
  }

  /** Nobody takes more, but the client may send it: what waits, and all that comes, is thrown away. */
  discard(): void {
    this.#isDiscarding = true;
    this.#isLent = false;
    this.#forgetWaiting();
    const gone = this.#taken + this.#untaken;
    this.#taken = this.#untaken = 0;
    this.#discard(gone);
  }

  /** Not in large steps for the connection: a hundred such streams would take its window and never bring the rest. */
  #discard(bytes: number): void {
    this.#owner.takeBody(bytes);
    this.#discarded += bytes;
    if (this.#discarded < STREAM_WINDOW_BYTES / 2 || this.isOver) return;
    this.#window += this.#discarded;
    this.#owner.output.openWindow(this.#id, this.#discarded);
    this.#discarded = 0;
  }

  /** Nobody takes more. Padding and what waits is given back to the connection's window, but not the stream's. */
  close(): void {
    this.#isLent = false;
    this.#forgetWaiting();
    this.isFull = true;
    this.#owner.takeBody(this.#taken + this.#untaken);
    this.#taken = this.#untaken = 0;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const count = end - start;
    if (this.#waitingEnd + count > this.#waiting.length) {
      const kept = this.#waitingEnd - this.#waitingStart;
      // Twice what is needed: moving it happens once in its length at most.
      const larger = Buffer.allocUnsafeSlow(2 * (kept + count));
      this.#waiting.copy(larger, 0, this.#waitingStart, this.#waitingEnd);
      this.#waiting = larger;
      this.#waitingStart = 0;
      this.#waitingEnd = kept;
    }
    this.#waitingEnd += bytes.copy(this.#waiting, this.#waitingEnd, start, end);
  }

  #forgetWaiting(): void {
    this.#waiting = EMPTY;
    this.#waitingStart = this.#waitingEnd = 0;
  }

  #give(bytes: Buffer, start: number, end: number): void {
    this.#untaken -= end - start;
    this.#taken += end - start;
    if (this.#reader.onInput(bytes, start, end)) this.#openWindow();
    else this.isFull = true;
  }

  /** In large steps: an update for each read would cost as much as the read. */
  #openWindow(): void {
    const taken = this.#taken;
    if (taken < STREAM_WINDOW_BYTES / 2) return;
    this.#taken = 0;
    if (!this.isOver) {
      this.#window += taken;
      this.#owner.output.openWindow(this.#id, taken);
    }
    this.#owner.takeBody(taken);
  }
}

const EMPTY = Buffer.alloc(0);
