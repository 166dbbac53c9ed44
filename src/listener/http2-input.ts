import {
  DATA,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  FRAME_SIZE_ERROR,
  PADDED,
  PREFACE,
  PROTOCOL_ERROR,
  readUint32,
  SETTINGS,
  STREAM_ID_MAX,
} from "../http/http2-frame.ts";

/** Takes the frames of one connection. Bytes are valid during the call only. */
export interface FrameSink {
  /** False: what is left of the input is not looked at. */
  readonly takesFrames: boolean;
  /**
   * DATA begins: `length` counts against the windows, `padding` of it says nothing. `onData` brings the rest as it comes.
   */
  onDataHead(stream: number, length: number, padding: number): void;
  onData(bytes: Buffer, start: number, end: number): void;
  onDataEnd(flags: number): void;
  /** Any other whole frame, its payload at `source[start, end)`. */
  onFrame(type: number, flags: number, stream: number, source: Buffer, start: number, end: number): void;
  /** The connection cannot go on: an error code. */
  onFrameFault(code: number): void;
}

/**
 * Cuts what a client sends into frames (RFC 9113 §4.1). DATA goes on as it comes, without a copy; other frames are
 * handed over whole, in place where they came in one piece, and else put together: one frame at most waits here.
 */
export class Http2Input {
  readonly #sink: FrameSink;
  #prefaceRead = 0;
  #isFirst = true;
  #held: Buffer = EMPTY;
  #heldLength = 0;
  /** Of a DATA frame under way. */
  #inData = false;
  #dataLeft = 0;
  #paddingLeft = 0;
  #dataFlags = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  read(buffer: Buffer, length: number): void {
    const sink = this.#sink;
    let at = this.#prefaceRead < PREFACE.length ? this.#readPreface(buffer, length) : 0;
    while (at < length && sink.takesFrames) {
      if (this.#inData) at = this.#readData(buffer, at, length);
      else if (this.#heldLength > 0) at = this.#completeHeld(buffer, at, length);
      else {
        const next = this.#readFrame(buffer, at, length);
        if (next === at) {
          this.#hold(buffer, at, length);
          return;
        }
        at = next;
      }
    }
  }

  #readPreface(buffer: Buffer, length: number): number {
    const count = Math.min(length, PREFACE.length - this.#prefaceRead);
    for (let at = 0; at < count; at++) {
      if (buffer[at] === PREFACE[this.#prefaceRead++]) continue;
      this.#sink.onFrameFault(PROTOCOL_ERROR);
      return length;
    }
    return count;
  }

  #readData(buffer: Buffer, at: number, end: number): number {
    if (this.#dataLeft > 0) {
      const count = Math.min(this.#dataLeft, end - at);
      this.#dataLeft -= count;
      this.#sink.onData(buffer, at, at + count);
      at += count;
    }
    if (this.#dataLeft === 0) {
      const count = Math.min(this.#paddingLeft, end - at);
      this.#paddingLeft -= count;
      at += count;
      if (this.#paddingLeft === 0) this.#endData();
    }
    return at;
  }

  #endData(): void {
    this.#inData = false;
    if (this.#sink.takesFrames) this.#sink.onDataEnd(this.#dataFlags);
  }

  /** Reads the frame at `start`; returns the offset after what was read, `start` when more is needed. */
  #readFrame(source: Buffer, start: number, end: number): number {
    if (end - start < FRAME_HEAD_BYTES) return start;
    const needed = this.#bytesNeeded(source, start);
    if (needed < 0) return end;
    if (end - start < needed) return start;
    const type = source[start + 3]!;
    const flags = source[start + 4]!;
    const stream = readUint32(source, start + 5) & STREAM_ID_MAX;
    if (type === DATA) this.#beginData(source, start, flags, stream);
    else this.#sink.onFrame(type, flags, stream, source, start + FRAME_HEAD_BYTES, start + needed);
    return start + needed;
  }

  /** Bytes of the frame at `start` that must be there to read it; -1 = it is no frame of ours. */
  #bytesNeeded(source: Buffer, start: number): number {
    const length = lengthAt(source, start);
    if (length > FRAME_BYTES_MAX) {
      this.#sink.onFrameFault(FRAME_SIZE_ERROR);
      return -1;
    }
    const type = source[start + 3]!;
    if (this.#isFirst) {
      // RFC 9113 §3.4: the preface ends with SETTINGS.
      if (type !== SETTINGS) {
        this.#sink.onFrameFault(PROTOCOL_ERROR);
        return -1;
      }
      this.#isFirst = false;
    }
    if (type !== DATA) return FRAME_HEAD_BYTES + length;
    if ((source[start + 4]! & PADDED) === 0) return FRAME_HEAD_BYTES;
    if (length > 0) return FRAME_HEAD_BYTES + 1;
    this.#sink.onFrameFault(FRAME_SIZE_ERROR);
    return -1;
  }

  #beginData(source: Buffer, start: number, flags: number, stream: number): void {
    const length = lengthAt(source, start);
    const isPadded = (flags & PADDED) !== 0;
    const padding = isPadded ? source[start + FRAME_HEAD_BYTES]! : 0;
    const left = isPadded ? length - 1 - padding : length;
    if (left < 0) {
      this.#sink.onFrameFault(PROTOCOL_ERROR);
      return;
    }
    this.#dataFlags = flags;
    this.#dataLeft = left;
    this.#paddingLeft = padding;
    this.#inData = true;
    this.#sink.onDataHead(stream, length, length - left);
    if (left === 0 && padding === 0) this.#endData();
  }

  /** Keeps the beginning of a frame that is not all here. */
  #hold(buffer: Buffer, at: number, end: number): void {
    this.#held = Buffer.allocUnsafeSlow(Math.max(HELD_BYTES, end - at));
    this.#heldLength = buffer.copy(this.#held, 0, at, end);
  }

  /** Adds what the frame that is kept still needs, first its head, then its rest, and reads it when it is whole. */
  #completeHeld(buffer: Buffer, at: number, end: number): number {
    const head = FRAME_HEAD_BYTES - this.#heldLength;
    if (head > 0) at = this.#addHeld(buffer, at, Math.min(end, at + head));
    if (this.#heldLength < FRAME_HEAD_BYTES) return at;
    const needed = this.#bytesNeeded(this.#held, 0);
    if (needed < 0) return end;
    if (needed > this.#heldLength) {
      if (needed > this.#held.length) {
        const larger = Buffer.allocUnsafeSlow(needed);
        this.#held.copy(larger, 0, 0, this.#heldLength);
        this.#held = larger;
      }
      at = this.#addHeld(buffer, at, Math.min(end, at + needed - this.#heldLength));
      if (needed > this.#heldLength) return at;
    }
    const held = this.#held;
    this.#heldLength = 0;
    this.#held = EMPTY;
    this.#readFrame(held, 0, needed);
    return at;
  }

  #addHeld(buffer: Buffer, start: number, end: number): number {
    this.#heldLength += buffer.copy(this.#held, this.#heldLength, start, end);
    return end;
  }
}

const EMPTY = Buffer.alloc(0);
/** For the head of a frame, and small frames. */
const HELD_BYTES = 64;

function lengthAt(source: Buffer, start: number): number {
  return (source[start]! << 16) | (source[start + 1]! << 8) | source[start + 2]!;
}
