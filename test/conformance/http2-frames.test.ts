import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACK,
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  get,
  HEADERS,
  openFrames,
  PADDED,
  PING,
  PUSH_PROMISE,
  preface,
  RST_STREAM,
  request,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from "../support/h2-frames.ts";
import { startBench } from "./bench.ts";

// Frames that end the connection (reliability.md FL20; RFC 9113 §5.1, §5.1.1, §6). Codes: 1 PROTOCOL_ERROR,
// 3 FLOW_CONTROL_ERROR, 5 STREAM_CLOSED, 6 FRAME_SIZE_ERROR, 9 COMPRESSION_ERROR.

const head = block(get("/x"));
const whole = END_HEADERS | END_STREAM;

const faults: readonly (readonly [title: string, code: number, bytes: Uint8Array])[] = [
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

test("HTTP/2 frames that break the protocol end their connection, and only that", async (t) => {
  const { edge, origin } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]` });
  const witness = await openFrames(edge.tlsPort);
  t.after(() => witness.end());
  witness.send(frame(SETTINGS, ACK, 0));
  let stream = 1;
  for (const [title, code, bytes] of faults) {
    await t.test(title, async (t) => {
      const before = edge.metric("zion_reject_total", "h2_protocol");
      const client = await openFrames(edge.tlsPort);
      t.after(() => client.end());
      client.send(bytes);
      await client.closed;
      const told = client.frames.findLast(({ type }) => type === GOAWAY);
      assert.equal(told?.payload.readUInt32BE(4), code);
      assert.equal(edge.metric("zion_reject_total", "h2_protocol"), before + 1);
    });
    witness.send(request(stream, get("/witness")));
    assert.equal(await witness.outcome(stream), "200");
    stream += 2;
  }
  assert.ok(origin.requests.filter(({ target }) => target === "/x").length <= 1);
});

test("a bad preface ends the connection", async (t) => {
  const { edge, origin } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]` });
  for (const opening of [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    preface.latin1Slice().replace("SM", "XX"),
  ]) {
    const client = await openFrames(edge.tlsPort, { opening: Buffer.from(opening, "latin1") });
    await client.closed;
  }
  assert.equal(origin.requests.length, 0);
  assert.equal(edge.metric("zion_reject_total", "h2_protocol"), 2);
});

test("a head on a stream that was closed or skipped ends the connection", async (t) => {
  const { edge, origin } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]` });
  // RFC 9113 §5.1, §5.1.1.
  for (const [stream, code] of [
    [7, 1],
    [9, 5],
  ] as const) {
    const client = await openFrames(edge.tlsPort);
    t.after(() => client.end());
    client.send(request(9, get("/x")));
    assert.equal(await client.outcome(9), "200");
    client.send(request(stream, get("/again")));
    const told = await client.wait(({ type }) => type === GOAWAY);
    assert.equal(told.payload.readUInt32BE(4), code);
    await client.closed;
  }
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/x", "/x"],
  );
});
