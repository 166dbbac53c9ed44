import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkDecoder } from "../../src/http/chunked.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { chunked, get, head, post } from "./case.ts";

// Requests at the edge of our own buffers, and a bug put into the decoder of chunked bodies: whatever goes wrong inside
// the gateway costs the request that met it.

test("heads of every size that the configuration allows reach the upstream whole", async (t) => {
  const server = "max_header_bytes = 262144\nmax_header_value_bytes = 262144\nmax_uri_bytes = 131072";
  for (const size of [30_000, 60_000, 64_000, 65_500, 130_000]) {
    const { edge, origin } = await startBench(t, { server });
    // Padding makes the parser write the lines anew.
    const fields = ["Host: a.test", `A:${"a".repeat(size)}`, `B:  ${"b".repeat(size / 2)}`];
    const client = await connect(edge.port, { deadlineMs: 3000 });
    const request = head("POST /x HTTP/1.1", ...fields, "Content-Length: 5");
    // On a connection that is being made, on a kept one, and out of a pipeline.
    client.send(`${request}hello`);
    assert.equal((await client.answer())?.status, 200, `${size} bytes`);
    client.send(`${get("/first")}${request}hello`);
    for (let n = 0; n < 2; n++) assert.equal((await client.answer())?.status, 200, `${size} bytes`);
    for (const at of [0, 2]) {
      const sent = origin.requests[at]!;
      assert.ok(sent.head.includes(`\r\nA: ${"a".repeat(size)}\r\n`), `${size} bytes`);
      assert.ok(sent.head.includes(`\r\nB: ${"b".repeat(size / 2)}\r\n`), `${size} bytes`);
      assert.equal((await sent.body).toString(), "hello");
    }
    client.destroy();
  }
});

test("a target of any size that the configuration allows is redirected whole", async (t) => {
  const { edge } = await startBench(t, {
    server: "max_header_bytes = 262144\nmax_uri_bytes = 131072",
    redirect: true,
    tlsNames: [],
  });
  for (const size of [60_000, 66_000, 130_000]) {
    const target = `/x?${"q".repeat(size)}`;
    const answer = await ask(edge.port, get(target));
    assert.equal(answer.status, 301, `${size} bytes`);
    assert.ok(field(answer, "location")?.endsWith(target), `${size} bytes`);
  }
});

test("a bug met in a body costs its own request, and none of that reaches an upstream in another's name", async (t) => {
  const { edge, origin } = await startBench(t);
  const decode = ChunkDecoder.prototype.next;
  t.after(() => {
    ChunkDecoder.prototype.next = decode;
  });
  const broken = chunked("3\r\nabc\r\n0\r\n\r\n").replace("/x", "/broken");
  const ways = [
    { title: "on a connection that is being made", before: "", answers: 0 },
    { title: "on a kept connection", before: "", answers: 0 },
    { title: "in a pipeline", before: post("abc", "Content-Length: 3"), answers: 1 },
  ];
  for (const { title, before, answers } of ways) {
    ChunkDecoder.prototype.next = () => {
      throw new Error("a bug of ours");
    };
    const client = await connect(edge.port, { deadlineMs: 3000 });
    client.send(before + broken);
    for (let n = 0; n < answers; n++) assert.equal((await client.answer())?.status, 200, title);
    assert.equal((await client.answer())?.status, 500, title);
    client.destroy();
    ChunkDecoder.prototype.next = decode;
    origin.forget();
    for (const target of ["/1", "/2"]) assert.equal((await ask(edge.port, get(target))).status, 200, title);
    assert.deepEqual(
      origin.requests.map((request) => request.target),
      ["/1", "/2"],
      title,
    );
  }
});
