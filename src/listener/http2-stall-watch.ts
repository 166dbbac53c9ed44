/** Progress of a slow client is seen in steps of this size. */
const PROGRESS_BYTES = 16_384;
/** Without any progress of its own, a stream lives this many `write_timeout_ms` while its connection progresses. */
const STALLS_MAX = 10;

/**
 * Whether a client takes what waits for it on one stream, looked at once in `write_timeout_ms`. A client that opens no
 * window holds what is queued. Streams of one slow connection wait for each other, so its own progress counts for a while
 * too, but not for ever.
 */
export class StallWatch {
  #queuedBytes = 0;
  #takenBytes = 0;
  #stalls = 0;

  /** `queuedBytes` wait on the stream; `takenBytes` were taken of its whole connection so far. */
  begin(queuedBytes: number, takenBytes: number): void {
    this.#queuedBytes = queuedBytes;
    this.#takenBytes = takenBytes;
    this.#stalls = 0;
  }

  /** Looks again. True: it is given up. */
  isStalled(queuedBytes: number, takenBytes: number): boolean {
    const hasMoved = takenBytes - this.#takenBytes >= PROGRESS_BYTES;
    // A byte at a time is none.
    if (this.#queuedBytes - queuedBytes >= Math.min(PROGRESS_BYTES, this.#queuedBytes)) this.#stalls = 0;
    else if (!hasMoved || ++this.#stalls >= STALLS_MAX) return true;
    this.#queuedBytes = queuedBytes;
    this.#takenBytes = takenBytes;
    return false;
  }
}
