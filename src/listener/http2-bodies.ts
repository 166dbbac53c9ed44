import { END_STREAM, FLOW_CONTROL_ERROR, PROTOCOL_ERROR, STREAM_CLOSED } from "../http/http2-frame.ts";
import { IDLE_FRAME } from "./http2-guard.ts";
import { CONNECTION_WINDOW_BYTES } from "./http2-limits.ts";
import type { Http2Output } from "./http2-output.ts";
import type { Http2Stream } from "./http2-stream.ts";
import type { Http2Streams } from "./http2-streams.ts";

/** The connection, as DATA sees it. Met by http2.ts. */
export interface BodiesOwner {
  readonly output: Http2Output;
  /** The client never opened it. */
  isIdle(id: number): boolean;
  /** Counts a frame that carries nothing of a message. False: it is one too many. */
  count(kind: number): boolean;
  onFrameFault(code: number): void;
}

/** Frames of DATA below this are hardly any: each costs what 16 KiB cost. A gRPC message has 5 bytes without content. */
const TINY_BYTES = 8;

/** DATA of one connection: each frame goes to its stream, and all of them within one window (RFC 9113 §5.2, §6.1). */
export class Http2Bodies {
  readonly #owner: BodiesOwner;
  readonly #streams: Http2Streams;
  /** Of the frame under way: its stream, undefined = thrown away. */
  #stream: Http2Stream | undefined = undefined;
  #isTiny = false;
  /** What the client may send on all streams together, and what was taken since it was told. */
  #window = CONNECTION_WINDOW_BYTES;
  #taken = 0;

  constructor(owner: BodiesOwner, streams: Http2Streams) {
    this.#owner = owner;
    this.#streams = streams;
  }

  begin(id: number, length: number, padding: number): void {
    this.#stream = undefined;
    const owner = this.#owner;
    if (id === 0) {
      owner.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    this.#window -= length;
    if (this.#window < 0) {
      owner.onFrameFault(FLOW_CONTROL_ERROR);
      return;
    }
    this.#isTiny = length - padding < TINY_BYTES;
    const streams = this.#streams;
    const stream = streams.get(id);
    if (stream === undefined) {
      this.#skip(id, length);
      return;
    }
    if (stream.isInputOver) {
      owner.onFrameFault(STREAM_CLOSED);
      return;
    }
    if (!stream.beginData(length, padding)) {
      owner.onFrameFault(FLOW_CONTROL_ERROR);
      return;
    }
    // Head and body of one read leave in one write: a second costs the upstream, too.
    if (!stream.mayWait(length - padding)) streams.serve(stream);
    // Serving it may have ended it, which gave the window back.
    if (streams.get(id) === stream) this.#stream = stream;
  }

  /** Its stream is not open. */
  #skip(id: number, length: number): void {
    const owner = this.#owner;
    const { lastId } = this.#streams;
    if (owner.isIdle(id)) owner.onFrameFault(PROTOCOL_ERROR);
    else if (id <= lastId && !this.#streams.wasReset(id)) owner.onFrameFault(STREAM_CLOSED);
    else if (owner.count(IDLE_FRAME)) this.giveBack(length);
  }

  take(bytes: Buffer, start: number, end: number): void {
    this.#stream?.onData(bytes, start, end);
  }

  end(flags: number): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if ((flags & END_STREAM) !== 0) stream?.onInputEnd(undefined);
    else if (this.#isTiny) this.#owner.count(IDLE_FRAME);
  }

  /** `bytes` of bodies, with their padding, are taken: the client may send as many again. */
  giveBack(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < CONNECTION_WINDOW_BYTES / 2) return;
    this.#owner.output.openWindow(0, this.#taken);
    this.#window += this.#taken;
    this.#taken = 0;
  }
}
