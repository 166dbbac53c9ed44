import assert from "node:assert/strict";
import { test } from "node:test";
import { ACK, frame, GOAWAY, get, openFrames, preface, request, SETTINGS } from "../support/h2-frames.ts";
import { startBench } from "./bench.ts";
import { frameFaults } from "./http2-frames.cases.ts";

test("HTTP/2 frames that break the protocol end their connection, and only that", async (t) => {
  const { edge, origin } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]` });
  const witness = await openFrames(edge.tlsPort);
  t.after(() => witness.end());
  witness.send(frame(SETTINGS, ACK, 0));
  let stream = 1;
  for (const [title, code, bytes] of frameFaults) {
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
