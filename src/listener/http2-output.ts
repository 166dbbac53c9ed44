import type { Socket } from "node:net";
import { putTrailers, trailerBytesMax } from "../http/http2-answer.ts";
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  HEADERS,
  putFrameHead,
  putUint32,
  RST_STREAM,
  WINDOW_BYTES,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
} from "../http/http2-frame.ts";
import type { Trailers } from "../http/trailer.ts";
import type { Outbox } from "../std/outbox.ts";
import type { ChunkShelf } from "./chunk-shelf.ts";

/** Lends buffers to the connections that have something to send in this turn of the event loop. Met by the desk. */
export interface OutputDesk {
  readonly chunks: ChunkShelf;
  /** A buffer until the end of this turn, when `flush` is called. */
  lend(output: Http2Output): Outbox;
}

/** A stream, as what it sends sees it. */
export interface SendingStream {
  /** All that waited has left. */
  onSendDrain(): void;
  /** The stream's end has left. */
  onSendEnd(): void;
}

/** What one stream sends: its window, and what waits for it. */
export class StreamOutput {
  readonly id: number;
  readonly owner: SendingStream;
  window: number;
  /** Bytes that wait, oldest first; each a copy of what one read from the upstream brought, in a buffer off the shelf. */
  readonly chunks: Buffer[] = [];
  /** How much of each counts. */
  readonly chunkBytes: number[] = [];
  /** Of `chunks[0]`: bytes that have left. */
  firstSent = 0;
  queuedBytes = 0;
  isListed = false;
  /** Nothing follows what waits. */
  isEnding = false;
  trailers: Trailers | undefined = undefined;
  isOver = false;
  /** Where its last frame begins in the connection's buffer, as long as that is buffer number `tailFlush`. */
  tailAt = -1;
  tailFlush = -1;

  constructor(id: number, window: number, owner: SendingStream) {
    this.id = id;
    this.window = window;
    this.owner = owner;
  }
}

/**
 * What one connection sends. Frames of one turn of the event loop are put together and leave in one write. DATA waits
 * for the windows of stream and connection (RFC 9113 §5.2) and for the socket; streams that wait take turns, a frame
 * each.
 */
export class Http2Output {
  /** What the client takes of all streams together. */
  window = WINDOW_BYTES;
  /** What it takes of a new stream. */
  streamWindow = WINDOW_BYTES;
  readonly #socket: Socket;
  readonly #isEncrypted: boolean;
  readonly #desk: OutputDesk;
  #outbox: Outbox | undefined = undefined;
  #flushes = 0;
  #flushedBytes = 0;
  #hasHead = false;
  #isBlocked = false;
  #isClosed = false;
  /** Streams with DATA and an open window, in turn. */
  readonly #waiting: StreamOutput[] = [];

  constructor(socket: Socket, isEncrypted: boolean, desk: OutputDesk) {
    this.#socket = socket;
    this.#isEncrypted = isEncrypted;
    this.#desk = desk;
  }

  /** Bytes that the client, or the kernel for it, has taken so far. */
  get takenBytes(): number {
    return this.#flushedBytes - this.#socket.writableLength;
  }

  /** Bytes that nobody has taken. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Nothing more is sent. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
  }

  // --- frames

  /** Whole frames of ours, as they are. */
  frames(bytes: Buffer): void {
    const outbox = this.#room(bytes.length);
    if (outbox === undefined) return;
    outbox.end += bytes.copy(outbox.bytes, outbox.end);
  }

  /** A frame whose payload is up to 8 bytes: two numbers, or one. */
  small(type: number, flags: number, stream: number, first: number, second: number | undefined): void {
    const length = second === undefined ? 4 : 8;
    const outbox = this.#room(FRAME_HEAD_BYTES + length);
    if (outbox === undefined) return;
    let at = putFrameHead(outbox.bytes, outbox.end, length, type, flags, stream);
    at = putUint32(outbox.bytes, at, first);
    outbox.end = second === undefined ? at : putUint32(outbox.bytes, at, second);
  }

  empty(type: number, flags: number, stream: number): void {
    const outbox = this.#room(FRAME_HEAD_BYTES);
    if (outbox === undefined) return;
    outbox.end = putFrameHead(outbox.bytes, outbox.end, 0, type, flags, stream);
  }

  reset(stream: number, code: number): void {
    this.small(RST_STREAM, 0, stream, code, undefined);
  }

