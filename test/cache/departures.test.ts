import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../support/raw-client.ts";
import { page, requestText, startCachedRoute } from "./cached-route.ts";

// Clients of one fetch that end differently: none of them gets, or holds up, what is another's.

test("those who waited for an answer that is not stored are refused without a byte of it", async (t) => {
  const { edge, origin } = await startCachedRoute(t, () => undefined);
  edge.reload(
    `[server]
http_mode = "serve"
[upstream.app]
url = "http://127.0.0.1:${origin.port}"
health = { interval_ms = 0 }
max_in_flight = 1
[cache_profile.pages]
[[route]]
path = "/{*rest}"
upstream = "app"
cache_profile = "pages"
waf = false
`,
  );
  let answer: (() => void) | undefined;
  origin.script = (_, { socket }) => {
    answer = () => void socket.write(page("of the first", "Cache-Control: no-store", "X-Secret: first"));
  };
  const first = await connect(edge.port);
  first.send(requestText("/"));
  await origin.request(0);
  const second = await connect(edge.port);
  second.send(requestText("/"));
  while (edge.metric("zion_route_in_flight") < 2) await new Promise((done) => setTimeout(done, 5));
  answer!();
  const own = await first.answer();
  assert.deepEqual([own?.status, own?.body.toString(), own?.end], [200, "of the first", "framed"]);
  const other = await second.answer();
  assert.equal(other?.status, 503);
  assert.doesNotMatch(second.received.toString(), /secret/i);
  first.destroy();
  second.destroy();
});

test("a slow client that leaves an answer too large to be kept does not leave the others waiting", async (t) => {
  const { edge, origin } = await startCachedRoute(t, () => undefined, { profile: "max_object_mb = 1" });
  const MIB = 1_048_576;
  const TOTAL = 12;
  const piece = Buffer.alloc(MIB, "x");
  let started: (() => void) | undefined;
  origin.script = (_, { socket }) => {
    socket.write(
      "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    );
    started = () => {
      for (let i = 0; i < TOTAL; i++)
        socket.write(Buffer.concat([Buffer.from("100000\r\n"), piece, Buffer.from("\r\n")]));
      socket.write("0\r\n\r\n");
    };
  };
  const slow = await connect(edge.port);
  slow.send(requestText("/"));
  await slow.until(() => slow.receivedBytes > 0);
  slow.socket.pause();
  const fast = await connect(edge.port, { deadlineMs: 20_000 });
  fast.send(requestText("/"));
  await fast.until(() => fast.receivedBytes > 0);
  started!();
  // Until the window is full: nothing more comes while the slow one takes nothing.
  for (let before = -1; before !== fast.receivedBytes || before < MIB; ) {
    before = fast.receivedBytes;
    await new Promise((done) => setTimeout(done, 300));
  }
  assert.ok(fast.receivedBytes < TOTAL * MIB, "the window was never full");
  slow.destroy();
  await fast.until(() => fast.receivedBytes > TOTAL * MIB);
  const answer = await fast.answer();
  assert.deepEqual([answer?.body.length, answer?.end], [TOTAL * MIB + 1, "framed"]);
  fast.destroy();
});

test("who joins a refresh and leaves does not end it", async (t) => {
  const { edge, origin, get } = await startCachedRoute(t, () => undefined);
  let answer: (() => void) | undefined;
  let count = 0;
  origin.script = (_, { socket }) => {
    if (++count === 1)
      socket.write(page("old", "Cache-Control: max-age=60, stale-while-revalidate=600", "Age: 61"));
    else answer = () => void socket.write(page("new", "Cache-Control: max-age=60"));
  };
  await get();
  assert.equal((await get()).body.toString(), "old");
  await origin.request(1);
  const joined = await connect(edge.port);
  joined.send(requestText("/", { "Cache-Control": "no-cache" }));
  while (edge.metric("zion_route_in_flight") < 1) await new Promise((done) => setTimeout(done, 5));
  joined.reset();
  while (edge.metric("zion_route_in_flight") > 0) await new Promise((done) => setTimeout(done, 5));
  assert.equal(edge.metric("zion_cache_fetches"), 1);
  answer!();
  while (edge.metric("zion_cache_fetches") > 0) await new Promise((done) => setTimeout(done, 5));
  assert.equal((await get()).body.toString(), "new");
  assert.equal(count, 2);
});
