import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FrameSink, Http2Input } from "../../src/listener/http2-input.ts";
import { DATA, frame, PADDED, PING, preface, SETTINGS } from "../support/h2-frames.ts";

/** What was read, in words; DATA of one frame together. */
function read(pieces: readonly Uint8Array[]): string[] {
  const events: string[] = [];
  let data: Buffer[] = [];
  let isOpen = true;
  const sink: FrameSink = {
    get takesFrames() {
      return isOpen;
    },
    onDataHead(stream, length, padding) {
      events.push(`data ${stream} ${length} ${padding}`);
      data = [];
    },
    onData(bytes, start, end) {
      data.push(Buffer.from(bytes.subarray(start, end)));
    },
    onDataEnd(flags) {
      events.push(`end ${flags} ${Buffer.concat(data).toString("hex")}`);
    },
    onFrame(type, flags, stream, source, start, end) {
      events.push(`frame ${type} ${flags} ${stream} ${source.toString("hex", start, end)}`);
    },
    onFrameFault(code) {
      events.push(`fault ${code}`);
      isOpen = false;
    },
  };
  const input = new Http2Input(sink);
  // One buffer for all reads, as on a socket: what must outlive a read has to be copied.
  const shared = Buffer.alloc(65_536);
  for (const piece of pieces) {
    shared.fill(0xee);
    shared.set(piece);
    input.read(shared, piece.length);
  }
  return events;
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((start, at) => bytes.subarray(start, places[at] ?? bytes.length));
}

const anyFrame = fc
  .record({
    type: fc.integer({ min: 0, max: 12 }),
    flags: fc.nat(255),
    stream: fc.nat(9),
    payload: fc.uint8Array({ maxLength: 300, size: "max" }),
  })
  .map(({ type, flags, stream, payload }) => frame(type, flags, stream, payload));

test("any split of the bytes gives the same frames", () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 12 }),
      fc.array(fc.nat(4000), { maxLength: 40 }),
      (frames, cuts) => {
        const bytes = Buffer.concat([preface, frame(SETTINGS, 0, 0), ...frames]);
        assert.deepEqual(read(split(bytes, cuts)), read([bytes]));
      },
    ),
    { numRuns: 500 },
  );
});

test("a byte at a time is read like all at once", () => {
  const bytes = Buffer.concat([
    preface,
    frame(SETTINGS, 0, 0),
    frame(DATA, 1 | PADDED, 1, Buffer.from([3, 65, 66, 0, 0, 0])),
    frame(PING, 0, 0, Buffer.alloc(8, 7)),
    frame(DATA, 0, 3),
  ]);
  const expected = [
    "frame 4 0 0 ",
    "data 1 6 4",
    "end 9 4142",
    "frame 6 0 0 0707070707070707",
    "data 3 0 0",
    "end 0 ",
  ];
  assert.deepEqual(read([bytes]), expected);
  assert.deepEqual(read(Array.from(bytes, (byte) => Buffer.from([byte]))), expected);
});

test("what is no frame is a fault, and nothing behind it is read", () => {
  const rest = frame(PING, 0, 0, Buffer.alloc(8));
  const opening = Buffer.concat([preface, frame(SETTINGS, 0, 0)]);
  const faults: readonly (readonly [title: string, bytes: Buffer, code: number])[] = [
    ["another preface", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 1],
    ["a first frame that is not SETTINGS", Buffer.concat([preface, rest]), 1],
    ["a frame beyond 16 KiB", Buffer.concat([opening, frame(PING, 0, 0, Buffer.alloc(16_385))]), 6],
    ["padding beyond the frame", Buffer.concat([opening, frame(DATA, PADDED, 1, Buffer.from([5, 1]))]), 1],
    ["PADDED without a length", Buffer.concat([opening, frame(DATA, PADDED, 1)]), 6],
  ];
  for (const [title, bytes, code] of faults) {
    const events = read([Buffer.concat([bytes, rest])]);
    assert.equal(events.at(-1), `fault ${code}`, title);
  }
});
