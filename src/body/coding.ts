import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import { AwsChunkedStream } from "./aws-chunked.ts";
import { gzipHeaderLength } from "./gzip-header.ts";
import { SnappyError, SnappyStream } from "./snappy.ts";
import { ZstdFrame } from "./zstd-frame.ts";

/** The codings a request body may have; `identity` is none at all. */
export type Coding = "identity" | "gzip" | "deflate" | "br" | "zstd" | "snappy" | "aws-chunked";

/**
 * Why a coded body is not accepted. `coding_unsupported`: no coding we undo, or more than one layer of them.
 * `decompress`: not one complete, intact stream of the coding named. `decompress_cap`, `ratio_cap`: a limit.
 */
export type CodingReason = "coding_unsupported" | "decompress" | "decompress_cap" | "ratio_cap";

export interface CodingLimits {
  /** Decoded bytes at most: the route's body cap. */
  readonly outputMaxBytes: number;
  /** Decoded bytes per coded byte at most, once more than `ratioGraceBytes` have come out. Default and least 10, of snappy 20. */
  readonly ratioMax?: number;
  /** Default 65,536. */
  readonly ratioGraceBytes?: number;
}

/** Where decoded bytes go. Nothing is called after `ended` or after the decoder was closed. */
export interface DecodedSink {
  /** Coded bytes that may be text, in order, each before what comes out of it: all of snappy, names in the header of gzip. */
  readonly coded?: (bytes: Uint8Array, start: number, end: number) => void;
  /**
   * At most `SLICE_BYTES` of decoded body, in order; the bytes are the sink's only during the call. Returns whether
   * it wants more at once: after `false` nothing comes until `resume()`.
   */
  slice(bytes: Uint8Array, start: number, end: number): boolean;
  /** `write` returned false and may be called again. */
  drained(): void;
  /** Exactly once: the whole body was decoded (undefined) or it is refused. */
  ended(reason: CodingReason | undefined): void;
}

/** As much as the inspector reads at once: between two slices the event loop runs, whatever each of them costs. */
export const SLICE_BYTES = 8192;

/**
 * The coding that a Content-Encoding value names, or undefined for one that is not undone here. One layer only: a list of codings
 * (even with `identity`) is a way to hide a body from whoever undoes fewer layers (EN3).
 */
export function contentCoding(value: string): Coding | undefined {
  switch (value.trim().toLowerCase()) {
    case "":
    case "identity":
      return "identity";
    case "gzip":
      return "gzip";
    case "deflate":
      return "deflate";
    case "br":
      return "br";
    case "zstd":
      return "zstd";
    case "snappy":
      return "snappy";
    case "aws-chunked":
      return "aws-chunked";
    default:
      return undefined;
  }
}

/** The same of a grpc-encoding value. Who compresses messages with snappy uses its framing format, which nobody undoes here. */
export function messageCoding(value: string): Coding | undefined {
  const coding = contentCoding(value);
  return coding === "snappy" || coding === "aws-chunked" ? undefined : coding;
}

/**
 * Undoes one content coding while the body flows, only to look at it: the coded bytes are what is forwarded.
 *
 * The work is done in zlib's thread pool (snappy's here), one input block at a time, and comes back in slices, so the event
 * loop is held no longer than the sink needs for one slice. Input is cut into blocks of one size whatever way it came:
 * the slices, and the verdict of the ratio cap, are the same for every chunking. A small body is therefore decoded
 * when its last byte is here.
 *
 * Memory: two blocks, two slices and the coding's window (32 KiB; br up to 16 MiB and zstd up to 8 MiB of address
 * space, touched as output fills it; snappy all of the output).
 */
export class CodingDecoder {
  readonly #coding: Exclude<Coding, "identity">;
  readonly #blockBytes: number;
  readonly #limits: CodingLimits;
  readonly #sink: DecodedSink;
  #engine: Engine | null = null;
  #closed = false;
  /** Full blocks that wait for the engine, oldest first. */
  readonly #blocks: Buffer[] = [];
  #filling: Buffer | null = null;
  #filled = 0;
  #inputEnded = false;
  #engineEnding = false;
  #busy = false;
  #paused = false;
  #refusedWrite = false;
  /** Handed to us in blocks, and of those handed to the engine. */
  #inputBytes = 0;
  #engineBytes = 0;
  #outputBytes = 0;
  #crc = 0;
  /** Bytes after the end of the coded stream: gzip's check values, garbage for the others. */
  #tail: Buffer = Buffer.alloc(0);
  #engineEnded = false;
  /** What the engine got last. */
  #block: Buffer = this.#tail;
  #zstd: ZstdFrame | null = null;

