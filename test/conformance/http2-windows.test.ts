import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACK,
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameClient,
  frame,
  get,
  HEADERS,
  head,
  openFrames,
  PADDED,
  PING,
  preface,
  RST_STREAM,
  request,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from "../support/h2-frames.ts";
import { ok, rawAnswer } from "../support/origin.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";

// Windows of HTTP/2 connections and streams (RFC 9113 §5.2, §6.9): nothing is lost, nothing is given twice.

const secure: BenchOptions = { tlsNames: [], tls: `alpn = ["h2"]` };

async function open(
  t: Parameters<typeof startBench>[0],
  bench: Bench,
  opening: Uint8Array = frame(SETTINGS, 0, 0),
): Promise<FrameClient> {
  const client = await openFrames(bench.edge.tlsPort, { opening: Buffer.concat([preface, opening]) });
  t.after(() => client.end());
  client.send(frame(SETTINGS, ACK, 0));
  return client;
}

/** What the gateway gave back for a stream, or, 0, for all, beside what it opened with. */
function given(client: FrameClient, stream: number): number {
  const sum = client.frames
    .filter((one) => one.type === WINDOW_UPDATE && one.stream === stream)
    .reduce((total, one) => total + one.payload.readUInt32BE(0), 0);
  return stream === 0 ? sum - (1_048_576 - 65_535) : sum;
}

async function hasEnded(client: FrameClient, stream: number): Promise<boolean> {
  const last = await client.wait(
    ({ type, flags, stream: id }) =>
      id === stream && (type === RST_STREAM || (type === DATA && (flags & END_STREAM) !== 0)),
  );
  return last.type === DATA;
}

test("what comes for a stream that is refused at once is given back once", async (t) => {
  const bench = await startBench(t, { ...secure, route: `methods = ["GET"]` });
  const client = await open(t, bench);
  const piece = Buffer.alloc(16_000, "x");
  let sent = 0;
  for (let id = 1; id < 401; id += 2) {
    client.send(frame(HEADERS, END_HEADERS, id, block(head("POST", "/x"))), frame(DATA, 0, id, piece));
    sent += piece.length;
    assert.equal(await client.outcome(id), "405");
  }
  client.send(frame(PING, 0, 0, Buffer.alloc(8)));
  await client.wait(({ type }) => type === PING);
  const back = given(client, 0);
  assert.ok(back <= sent, `${back} of ${sent} bytes were given back`);
  assert.ok(back >= sent - (1 << 19), `${back} of ${sent} bytes were given back`);
});

test("a stream that was reset with a body that nobody took gives its window back", async (t) => {
  const bench = await startBench(t, {
    ...secure,
    keepBodies: false,
    script: (seen, connection) => {
      if (seen.method === "POST") connection.socket.pause();
      else connection.socket.write(ok("ok"));
    },
  });
  const client = await open(t, bench);
  const piece = Buffer.alloc(16_000, "x");
  // More than the window holds, if any of it were lost. One at a time: they are resets as well.
  let sent = 0;
  for (let id = 1; id < 161; id += 2) {
    client.send(
      frame(HEADERS, END_HEADERS, id, block(head("POST", "/x"))),
      ...Array.from({ length: 4 }, () => frame(DATA, 0, id, piece)),
      frame(RST_STREAM, 0, id, uint32(8)),
    );
    sent += 4 * piece.length;
  }
  client.send(request(161, get("/x")));
  assert.equal(await hasEnded(client, 161), true);
  assert.ok(given(client, 0) <= sent);
  assert.ok(given(client, 0) >= sent - (1 << 19));
});

test("the last of two windows in one SETTINGS frame is that of the streams", async (t) => {
  const size = 50_000;
  const bench = await startBench(t, { ...secure, script: rawAnswer(ok("x".repeat(size))) });
  const client = await open(t, bench, frame(SETTINGS, 0, 0, settings([4, 0])));
  client.send(request(1, get("/x")));
  assert.equal(await client.outcome(1), "200");
  client.send(frame(SETTINGS, 0, 0, settings([4, 10], [4, size])));
  assert.equal(await hasEnded(client, 1), true);
  assert.equal(client.body(1).length, size);
});

test("a window that SETTINGS made negative opens when it is positive again", async (t) => {
  const size = 100_000;
  const bench = await startBench(t, { ...secure, script: rawAnswer(ok("x".repeat(size))) });
  const client = await open(t, bench);
  client.send(frame(WINDOW_UPDATE, 0, 0, uint32(1 << 20)), request(1, get("/x")));
  await client.wait(() => client.body(1).length === 65_535);
  client.send(
    frame(SETTINGS, 0, 0, settings([4, 0])),
    frame(WINDOW_UPDATE, 0, 1, uint32(65_535)),
    frame(PING, 0, 0, Buffer.alloc(8)),
  );
  await client.wait(({ type, flags }) => type === PING && (flags & ACK) !== 0);
  assert.equal(client.body(1).length, 65_535);
  client.send(frame(WINDOW_UPDATE, 0, 1, uint32(size)));
  assert.equal(await hasEnded(client, 1), true);
  assert.equal(client.body(1).length, size);
});

test("a stream's window that SETTINGS makes too large ends the connection", async (t) => {
  const bench = await startBench(t, { ...secure, script: () => {} });
  const client = await open(t, bench);
  client.send(
    request(1, get("/x")),
    frame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff - 65_535)),
    frame(SETTINGS, 0, 0, settings([4, 65_536])),
  );
  const told = await client.wait(({ type }) => type === 7);
  assert.equal(told.payload.readUInt32BE(4), 3, "FLOW_CONTROL_ERROR");
});

test("padding without a byte of content uses no window up", async (t) => {
  const bench = await startBench(t, secure);
  const client = await open(t, bench);
  client.send(frame(HEADERS, END_HEADERS, 1, block(head("POST", "/x"))));
  await bench.origin.request(0);
  const padding = frame(DATA, PADDED, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(255)]));
  for (let n = 0; n < 255; n++) client.send(padding);
  await client.wait(({ type, stream }) => type === WINDOW_UPDATE && stream === 1, 2000);
  client.send(frame(DATA, END_STREAM, 1));
  assert.equal(await hasEnded(client, 1), true);
});
