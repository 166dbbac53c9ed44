import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  block,
  DATA,
  END_HEADERS,
  frame,
  get,
  HEADERS,
  head,
  openFrames,
  preface,
  RST_STREAM,
  request,
  SETTINGS,
  uint32,
} from "../support/h2-frames.ts";
import { startBench } from "./bench.ts";

test("any sequence of frames leaves the worker serving and nothing counted open", async (t) => {
  const { edge } = await startBench(t, {
    tlsNames: [],
    tls: `alpn = ["h2"]`,
    server: "header_timeout_ms = 300",
  });
  const id = fc.constantFrom(0, 1, 1, 3, 5, 2, 7);
  const anyFrame = fc
    .tuple(fc.nat(11), fc.nat(255), id, fc.uint8Array({ maxLength: 40 }))
    .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload));
  const sane = fc.oneof(
    id.map((stream) => request(stream, get("/x"))),
    id.map((stream) => frame(HEADERS, END_HEADERS, stream, block(head("POST", "/x")))),
    fc.tuple(id, fc.nat(1)).map(([stream, end]) => frame(DATA, end, stream, Buffer.from("abc"))),
    fc.tuple(id, fc.nat(13)).map(([stream, code]) => frame(RST_STREAM, 0, stream, uint32(code))),
    fc.constant(frame(SETTINGS, 1, 0)),
  );
  const sequence = fc.array(fc.oneof({ weight: 3, arbitrary: sane }, { weight: 1, arbitrary: anyFrame }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(sequence, fc.nat(400), async (frames, cut) => {
      const bytes = Buffer.concat([preface, frame(SETTINGS, 0, 0), ...frames]);
      const client = await openFrames(edge.tlsPort, {
        opening: bytes.subarray(0, Math.max(1, bytes.length - cut)),
      });
      await new Promise((resume) => setImmediate(resume));
      client.send(bytes.subarray(Math.max(1, bytes.length - cut)));
      await new Promise((resume) => setTimeout(resume, 5));
      client.socket.destroy();
      await client.closed;
    }),
    { numRuns: 150 },
  );
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  client.send(request(1, get("/x")));
  assert.equal(await client.outcome(1), "200");
  client.end();
  const lastMs = Date.now() + 8000;
  while (edge.metric("zion_h2_connections") > 0 || edge.metric("zion_connections", "https") > 0) {
    assert.ok(Date.now() < lastMs, "connections are still counted");
    await new Promise((resume) => setTimeout(resume, 20));
  }
  assert.equal(edge.metric("zion_defects_total"), 0);
});