  constructor(coding: Exclude<Coding, "identity">, limits: CodingLimits, sink: DecodedSink) {
    this.#coding = coding;
    this.#blockBytes = coding === "snappy" ? SLICE_BYTES : BLOCK_BYTES;
    this.#limits = limits;
    this.#sink = sink;
    if (coding === "zstd") this.#zstd = new ZstdFrame();
  }

  /** Decoded bytes so far. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /**
   * Takes all of the bytes (they are copied: give at most a socket read's worth). False asks the caller to stop
   * until `drained()`.
   */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#closed) return true;
    while (start < end) {
      this.#filling ??= Buffer.allocUnsafeSlow(this.#blockBytes);
      const count = Math.min(end - start, this.#blockBytes - this.#filled);
      this.#filling.set(bytes.subarray(start, start + count), this.#filled);
      this.#filled += count;
      start += count;
      if (this.#filled === this.#blockBytes) this.#endBlock();
    }
    this.#pump();
    this.#refusedWrite = this.#blocks.length >= 2 && !this.#closed;
    return !this.#refusedWrite;
  }

  /** The coded body is complete. */
  end(): void {
    if (this.#closed || this.#inputEnded) return;
    if (this.#filled > 0) this.#endBlock();
    this.#inputEnded = true;
    this.#pump();
  }

  /** Goes on after `slice` returned false. */
  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#engine?.resume();
    this.#pump();
  }

  /** Frees the engine; for an aborted body. Nothing is called afterwards. Any number of times. */
  close(): void {
    this.#closed = true;
    this.#blocks.length = 0;
    this.#filling = null;
    this.#engine?.destroy();
    this.#engine = null;
  }

  #endBlock(): void {
    this.#blocks.push(this.#filling!.subarray(0, this.#filled));
    this.#filling = null;
    this.#filled = 0;
  }

  #pump(): void {
    while (!this.#closed && !this.#busy && !this.#paused && (this.#engine?.readableLength ?? 0) === 0) {
      const block = this.#blocks.shift();
      if (block === undefined) {
        if (this.#inputEnded) this.#endInput();
        return;
      }
      this.#feed(block);
      if (this.#refusedWrite && this.#blocks.length < 2 && !this.#closed) {
        this.#refusedWrite = false;
        this.#sink.drained();
      }
    }
  }

  #feed(block: Buffer): void {
    const start = this.#inputBytes === 0 && this.#coding === "gzip" ? gzipHeaderLength(block) : 0;
    this.#inputBytes += block.length;
    if (this.#coding === "snappy") this.#sink.coded?.(block, 0, block.length);
    else if (start > GZIP_HEADER_BYTES) this.#sink.coded?.(block, GZIP_HEADER_BYTES, start);
    if (this.#closed) return;
    if (this.#engineEnded) this.#keepTail(block);
    else if (start < 0 || this.#zstd?.write(block, 0, block.length) === false) this.#finish("decompress");
    else {
      this.#engine ??= this.#open();
      if (start === block.length) return;
      this.#block = block.subarray(start);
      this.#engineBytes += block.length - start;
      this.#busy = true;
      this.#engine.write(this.#block, this.#onConsumed);
    }
  }

  readonly #onConsumed = (): void => {
    this.#busy = false;
    if (!this.#paused) this.#pump();
  };

  /** The last slice of a block can be read after the block was done with. */
  readonly #onDelivered = (): void => this.#pump();

  #endInput(): void {
    if (this.#engineEnded) this.#finish(this.#isTailRight() ? undefined : "decompress");
    // Nothing at all, or cut off.
    else if (this.#engine === null || this.#zstd?.ended === false) this.#finish("decompress");
    else if (!this.#engineEnding) {
      this.#engineEnding = true;
      this.#engine.end();
    }
  }

  #open(): Engine {
    const engine = engineOf(this.#coding, this.#limits.outputMaxBytes);
    engine.on("data", (slice: Buffer) => this.#deliver(slice));
    engine.on("end", () => this.#endEngine());
    engine.on("error", (error) => this.#finish(error instanceof SnappyError ? error.reason : "decompress"));
    return engine;
  }

  #deliver(slice: Buffer): void {
    if (this.#closed) return;
    this.#outputBytes += slice.length;
    const reason = this.#limitPassed();
    if (reason !== undefined) {
      this.#finish(reason);
      return;
    }
    if (this.#coding === "gzip") this.#crc = zlib.crc32(slice, this.#crc);
    const wantsMore = this.#sink.slice(slice, 0, slice.length);
    if (this.#closed) return;
    if (!wantsMore) {
      this.#paused = true;
      this.#engine?.pause();
    } else if (!this.#busy) queueMicrotask(this.#onDelivered);
  }

  #limitPassed(): CodingReason | undefined {
    const { outputMaxBytes, ratioGraceBytes = 65_536 } = this.#limits;
    const least = this.#coding === "snappy" ? SNAPPY_RATIO_MAX : RATIO_MAX;
    const ratioMax = Math.max(this.#limits.ratioMax ?? least, least);
    if (this.#outputBytes > outputMaxBytes) return "decompress_cap";
    if (this.#outputBytes <= ratioGraceBytes) return undefined;
    return this.#outputBytes > ratioMax * this.#inputBytes ? "ratio_cap" : undefined;
  }

  /** The coded stream is over; what the engine did not want of its last block stands behind it. */
  #endEngine(): void {
    if (this.#closed || this.#engine === null) return;
    this.#engineEnded = true;
    this.#busy = false;
    const left = this.#engineBytes - this.#engine.bytesWritten;
    this.#engine.destroy();
    this.#engine = null;
    if (left > 0) this.#keepTail(this.#block.subarray(this.#block.length - left));
    this.#pump();
  }

  #keepTail(bytes: Buffer): void {
    const wanted = this.#coding === "gzip" ? GZIP_TRAILER_BYTES : 0;
    // Garbage, or a second member.
    if (this.#tail.length + bytes.length > wanted) this.#finish("decompress");
    else this.#tail = Buffer.concat([this.#tail, bytes]);
  }

  #isTailRight(): boolean {
    if (this.#coding !== "gzip") return this.#tail.length === 0;
    if (this.#tail.length !== GZIP_TRAILER_BYTES) return false;
    return this.#tail.readUInt32LE(0) === this.#crc && this.#tail.readUInt32LE(4) === this.#outputBytes >>> 0;
  }

  #finish(reason: CodingReason | undefined): void {
    if (this.#closed) return;
    this.close();
    this.#sink.ended(reason);
  }
}

/** `bytesWritten`: of the input, as far as it was read. */
type Engine = Transform & { readonly bytesWritten: number };

const RATIO_MAX = 10;
/**
 * Histograms of a service mesh, whose series differ in one label of twenty, come 15 times smaller from Prometheus. More than 21.3
 * (64 bytes for 3) the format cannot do.
 */
const SNAPPY_RATIO_MAX = 20;

/** Above a gzip header's limit, so that a header always lies in the first block. */
const BLOCK_BYTES = 16_384;
const GZIP_TRAILER_BYTES = 8;
/** Without the names and comments that may follow (RFC 1952 §2.3). */
const GZIP_HEADER_BYTES = 10;
/** 8 MiB: what RFC 9659 §3 lets a zstd content coding ask for. */
const ZSTD_WINDOW_LOG_MAX = 23;

/** The limits of the decoded stream are ours; zlib only gets the size of a slice and the largest window. */
function engineOf(coding: Exclude<Coding, "identity">, outputMaxBytes: number): Engine {
  const options = { chunkSize: SLICE_BYTES };
  switch (coding) {
    case "gzip":
      return zlib.createInflateRaw(options); // its frame is ours: node joins members and ignores zeros behind them
    case "deflate":
      return zlib.createInflate(options);
    case "br":
      return zlib.createBrotliDecompress({
        ...options,
        params: { [zlib.constants.BROTLI_DECODER_PARAM_LARGE_WINDOW]: 0 },
      });
    case "zstd":
      return zlib.createZstdDecompress({
        ...options,
        params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
      });
    case "snappy":
      return new SnappyStream(SLICE_BYTES, outputMaxBytes);
    case "aws-chunked":
      return new AwsChunkedStream(SLICE_BYTES);
  }
}
