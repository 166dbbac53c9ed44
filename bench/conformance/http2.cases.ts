import { frameFaults } from "../../test/conformance/http2-frames.cases.ts";
import { bodyFaults, headRefusals } from "../../test/conformance/http2-messages.cases.ts";
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameClient,
  frame,
  GOAWAY,
  get,
  HEADERS,
  head,
  indexed,
  PADDED,
  PING,
  PRIORITY,
  preface,
  RST_STREAM,
  reference,
  request,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from "../../test/support/h2-frames.ts";
import type { Http2GroupName } from "./found.ts";

/**
 * Frames and messages for any server of HTTP/2. Groups: `frames` must be errors of the connection or of the stream, with
 * one of `codes` (RFC 9113 §5, §6, RFC 7541); `messages` are malformed (RFC 9113 §8); `ambiguous` ones are what this gateway
 * refuses besides; `legal` ones must be served.
 */
export interface Http2Case {
  readonly group: Http2GroupName;
  readonly title: string;
  /** In steps: the origin must have seen a head, or have answered, before the next is sent. */
  readonly send: readonly Uint8Array[];
  /** By the largest frame that the server takes: sent after `send`; undefined = cannot be sent to this one. */
  readonly more?: (frameBytesMax: number) => Uint8Array | undefined;
  /** Sent first in place of preface and SETTINGS. */
  readonly opening?: Uint8Array;
  readonly codes?: readonly number[];
  /** Streams that must be answered with `ok`. Default for legal ones: 1. */
  readonly streams?: readonly number[];
  /** What is missing in the frames that came; undefined = nothing. */
  readonly lacks?: (client: FrameClient) => string | undefined;
}

/** Requests to this path get no answer: their streams stay half closed. */
export const holdPath = "/hold";

const whole = END_HEADERS | END_STREAM;
const x = get("/x");
const post = head("POST", "/x");
const held = request(1, get(holdPath));
const heldPost = frame(HEADERS, END_HEADERS, 1, block(head("POST", holdPath)));
const [protocol, flow, closedStream, size, compression] = [1, 3, 5, 6, 9] as const;

/** Errors that a frame may be as well, because two rules are broken. */
const alsoRight: Readonly<Record<string, number>> = { "RST_STREAM of a wrong size": protocol };

const fault = (title: string, codes: readonly number[], ...send: Uint8Array[]): Http2Case => ({
  group: "frames",
  title,
  codes,
  send,
});
const headBytes = (bytes: Uint8Array): Uint8Array => frame(HEADERS, whole, 1, bytes);
const withFirst = (bytes: Uint8Array): Uint8Array => headBytes(Buffer.concat([block(x), bytes]));

