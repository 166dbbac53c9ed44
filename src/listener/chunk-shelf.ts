/**
 * Buffers for bytes of answers that wait for an HTTP/2 client, used again. Memory outside V8's heap makes it collect garbage,
 * all of it, after some 64 MB: a new buffer for each 64 kB that waited took half of the CPU of large answers.
 */
export class ChunkShelf {
  readonly #free: Buffer[] = [];

  /** Room for `bytes`, or more. */
  take(bytes: number): Buffer {
    if (bytes < CHUNK_BYTES_LEAST || bytes > CHUNK_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  /** Nobody reads `chunk` any more. */
  give(chunk: Buffer): void {
    if (chunk.length === CHUNK_BYTES && this.#free.length < FREE_MAX) this.#free.push(chunk);
  }
}

/** What one read from an upstream brings at most. */
const CHUNK_BYTES = 65_536;
/** A smaller one is as large as it has to be. */
const CHUNK_BYTES_LEAST = 16_384;
/** 4 MiB for each worker. */
const FREE_MAX = 64;