  /** The client may send `bytes` more on the stream, or, 0, on the connection. */
  openWindow(stream: number, bytes: number): void {
    this.small(WINDOW_UPDATE, 0, stream, bytes, undefined);
  }

  /** HEADERS: `print` writes the block, of `bytesMax` at most, and returns the offset after it. */
  head(
    stream: StreamOutput,
    bytesMax: number,
    isEnd: boolean,
    print: (out: Buffer, at: number) => number,
  ): void {
    const outbox = this.#room(FRAME_HEAD_BYTES + 1 + bytesMax);
    if (outbox === undefined) return;
    const start = outbox.end;
    const blockStart = start + FRAME_HEAD_BYTES;
    let blockAt = blockStart;
    if (!this.#hasHead) {
      // We refer to no table of the client's. Said once, so that no SETTINGS of its own asks for it (RFC 7541 §4.2).
      outbox.bytes[blockAt++] = TABLE_OF_NOTHING;
      this.#hasHead = true;
    }
    const end = print(outbox.bytes, blockAt);
    const flags = isEnd ? END_STREAM : 0;
    if (end - blockStart > FRAME_BYTES_MAX) {
      this.#longHead(stream.id, flags, Buffer.from(outbox.bytes.subarray(blockStart, end)));
    } else {
      putFrameHead(outbox.bytes, start, end - blockStart, HEADERS, flags | END_HEADERS, stream.id);
      outbox.end = end;
    }
    if (isEnd) this.#over(stream);
  }

