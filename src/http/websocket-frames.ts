/** Close codes that this gateway sends (RFC 6455 §7.4.1). */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_PROTOCOL = 1002;
export const CLOSE_NOT_TEXT = 1007;
export const CLOSE_POLICY = 1008;
export const CLOSE_TOO_BIG = 1009;
export const CLOSE_TRY_LATER = 1013;
/** Of the private range (§7.4.2), after HTTP's 401: the credentials are good no longer. */
export const CLOSE_UNAUTHORIZED = 4401;

/** Opcodes (RFC 6455 §5.2). */
export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PONG = 10;

/** A frame's longest head. Bytes. */
export const FRAME_HEAD_BYTES_MAX = 14;

const HEADER = 0;
const PAYLOAD = 1;

/** Frames that carry nothing (pings, pongs, empty fragments) a direction may send at once, and per second. */
const EMPTY_BURST = 1000;
const EMPTY_PER_SEC = 100;

/** Who looks into the frames that a meter follows. */
export interface FrameListener {
  /** A frame begins. `mask`: the four bytes that its payload is masked with. Returns 0, or a close code to end here. */
  onFrame(opcode: number, final: boolean, length: number, mask: Uint8Array): number;
  /** A part of its payload, masked. Valid during the call only. */
  onPayload(bytes: Uint8Array, start: number, end: number): void;
  /** It is whole. True: `take` returns, to go on from `position` later. */
  onFrameEnd(): boolean;
}

/** What `take` returns when the listener wanted it to. */
export const STOPPED = -1;

/**
 * Follows the frames of one direction of a WebSocket (RFC 6455 §5.2) without looking into payloads: where a frame
 * ends, so that a close frame of ours is never written into the middle of another, and that both ends are given only
 * frames there can be. Costs a few operations a frame, whatever the payload's length.
 */
export class FrameMeter {
  /** A Close frame has passed: nothing of ours may follow it. */
  closed = false;
  /** Where the frame at fault begins in the last bytes: what stands before it may go on. */
  faultStart = 0;
  /** After `STOPPED`: the first byte that was not looked at. */
  position = 0;
  readonly #masked: boolean;
  readonly #extensions: boolean;
  readonly #listener: FrameListener | undefined;
  #phase = HEADER;
  /** Bytes of the frame's head so far, at most 14. */
  readonly #head = new Uint8Array(FRAME_HEAD_BYTES_MAX);
  #headBytes = 0;
  #remaining = 0;
  /** Inside a message that continuation frames go on with. */
  #fragmented = false;
  #credit = EMPTY_BURST;
  #creditMs = 0;

  /** `masked`: this is the client's direction. `extensions`: one was agreed on, reserved bits are its own. */
  constructor(masked: boolean, extensions: boolean, listener?: FrameListener) {
    this.#masked = masked;
    this.#extensions = extensions;
    this.#listener = listener;
  }

  /** Between two frames. After a fault: nothing of the frame at fault was in earlier bytes. */
  get isBetweenFrames(): boolean {
    return this.#phase === HEADER && this.#headBytes === 0;
  }

