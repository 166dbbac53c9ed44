/** Frames of HTTP/2 (RFC 9113 §4.1, §6): their numbers, and how they are written. */

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITY_GIVEN = 32;

/** Error codes (RFC 9113 §7). */
export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const SETTINGS_TIMEOUT = 4;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const ENHANCE_YOUR_CALM = 11;

export const ENABLE_PUSH = 2;
export const MAX_CONCURRENT_STREAMS = 3;
export const INITIAL_WINDOW_SIZE = 4;
export const MAX_FRAME_SIZE = 5;
export const MAX_HEADER_LIST_SIZE = 6;
export const ENABLE_CONNECT_PROTOCOL = 8;

export const FRAME_HEAD_BYTES = 9;
/** Payload of a frame unless somebody agreed to more, which we neither do nor use (RFC 9113 §4.2). */
export const FRAME_BYTES_MAX = 16_384;
/** Windows begin with this (RFC 9113 §6.9.2). */
export const WINDOW_BYTES = 65_535;
export const WINDOW_BYTES_MAX = 0x7fffffff;
/** Stream identifiers are 31 bits. */
export const STREAM_ID_MAX = 0x7fffffff;

/** What a client says first (RFC 9113 §3.4). */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Writes the head of a frame at `at`; returns the offset of its payload. */
export function putFrameHead(
  out: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): number {
  out[at] = length >>> 16;
  out[at + 1] = (length >>> 8) & 255;
  out[at + 2] = length & 255;
  out[at + 3] = type;
  out[at + 4] = flags;
  return putUint32(out, at + 5, stream);
}

export function putUint32(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = (value >>> 16) & 255;
  out[at + 2] = (value >>> 8) & 255;
  out[at + 3] = value & 255;
  return at + 4;
}

/** Unsigned. */
export function readUint32(source: Uint8Array, at: number): number {
  return ((source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!) >>> 0;
}

export interface Setting {
  readonly id: number;
  readonly value: number;
}

/** A whole SETTINGS frame. */
export function settingsFrame(settings: readonly Setting[]): Buffer {
  const length = settings.length * 6;
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + length);
  let at = putFrameHead(frame, 0, length, SETTINGS, 0, 0);
  for (const { id, value } of settings) {
    frame[at] = id >> 8;
    frame[at + 1] = id & 255;
    at = putUint32(frame, at + 2, value);
  }
  return frame;
}