  #longHead(stream: number, flags: number, block: Buffer): void {
    for (let at = 0; at < block.length; at += FRAME_BYTES_MAX) {
      const piece = block.subarray(at, at + FRAME_BYTES_MAX);
      const last = at + FRAME_BYTES_MAX >= block.length ? END_HEADERS : 0;
      const outbox = this.#room(FRAME_HEAD_BYTES + piece.length);
      if (outbox === undefined) return;
      const type = at === 0 ? HEADERS : CONTINUATION;
      const to = putFrameHead(
        outbox.bytes,
        outbox.end,
        piece.length,
        type,
        at === 0 ? flags | last : last,
        stream,
      );
      outbox.end = to + piece.copy(outbox.bytes, to);
    }
  }

  // --- bodies

  /** Sends or queues bytes of a body; valid during the call only. False: some wait, `onSendDrain` will follow. */
  data(stream: StreamOutput, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isClosed || stream.isOver) return true;
    if (stream.queuedBytes === 0) start = this.#sendNow(stream, bytes, start, end);
    if (start === end) return true;
    const chunk = this.#desk.chunks.take(end - start);
    chunk.set(bytes.subarray(start, end));
    stream.chunks.push(chunk);
    stream.chunkBytes.push(end - start);
    stream.queuedBytes += end - start;
    this.#list(stream);
    return false;
  }

  /** Nothing more follows on the stream but `trailers`. `onSendEnd` is called when its end has left, perhaps now. */
  end(stream: StreamOutput, trailers: Trailers | undefined): void {
    if (stream.isOver || stream.isEnding) return;
    stream.isEnding = true;
    stream.trailers = trailers;
    if (stream.queuedBytes === 0) this.#finish(stream);
  }

  /** The stream sends nothing more, not even what waits. */
  drop(stream: StreamOutput): void {
    stream.isOver = true;
    for (const chunk of stream.chunks) this.#desk.chunks.give(chunk);
    stream.chunks.length = stream.chunkBytes.length = 0;
    stream.queuedBytes = 0;
    // As long as the connection's window is closed, nobody else takes it out; clients open others meanwhile.
    const at = stream.isListed ? this.#waiting.indexOf(stream) : -1;
    if (at >= 0) this.#waiting.splice(at, 1);
    stream.isListed = false;
  }

  /** The client takes `bytes` more of the stream. False: more than a window can be. */
  widenStream(stream: StreamOutput, bytes: number): boolean {
    stream.window += bytes;
    if (stream.window > WINDOW_BYTES_MAX) return false;
    if (stream.queuedBytes > 0) {
      this.#list(stream);
      this.#pump();
    }
    return true;
  }

  /** The same for all streams together. */
  widen(bytes: number): boolean {
    this.window += bytes;
    if (this.window > WINDOW_BYTES_MAX) return false;
    this.#pump();
    return true;
  }

  /** Sends what the windows and the socket take; returns the offset after it. */
  #sendNow(stream: StreamOutput, bytes: Uint8Array, start: number, end: number): number {
    while (start < end && !this.#isBlocked) {
      const room = Math.min(stream.window, this.window, FRAME_BYTES_MAX);
      if (room <= 0) break;
      const count = Math.min(room, end - start);
      const outbox = this.#room(FRAME_HEAD_BYTES + count);
      if (outbox === undefined) return end;
      // Making room may have filled the socket.
      if (this.#isBlocked) break;
      this.#frame(outbox, stream, bytes, start, start + count);
      start += count;
    }
    return start;
  }

  #frame(outbox: Outbox, stream: StreamOutput, bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    stream.tailAt = outbox.end;
    stream.tailFlush = this.#flushes;
    const at = putFrameHead(outbox.bytes, outbox.end, count, DATA, 0, stream.id);
    outbox.bytes.set(bytes.subarray(start, end), at);
    outbox.end = at + count;
    stream.window -= count;
    this.window -= count;
  }

  #list(stream: StreamOutput): void {
    if (stream.isListed || stream.window <= 0) return;
    stream.isListed = true;
    this.#waiting.push(stream);
  }

  /** A frame of each stream that waits, in turn, until something is full. */
  #pump(): void {
    while (!this.#isBlocked && !this.#isClosed && this.window > 0) {
      const stream = this.#waiting.shift();
      if (stream === undefined) return;
      stream.isListed = false;
      if (stream.queuedBytes === 0) continue;
      const first = stream.chunks[0]!;
      const length = stream.chunkBytes[0]!;
      const end = Math.min(length, stream.firstSent + FRAME_BYTES_MAX);
      const sent = this.#sendNow(stream, first, stream.firstSent, end);
      stream.queuedBytes -= sent - stream.firstSent;
      stream.firstSent = sent;
      if (sent === length) {
        this.#desk.chunks.give(stream.chunks.shift()!);
        stream.chunkBytes.shift();
        stream.firstSent = 0;
      }
      if (stream.queuedBytes > 0) this.#list(stream);
      else if (stream.isEnding) this.#finish(stream);
      else stream.owner.onSendDrain();
    }
  }

  #finish(stream: StreamOutput): void {
    const { trailers } = stream;
    if (trailers !== undefined && trailers.length > 0) {
      this.head(stream, trailerBytesMax(trailers), true, (out, at) => putTrailers(out, at, trailers));
      return;
    }
    if (stream.tailFlush === this.#flushes && this.#outbox !== undefined)
      // The last frame is still here: it is the end.
      this.#outbox.bytes[stream.tailAt + 4]! |= END_STREAM;
    else this.empty(DATA, END_STREAM, stream.id);
    this.#over(stream);
  }

  #over(stream: StreamOutput): void {
    stream.isOver = true;
    stream.owner.onSendEnd();
  }

  // --- the socket

  /** The buffer of this turn, with room for `bytes`; undefined when the connection is gone. */
  #room(bytes: number): Outbox | undefined {
    if (this.#isClosed) return undefined;
    const outbox = this.#outbox ?? this.#borrow();
    if (outbox.room < bytes) {
      this.#write(outbox);
      if (outbox.bytes.length < bytes) outbox.bytes = Buffer.allocUnsafeSlow(bytes);
    }
    return outbox;
  }

  #borrow(): Outbox {
    const outbox = this.#desk.lend(this);
    this.#outbox = outbox;
    return outbox;
  }

  /** Called by the desk at the end of the turn: the buffer is given back. */
  flush(): void {
    const outbox = this.#outbox;
    if (outbox === undefined) return;
    this.#write(outbox);
    this.#outbox = undefined;
  }

  #write(outbox: Outbox): void {
    this.#flushes++;
    if (this.#socket.destroyed) {
      outbox.end = 0;
      return;
    }
    this.#flushedBytes += outbox.end;
    if (!outbox.flush(this.#socket, this.#isEncrypted)) this.#isBlocked = true;
  }

  /** The socket takes bytes again: called by the connection. */
  onDrain(): void {
    this.#isBlocked = false;
    this.#pump();
  }
}

/** An update of the dynamic table's size, to 0 (RFC 7541 §6.3). */
const TABLE_OF_NOTHING = 0x20;
