import assert from "node:assert/strict";
import { test } from "node:test";
import { ok, type Script } from "../support/origin.ts";
import { connect, field, fieldAll } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get, post } from "./case.ts";

/** Answers with the target, later for earlier requests, and notes how many wait at once. */
function slowEcho(): { readonly script: Script; readonly most: () => number } {
  let waiting = 0;
  let most = 0;
  let delayMs = 20;
  return {
    most: () => most,
    script: async (request, connection) => {
      most = Math.max(most, ++waiting);
      const body = await request.body;
      delayMs = Math.max(0, delayMs - 5);
      await new Promise((done) => setTimeout(done, delayMs));
      waiting--;
      connection.socket.write(ok(`${request.target} ${body.toString()}`));
    },
  };
}

test("answers pipelined requests in order, one at a time", async (t) => {
  const echo = slowEcho();
  const { edge, origin } = await startBench(t, { script: echo.script });
  const client = await connect(edge.port);
  const count = 20;
  const requests = Array.from({ length: count }, (_, n) =>
    n % 3 === 0
      ? post(`body${n}`, `Content-Length: ${`body${n}`.length}`).replace("/x", `/${n}`)
      : get(`/${n}`),
  );
  client.send(requests.join(""));
  for (let n = 0; n < count; n++) {
    const answer = await client.answer();
    assert.equal(answer?.body.toString(), `/${n} ${n % 3 === 0 ? `body${n}` : ""}`);
  }
  assert.equal(echo.most(), 1, "requests of one connection at the origin at once");
  assert.equal(origin.requests.length, count);
  client.destroy();
});

test("a pipeline of 1,000 in one write is answered whole, and the connection then ends", async (t) => {
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  client.send(get("/x").repeat(1001));
  for (let n = 1; n <= 1000; n++) {
    const answer = await client.answer();
    assert.equal(answer?.status, 200);
    assert.deepEqual(fieldAll(answer!, "connection"), n === 1000 ? ["close"] : [], `answer ${n}`);
  }
  await client.untilOver();
  assert.equal(client.rest.length, 0);
  assert.equal(origin.requests.length, 1000);
});

test("answers are in order when the pipeline comes byte by byte", async (t) => {
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  const bytes = `\r\n${get("/a")}${post("5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n", "Transfer-Encoding: chunked")}${get("/b")}`;
  await client.sendPieces(bytes);
  for (let n = 0; n < 3; n++) assert.equal((await client.answer())?.status, 200);
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/a", "/x", "/b"],
  );
  assert.equal((await origin.requests[1]!.body).toString(), "hello");
  client.destroy();
});

test("bytes after a body are a request of their own", async (t) => {
  // FR17
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  client.send(post("hello", "Content-Length: 5") + get("/evil"));
  assert.equal((await client.answer())?.status, 200);
  assert.equal((await client.answer())?.status, 200);
  const [first, second] = origin.requests;
  assert.equal((await first!.body).toString(), "hello");
  assert.equal(second!.target, "/evil");
  assert.equal(second!.fields.filter(([name]) => name === "x-forwarded-for").length, 1);
  client.destroy();
});

test("a bad request in a pipeline ends it: what follows is not read", async (t) => {
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  client.send(`${get("/a")}${get("/b", "Host: other")}${get("/c")}`);
  assert.equal((await client.answer())?.status, 200);
  assert.equal((await client.answer())?.status, 400);
  await client.untilOver();
  assert.equal(client.rest.length, 0);
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/a"],
  );
});

test("what follows `Connection: close` is thrown away", async (t) => {
  // FR18
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port);
  client.send(get("/a", "Connection: close") + get("/b"));
  const answer = await client.answer();
  assert.equal(answer?.status, 200);
  assert.equal(field(answer!, "connection"), "close");
  await client.untilOver();
  assert.equal(client.rest.length, 0);
  assert.equal(origin.requests.length, 1);
});

test("a connection ends after keepalive_requests, announced on its last answer", async (t) => {
  const { edge } = await startBench(t, { server: "keepalive_requests = 3" });
  const client = await connect(edge.port);
  for (const last of [false, false, true]) {
    client.send(get("/x"));
    const answer = await client.answer();
    assert.deepEqual(fieldAll(answer!, "connection"), last ? ["close"] : []);
  }
  await client.untilOver();
});

test("a refusal that does not concern framing keeps the connection", async (t) => {
  const { edge, origin } = await startBench(t, { route: 'methods = ["GET"]' });
  const client = await connect(edge.port);
  client.send(get("/x").replace("GET", "DELETE"));
  assert.equal((await client.answer())?.status, 405);
  client.send(get("/x"));
  assert.equal((await client.answer())?.status, 200);
  assert.equal(origin.requests.length, 1);
  client.destroy();
});

test("a refusal that leaves a body unread never reads it as a request", async (t) => {
  const { edge, origin } = await startBench(t, { route: 'methods = ["GET"]' });
  const client = await connect(edge.port);
  const inner = get("/smuggled");
  client.send(post(inner, `Content-Length: ${inner.length}`));
  assert.equal((await client.answer())?.status, 405);
  client.send(get("/after"));
  // Either the body was taken off the connection, or the connection ends. Both are right.
  const next = await client.answer().catch(() => undefined);
  assert.ok(next === undefined || next.status === 200);
  assert.ok(!origin.requests.some(({ target }) => target === "/smuggled"));
  client.destroy();
});