  /**
   * Follows `bytes[start, end)`; `nowMs` coarse. Returns 0, the close code of what is wrong at `faultStart`, or
   * `STOPPED`.
   */
  take(bytes: Uint8Array, start: number, end: number, nowMs: number): number {
    let at = start;
    let begunBefore = true;
    this.faultStart = start;
    while (at < end) {
      if (this.#phase === PAYLOAD) {
        const skipped = end - at < this.#remaining ? end - at : this.#remaining;
        this.#listener?.onPayload(bytes, at, at + skipped);
        at += skipped;
        this.#remaining -= skipped;
        if (this.#remaining > 0) return 0;
        this.#phase = HEADER;
        this.position = at;
        if (this.#listener?.onFrameEnd() === true) return STOPPED;
        continue;
      }
      if (this.#headBytes === 0) {
        this.faultStart = at;
        begunBefore = false;
      }
      this.#head[this.#headBytes++] = bytes[at++]!;
      this.position = at;
      const fault = this.#readHead(nowMs);
      if (fault === 0) continue;
      if (fault === STOPPED) return STOPPED;
      if (!begunBefore) this.#headBytes = 0;
      return fault;
    }
    return 0;
  }

  /** Looks at the head so far; begins the payload when it is whole. */
  #readHead(nowMs: number): number {
    const head = this.#head;
    const have = this.#headBytes;
    if (have === 1) return this.#checkFirst(head[0]!);
    const opcode = head[0]! & 15;
    const short = head[1]! & 127;
    if (have === 2) {
      if (head[1]! >> 7 !== (this.#masked ? 1 : 0)) return CLOSE_PROTOCOL;
      if (opcode >= CLOSE && short > 125) return CLOSE_PROTOCOL;
    }
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (have < 2 + extended + (this.#masked ? 4 : 0)) return 0;
    let length = short;
    if (extended > 0) {
      length = 0;
      for (let at = 2; at < 2 + extended; at++) length = length * 256 + head[at]!;
      // The first bit must be 0; lengths beyond 2^53 are beyond every receiver.
      if (length > Number.MAX_SAFE_INTEGER) return CLOSE_TOO_BIG;
      // RFC 6455 §5.2: the shortest form only.
      if (length < (extended === 2 ? 126 : 65_536)) return CLOSE_PROTOCOL;
    }
    if (opcode === CLOSE) this.closed = true;
    else if ((opcode > CLOSE || length === 0) && !this.#spend(nowMs)) return CLOSE_POLICY;
    const listener = this.#listener;
    const refused =
      listener?.onFrame(opcode, head[0]! >> 7 === 1, length, head.subarray(have - 4, have)) ?? 0;
    if (refused !== 0) return refused;
    this.#remaining = length;
    this.#phase = length === 0 ? HEADER : PAYLOAD;
    this.#headBytes = 0;
    return length === 0 && listener?.onFrameEnd() === true ? STOPPED : 0;
  }

  #checkFirst(first: number): number {
    const final = first >> 7 === 1;
    const opcode = first & 15;
    if (this.closed) return CLOSE_PROTOCOL;
    if ((first & 0x70) !== 0 && !this.#extensions) return CLOSE_PROTOCOL;
    if (opcode >= CLOSE) return final && opcode <= PONG ? 0 : CLOSE_PROTOCOL;
    if (opcode > BINARY) return CLOSE_PROTOCOL;
    if ((opcode === CONTINUATION) !== this.#fragmented) return CLOSE_PROTOCOL;
    this.#fragmented = !final;
    return 0;
  }

  /** Frames without content cost their sender nothing and the receiver a wake-up (reliability.md WS8). */
  #spend(nowMs: number): boolean {
    const earned = ((nowMs - this.#creditMs) * EMPTY_PER_SEC) / 1000;
    this.#credit = Math.min(EMPTY_BURST, this.#credit + earned);
    this.#creditMs = nowMs;
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }
}

/**
 * Writes the head of a whole message in one frame, masked with `mask`, so that it ends before `end`. Returns where it
 * begins: at most `FRAME_HEAD_BYTES_MAX` before `end`.
 */
export function writeFrameHead(
  out: Buffer,
  end: number,
  opcode: number,
  length: number,
  mask: Uint8Array,
): number {
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = end - 6 - extended;
  out[start] = 0x80 | opcode;
  out[start + 1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) out.writeUInt16BE(length, start + 2);
  else if (extended === 8) out.writeBigUInt64BE(BigInt(length), start + 2);
  out.set(mask, end - 4);
  return start;
}

/** Masks `bytes[start, end)`, or undoes it; `offset` bytes of the payload stand before them (RFC 6455 §5.3). */
export function maskBytes(bytes: Uint8Array, start: number, end: number, mask: Uint8Array, offset = 0): void {
  for (let at = start; at < end; at++) bytes[at]! ^= mask[(at - start + offset) & 3]!;
}

/** A Close frame with this code. `mask`: four random bytes, for the direction to a server; undefined to a client. */
export function closeFrame(code: number, mask: Uint8Array | undefined): Buffer {
  const high = code >> 8;
  const low = code & 255;
  if (mask === undefined) return Buffer.from([0x88, 2, high, low]);
  return Buffer.from([0x88, 0x82, ...mask.subarray(0, 4), high ^ mask[0]!, low ^ mask[1]!]);
}
