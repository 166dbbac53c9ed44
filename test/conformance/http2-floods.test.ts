import assert from "node:assert/strict";
import { test } from "node:test";
import { startEdge } from "../support/edge.ts";
import { floods, openingOf, runFlood } from "../support/h2-floods.ts";
import {
  ACK,
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  GOAWAY,
  get,
  HEADERS,
  head,
  openFrames,
  PING,
  RST_STREAM,
  request,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from "../support/h2-frames.ts";
import { startHttp2Origin } from "../support/http2-origin.ts";
import { benchConfig, startBench } from "./bench.ts";

/** A hundred at a time, and some that come in while it is noticed (reliability.md §2.6). */
const REQUESTS_MAX = 120;
const DEADLINE_MS = 8000;

test("HTTP/2 floods end their connection and few requests reach the origin", async (t) => {
  const { edge, origin } = await startBench(t, {
    tlsNames: [],
    tls: `alpn = ["h2"]`,
    server: "write_timeout_ms = 1000\nbody_idle_timeout_ms = 1000",
  });
  for (const flood of floods) {
    await t.test(`${flood.id}: ${flood.title}`, async (t) => {
      origin.forget();
      const client = await openFrames(edge.tlsPort, { opening: openingOf(flood) });
      t.after(() => client.end());
      const tookMs = await runFlood(client, flood, DEADLINE_MS);
      assert.notEqual(tookMs, undefined, "the connection is still open");
      assert.ok(origin.requests.length <= REQUESTS_MAX, `${origin.requests.length} requests at the origin`);
    });
  }
  await t.test("and leave nothing behind", async () => {
    const lastMs = Date.now() + 5000;
    while (edge.metric("zion_h2_connections") > 0 || edge.metric("zion_connections", "https") > 0) {
      assert.ok(Date.now() < lastMs, "connections are still counted");
      await new Promise((resume) => setTimeout(resume, 20));
    }
    assert.equal(edge.metric("zion_defects_total"), 0);
  });
});

const brokenEnds: readonly (readonly [title: string, fields: Fields, end: (id: number) => Uint8Array])[] = [
  ["more DATA than content-length", [["content-length", "1"]], (id) => frame(DATA, 0, id, Buffer.alloc(20))],
  ["less DATA than content-length", [["content-length", "1"]], (id) => frame(DATA, END_STREAM, id)],
  [
    "trailers that are none",
    [],
    (id) => frame(HEADERS, END_HEADERS | END_STREAM, id, block([["connection", "x"]])),
  ],
];

for (const [title, fields, end] of brokenEnds) {
  test(`requests that break when they are at the origin are as few as resets: ${title}`, async (t) => {
    const { edge, origin } = await startBench(t, { tlsNames: [], tls: `alpn = ["h2"]`, script: () => {} });
    const client = await openFrames(edge.tlsPort);
    t.after(() => client.end());
    client.send(frame(SETTINGS, ACK, 0));
    const isTold = (): boolean => client.frames.some(({ type }) => type === GOAWAY);
    for (let id = 1; !isTold() && id < 400; id += 2) {
      client.send(frame(HEADERS, END_HEADERS, id, block(head("POST", "/x", ...fields))));
      await Promise.race([origin.request((id - 1) / 2), client.closed]);
      client.send(end(id));
      await Promise.race([client.outcome(id), client.closed]);
    }
    assert.ok(origin.requests.length <= REQUESTS_MAX, `${origin.requests.length} requests at the origin`);
    await client.closed;
    assert.equal(edge.metric("zion_h2_control_flood_closed_total", "rejected_heads"), 1);
  });
}

test("calls without any time are as few as resets", async (t) => {
  const origin = await startHttp2Origin(t, () => {});
  const edge = await startEdge(benchConfig(origin.port, { upstream: 'protocol = "h2c"' }), {
    tlsNames: [],
    tls: `alpn = ["h2"]`,
  });
  t.after(() => edge.stop());
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  client.send(frame(SETTINGS, ACK, 0));
  const call: Fields = [
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ["grpc-timeout", "1n"],
  ];
  const isTold = (): boolean => client.frames.some(({ type }) => type === GOAWAY);
  for (let id = 1; !isTold() && id < 1000; id += 100) {
    const ids = Array.from({ length: 50 }, (_, i) => id + 2 * i);
    client.send(...ids.map((one) => request(one, head("POST", "/test.Echo/Unary", ...call))));
    for (const one of ids) await Promise.race([client.outcome(one), client.closed]);
  }
  // A hundred, what comes back to a client in the meantime, and what was under way.
  assert.ok(origin.arrivals.length < 300, `${origin.arrivals.length} calls at the origin`);
  await client.closed;
  assert.equal(edge.metric("zion_h2_control_flood_closed_total", "reset"), 1);
});

const late: readonly (readonly [title: string, frame: Uint8Array])[] = [
  ["GOAWAY", frame(GOAWAY, 0, 0, Buffer.alloc(8))],
  ["RST_STREAM of streams that nobody serves", frame(RST_STREAM, 0, 99, uint32(8))],
  ["WINDOW_UPDATE of streams that nobody serves", frame(WINDOW_UPDATE, 0, 99, uint32(1))],
  ["DATA of streams that nobody serves", frame(DATA, 0, 99, Buffer.alloc(10))],
  ["heads of streams that nobody serves", frame(HEADERS, END_HEADERS | END_STREAM, 99, block(get("/x")))],
];

for (const [title, bytes] of late) {
  test(`a connection that leaves is ended by a flood of ${title}`, async (t) => {
    const { edge, origin } = await startBench(t, {
      tlsNames: [],
      tls: `alpn = ["h2"]`,
      server: "keepalive_requests = 1",
      script: () => {},
    });
    const client = await openFrames(edge.tlsPort);
    t.after(() => client.end());
    client.send(frame(SETTINGS, ACK, 0), request(1, get("/x")));
    const probe = await client.wait(({ type }) => type === PING);
    client.send(frame(PING, ACK, 0, probe.payload));
    await client.wait(({ type, payload }) => type === GOAWAY && payload.readUInt32BE(0) === 1);
    await origin.request(0);
    const tookMs = await runFlood(
      client,
      { id: "", title, burst: () => Buffer.concat(Array(500).fill(bytes)) },
      DEADLINE_MS,
    );
    assert.notEqual(tookMs, undefined, "the connection is still open");
    assert.equal(origin.requests.length, 1);
  });
}
