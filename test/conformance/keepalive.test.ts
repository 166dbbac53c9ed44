import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";

const get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

test("upstream connections beyond keepalive wait a moment for the next request, then go", async (t) => {
  const { edge } = await startBench(t, { upstream: "keepalive = 2" });
  const clients = await Promise.all(Array.from({ length: 10 }, () => connect(edge.port)));
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  for (let turn = 0; turn < 20; turn++) {
    for (const client of clients) client.send(get);
    for (const client of clients) assert.equal((await client.answer())?.status, 200);
  }
  assert.ok(edge.metric("zion_upstream_connections_opened_total", "app") <= 10);
  while (edge.metric("zion_upstream_connections", "app") !== 2)
    await new Promise((resolve) => setTimeout(resolve, 10));
});

test("with keepalive = 0 each request has an upstream connection of its own", async (t) => {
  const { edge, origin } = await startBench(t, { upstream: "keepalive = 0" });
  const client = await connect(edge.port);
  t.after(() => client.destroy());
  for (let turn = 0; turn < 3; turn++) {
    client.send(get);
    assert.equal((await client.answer())?.status, 200);
  }
  assert.equal(new Set(origin.requests.map(({ connection }) => connection)).size, 3);
});
