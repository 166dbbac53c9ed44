import { type FieldSink, HpackDecoder } from "../http/hpack-decoder.ts";
import {
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FRAME_BYTES_MAX,
  NO_ERROR,
  PADDED,
  PRIORITY_GIVEN,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from "../http/http2-frame.ts";
import { Http2TrailerReader } from "../http/http2-trailers.ts";
import { reasons } from "../reason.ts";
import type { State } from "../state.ts";
import type { Http2Desk } from "./http2-desk.ts";
import { type Flood, IDLE_FRAME } from "./http2-guard.ts";
import { Http2HeadBlock } from "./http2-head-block.ts";
import { blockBytesMax, STREAMS_MAX } from "./http2-limits.ts";
import { Http2Stream, type StreamOwner } from "./http2-stream.ts";
import type { Http2Streams } from "./http2-streams.ts";

/** The connection, as heads see it. Met by http2.ts. */
export interface HeadsOwner extends StreamOwner {
  readonly takesWebSockets: boolean;
  /** On its way out: what comes for streams that are not open is not looked at. */
  readonly isLeaving: boolean;
  /** Counts a frame that carries nothing of a message. False: it is one too many. */
  count(kind: number): boolean;
  onFlood(flood: Flood): void;
  onFrameFault(code: number): void;
}

/**
 * HEADERS and CONTINUATION of one connection: the head of a request, which opens a stream, or trailers. All of them are
 * decoded, also those that nobody wants, because later ones refer to what they bring (RFC 9113 §4.3).
 */
export class Http2Heads {
  readonly #owner: HeadsOwner;
  readonly #streams: Http2Streams;
  readonly #desk: Http2Desk;
  readonly #state: State;
  readonly #decoder = new HpackDecoder();
  readonly #block = new Http2HeadBlock();

  constructor(owner: HeadsOwner, streams: Http2Streams, desk: Http2Desk, state: State) {
    this.#owner = owner;
    this.#streams = streams;
    this.#desk = desk;
    this.#state = state;
  }

  /** Whose head is under way: nothing comes between its pieces (RFC 9113 §6.10). 0 = none is. */
  get stream(): number {
    return this.#block.stream;
  }

  onHeaders(flags: number, stream: number, source: Buffer, start: number, end: number): void {
    let padding = 0;
    if ((flags & PADDED) !== 0) padding = start < end ? source[start++]! : FRAME_BYTES_MAX;
    if ((flags & PRIORITY_GIVEN) !== 0) start += 5;
    end -= padding;
    // Streams of clients are odd (RFC 9113 §5.1.1).
    if (start > end || (stream & 1) === 0) {
      this.#owner.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    if ((flags & END_HEADERS) !== 0) {
      this.#onBlock(flags, stream, source, start, end);
      return;
    }
    this.#block.begin(stream, flags);
    this.#add(0, source, start, end);
  }

  onContinuation(flags: number, source: Buffer, start: number, end: number): void {
    if (this.#block.stream === 0) this.#owner.onFrameFault(PROTOCOL_ERROR);
    else this.#add(flags, source, start, end);
  }

  #add(flags: number, source: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (!block.add(source, start, end, blockBytesMax(this.#state.snapshot))) {
      this.#onUnreadable();
    } else if ((flags & END_HEADERS) !== 0) {
      const { stream } = block;
      const bytes = block.take();
      this.#onBlock(block.flags, stream, bytes, 0, bytes.length);
    }
  }

  /** It is too large, and cannot be left unread: later heads refer to what it brings. */
  #onUnreadable(): void {
    this.#state.counters.rejects[reasons.http2Head.index]!++;
    this.#owner.onFlood("rejected_heads");
  }

  #onBlock(flags: number, id: number, source: Buffer, start: number, end: number): void {
    const owner = this.#owner;
    const streams = this.#streams;
    const isOver = (flags & END_STREAM) !== 0;
    const open = streams.get(id);
    if (open !== undefined) {
      this.#onTrailers(open, isOver, source, start, end);
      return;
    }
    if (id <= streams.lastId) {
      // Trailers of a stream that we reset may have been on their way. All else was closed, or skipped.
      if (streams.wasReset(id)) this.#ignore(source, start, end);
      else owner.onFrameFault(id === streams.lastId ? STREAM_CLOSED : PROTOCOL_ERROR);
      return;
    }
    if (owner.isLeaving) {
      this.#ignore(source, start, end);
      return;
    }
    streams.lastId = id;
    if (streams.size >= STREAMS_MAX && !streams.makePlace()) {
      this.#ignore(source, start, end);
      owner.resetStream(id, REFUSED_STREAM, !isOver);
      owner.countRejected();
      return;
    }
    this.#open(id, isOver, source, start, end);
  }

  #open(id: number, isOver: boolean, source: Buffer, start: number, end: number): void {
    const owner = this.#owner;
    const { requests, snapshot } = this.#state;
    const request = requests.take();
    request.secure = owner.secure;
    const { headReader } = this.#desk;
    headReader.begin(request, snapshot.head);
    const isDecoded = this.#decode(source, start, end, headReader);
    headReader.end(isOver, owner.takesWebSockets);
    if (!isDecoded) {
      requests.give(request);
      return;
    }
    this.#streams.open(new Http2Stream(owner, id, request, isOver, this.#desk, this.#state));
  }

  #onTrailers(stream: Http2Stream, isOver: boolean, source: Buffer, start: number, end: number): void {
    if (stream.isInputOver) {
      this.#owner.onFrameFault(STREAM_CLOSED);
      return;
    }
    const reader = new Http2TrailerReader();
    if (!this.#decode(source, start, end, reader)) return;
    this.#streams.serve(stream);
    if (this.#streams.get(stream.id) !== stream) return;
    if (!isOver || reader.isMalformed) stream.refuseTrailers(reasons.http2Head);
    else if (reader.isTooLarge) stream.refuseTrailers(reasons.trailerBytes);
    else stream.onInputEnd(reader.trailers);
  }

  #decode(source: Buffer, start: number, end: number, sink: FieldSink): boolean {
    const bytesMax = blockBytesMax(this.#state.snapshot);
    const code = this.#decoder.decode(source, start, end, sink, this.#desk.scratch, bytesMax);
    if (code === NO_ERROR) return true;
    if (code === ENHANCE_YOUR_CALM) this.#onUnreadable();
    else this.#owner.onFrameFault(code);
    return false;
  }

  /** The table learns what is in a head that nobody wants. */
  #ignore(source: Buffer, start: number, end: number): void {
    if (this.#decode(source, start, end, ignoreFields)) this.#owner.count(IDLE_FRAME);
  }
}

const ignoreFields: FieldSink = { onField() {} };
