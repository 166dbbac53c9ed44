import assert from "node:assert/strict";
import { test } from "node:test";
import { ok } from "../support/origin.ts";
import { connect, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { post } from "./case.ts";

// RFC 9110 §10.1.1: we answer 100 Continue ourselves, after everything that the head alone can be refused for.

test("asks for the body with 100 Continue, once, and forwards no Expect", async (t) => {
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  client.send(post("", "Content-Length: 5", "Expect: 100-continue"));
  await client.until(() => client.received.includes("\r\n\r\n"));
  assert.equal(client.received.toString(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  const answer = await client.answer();
  assert.equal(answer?.status, 200);
  assert.deepEqual(answer?.interim, [100]);
  assert.equal((await origin.requests[0]!.body).toString(), "hello");
  assert.ok(!/\r\nexpect:/i.test(origin.requests[0]!.head));
  client.destroy();
});

test("does the same for a chunked body, and again on the same connection", async (t) => {
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  for (let n = 0; n < 2; n++) {
    client.send(post("", "Transfer-Encoding: chunked", "Expect: 100-Continue"));
    await client.until(() => client.rest.includes("100 Continue\r\n\r\n"));
    client.send("5\r\nhello\r\n0\r\n\r\n");
    const answer = await client.answer();
    assert.deepEqual([answer?.status, answer?.interim], [200, [100]]);
    assert.equal((await origin.requests[n]!.body).toString(), "hello");
  }
  client.destroy();
});

test("sends no 100 when the body came without waiting", async (t) => {
  const { edge } = await startBench(t);
  const client = await connect(edge.port);
  client.send(post("hello", "Content-Length: 5", "Expect: 100-continue"));
  const answer = await client.answer();
  assert.equal(answer?.status, 200);
  assert.ok(answer!.interim.length <= 1);
  client.destroy();
});

test("refuses on the head instead of asking for the body", async (t) => {
  const { edge, origin } = await startBench(t, { route: "max_body_mb = 1" });
  const client = await connect(edge.port);
  client.send(post("", "Content-Length: 2000000", "Expect: 100-continue"));
  const answer = await client.answer();
  assert.deepEqual([answer?.status, answer?.interim], [413, []]);
  assert.equal(field(answer!, "connection"), "close");
  await client.untilOver();
  assert.equal(origin.requests.length, 0);
});

test("an upstream's own 100 and 103 do not reach the client as an answer", async (t) => {
  const { edge } = await startBench(t, {
    script: async (request, connection) => {
      await request.body;
      connection.socket.write(
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok("final")}`,
      );
    },
  });
  const client = await connect(edge.port);
  client.send(post("hello", "Content-Length: 5"));
  const answer = await client.answer();
  assert.deepEqual([answer?.status, answer?.body.toString()], [200, "final"]);
  assert.ok(!answer!.interim.includes(100));
  client.destroy();
});

test("an upstream that answers 417 to what we print is passed on as it is", async (t) => {
  const { edge } = await startBench(t, {
    script: (_request, connection) =>
      void connection.socket.write("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"),
  });
  const client = await connect(edge.port);
  client.send(post("hello", "Content-Length: 5", "Expect: 100-continue"));
  assert.equal((await client.answer())?.status, 417);
  client.destroy();
});
