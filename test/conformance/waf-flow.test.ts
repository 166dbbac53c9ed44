import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ask, connect, field } from "../support/raw-client.ts";
import { type BenchOptions, startBench } from "./bench.ts";

// Bodies that are forwarded while they are inspected, and the memory of those that wait.

const attack = "<script>alert(1)</script>";

function start(t: TestContext, options: BenchOptions = {}) {
  return startBench(t, { waf: true, ...options });
}

function head(length: number | "chunked", type = "text/plain"): string {
  const framing = length === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  return `POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Type: ${type}\r\n${framing}\r\n\r\n`;
}

const line = "It was a bright cold day in April, and the clocks were striking thirteen.\n";

test("a body longer than the buffer reaches the upstream while it comes, whole and unchanged", async (t) => {
  const { edge, origin } = await start(t, { tables: "[waf_profile.default]\ninspect_buffer_kb = 64\n" });
  const body = Buffer.from(line.repeat(20_000));
  for (const chunked of [false, true]) {
    origin.forget();
    const client = await connect(edge.port, { deadlineMs: 20_000 });
    client.send(head(chunked ? "chunked" : body.length));
    const half = body.length / 2;
    const give = (bytes: Buffer): void => {
      if (chunked) client.send(`${bytes.length.toString(16)}\r\n`);
      client.send(bytes);
      if (chunked) client.send("\r\n");
    };
    give(body.subarray(0, half));
    const request = await origin.request(0);
    // All but the last two windows of what was sent is there before the rest is.
    while (request.bodyBytes() < half - 49_152) await new Promise((resume) => setImmediate(resume));
    assert.equal(request.complete(), false);
    give(body.subarray(half));
    if (chunked) client.send("0\r\n\r\n");
    assert.equal((await client.answer("POST"))?.status, 200);
    assert.ok((await request.body).equals(body));
    client.destroy();
  }
});

test("an attack in a flowing body ends its upstream request, which never looks complete", async (t) => {
  const { edge, origin } = await start(t, { tables: "[waf_profile.default]\ninspect_buffer_kb = 64\n" });
  const clean = line.repeat(4000);
  for (const [where, body] of [
    ["in its middle", clean + attack + clean],
    ["at its end", clean + attack],
    ["across two reads", clean + attack],
  ] as const) {
    origin.forget();
    const client = await connect(edge.port);
    client.send(head(body.length));
    if (where === "across two reads") {
      const cut = clean.length + 7;
      client.send(body.slice(0, cut));
      const request = await origin.request(0);
      while (request.bodyBytes() < cut - 49_152) await new Promise((resume) => setImmediate(resume));
      client.send(body.slice(cut));
    } else client.send(body);
    const answer = await client.answer("POST");
    assert.equal(answer?.status, 400, where);
    assert.equal(answer.body.toString(), "request rejected");
    const request = await origin.request(0);
    await assert.rejects(request.body, where);
    assert.equal(request.bodyBytes() <= clean.length, true, "none of the attack was forwarded");
    assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.waf.gate"], "patterns");
    client.destroy();
  }
});

test("body = stream forwards a short body as well before its end", async (t) => {
  const { edge, origin } = await start(t, { route: 'body = "stream"' });
  const client = await connect(edge.port);
  client.send(head(200_000));
  client.send(line.repeat(2740).slice(0, 160_000));
  const request = await origin.request(0);
  while (request.bodyBytes() < 100_000) await new Promise((resume) => setImmediate(resume));
  client.send(line.repeat(2740).slice(160_000, 200_000));
  assert.equal((await client.answer("POST"))?.status, 200);
  client.destroy();
});

test("a flowing body in gzip goes on as it came", async (t) => {
  const { edge, origin } = await start(t, { route: 'body = "stream"' });
  const text = Array.from({ length: 20_000 }, (_, n) => `${n * 7919} bottles of beer on the wall\n`).join("");
  for (const [body, status] of [
    [gzipSync(text), 200],
    [gzipSync(text + attack), 400],
  ] as const) {
    origin.forget();
    const request = Buffer.concat([
      Buffer.from(head(body.length).replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n")),
      body,
    ]);
    assert.equal((await ask(edge.port, request)).status, status);
    if (status === 200) assert.ok((await origin.requests[0]!.body).equals(body));
    else
      assert.equal(
        origin.requests.some((one) => one.complete()),
        false,
      );
  }
});

test("bodies wait for memory, and 503 is the answer when none comes free in 5 s", async (t) => {
  const { edge, origin } = await start(t, { tables: "[waf]\nmax_buffered_mb = 1\n" });
  // A body that takes all there is, and would need more.
  const greedy = await connect(edge.port, { deadlineMs: 20_000 });
  greedy.send(head(1_048_576));
  greedy.send("x ".repeat(524_200));
  while (edge.metric("zion_waf_held_bytes") < 1_048_576) await new Promise((resume) => setImmediate(resume));
  const waiting = await connect(edge.port, { deadlineMs: 20_000 });
  waiting.send(`${head(5)}hello`);
  const gets = await ask(edge.port, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  assert.equal(gets.status, 200, "requests without a body need no memory");
  const refused = await greedy.answer("POST");
  assert.equal(refused?.status, 503);
  assert.equal((await edge.logLine(field(refused, "x-request-id")!))["zion.reason"], "overload");
  assert.equal(edge.metric("zion_waf_overloads_total"), 1);
  // Who waited is served as soon as there is room.
  assert.equal((await waiting.answer("POST"))?.status, 200);
  assert.equal(edge.metric("zion_waf_held_bytes"), 0);
  assert.equal(origin.requests.length, 2);
  for (const client of [greedy, waiting]) client.destroy();
});

test("memory is given back however an exchange ends", async (t) => {
  const { edge, origin } = await start(t);
  origin.script = () => {};
  // Cut by the client, before and after its body was complete; refused; answered.
  const half = await connect(edge.port);
  half.send(`${head(1000)}half`);
  const whole = await connect(edge.port);
  whole.send(`${head(5)}whole`);
  await origin.request(0);
  half.reset();
  whole.reset();
  assert.equal((await ask(edge.port, head(attack.length) + attack)).status, 400);
  while (edge.metric("zion_waf_held_bytes") > 0) await new Promise((resume) => setImmediate(resume));
});
