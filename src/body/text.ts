import { BODY_TEXT, Place, type ValueSink } from "./place.ts";

/**
 * A body without structure (plain text, unknown bytes), reported in windows: each starts `overlapBytes` before the end
 * of the one before it, so that whatever is shorter lies whole in one of them. A body of up to `windowBytes` is one
 * value. Any cutting into chunks gives the same windows.
 *
 * Usage: `write` for each chunk, `end`, `reset`. Nothing is refused here: size is another gate's.
 */
export class TextReader {
  readonly #sink: ValueSink;
  readonly #windowBytes: number;
  readonly #overlapBytes: number;
  readonly #place: Place = new Place();
  #held: Uint8Array = new Uint8Array(HELD_BYTES);
  #heldEnd = 0;
  /** Offset of `#held[0]` in the body. */
  #base = 0;

  /** `overlapBytes` is less than `windowBytes`. `kind`: BODY_TEXT or BODY_BYTES. */
  constructor(sink: ValueSink, windowBytes: number, overlapBytes: number, kind: number = BODY_TEXT) {
    this.#sink = sink;
    this.#windowBytes = windowBytes;
    this.#overlapBytes = overlapBytes;
    this.#place.kind = kind;
  }

  reset(): void {
    this.#heldEnd = 0;
    this.#base = 0;
    if (this.#held.length > HELD_BYTES_KEPT) this.#held = new Uint8Array(HELD_BYTES);
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    while (start < end) {
      // A full window goes out only when more follows: the end of the body is never a window of overlap alone.
      if (this.#heldEnd === this.#windowBytes) this.#nextWindow();
      const count = Math.min(end - start, this.#windowBytes - this.#heldEnd);
      this.#hold(bytes, start, start + count);
      start += count;
    }
  }

  end(): void {
    if (this.#heldEnd > 0) this.#report(false);
  }

  #nextWindow(): void {
    this.#report(true);
    const from = this.#windowBytes - this.#overlapBytes;
    this.#held.copyWithin(0, from, this.#heldEnd);
    this.#heldEnd -= from;
    this.#base += from;
  }

  #report(goesOn: boolean): void {
    this.#place.repeated = this.#base === 0 ? 0 : this.#overlapBytes;
    this.#place.goesOn = goesOn;
    this.#place.start = this.#base;
    this.#place.end = this.#base + this.#heldEnd;
    this.#sink.value(this.#held, 0, this.#heldEnd, this.#place);
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#heldEnd + (end - start);
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.min(this.#windowBytes, Math.max(needed, this.#held.length * 2)));
      grown.set(this.#held.subarray(0, this.#heldEnd));
      this.#held = grown;
    }
    this.#held.set(bytes.subarray(start, end), this.#heldEnd);
    this.#heldEnd = needed;
  }
}

const HELD_BYTES = 1024;
const HELD_BYTES_KEPT = 2048;
