import assert from "node:assert/strict";
import { test } from "node:test";
import type { Edge } from "../support/edge.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get, post } from "./case.ts";

// What clients see when memory runs short: the levels of reliability.md C34. The rest is test/gate/pressure.test.ts.

test("first connections are not kept, so that their memory is free soon", async (t) => {
  const { edge } = await startBench(t);
  const before = await ask(edge.port, get("/a"));
  assert.equal(field(before, "connection"), undefined);
  await fill(edge, 0.86, 1);
  const answer = await ask(edge.port, get("/b"));
  assert.deepEqual([answer.status, field(answer, "connection")], [200, "close"]);
});

test("then bodies are turned away with 503 and Retry-After, before the upstream hears of them", async (t) => {
  const { edge, origin } = await startBench(t);
  await fill(edge, 0.93, 2);
  const answer = await ask(edge.port, post("hello", "Content-Length: 5"));
  assert.deepEqual([answer.status, field(answer, "retry-after")], [503, "1"]);
  assert.equal(origin.requests.length, 0);
  assert.equal((await ask(edge.port, get("/plain"))).status, 200);
  assert.equal(edge.metric("zion_reject_total", "shed"), 1);
});

test("at last connections are closed on arrival, and nothing is served; when memory is free again, all is as before", async (t) => {
  const { edge } = await startBench(t);
  const early = await connect(edge.port);
  await fill(edge, 0.98, 3);
  early.send(get("/a"));
  assert.equal((await early.answer())?.status, 503);
  const late = await connect(edge.port);
  await late.untilOver();
  assert.equal(late.received.length, 0);
  assert.ok(edge.metric("zion_reject_total", "shed_connection") > 0);
  await fill(edge, 0.5, 0);
  assert.equal((await ask(edge.port, get("/b"))).status, 200);
});

/** The worker looks at it a few times a second. */
async function fill(edge: Edge, share: number, level: number): Promise<void> {
  edge.setMemory(share);
  while (edge.metric("zion_overload_level", "memory") !== level)
    await new Promise((done) => setTimeout(done, 10));
}
