import assert from "node:assert/strict";
import { test } from "node:test";
import { ok } from "../support/origin.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get, post } from "./case.ts";

// C11-C14: every wait for a client or an upstream ends. Time-outs are short here; no test depends on how short.

test("a head that never ends is answered 408 and closed, while others are served", async (t) => {
  const { edge, origin } = await startBench(t, { server: "header_timeout_ms = 300" });
  const slow = await connect(edge.port);
  const dripping = setInterval(() => slow.send("X"), 50);
  t.after(() => clearInterval(dripping));
  slow.send("GET /x HTTP/1.1\r\nHost: a.test\r\nX-");
  assert.equal((await ask(edge.port, get("/y"))).status, 200);
  const answer = await slow.answer();
  clearInterval(dripping);
  assert.equal(answer?.status, 408);
  assert.equal(field(answer!, "connection"), "close");
  await slow.untilOver();
  assert.equal(origin.requests.length, 1);
  assert.equal((await edge.logLine(field(answer!, "x-request-id")!))["zion.reason"], "head_timeout");
});

test("a connection that never says anything is closed", async (t) => {
  const { edge } = await startBench(t, { server: "header_timeout_ms = 300\nkeepalive_timeout_ms = 300" });
  const silent = await connect(edge.port);
  await silent.untilOver();
});

test("a kept connection that stays idle is closed without an answer", async (t) => {
  const { edge } = await startBench(t, { server: "keepalive_timeout_ms = 300" });
  const client = await connect(edge.port);
  client.send(get("/x"));
  assert.equal((await client.answer())?.status, 200);
  await client.untilOver();
  assert.equal(client.rest.length, 0);
});

test("a body that stops is answered 408, and its upstream request is cut", async (t) => {
  // FR21
  const { edge, origin } = await startBench(t, { server: "body_idle_timeout_ms = 300" });
  const client = await connect(edge.port);
  client.send(post("part", "Content-Length: 1000"));
  const answer = await client.answer();
  assert.equal(answer?.status, 408);
  assert.equal((await edge.logLine(field(answer!, "x-request-id")!))["zion.reason"], "body_timeout");
  await client.untilOver();
  const [request] = origin.requests;
  await request!.connection.over;
  assert.equal(request!.complete(), false);
});

test("a client that does not read its answer is closed, and its upstream with it", async (t) => {
  // C13, F17
  const { edge, origin } = await startBench(t, {
    server: "write_timeout_ms = 500",
    script: (_request, connection) => {
      connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`);
      const more = (): void => {
        if (!connection.socket.destroyed && connection.socket.write(Buffer.alloc(65536))) setImmediate(more);
      };
      connection.socket.on("drain", more);
      more();
    },
  });
  const client = await connect(edge.port);
  client.socket.pause();
  client.send(get("/x"));
  const request = await origin.request(0);
  await request.connection.over;
  client.destroy();
  const lines = await edge.logLines();
  assert.equal(lines.at(-1)?.["zion.reason"], "write_timeout");
  // What the gateway took from the upstream in the meantime is bounded by buffers, not by the answer.
  assert.ok(Number(lines.at(-1)?.["http.response.body.size"]) < 64 << 20);
});

test("a client that reads slowly but steadily gets its whole answer", async (t) => {
  const size = 1 << 20;
  const { edge } = await startBench(t, {
    server: "write_timeout_ms = 500",
    script: (_request, connection) => void connection.socket.write(ok("x".repeat(size))),
  });
  const client = await connect(edge.port, { deadlineMs: 20_000 });
  client.send(get("/x"));
  const reading = setInterval(() => {
    client.socket.resume();
    setImmediate(() => client.socket.pause());
  }, 20);
  t.after(() => clearInterval(reading));
  const answer = await client.answer();
  assert.deepEqual([answer?.body.length, answer?.end], [size, "framed"]);
  client.destroy();
});

test("an upstream that never answers makes a 504", async (t) => {
  const { edge, origin } = await startBench(t, {
    upstream: "request_timeout_ms = 300",
    script: () => undefined,
  });
  const answer = await ask(edge.port, post("hello", "Content-Length: 5"));
  assert.equal(answer.status, 504);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "upstream_timeout");
  await origin.requests[0]!.connection.over;
  assert.equal(origin.requests.length, 1);
});

test("the only member of an upstream is not asked again when it did not answer in time", async (t) => {
  const { edge, origin } = await startBench(t, {
    upstream: "request_timeout_ms = 300",
    script: () => undefined,
  });
  assert.equal((await ask(edge.port, get("/x"))).status, 504);
  assert.equal(origin.requests.length, 1);
});

test("an upstream that stops inside its answer: the answer is cut", async (t) => {
  // F12
  const { edge } = await startBench(t, {
    upstream: "idle_timeout_ms = 300",
    script: (_request, connection) =>
      void connection.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nstart"),
  });
  const client = await connect(edge.port);
  client.send(get("/x"));
  const answer = await client.answer();
  assert.deepEqual([answer?.status, answer?.end], [200, "cut"]);
  assert.equal(client.timedOut, false);
  assert.equal((await edge.logLines()).at(-1)?.["zion.reason"], "upstream_idle");
});

test("an upload that takes longer than the upstream's head time-out is not cut by it", async (t) => {
  const { edge } = await startBench(t, { upstream: "request_timeout_ms = 400" });
  const client = await connect(edge.port);
  client.send(post("", "Content-Length: 20"));
  for (let n = 0; n < 10; n++) {
    client.send("xx");
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.equal((await client.answer())?.status, 200);
  client.destroy();
});

test("connections beyond max_connections_per_ip are closed, and the others served", async (t) => {
  const { edge } = await startBench(t, { server: "max_connections_per_ip = 4" });
  const held = await Promise.all(Array.from({ length: 4 }, () => connect(edge.port)));
  for (const client of held) {
    client.send(get("/x"));
    assert.equal((await client.answer())?.status, 200);
  }
  const excess = await connect(edge.port);
  excess.send(get("/x"));
  await excess.untilOver();
  assert.equal(excess.receivedBytes, 0);
  const other = await connect(edge.port, { localAddress: "127.0.0.9" });
  other.send(get("/x"));
  assert.equal((await other.answer())?.status, 200);
  held[0]!.destroy();
  // The slot is free as soon as the gateway has seen the close.
  for (;;) {
    const again = await connect(edge.port);
    again.send(get("/x"));
    const answer = await again.answer().catch(() => undefined);
    again.destroy();
    if (answer?.status === 200) break;
  }
  for (const client of [...held, other]) client.destroy();
  assert.ok(edge.metric("zion_connections_rejected_total", "conn_cap_address") >= 1);
});