const frames: readonly Http2Case[] = [
  ...frameFaults
    .filter(([title]) => title !== "a frame larger than agreed")
    .map(([title, code, bytes]) =>
      fault(title, [code, ...(title in alsoRight ? [alsoRight[title]!] : [])], bytes),
    ),
  {
    ...fault("a frame larger than agreed", [size, protocol]),
    // Not whole: its length alone is wrong.
    more: (most) => (most >= 2 ** 24 - 1 ? undefined : tooLong(HEADERS, whole, 1, most + 1)),
  },
  {
    ...fault("a preface with another word", [protocol]),
    opening: Buffer.from(preface.latin1Slice().replace("SM", "XX"), "latin1"),
  },
  {
    ...fault("a preface without SETTINGS", [protocol]),
    opening: Buffer.concat([preface, frame(PING, 0, 0, Buffer.alloc(8))]),
  },
  fault("PRIORITY of a wrong size", [size], frame(PRIORITY, 0, 1, Buffer.alloc(4))),
  fault("PRIORITY on stream 0", [protocol], frame(PRIORITY, 0, 0, Buffer.alloc(5))),
  fault("GOAWAY on a stream", [protocol], frame(GOAWAY, 0, 1, Buffer.alloc(8))),
  fault("RST_STREAM on stream 0", [protocol], frame(RST_STREAM, 0, 0, uint32(8))),
  fault("WINDOW_UPDATE of a wrong size", [size], frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(3))),
  fault("SETTINGS with a frame size of 2^24", [protocol], frame(SETTINGS, 0, 0, settings([5, 2 ** 24]))),
  fault("HEADERS too short for their padding", [protocol, size], frame(HEADERS, whole | PADDED, 1)),
  fault("CONTINUATION on stream 0", [protocol], frame(CONTINUATION, END_HEADERS, 0, block(x))),
  fault(
    "CONTINUATION of another stream",
    [protocol],
    Buffer.concat([
      frame(HEADERS, END_STREAM, 1, block(x)),
      frame(CONTINUATION, END_HEADERS, 3, block([["x-a", "1"]])),
    ]),
  ),
  fault(
    "another head inside a head",
    [protocol],
    Buffer.concat([frame(HEADERS, END_STREAM, 1, block(x)), request(3, x)]),
  ),
  fault(
    "a frame of an unknown type inside a head",
    [protocol],
    Buffer.concat([frame(HEADERS, END_STREAM, 1, block(x)), frame(0x2a, 0, 1)]),
  ),
  fault("CONTINUATION behind a head that was whole", [protocol], held, frame(CONTINUATION, END_HEADERS, 1)),
  fault("WINDOW_UPDATE 0 on a stream", [protocol], held, frame(WINDOW_UPDATE, 0, 1, uint32(0))),
  fault("a stream's window beyond 2^31", [flow], held, frame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff))),
  fault(
    "SETTINGS that take a stream's window beyond 2^31",
    [flow],
    held,
    Buffer.concat([
      frame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff - 65_535)),
      frame(SETTINGS, 0, 0, settings([4, 65_536])),
    ]),
  ),
  fault("DATA behind END_STREAM", [closedStream], held, frame(DATA, 0, 1, Buffer.from("x"))),
  fault("HEADERS behind END_STREAM", [closedStream], held, request(1, x)),
  fault("HEADERS on a stream that was reset", [closedStream, protocol], held, resetThen(request(1, x))),
  fault("HEADERS on a stream that was skipped", [protocol], request(9, get("/first")), request(7, x)),
  fault(
    "HEADERS on a stream that is over",
    [closedStream, protocol],
    request(1, get("/first")),
    request(1, x),
  ),
  fault(
    "DATA with padding longer than the frame",
    [protocol],
    heldPost,
    frame(DATA, PADDED, 1, Buffer.from([9, 1])),
  ),
  fault("reference 0", [compression], withFirst(reference(0))),
  fault("a reference behind the end of the table", [compression], withFirst(reference(62))),
  fault("a new table size behind a field", [compression], withFirst(Buffer.from([0x20]))),
  fault("a number without an end", [compression], withFirst(Buffer.alloc(12, 0xff))),
  fault("a text longer than its block", [compression], withFirst(Buffer.from([0, 0x7f, 0x20, 0x61]))),
  fault("Huffman padding of zeros", [compression], withFirst(Buffer.from([0, 1, 0x61, 0x81, 0x18]))),
  fault("Huffman padding of a byte", [compression], withFirst(Buffer.from([0, 1, 0x61, 0x82, 0x1f, 0xff]))),
  fault(
    "the end symbol of Huffman",
    [compression],
    withFirst(Buffer.from([0, 1, 0x61, 0x84, 0xff, 0xff, 0xff, 0xff])),
  ),
];

// What HTTP forbids in a value beyond NUL, CR and LF is left to servers, and so is what `host` says beside
// `:authority` (RFC 9113 §8.2.1, §8.3.1).
const leftToServers = new Set(["a value with a control", "an extended CONNECT", "a control in :path"]);

