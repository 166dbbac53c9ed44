import type { AnswerSource, SourceOwner } from "./source.ts";

/** A body of our own on its way to a client, as fast as that takes it. The head is printed by then. */
export class BytesSource implements AnswerSource {
  readonly #owner: SourceOwner;
  readonly #body: Buffer;
  #sentBytes = 0;
  #closed = false;

  constructor(owner: SourceOwner, body: Uint8Array) {
    this.#owner = owner;
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.length);
  }

  resume(): void {
    let wantsMore = true;
    while (wantsMore && !this.#closed && this.#sentBytes < this.#body.length) {
      const start = this.#sentBytes;
      this.#sentBytes = Math.min(start + PIECE_BYTES, this.#body.length);
      wantsMore = this.#owner.onAnswerBody(this.#body, start, this.#sentBytes);
      // A buffer full: what is gathered behind one that waits would cost a second one.
      if (this.#sentBytes - start === PIECE_BYTES && !this.#closed)
        wantsMore = this.#owner.onAnswerFlush() && wantsMore;
    }
    if (this.#closed) return;
    this.#owner.onAnswerFlush();
    if (this.#sentBytes === this.#body.length && !this.#closed) {
      this.#closed = true;
      this.#owner.onAnswerEnd(false);
    }
  }

  close(): void {
    this.#closed = true;
  }
}

const PIECE_BYTES = 65_536;
