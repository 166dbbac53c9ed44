import assert from "node:assert/strict";
import http2 from "node:http2";
import { type TestContext, test } from "node:test";
import { ask, connect, field } from "../support/raw-client.ts";
import { type BenchOptions, startBench } from "./bench.ts";

// What counts, for whom, and who decides. Windows are an hour long: nothing here waits for one to end.

function start(t: TestContext, limit: string, options: BenchOptions = {}) {
  const tables = `[limit.few]\nwindow_secs = 3600\n${limit}`;
  return startBench(t, { route: 'limits = ["few"]', tables, ...options });
}

const get = (target: string, host = "a.test") => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const attack = get(`/?q=${encodeURIComponent("' UNION SELECT password FROM users-- -")}`);

async function statuses(port: number, requests: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const request of requests) found.push((await ask(port, request)).status);
  return found;
}

test("a limit with hosts counts requests for these only", async (t) => {
  const { edge } = await start(t, 'rate = 2\nhosts = ["a.test", "*.shop.test"]');
  const hosts = [
    "b.test",
    "xa.test",
    "shop.test",
    "a.test",
    "x.y.shop.test",
    "b.test",
    "A.test:80",
    "xshop.test",
  ];
  const found = await statuses(
    edge.port,
    hosts.map((host) => get("/", host)),
  );
  assert.deepEqual(found, [200, 200, 200, 200, 200, 200, 429, 200]);
});

test("by the points of the WAF: who attacks uses it up, who does not never does", async (t) => {
  const { edge } = await start(t, 'rate = 12\ncost = "waf_score"', { waf: true });
  assert.deepEqual(await statuses(edge.port, [get("/"), get("/?a=b"), attack]), [200, 200, 400]);
  const found = await statuses(edge.port, [attack, attack, attack, get("/")]);
  assert.deepEqual(found.slice(-2), [429, 429]);
  // Fewer attacks than its rate: each cost more than one.
  assert.ok(found.includes(400));
});

test("by points, in a shadow of the WAF too", async (t) => {
  const { edge } = await start(t, 'rate = 2\ncost = "waf_score"', {
    waf: true,
    route: 'limits = ["few"]\nwaf_shadow = true',
  });
  assert.deepEqual(await statuses(edge.port, [attack, get("/")]), [200, 429]);
});

for (const algorithm of ["gcra", "fixed_window"]) {
  test(`strict, ${algorithm}: as many pass as may, at once or one after the other, and the rest goes nowhere`, async (t) => {
    const { edge, origin } = await start(t, `rate = 5\nstrict = true\nalgorithm = "${algorithm}"`);
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(edge.port, get("/"))));
    assert.equal(answers.filter(({ status }) => status === 200).length, 5);
    const refused = answers.find(({ status }) => status === 429)!;
    assert.equal(field(refused, "ratelimit-policy"), '"few";q=5;w=3600');
    assert.equal((await edge.logLine(field(refused, "x-request-id")!))["zion.detail"], "few");
    assert.equal(origin.requests.length, 5);
    assert.equal(edge.metric("zion_ratelimit_decisions_total", "limited"), 7);
  });
}

test("strict, over HTTP/2: streams of one connection wait each for itself", async (t) => {
  const { edge } = await start(t, "rate = 5\nstrict = true", { server: "h2c = true" });
  const client = http2.connect(`http://127.0.0.1:${edge.port}`);
  t.after(() => client.close());
  const statuses = await Promise.all(
    Array.from(
      { length: 12 },
      () =>
        new Promise<number>((resolve, reject) => {
          const stream = client.request({ ":path": "/" });
          stream.on("response", (fields) => resolve(fields[":status"]!));
          stream.on("error", reject);
          stream.resume();
        }),
    ),
  );
  assert.equal(statuses.filter((status) => status === 200).length, 5);
  assert.equal(statuses.filter((status) => status === 429).length, 7);
});

test("strict: pipelined requests are answered in their order, and a body waits for the decision", async (t) => {
  const { edge, origin } = await start(t, "rate = 2\nstrict = true", { keepBodies: true });
  const client = await connect(edge.port);
  client.send(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${get("/2")}${get("/3")}`);
  const found = [await client.answer("POST"), await client.answer("GET"), await client.answer("GET")];
  assert.deepEqual(
    found.map((answer) => answer?.status),
    [200, 200, 429],
  );
  assert.equal((await origin.requests[0]!.body).toString(), "hello");
  client.destroy();
});

test("strict, with count_statuses: what is under way counts, and is given back when it turns out well", async (t) => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { edge, origin } = await start(t, "rate = 2\nstrict = true\ncount_statuses = [401]", {
    script: async (request, { socket }) => {
      if (request.target === "/slow") await released;
      const status = request.target === "/bad" ? 401 : 200;
      socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`);
    },
  });
  assert.deepEqual(await statuses(edge.port, [get("/"), get("/"), get("/")]), [200, 200, 200]);
  // Two log-ins under way take both places: nobody guesses in parallel.
  const slow = [ask(edge.port, get("/slow")), ask(edge.port, get("/slow"))];
  while (origin.requests.length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await ask(edge.port, get("/"))).status, 429);
  release();
  for (const answer of await Promise.all(slow)) assert.equal(answer.status, 200);
  const requests = [get("/bad"), get("/"), get("/bad"), get("/")];
  assert.deepEqual(await statuses(edge.port, requests), [401, 200, 401, 429]);
});

test("strict: without an answer nothing passes, but a shadow does", async (t) => {
  const { edge, origin } = await start(t, "rate = 2\nstrict = true", { silentJudge: true });
  const answer = await ask(edge.port, get("/"));
  assert.deepEqual([answer.status, field(answer, "retry-after")], [503, "1"]);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "limit_unknown");
  assert.equal(origin.requests.length, 0);
  assert.equal(edge.metric("zion_ratelimit_decisions_total", "undecided"), 1);
  const shadow = await start(t, "rate = 2\nstrict = true\nshadow = true", { silentJudge: true });
  assert.equal((await ask(shadow.edge.port, get("/"))).status, 200);
});

test("strict: a client that leaves while it is asked ends its exchange, and a drain waits for the answer", async (t) => {
  const { edge } = await start(t, "rate = 2\nstrict = true", { silentJudge: true });
  const gone = await connect(edge.port);
  gone.send(get("/gone"));
  const waiting = ask(edge.port, get("/waits"));
  while (edge.metric("zion_connections", "http") < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  gone.destroy();
  assert.equal(await edge.drain(10_000), 0);
  assert.equal((await waiting).status, 503);
});

test("a limit by points and one by status hear of the same request", async (t) => {
  const { edge } = await startBench(t, {
    waf: true,
    route: 'limits = ["points", "failed"]',
    tables: `[limit.points]\nrate = 1\nwindow_secs = 3600\ncost = "waf_score"\n[limit.failed]\nrate = 1\nwindow_secs = 3600\ncount_statuses = [400]`,
  });
  assert.equal((await ask(edge.port, attack)).status, 400);
  assert.equal((await ask(edge.port, get("/"))).status, 429);
  assert.equal(edge.metric("zion_ratelimit_keys", "points"), 1);
  assert.equal(edge.metric("zion_ratelimit_keys", "failed"), 1);
});