const messages: readonly Http2Case[] = [
  ...headRefusals.map(({ id, title, send, outcome }): Http2Case => {
    const isMalformed = outcome.startsWith("reset") && !leftToServers.has(title);
    return { group: isMalformed ? "messages" : "ambiguous", title: `${id}: ${title}`, send: [send] };
  }),
  ...bodyFaults
    .filter(([title]) => !/^reset|trailers with (content-length|te)$/.test(title))
    .map(([title, ...send]): Http2Case => ({ group: "messages", title, send })),
];

const legal = (title: string, send: readonly Uint8Array[], more: Partial<Http2Case> = {}): Http2Case => ({
  group: "legal",
  title,
  send,
  ...more,
});
const pinged = Buffer.from("conforms");

const served: readonly Http2Case[] = [
  legal("a GET", [request(1, x)]),
  legal("a POST", [request(1, post, "abc")]),
  legal("a POST with its length", [request(1, head("POST", "/x", ["content-length", "3"]), "abc")]),
  legal("padded HEADERS", [
    frame(HEADERS, whole | PADDED, 1, Buffer.concat([Buffer.from([5]), block(x), Buffer.alloc(5)])),
  ]),
  legal("HEADERS with a priority", [
    frame(HEADERS, whole | 0x20, 1, Buffer.concat([Buffer.from([0, 0, 0, 0, 15]), block(x)])),
  ]),
  legal("padded DATA", [
    Buffer.concat([
      frame(HEADERS, END_HEADERS, 1, block(post)),
      frame(DATA, END_STREAM | PADDED, 1, Buffer.from("\x03abc\0\0\0", "latin1")),
    ]),
  ]),
  legal("an empty DATA at the end", [
    Buffer.concat([
      frame(HEADERS, END_HEADERS, 1, block(post)),
      frame(DATA, 0, 1, Buffer.from("abc")),
      frame(DATA, END_STREAM, 1),
    ]),
  ]),
  legal("a head in five frames", [inFrames(5)]),
  legal("PRIORITY of an idle stream", [
    Buffer.concat([frame(PRIORITY, 0, 3, Buffer.from([0, 0, 0, 0, 15])), request(1, x)]),
  ]),
  legal("a frame of an unknown type", [
    Buffer.concat([frame(0x2a, 0xff, 0, Buffer.from("?")), request(1, x)]),
  ]),
  legal("flags that no frame has", [frame(HEADERS, whole | 0x50, 1, block(x))]),
  legal("the reserved bit of a stream's number", [frame(HEADERS, whole, 0x80000001, block(x))]),
  legal("SETTINGS of an unknown kind", [
    Buffer.concat([frame(SETTINGS, 0, 0, settings([0x2a2a, 7])), request(1, x)]),
  ]),
  legal(
    "SETTINGS are acknowledged",
    [Buffer.concat([frame(SETTINGS, 0, 0, settings([3, 100])), request(1, x)])],
    {
      // One for those of the opening, one for these.
      lacks: ({ frames: seen }) =>
        seen.filter(({ type, flags }) => type === SETTINGS && (flags & 1) !== 0).length >= 2
          ? undefined
          : "an acknowledgement",
    },
  ),
  legal("PING is answered with its bytes", [frame(PING, 0, 0, pinged), request(1, x)], {
    lacks: ({ frames: seen }) =>
      seen.some(({ type, flags, payload }) => type === PING && flags === 1 && payload.equals(pinged))
        ? undefined
        : "the answer",
  }),
  legal("a smaller table", [headBytes(Buffer.concat([Buffer.from([0x20]), block(x)]))]),
  legal("two new table sizes", [headBytes(Buffer.concat([Buffer.from([0x20, 0x3f, 0xe1, 0x1f]), block(x)]))]),
  legal(
    "fields by reference to the table",
    [
      frame(
        HEADERS,
        whole,
        1,
        Buffer.concat([block(x), indexed("x-kept", "1"), reference(62), indexed("x-more", "2")]),
      ),
      frame(HEADERS, whole, 3, Buffer.concat([block(x), reference(62), reference(63)])),
    ],
    { streams: [1, 3] },
  ),
  legal("fields that are never indexed", [withFirst(Buffer.from([0x10, 3, ...Buffer.from("x-a"), 1, 0x31]))]),
  legal("Huffman", [withFirst(Buffer.from([0, 0x83, 0xf2, 0xb0, 0xff, 0x81, 0x0f]))]),
  legal("three streams at once", [Buffer.concat([request(1, x), request(3, x), request(5, x)])], {
    streams: [1, 3, 5],
  }),
  legal("bodies of two streams in turn", [inTurn()], { streams: [1, 3] }),
  legal("streams that were skipped", [request(5, x), request(11, x)], { streams: [5, 11] }),
  legal("a stream that the client reset, and the next", [resetThen(request(3, x), held)], { streams: [3] }),
  legal(
    "RST_STREAM and WINDOW_UPDATE on a stream that is over",
    [
      request(1, x),
      Buffer.concat([
        frame(WINDOW_UPDATE, 0, 1, uint32(10)),
        frame(RST_STREAM, 0, 1, uint32(8)),
        request(3, x),
      ]),
    ],
    { streams: [1, 3] },
  ),
  legal("trailers", [
    Buffer.concat([
      frame(HEADERS, END_HEADERS, 1, block(post)),
      frame(DATA, 0, 1, Buffer.from("abc")),
      frame(HEADERS, whole, 1, block([["x-sum", "1"]])),
    ]),
  ]),
  legal("te: trailers", [request(1, get("/x", ["te", "trailers"]))]),
  legal("crumbs of a cookie", [request(1, get("/x", ["cookie", "a=1"], ["cookie", "b=2"]))]),
  legal("host beside the same :authority", [request(1, get("/x", ["host", "localhost"]))]),
  legal("an empty value", [request(1, get("/x", ["x-a", ""]))]),
  legal("OPTIONS", [request(1, head("OPTIONS", "/x"))]),
  legal("no window at first", [
    Buffer.concat([frame(SETTINGS, 0, 0, settings([4, 0])), request(1, x)]),
    frame(WINDOW_UPDATE, 0, 1, uint32(1000)),
  ]),
  legal("a window byte by byte", [
    Buffer.concat([frame(SETTINGS, 0, 0, settings([4, 1])), request(1, x)]),
    frame(WINDOW_UPDATE, 0, 1, uint32(1)),
  ]),
  legal("a frame as long as agreed", [
    Buffer.concat([
      frame(HEADERS, END_HEADERS, 1, block(post)),
      frame(DATA, END_STREAM, 1, Buffer.alloc(16_384, "x")),
    ]),
  ]),
];

