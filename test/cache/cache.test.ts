import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, field } from "../support/raw-client.ts";
import { did, page, requestText, startCachedRoute } from "./cached-route.ts";

test("a stored answer is given to the next client, with its age", async (t) => {
  const { get, origin } = await startCachedRoute(t, (_, n) =>
    page(`body ${n}`, "Cache-Control: max-age=60", "X-Own: 1"),
  );
  const first = await get();
  assert.deepEqual([first.status, first.body.toString(), did(first)], [200, "body 1", "MISS"]);
  const second = await get();
  assert.deepEqual([second.status, second.body.toString(), did(second)], [200, "body 1", "HIT"]);
  assert.match(field(second, "age") ?? "", /^[01]$/);
  assert.equal(field(second, "x-own"), "1");
  assert.match(field(second, "cache-status") ?? "", /^zion; hit; ttl=(?:59|60)$/);
  assert.equal(origin.requests.length, 1);
});

test("what says no time is not stored", async (t) => {
  const { get, origin } = await startCachedRoute(t, (_, n) => page(`body ${n}`));
  await get();
  const second = await get();
  assert.deepEqual([second.body.toString(), did(second)], ["body 2", "MISS"]);
  assert.match(field(second, "cache-status") ?? "", /detail=no-lifetime/);
  assert.equal(origin.requests.length, 2);
});

test("a stale answer is asked for again, and a 304 renews it with its fields", async (t) => {
  const { get, origin } = await startCachedRoute(t, ({ fields }, n) => {
    if (n === 1) return page("body", "Cache-Control: max-age=60", "Age: 100", 'ETag: "one"', "X-Own: 1");
    assert.equal(fields.find(([name]) => name === "if-none-match")?.[1], '"one"');
    return 'HTTP/1.1 304 Not Modified\r\nETag: "one"\r\nX-Own: 2\r\nCache-Control: max-age=60\r\n\r\n';
  });
  assert.equal(did(await get()), "MISS");
  const second = await get();
  assert.deepEqual(
    [second.status, second.body.toString(), did(second), field(second, "x-own")],
    [200, "body", "REVALIDATED", "2"],
  );
  const third = await get();
  assert.deepEqual([did(third), field(third, "x-own")], ["HIT", "2"]);
  assert.equal(origin.requests.length, 2);
});

test("a client that has the version gets 304", async (t) => {
  const { get } = await startCachedRoute(t, () =>
    page("body", "Cache-Control: max-age=60", 'ETag: "one"', "Content-Type: text/plain"),
  );
  const first = await get("/", { "If-None-Match": '"one"' });
  assert.deepEqual([first.status, first.body.length, did(first)], [304, 0, "MISS"]);
  const second = await get("/", { "If-None-Match": 'W/"one", "two"' });
  assert.deepEqual(
    [second.status, field(second, "etag"), field(second, "content-type")],
    [304, '"one"', undefined],
  );
  assert.equal((await get("/", { "If-None-Match": '"two"' })).status, 200);
});

test("ranges come out of the stored whole", async (t) => {
  const { get, origin } = await startCachedRoute(t, () =>
    page("0123456789", "Cache-Control: max-age=60", 'ETag: "one"'),
  );
  await get();
  const one = await get("/", { Range: "bytes=2-4" });
  assert.deepEqual(
    [one.status, one.body.toString(), field(one, "content-range")],
    [206, "234", "bytes 2-4/10"],
  );
  const last = await get("/", { Range: "bytes=-3" });
  assert.deepEqual([last.status, last.body.toString()], [206, "789"]);
  const none = await get("/", { Range: "bytes=20-" });
  assert.deepEqual([none.status, field(none, "content-range"), none.body.length], [416, "bytes */10", 0]);
  const many = await get("/", { Range: "bytes=0-1,8-9" });
  assert.equal(many.status, 206);
  assert.match(field(many, "content-type") ?? "", /^multipart\/byteranges; boundary=/);
  assert.match(
    many.body.toString(),
    /bytes 0-1\/10\r\n\r\n01\r\n--[^\r]+\r\nContent-Range: bytes 8-9\/10\r\n\r\n89\r\n--/,
  );
  assert.equal((await get("/", { Range: "bytes=0-1", "If-Range": '"two"' })).status, 200);
  assert.equal(origin.requests.length, 1);
});

test("who writes what is stored cannot know what parts its ranges", async (t) => {
  const { get } = await startCachedRoute(t, () => page("0123456789", "Cache-Control: max-age=60"));
  await get();
  const boundary = async () =>
    /boundary=(.{32,})$/.exec(field(await get("/", { Range: "bytes=0-1,8-9" }), "content-type") ?? "")?.[1];
  const one = await boundary();
  assert.ok(one !== undefined);
  assert.notEqual(await boundary(), one);
});

test("a thousand requests for what is not stored yet make one request of the upstream", async (t) => {
  let release = (): void => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  const { edge, origin } = await startCachedRoute(t, () => undefined);
  origin.script = async (_, { socket }) => {
    await held;
    socket.write(page("body", "Cache-Control: max-age=60"));
  };
  const clients = await Promise.all(Array.from({ length: 200 }, () => connect(edge.port)));
  for (const client of clients) client.send(requestText("/"));
  await origin.request(0);
  release();
  const answers = await Promise.all(clients.map((client) => client.answer()));
  assert.deepEqual(
    new Set(answers.map((answer) => `${answer?.status} ${answer?.body}`)),
    new Set(["200 body"]),
  );
  assert.equal(origin.requests.length, 1);
});

