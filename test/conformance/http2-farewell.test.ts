import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACK,
  END_STREAM,
  type Frame,
  type FrameClient,
  frame,
  GOAWAY,
  get,
  openFrames,
  PING,
  preface,
  request,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from "../support/h2-frames.ts";
import { ok, rawAnswer } from "../support/origin.ts";
import { type BenchOptions, startBench } from "./bench.ts";

// The last answer of an HTTP/2 connection that ends: all of it arrives, however slowly the client reads.

const size = 8_000_000;
const leaving: BenchOptions = {
  tlsNames: [],
  tls: `alpn = ["h2"]`,
  server: "keepalive_requests = 1",
  script: rawAnswer(ok("x".repeat(size))),
};
const wide = Buffer.concat([
  preface,
  frame(SETTINGS, 0, 0, settings([4, 0x7fffffff])),
  frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff - 65_535)),
  frame(SETTINGS, ACK, 0),
]);

const isEnd = (one: Frame): boolean => one.stream === 1 && one.type === 0 && (one.flags & END_STREAM) !== 0;

function bytesOf(client: FrameClient): number {
  return client.frames.reduce((sum, one) => sum + one.payload.length, 0);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resume) => setTimeout(resume, ms));
}

test("a client that stops reading, but sends PINGs, gets the end of its last answer", async (t) => {
  const bench = await startBench(t, leaving);
  const client = await openFrames(bench.edge.tlsPort, { opening: wide });
  t.after(() => client.end());
  client.send(request(1, get("/x")));
  const probe = await client.wait(({ type, flags }) => type === PING && flags === 0);
  client.send(frame(PING, ACK, 0, probe.payload));
  await client.wait(() => bytesOf(client) > size - 200_000, 20_000);
  client.socket.pause();
  for (let turn = 0; turn < 4; turn++) {
    await pause(100);
    client.send(frame(PING, 0, 0, Buffer.alloc(8)));
  }
  client.socket.resume();
  await client.closed;
  assert.ok(client.frames.some(isEnd), `${client.body(1).length} of ${size} bytes came`);
  assert.equal(client.frames.filter(({ type }) => type === GOAWAY).length, 2);
});

test("a client that reads nothing more is not waited for longer than write_timeout_ms", async (t) => {
  const bench = await startBench(t, { ...leaving, server: "keepalive_requests = 1\nwrite_timeout_ms = 300" });
  const client = await openFrames(bench.edge.tlsPort, { opening: wide });
  t.after(() => client.end());
  client.send(request(1, get("/x")));
  await client.outcome(1);
  client.socket.pause();
  const lastMs = Date.now() + 10_000;
  while (bench.edge.metric("zion_h2_connections") > 0) {
    assert.ok(Date.now() < lastMs, "it is still open");
    await pause(20);
  }
});
