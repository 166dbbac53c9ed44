import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  HEADERS,
  PADDED,
  PING,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from "../support/h2-frames.ts";

const head = block(get("/x"));
const whole = END_HEADERS | END_STREAM;

/**
 * Frames that end the connection (reliability.md FL20; RFC 9113 §5.1, §5.1.1, §6). Codes: 1 PROTOCOL_ERROR,
 * 3 FLOW_CONTROL_ERROR, 5 STREAM_CLOSED, 6 FRAME_SIZE_ERROR, 9 COMPRESSION_ERROR.
 */
export const frameFaults: readonly (readonly [title: string, code: number, bytes: Uint8Array])[] = [
  ["HEADERS on an even stream", 1, frame(HEADERS, whole, 2, head)],
  ["HEADERS on stream 0", 1, frame(HEADERS, whole, 0, head)],
  ["DATA on stream 0", 1, frame(DATA, 0, 0, Buffer.from("x"))],
  ["DATA on an idle stream", 1, frame(DATA, 0, 5, Buffer.from("x"))],
  ["RST_STREAM on an idle stream", 1, frame(RST_STREAM, 0, 5, uint32(8))],
  ["RST_STREAM of a wrong size", 6, frame(RST_STREAM, 0, 1, Buffer.alloc(3))],
  ["WINDOW_UPDATE on an idle stream", 1, frame(WINDOW_UPDATE, 0, 5, uint32(1))],
  ["WINDOW_UPDATE 0 on the connection", 1, frame(WINDOW_UPDATE, 0, 0, uint32(0))],
  ["an overflowing connection window", 3, frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff))],
  ["a frame larger than agreed", 6, frame(DATA, 0, 1, Buffer.alloc(16_385))],
  ["padding longer than the frame", 1, frame(HEADERS, whole | PADDED, 1, Buffer.from([200, 0]))],
  ["SETTINGS on a stream", 1, frame(SETTINGS, 0, 1)],
  ["SETTINGS of a wrong size", 6, frame(SETTINGS, 0, 0, Buffer.alloc(5))],
  ["SETTINGS with ENABLE_PUSH 2", 1, frame(SETTINGS, 0, 0, settings([2, 2]))],
  ["SETTINGS with a window of 2^31", 3, frame(SETTINGS, 0, 0, settings([4, 0x80000000]))],
  ["SETTINGS with a frame size of 1", 1, frame(SETTINGS, 0, 0, settings([5, 1]))],
  ["a SETTINGS acknowledgement with content", 6, frame(SETTINGS, 1, 0, settings([4, 1]))],
  ["PING on a stream", 1, frame(PING, 0, 1, Buffer.alloc(8))],
  ["PING of a wrong size", 6, frame(PING, 0, 0, Buffer.alloc(7))],
  ["PUSH_PROMISE from a client", 1, frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(2), head]))],
  ["CONTINUATION without HEADERS", 1, frame(CONTINUATION, END_HEADERS, 1, head)],
  [
    "another frame inside a head",
    1,
    Buffer.concat([frame(HEADERS, END_STREAM, 1, head), frame(PING, 0, 0, Buffer.alloc(8))]),
  ],
  ["a header block that refers to nothing", 9, frame(HEADERS, whole, 1, Buffer.from([0xff, 0xff, 0x03]))],
  [
    "a table larger than agreed",
    9,
    frame(HEADERS, whole, 1, Buffer.concat([Buffer.from([0x3f, 0xff, 0xff, 0x03]), head])),
  ],
];
