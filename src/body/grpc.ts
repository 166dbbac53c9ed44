import { type Coding, CodingDecoder, type CodingReason } from "./coding.ts";
import { BODY_BYTES, type ValueSink } from "./place.ts";
import { TextReader } from "./text.ts";

/** Why a gRPC body is refused. */
export type GrpcReason =
  | "grpc_frame" // a message's first byte is neither 0 nor 1, or the body ends inside a message
  | "grpc_size" // a message is longer than the limit
  | "grpc_compressed" // a compressed message, by a coding that is not undone here, or none that the head names
  | CodingReason; // what a compressed message says is no intact stream, or too much

/** What a reader tells between two calls. */
export interface GrpcEvents {
  /** A message was reported whole. */
  message(): void;
  /** `busy` is over; with a reason the body is refused. Never called within `write`. */
  ready(reason: GrpcReason | undefined): void;
}

/**
 * Messages of gRPC (and gRPC-Web), each with a prefix of one byte for compression and four for its length. A message is
 * reported like a body of its own, in windows, and is whole when its last byte came: a call may send one and wait for
 * the answer before the next. A compressed one is undone first, with the caps of a coded body.
 *
 * Usage: `write` for each chunk while not `busy`, `end`, `reset`. Any cutting into chunks gives the same values.
 */
export class GrpcReader {
  /** End of the last message that was reported whole, from the start of the body. */
  settled = 0;
  /** Of one message, in bytes, compressed or not. */
  messageBytesMax = Infinity;
  /** How compressed messages are (`grpc-encoding`); undefined = in no way that is undone here. */
  coding: Exclude<Coding, "identity"> | undefined = undefined;
  /** A compressed message is being undone: `ready` follows. */
  busy = false;
  readonly #text: TextReader;
  readonly #events: GrpcEvents;
  #position = 0;
  /** Bytes of the prefix that are here. */
  #prefixBytes = 0;
  #isCompressed = false;
  #length = 0;
  #remaining = 0;
  #decoder: CodingDecoder | undefined = undefined;
  /** What came behind a compressed message, while it is undone. */
  #rest: Uint8Array = NOTHING;
  /** Of compressed messages so far. */
  #codedBytes = 0;
  #decodedBytes = 0;
  #isCalled = false;
  #early: GrpcReason | undefined = undefined;

  constructor(sink: ValueSink, windowBytes: number, overlapBytes: number, events: GrpcEvents) {
    this.#text = new TextReader(sink, windowBytes, overlapBytes, BODY_BYTES);
    this.#events = events;
  }

  reset(): void {
    this.settled = 0;
    this.coding = undefined;
    this.busy = false;
    this.#position = 0;
    this.#prefixBytes = 0;
    this.#remaining = 0;
    this.#decoder?.close();
    this.#decoder = undefined;
    this.#rest = NOTHING;
    this.#codedBytes = 0;
    this.#decodedBytes = 0;
    this.#early = undefined;
    this.#text.reset();
  }

  write(bytes: Uint8Array, start: number, end: number): GrpcReason | undefined {
    this.#isCalled = true;
    const reason = this.#read(bytes, start, end) ?? this.#early;
    this.#isCalled = false;
    return reason;
  }

  end(): GrpcReason | undefined {
    return this.#prefixBytes === 0 ? undefined : "grpc_frame";
  }

  #read(bytes: Uint8Array, start: number, end: number): GrpcReason | undefined {
    for (let at = start; at < end; ) {
      if (this.#early !== undefined) return this.#early;
      if (this.busy && this.#remaining === 0) {
        this.#rest = bytes.slice(at, end);
        return undefined;
      }
      if (this.#prefixBytes < PREFIX_BYTES) {
        const reason = this.#takePrefix(bytes[at++]!);
        if (reason !== undefined) return reason;
        continue;
      }
      const count = Math.min(end - at, this.#remaining);
      this.#position += count;
      this.#remaining -= count;
      if (this.#decoder === undefined) this.#text.write(bytes, at, at + count);
      else if (!this.#decoder.write(bytes, at, at + count)) this.busy = true;
      at += count;
      if (this.#remaining === 0) this.#endPayload();
    }
    return undefined;
  }

  #takePrefix(byte: number): GrpcReason | undefined {
    this.#position++;
    if (this.#prefixBytes++ === 0) {
      if (byte > 1) return "grpc_frame";
      this.#length = 0;
      this.#isCompressed = byte === 1;
      return this.#isCompressed && this.coding === undefined ? "grpc_compressed" : undefined;
    }
    this.#length = this.#length * 256 + byte;
    if (this.#prefixBytes < PREFIX_BYTES) return undefined;
    if (this.#length > this.messageBytesMax) return "grpc_size";
    this.#remaining = this.#length;
    if (this.#isCompressed) this.#decoder = this.#openDecoder(this.coding!);
    if (this.#remaining === 0) this.#endPayload();
    return undefined;
  }

  #endPayload(): void {
    if (this.#decoder === undefined) {
      this.#endMessage();
      return;
    }
    this.busy = true;
    this.#decoder.end();
  }

  #endMessage(): void {
    this.#text.end();
    this.#text.reset();
    this.#prefixBytes = 0;
    this.settled = this.#position;
    this.#events.message();
  }

  // --- compressed messages

  #openDecoder(coding: Exclude<Coding, "identity">): CodingDecoder {
    // One allowance for the whole call: with one for each message, many small ones would buy megabytes of inspection.
    const allowance = RATIO_GRACE_BYTES + RATIO_MAX * this.#codedBytes - this.#decodedBytes;
    const limits = {
      outputMaxBytes: this.messageBytesMax,
      ratioMax: RATIO_MAX,
      ratioGraceBytes: Math.max(MESSAGE_GRACE_BYTES, allowance),
    };
    return new CodingDecoder(coding, limits, {
      slice: (bytes, start, end) => {
        this.#text.write(bytes, start, end);
        return true;
      },
      drained: () => {
        if (this.#remaining > 0) this.#becomeReady(undefined);
      },
      ended: (reason) => this.#onDecoded(reason),
    });
  }

  #onDecoded(reason: CodingReason | undefined): void {
    const decoder = this.#decoder!;
    this.#decoder = undefined;
    if (reason !== undefined) {
      this.#becomeReady(reason);
      return;
    }
    this.#codedBytes += this.#length;
    this.#decodedBytes += decoder.outputBytes;
    this.busy = false;
    this.#endMessage();
    // What is undone within `write` needs nobody to be told: `write` goes on.
    if (this.#isCalled) return;
    const rest = this.#rest;
    this.#rest = NOTHING;
    const fault = this.write(rest, 0, rest.length);
    if (fault !== undefined || !this.busy) this.#becomeReady(fault);
  }

  #becomeReady(reason: GrpcReason | undefined): void {
    this.busy = false;
    // A coding can be broken at its first byte: `write` says so itself.
    if (this.#isCalled) this.#early = reason;
    else this.#events.ready(reason);
  }
}

const NOTHING = new Uint8Array(0);
const PREFIX_BYTES = 5;
/** As of coded bodies (coding.ts), over all compressed messages of a call. */
const RATIO_MAX = 10;
const RATIO_GRACE_BYTES = 65_536;
/** What any message may expand to. */
const MESSAGE_GRACE_BYTES = 4_096;
