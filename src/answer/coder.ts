import * as zlib from "node:zlib";
import type { AnswerCoding } from "../http/accept-encoding.ts";
import { brOptions, type EffortRow, gzipOptions, wholeLevel, zstdOptions } from "./coding-effort.ts";

/** A whole body in one call. */
export function codeWhole(coding: AnswerCoding, body: Uint8Array, effort: EffortRow): Buffer {
  const level = wholeLevel(effort, coding, body.length);
  switch (coding) {
    case "gzip":
      return zlib.gzipSync(body, gzipOptions(level, body.length));
    case "br":
      return zlib.brotliCompressSync(body, brOptions(level, body.length));
    case "zstd":
      return zlib.zstdCompressSync(body, zstdOptions(level, body.length));
  }
}

/** Where coded bytes go. Nothing is called after `close`. */
export interface CoderOwner {
  onCoded(bytes: Buffer): void;
  /** `write` said false and may be called again. */
  onCoderDrain(): void;
  onCoderEnd(): void;
  onCoderFault(): void;
  /** A bug of ours came up in one of these calls: Node would end the worker for it. */
  onDefect(cause: unknown): void;
}

/** Codes a body as it comes, in zlib's thread pool: two blocks wait at most, and one piece of output. */
export class Coder {
  readonly #owner: CoderOwner;
  readonly #engine: zlib.Gzip | zlib.BrotliCompress | zlib.ZstdCompress;
  readonly #flushKind: number;
  #waiting = 0;
  #closed = false;

  constructor(owner: CoderOwner, coding: AnswerCoding, effort: EffortRow) {
    this.#owner = owner;
    this.#engine = openEngine(coding, effort);
    this.#flushKind = flushKinds[coding];
    this.#engine.on("data", (bytes: Buffer) => this.#tell(() => owner.onCoded(bytes)));
    this.#engine.on("end", () => this.#tell(() => owner.onCoderEnd()));
    this.#engine.on("error", () => this.#tell(() => owner.onCoderFault()));
  }

  /** The block is the coder's from now on. False asks to wait for `onCoderDrain`. */
  write(block: Buffer): boolean {
    this.#waiting++;
    this.#engine.write(block, this.#onWritten);
    return this.#waiting < BLOCKS_MAX;
  }

  readonly #onWritten = (): void => {
    if (this.#waiting-- === BLOCKS_MAX) this.#tell(() => this.#owner.onCoderDrain());
  };

  #tell(call: () => void): void {
    if (this.#closed) return;
    try {
      call();
    } catch (cause) {
      this.#owner.onDefect(cause);
    }
  }

  /** What was written comes out, and `done` is called. */
  flush(done: () => void): void {
    this.#engine.flush(this.#flushKind, done);
  }

  end(): void {
    this.#engine.end();
  }

  pause(): void {
    this.#engine.pause();
  }

  resume(): void {
    if (!this.#closed) this.#engine.resume();
  }

  close(): void {
    this.#closed = true;
    this.#engine.destroy();
  }
}

const BLOCKS_MAX = 2;

const flushKinds: Readonly<Record<AnswerCoding, number>> = {
  gzip: zlib.constants.Z_SYNC_FLUSH,
  br: zlib.constants.BROTLI_OPERATION_FLUSH,
  zstd: zlib.constants.ZSTD_e_flush,
};

function openEngine(coding: AnswerCoding, effort: EffortRow) {
  const level = effort.levels[coding][1];
  switch (coding) {
    case "gzip":
      return zlib.createGzip(gzipOptions(level, undefined));
    case "br":
      return zlib.createBrotliCompress(brOptions(level, undefined));
    case "zstd":
      return zlib.createZstdCompress(zstdOptions(level, undefined));
  }
}