test("the fetch goes on when the client that began it is gone, and the others get the answer", async (t) => {
  const { edge, origin, get } = await startCachedRoute(t, () => undefined);
  origin.script = () => {};
  const first = await connect(edge.port);
  first.send(requestText("/"));
  const { connection } = await origin.request(0);
  const second = await connect(edge.port);
  second.send(requestText("/"));
  const third = get();
  first.destroy();
  await new Promise((done) => setTimeout(done, 50));
  connection.socket.write(page("body", "Cache-Control: max-age=60"));
  assert.equal((await second.answer())!.body.toString(), "body");
  assert.equal((await third).body.toString(), "body");
  assert.equal(origin.requests.length, 1);
});

test("an answer that may not be stored goes to the client it is for, and the others ask themselves", async (t) => {
  const { edge, origin } = await startCachedRoute(t, () => undefined);
  const held: (() => void)[] = [];
  let count = 0;
  origin.script = (_, { socket }) => {
    const n = ++count;
    const answer = (): void => void socket.write(page(`own ${n}`, "Cache-Control: private, max-age=60"));
    if (n === 1) held.push(answer);
    else answer();
  };
  const clients = await Promise.all(Array.from({ length: 5 }, () => connect(edge.port)));
  for (const client of clients) client.send(requestText("/"));
  await origin.request(0);
  held[0]!();
  const answers = await Promise.all(clients.map((client) => client.answer()));
  assert.deepEqual(answers.map((answer) => answer?.body.toString()).sort(), [
    "own 1",
    "own 2",
    "own 3",
    "own 4",
    "own 5",
  ]);
});

test("a body that breaks off is cut for all who read it, and is not stored", async (t) => {
  const { edge, origin, get } = await startCachedRoute(t, () => undefined);
  origin.script = (_, { socket }) => {
    if (origin.requests.length > 1) return void socket.write(page("whole", "Cache-Control: max-age=60"));
    socket.write("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nhalf");
    setTimeout(() => socket.destroy(), 50);
  };
  const clients = await Promise.all([connect(edge.port), connect(edge.port)]);
  for (const client of clients) client.send(requestText("/"));
  for (const client of clients) {
    await client.untilOver();
    assert.match(client.received.toString(), /\r\n\r\nhalf$/);
  }
  assert.equal((await get()).body.toString(), "whole");
});

test("an unsafe request that did something makes the cache forget its URI, and those that the answer names", async (t) => {
  const { get, origin } = await startCachedRoute(t, ({ method, target }) =>
    method === "POST"
      ? "HTTP/1.1 201 Created\r\nLocation: /named\r\nContent-Location: http://other.test/kept\r\nContent-Length: 0\r\n\r\n"
      : page(target, "Cache-Control: max-age=60"),
  );
  for (const path of ["/form", "/named", "/kept"]) await get(path);
  await get("/form", { "Content-Length": "0" }, "POST");
  assert.deepEqual(
    [did(await get("/form")), did(await get("/named")), did(await get("/kept"))],
    ["MISS", "MISS", "HIT"],
  );
  assert.equal(origin.requests.length, 6);
});

test("a stored answer is for those only whom the gates let in", async (t) => {
  const { get, edge, config } = await startCachedRoute(t, () =>
    page("body", "Cache-Control: public, max-age=60"),
  );
  assert.equal((await get()).status, 200);
  edge.reload(config({ route: "internal_only = true", server: 'internal_networks = ["192.0.2.0/24"]' }));
  assert.equal((await get()).status, 403);
  edge.reload(
    config({ route: 'limits = ["few"]', tables: "[limit.few]\nrate = 1\nwindow_secs = 3600\nburst = 1\n" }),
  );
  assert.deepEqual([did(await get()), (await get()).status], ["HIT", 429]);
});

test("while a stale answer may be given, one fetch brings a new one", async (t) => {
  const { get, origin, edge } = await startCachedRoute(t, (_, n) =>
    page(
      `body ${n}`,
      `Cache-Control: max-age=60, stale-while-revalidate=600`,
      n === 1 ? "Age: 100" : "Age: 0",
    ),
  );
  await get();
  const answers = await Promise.all([get(), get(), get()]);
  assert.ok(answers.every((answer) => answer.body.toString().startsWith("body ")));
  assert.ok(answers.some((answer) => did(answer) === "STALE-WHILE-REVALIDATE"));
  await origin.request(1);
  while (did(await get()) !== "HIT");
  assert.equal(origin.requests.length, 2);
  assert.equal(edge.metric("zion_cache_refreshes_total", "started"), 1);
});

test("variants beyond sixteen push the oldest out", async (t) => {
  const { get, edge } = await startCachedRoute(t, ({ fields }) =>
    page(fields.find(([name]) => name === "x-kind")?.[1] ?? "", "Cache-Control: max-age=60", "Vary: X-Kind"),
  );
  for (let i = 0; i < 20; i++) await get("/", { "X-Kind": `${i}` });
  assert.equal(edge.metric("zion_cache_entries"), 16);
  assert.equal(edge.metric("zion_cache_evictions_total"), 4);
  assert.deepEqual(
    [did(await get("/", { "X-Kind": "19" })), did(await get("/", { "X-Kind": "0" }))],
    ["HIT", "MISS"],
  );
});

test("the budget holds, and what is asked for often stays", async (t) => {
  const { get, edge } = await startCachedRoute(
    t,
    ({ target }) => page(`${target} `.padEnd(100_000, "x"), "Cache-Control: max-age=60"),
    {
      server: "cache_max_memory_mb = 1",
    },
  );
  for (let i = 0; i < 40; i++) {
    await get("/often");
    await get(`/once/${i}`);
  }
  assert.ok(edge.metric("zion_cache_bytes") <= 1_048_576);
  assert.ok(edge.metric("zion_cache_evictions_total") >= 25);
  assert.equal(did(await get("/often")), "HIT");
});
