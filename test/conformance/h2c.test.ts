import assert from "node:assert/strict";
import { test } from "node:test";
import { frame, get, openFrames, preface, request, SETTINGS } from "../support/h2-frames.ts";
import { askRaw, startBench } from "./bench.ts";

const plain = get("/x").map(([name, value]) => [name, name === ":scheme" ? "http" : value] as const);

test("HTTP/2 by prior knowledge is served on the plain listener where h2c is on", async (t) => {
  const { edge, origin } = await startBench(t, { server: "h2c = true" });
  const client = await openFrames(edge.port, { secure: false });
  t.after(() => client.end());
  client.send(request(1, plain), request(3, get("/x")));
  assert.equal(await client.outcome(1), "200");
  await client.wait((one) => one.type === 0 && one.stream === 1 && one.payload.length > 0);
  assert.equal(client.body(1), "ok");
  assert.equal(await client.outcome(3), "400", "the scheme must be the listener's");
  assert.match(origin.requests[0]!.head, /\r\nX-Forwarded-Proto: http\r\n/);
  assert.equal(edge.metric("zion_h2_connections", "http"), 1);
});

test("a preface that comes byte by byte is the same preface", async (t) => {
  const { edge } = await startBench(t, { server: "h2c = true" });
  const client = await openFrames(edge.port, { secure: false, opening: preface.subarray(0, 1) });
  t.after(() => client.end());
  client.socket.setNoDelay(true);
  for (const byte of preface.subarray(1)) {
    client.send(Buffer.from([byte]));
    await new Promise((resume) => setImmediate(resume));
  }
  client.send(frame(SETTINGS, 0, 0), request(1, plain));
  assert.equal(await client.outcome(1), "200");
});

test("HTTP/1.1 is served beside it, whatever the first bytes share with the preface", async (t) => {
  const { edge } = await startBench(t, { server: "h2c = true" });
  const head = (method: string): string =>
    `${method} /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`;
  assert.match(await askRaw(edge.port, head("GET")), /^HTTP\/1\.1 200 /);
  assert.match(await askRaw(edge.port, head("PRI")), /^HTTP\/1\.1 501 /);
});

test("a connection that says nothing is closed after the head time-out, and counted", async (t) => {
  const { edge } = await startBench(t, { server: "h2c = true\nheader_timeout_ms = 200" });
  const client = await openFrames(edge.port, { secure: false, opening: preface.subarray(0, 10) });
  await client.closed;
  assert.equal(edge.metric("zion_reject_total", "head_timeout"), 1);
  assert.equal(edge.metric("zion_connections", "http"), 0);
});

test("without h2c the preface is an HTTP/1 request that is refused", async (t) => {
  const { edge, origin } = await startBench(t);
  const answer = await askRaw(edge.port, preface.latin1Slice());
  assert.match(answer, /^HTTP\/1\.1 50[15] /);
  assert.equal(origin.requests.length, 0);
});
