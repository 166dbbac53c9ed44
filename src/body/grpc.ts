import { BODY_BYTES, type ValueSink } from "./place.ts";
import { TextReader } from "./text.ts";

/** Why a gRPC body is refused. */
export type GrpcReason =
  | "grpc_frame" // a message's first byte is neither 0 nor 1, or the body ends inside a message
  | "grpc_size" // a message is longer than the limit
  | "grpc_compressed"; // a compressed message: nobody has seen what is in it

/**
 * Messages of gRPC (and gRPC-Web), each with a prefix of one byte for compression and four for its length. A message is
 * reported like a body of its own, in windows, and is whole when its last byte came: a call may send one and wait for
 * the answer before the next.
 *
 * Usage: `write` for each chunk, `end`, `reset`. Any cutting into chunks gives the same values.
 */
export class GrpcReader {
  /** End of the last message that was reported whole, from the start of the body. */
  settled = 0;
  /** Of one message, in bytes. */
  messageBytesMax = Infinity;
  readonly #text: TextReader;
  readonly #onMessage: () => void;
  #position = 0;
  /** Bytes of the prefix that are here. */
  #prefixBytes = 0;
  #length = 0;
  #remaining = 0;

  /** `onMessage` is called when a message was reported whole. */
  constructor(sink: ValueSink, windowBytes: number, overlapBytes: number, onMessage: () => void) {
    this.#text = new TextReader(sink, windowBytes, overlapBytes, BODY_BYTES);
    this.#onMessage = onMessage;
  }

  reset(): void {
    this.settled = 0;
    this.#position = 0;
    this.#prefixBytes = 0;
    this.#remaining = 0;
    this.#text.reset();
  }

  write(bytes: Uint8Array, start: number, end: number): GrpcReason | undefined {
    for (let at = start; at < end; ) {
      if (this.#prefixBytes < PREFIX_BYTES) {
        const reason = this.#takePrefix(bytes[at++]!);
        if (reason !== undefined) return reason;
        continue;
      }
      const count = Math.min(end - at, this.#remaining);
      this.#text.write(bytes, at, at + count);
      at += count;
      this.#position += count;
      this.#remaining -= count;
      if (this.#remaining === 0) this.#endMessage();
    }
    return undefined;
  }

  end(): GrpcReason | undefined {
    return this.#prefixBytes === 0 ? undefined : "grpc_frame";
  }

  #takePrefix(byte: number): GrpcReason | undefined {
    this.#position++;
    if (this.#prefixBytes++ === 0) {
      if (byte > 1) return "grpc_frame";
      this.#length = 0;
      return byte === 1 ? "grpc_compressed" : undefined;
    }
    this.#length = this.#length * 256 + byte;
    if (this.#prefixBytes < PREFIX_BYTES) return undefined;
    if (this.#length > this.messageBytesMax) return "grpc_size";
    this.#remaining = this.#length;
    if (this.#remaining === 0) this.#endMessage();
    return undefined;
  }

  #endMessage(): void {
    this.#text.end();
    this.#text.reset();
    this.#prefixBytes = 0;
    this.settled = this.#position;
    this.#onMessage();
  }
}

const PREFIX_BYTES = 5;
