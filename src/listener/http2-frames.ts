import {
  ACK,
  CONTINUATION,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  NO_ERROR,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  RST_STREAM,
  readUint32,
  SETTINGS,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
} from "../http/http2-frame.ts";
import type { BodiesOwner, Http2Bodies } from "./http2-bodies.ts";
import { type Flood, IDLE_FRAME, PING_FRAME, RESET_FRAME, SETTINGS_FRAME } from "./http2-guard.ts";
import type { Http2Heads } from "./http2-heads.ts";
import type { FrameSink } from "./http2-input.ts";
import { SETTINGS_BYTES_MAX } from "./http2-limits.ts";
import { applySettings } from "./http2-settings.ts";
import type { Http2Streams } from "./http2-streams.ts";

/** The connection, as frames see it. Met by http2.ts. */
export interface FramesOwner extends BodiesOwner {
  /** False: it ends, and what comes is not looked at. */
  readonly takesFrames: boolean;
  onFlood(flood: Flood): void;
  /** Our PING is answered. */
  onPong(): void;
  /** The client opens no more streams, or no more are wanted of it. */
  leave(): void;
}

/** What a client's frames mean: heads and bodies go to those who read them, all else is done here (RFC 9113 §6). */
export class Http2Frames implements FrameSink {
  /** The client knows our limits. */
  isAcknowledged = false;
  readonly #owner: FramesOwner;
  readonly #streams: Http2Streams;
  readonly #heads: Http2Heads;
  readonly #bodies: Http2Bodies;

  constructor(owner: FramesOwner, streams: Http2Streams, heads: Http2Heads, bodies: Http2Bodies) {
    this.#owner = owner;
    this.#streams = streams;
    this.#heads = heads;
    this.#bodies = bodies;
  }

  get takesFrames(): boolean {
    return this.#owner.takesFrames;
  }

  onFrameFault(code: number): void {
    this.#owner.onFrameFault(code);
  }

  onDataHead(id: number, length: number, padding: number): void {
    if (this.#heads.stream === 0) this.#bodies.begin(id, length, padding);
    else this.#owner.onFrameFault(PROTOCOL_ERROR);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#bodies.take(bytes, start, end);
  }

  onDataEnd(flags: number): void {
    this.#bodies.end(flags);
  }

  onFrame(type: number, flags: number, stream: number, source: Buffer, start: number, end: number): void {
    const headStream = this.#heads.stream;
    if (headStream !== 0 && (type !== CONTINUATION || stream !== headStream)) {
      this.#owner.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    switch (type) {
      case HEADERS:
        this.#heads.onHeaders(flags, stream, source, start, end);
        return;
      case CONTINUATION:
        this.#heads.onContinuation(flags, source, start, end);
        return;
      case RST_STREAM:
        this.#onReset(stream, end - start);
        return;
      case SETTINGS:
        this.#onSettings(flags, stream, source, start, end);
        return;
      case PING:
        this.#onPing(flags, stream, source, start, end);
        return;
      case WINDOW_UPDATE:
        this.#onWindowUpdate(stream, source, start, end);
        return;
      case PRIORITY:
        // Deprecated (RFC 9113 §5.3.2): read for its form only.
        if (stream === 0) this.#owner.onFrameFault(PROTOCOL_ERROR);
        else if (end - start !== 5) this.#owner.onFrameFault(FRAME_SIZE_ERROR);
        else this.#owner.count(IDLE_FRAME);
        return;
      case PUSH_PROMISE:
        this.#owner.onFrameFault(PROTOCOL_ERROR);
        return;
      case GOAWAY:
        if (stream !== 0) this.#owner.onFrameFault(PROTOCOL_ERROR);
        else if (end - start < 8) this.#owner.onFrameFault(FRAME_SIZE_ERROR);
        else if (this.#owner.count(IDLE_FRAME)) this.#owner.leave();
        return;
      default:
        this.#owner.count(IDLE_FRAME);
    }
  }

  #onReset(id: number, length: number): void {
    const owner = this.#owner;
    if (length !== 4) {
      owner.onFrameFault(FRAME_SIZE_ERROR);
      return;
    }
    if (owner.isIdle(id) || id === 0) {
      owner.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    const stream = this.#streams.get(id);
    // Who has its answer and does not send the rest of its body asks for no more than others do.
    if (stream?.isLingering !== true && !owner.count(RESET_FRAME)) return;
    if (stream === undefined) return;
    this.#streams.withdraw(stream);
    stream.onGone();
  }

  #onSettings(flags: number, stream: number, source: Buffer, start: number, end: number): void {
    const owner = this.#owner;
    if (stream !== 0) {
      owner.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    if ((flags & ACK) !== 0) {
      if (end !== start) owner.onFrameFault(FRAME_SIZE_ERROR);
      else if (this.isAcknowledged) owner.count(SETTINGS_FRAME);
      this.isAcknowledged = true;
      return;
    }
    if ((end - start) % 6 !== 0) {
      owner.onFrameFault(FRAME_SIZE_ERROR);
      return;
    }
    if (end - start > SETTINGS_BYTES_MAX) {
      owner.onFlood("settings");
      return;
    }
    if (!owner.count(SETTINGS_FRAME)) return;
    const { output } = owner;
    const code = applySettings(source, start, end, output, this.#streams);
    if (code !== NO_ERROR) {
      owner.onFrameFault(code);
      return;
    }
    output.empty(SETTINGS, ACK, 0);
  }

  #onPing(flags: number, stream: number, source: Buffer, start: number, end: number): void {
    const owner = this.#owner;
    if (stream !== 0) {
      owner.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    if (end - start !== 8) {
      owner.onFrameFault(FRAME_SIZE_ERROR);
      return;
    }
    if (!owner.count(PING_FRAME)) return;
    if ((flags & ACK) === 0)
      owner.output.small(PING, ACK, 0, readUint32(source, start), readUint32(source, start + 4));
    else owner.onPong();
  }

  #onWindowUpdate(id: number, source: Buffer, start: number, end: number): void {
    const owner = this.#owner;
    if (end - start !== 4) {
      owner.onFrameFault(FRAME_SIZE_ERROR);
      return;
    }
    const bytes = readUint32(source, start) & WINDOW_BYTES_MAX;
    if (bytes === 0 || owner.isIdle(id)) {
      owner.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    if (!owner.count(IDLE_FRAME)) return;
    const stream = id === 0 ? undefined : this.#streams.get(id);
    if (id !== 0 && stream === undefined) return;
    const { output } = owner;
    const isWithin = stream === undefined ? output.widen(bytes) : output.widenStream(stream.output, bytes);
    if (!isWithin) owner.onFrameFault(FLOW_CONTROL_ERROR);
  }
}