export const http2Cases: readonly Http2Case[] = [...frames, ...messages, ...served];

function tooLong(type: number, flags: number, stream: number, length: number): Uint8Array {
  const bytes = frame(type, flags, stream, block(x));
  bytes.writeUIntBE(length, 0, 3);
  return bytes;
}

function resetThen(then: Uint8Array, first: Uint8Array = Buffer.alloc(0)): Uint8Array {
  return Buffer.concat([first, frame(RST_STREAM, 0, 1, uint32(8)), then]);
}

function inFrames(count: number): Uint8Array {
  const bytes = block(x);
  const each = Math.ceil(bytes.length / count);
  return Buffer.concat(
    Array.from({ length: count }, (_, at) =>
      frame(
        at === 0 ? HEADERS : CONTINUATION,
        (at === 0 ? END_STREAM : 0) | (at === count - 1 ? END_HEADERS : 0),
        1,
        bytes.subarray(at * each, (at + 1) * each),
      ),
    ),
  );
}

function inTurn(): Uint8Array {
  return Buffer.concat([
    ...[1, 3].map((stream) => frame(HEADERS, END_HEADERS, stream, block(post))),
    ...[1, 3, 1, 3].map((stream, at) => frame(DATA, at > 1 ? END_STREAM : 0, stream, Buffer.from("abc"))),
  ]);
}
