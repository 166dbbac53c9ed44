import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ask, connect, field, type RawClient } from "../support/raw-client.ts";
import { type BenchOptions, startBench } from "./bench.ts";

// Caps of exchanges under way. The origin answers when the test says so.

const get = (more = "") => `GET / HTTP/1.1\r\nHost: a.test\r\n${more}\r\n`;

async function start(t: TestContext, options: BenchOptions) {
  const answers: (() => void)[] = [];
  const { edge } = await startBench(t, {
    ...options,
    script: (request, { socket }) => {
      const answer = () => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      if (request.head.includes("X-Wait")) answers.push(answer);
      else answer();
    },
  });
  const hold = async (more = ""): Promise<RawClient> => {
    const client = await connect(edge.port);
    t.after(() => client.destroy());
    const held = answers.length;
    client.send(get(`X-Wait: 1\r\n${more}`));
    while (answers.length === held) await new Promise((resolve) => setImmediate(resolve));
    return client;
  };
  const release = () => {
    for (const answer of answers.splice(0)) answer();
  };
  return { edge, hold, release };
}

test("a route takes as many exchanges at once as its max_in_flight, and the next when one has ended", async (t) => {
  const { edge, hold, release } = await start(t, { route: 'name = "few"\nmax_in_flight = 2' });
  const held = [await hold(), await hold()];
  const answer = await ask(edge.port, get());
  assert.deepEqual([answer.status, field(answer, "retry-after")], [503, "1"]);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "in_flight_route");
  assert.equal(edge.metric("zion_route_in_flight", "few"), 2);
  assert.equal(edge.metric("zion_reject_total", "in_flight_route"), 1);
  release();
  for (const client of held) assert.equal((await client.answer())?.status, 200);
  assert.equal((await ask(edge.port, get())).status, 200);
  assert.equal(edge.metric("zion_route_in_flight", "few"), 0);
});

test("an address has max_in_flight_per_ip exchanges at once; others are served, and a client that leaves makes room", async (t) => {
  const { edge, hold } = await start(t, {
    server: 'max_in_flight_per_ip = 1\ntrusted_proxies = ["127.0.0.1"]',
  });
  const from = (address: string) => `X-Forwarded-For: ${address}\r\n`;
  const client = await hold(from("2001:db8::1"));
  const answer = await ask(edge.port, get(from("2001:db8::2")));
  assert.deepEqual([answer.status, field(answer, "retry-after")], [429, "1"]);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "in_flight_address");
  assert.equal(edge.metric("zion_reject_total", "in_flight_address"), 1);
  assert.equal((await ask(edge.port, get(from("2001:db8:0:1::1")))).status, 200);
  client.socket.resetAndDestroy();
  for (;;) if ((await ask(edge.port, get(from("2001:db8::2")))).status === 200) break;
});
