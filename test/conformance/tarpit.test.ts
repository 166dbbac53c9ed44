import assert from "node:assert/strict";
import { test } from "node:test";
import {
  block,
  DATA,
  END_HEADERS,
  frame,
  get as getFrames,
  HEADERS,
  head,
  openFrames,
  RST_STREAM,
  readStatus,
  request,
  uint32,
} from "../support/h2-frames.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get } from "./case.ts";

// Refusals that are held back. No test waits for the hold to end by the clock: holds are long, or as short as can be.

const tables = (hold: string): string =>
  `[list.bad]\naction = "tarpit"\nuser_agents = ["EvilBot"]\n[tarpit]\n${hold}`;
const bad = get("/x", "User-Agent: EvilBot");

test("a refusal is held back, and is the same afterwards", async (t) => {
  const { edge, origin } = await startBench(t, {
    server: 'lists = ["bad"]',
    tables: tables("hold_secs = 1"),
  });
  const answer = await ask(edge.port, bad);
  assert.equal(answer.status, 403);
  assert.equal(field(answer, "connection"), "close");
  const line = await edge.logLine(field(answer, "x-request-id")!);
  assert.deepEqual([line["zion.reason"], line["zion.detail"]], ["list_denied", "bad"]);
  assert.ok(Number(line["zion.duration.total_us"]) >= 900_000, String(line["zion.duration.total_us"]));
  assert.equal(edge.metric("zion_tarpit_total"), 1);
  assert.equal(edge.metric("zion_tarpit_held"), 0);
  assert.equal(origin.connections.length, 0);
});

test("no more are held than the cap says; the next ones are refused at once", async (t) => {
  const { edge } = await startBench(t, {
    server: 'lists = ["bad"]',
    tables: tables("hold_secs = 300\nmax_held = 2"),
  });
  const held = [await connect(edge.port), await connect(edge.port)];
  t.after(() => {
    for (const client of held) client.socket.destroy();
  });
  for (const client of held) client.send(bad);
  while (edge.metric("zion_tarpit_held") < 2) await new Promise((done) => setTimeout(done, 5));
  assert.equal((await ask(edge.port, bad)).status, 403);
  assert.equal(edge.metric("zion_tarpit_shed_total"), 1);
  assert.equal((await ask(edge.port, get("/x"))).status, 200);
  // A client that leaves makes room.
  held[0]!.socket.destroy();
  while (edge.metric("zion_tarpit_held") > 1) await new Promise((done) => setTimeout(done, 5));
  // A drain does not wait for the rest.
  assert.equal(await edge.drain(10_000), 0);
  assert.equal((await held[1]!.answer())?.status, 403);
  assert.equal(edge.metric("zion_tarpit_held"), 0);
});

test("held refusals never take more than a quarter of the connections", async (t) => {
  const { edge } = await startBench(t, {
    server: 'lists = ["bad"]\nmax_connections = 8',
    tables: tables("hold_secs = 300"),
  });
  const held = [await connect(edge.port), await connect(edge.port)];
  for (const client of held) client.send(bad);
  while (edge.metric("zion_tarpit_held") < 2) await new Promise((done) => setTimeout(done, 5));
  assert.equal((await ask(edge.port, bad)).status, 403);
  for (const client of held) client.socket.destroy();
});

test("streams of HTTP/2 are held one by one; one that is reset makes room", async (t) => {
  const { edge } = await startBench(t, {
    tlsNames: [],
    tls: 'alpn = ["h2"]',
    server: 'lists = ["bad"]',
    tables: tables("hold_secs = 300\nmax_held = 2"),
  });
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  const bot = getFrames("/x", ["user-agent", "EvilBot"]);
  client.send(request(1, bot), request(3, bot), request(5, bot));
  assert.equal(await client.outcome(5), "403");
  assert.equal(edge.metric("zion_tarpit_held"), 2);
  client.send(frame(RST_STREAM, 0, 1, uint32(8)));
  while (edge.metric("zion_tarpit_held") > 1) await new Promise((done) => setTimeout(done, 5));
});

test("a body that breaks its own length does not let a held stream go", async (t) => {
  const { edge } = await startBench(t, {
    tlsNames: [],
    tls: 'alpn = ["h2"]',
    server: 'lists = ["bad"]',
    tables: tables("hold_secs = 300"),
  });
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  const bot = head("POST", "/x", ["user-agent", "EvilBot"], ["content-length", "1"]);
  client.send(frame(HEADERS, END_HEADERS, 1, block(bot)));
  client.send(frame(DATA, 0, 1, Buffer.alloc(20)), frame(DATA, 0, 1, Buffer.alloc(20)));
  // A request behind them is answered: they have been read.
  client.send(request(3, getFrames("/x")));
  assert.equal(await client.outcome(3), "200");
  assert.equal(edge.metric("zion_tarpit_held"), 1);
  assert.equal(await edge.drain(10_000), 0);
  const answer = await client.wait(({ type, stream }) => type === HEADERS && stream === 1);
  assert.equal(readStatus(answer.payload), "403");
});
