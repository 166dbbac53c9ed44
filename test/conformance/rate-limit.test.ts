import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ask, field, type RawAnswer } from "../support/raw-client.ts";
import { type BenchOptions, startBench } from "./bench.ts";

// Rate limits in the path of a request. Windows are an hour long: nothing here waits for one to end.

const hour = "window_secs = 3600";

function start(t: TestContext, limit: string, options: BenchOptions = {}) {
  return startBench(t, { route: 'limits = ["few"]', tables: `[limit.few]\n${hour}\n${limit}`, ...options });
}

const get = (target: string, more = "") => `GET ${target} HTTP/1.1\r\nHost: a.test\r\n${more}\r\n`;

/** Statuses of requests one after another, each on its own connection. */
async function statuses(port: number, requests: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const request of requests) found.push((await ask(port, request)).status);
  return found;
}

const times = (count: number, request: string) => Array.from({ length: count }, () => request);

for (const algorithm of ["gcra", "fixed_window"]) {
  test(`${algorithm}: what is over the limit is answered 429, with the time to wait, and goes nowhere`, async (t) => {
    const { edge, origin } = await start(t, `rate = 2\nalgorithm = "${algorithm}"`);
    assert.deepEqual(await statuses(edge.port, times(2, get("/"))), [200, 200]);
    const answer = await ask(edge.port, get("/"));
    assert.deepEqual([answer.status, answer.body.toString()], [429, "too many requests\n"]);
    const waitSecs = Number(field(answer, "retry-after"));
    assert.ok(waitSecs >= 1 && waitSecs <= 3600, String(waitSecs));
    assert.equal(field(answer, "ratelimit-policy"), '"few";q=2;w=3600');
    assert.equal(field(answer, "ratelimit"), `"few";r=0;t=${waitSecs}`);
    assert.equal(origin.requests.length, 2);
    const line = await edge.logLine(field(answer, "x-request-id")!);
    assert.deepEqual(
      [line["zion.gate"], line["zion.reason"], line["zion.detail"], line["zion.decision"]],
      ["gate", "rate_limited", "few", "deny"],
    );
    assert.equal(edge.metric("zion_ratelimit_decisions_total", "allow"), 2);
    assert.equal(edge.metric("zion_ratelimit_decisions_total", "limited"), 1);
    assert.equal(edge.metric("zion_ratelimit_keys", "few"), 1);
  });
}

test("a connection is kept after a refusal, and a body that was declared is not waited for", async (t) => {
  const { edge } = await start(t, "rate = 1");
  const answers = await Promise.all([ask(edge.port, get("/"))]);
  assert.equal(answers[0]!.status, 200);
  assert.equal(field(await ask(edge.port, get("/")), "connection"), undefined);
  const post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\n";
  const answer = await ask(edge.port, post);
  assert.deepEqual([answer.status, field(answer, "connection")], [429, "close"]);
});

test("a request over its limit is not inspected", async (t) => {
  const attack = get(`/?q=${encodeURIComponent("' UNION SELECT password FROM users-- -")}`);
  const { edge } = await start(t, "rate = 2", { waf: true });
  assert.deepEqual(await statuses(edge.port, times(6, attack)), [400, 400, 429, 429, 429, 429]);
  assert.equal(edge.metric("zion_gate_decisions_total", "patterns"), 2);
});

test("a shadow counts what it would refuse, and refuses nothing", async (t) => {
  const { edge } = await start(t, "rate = 1\nshadow = true");
  assert.deepEqual(await statuses(edge.port, times(4, get("/"))), [200, 200, 200, 200]);
  assert.equal(edge.metric("zion_ratelimit_decisions_total", "shadow"), 3);
  assert.equal(edge.metric("zion_ratelimit_decisions_total", "limited"), 0);
});

interface Keys {
  readonly title: string;
  readonly key: string;
  readonly path?: string;
  /** Requests that are one key. One of each line passes. */
  readonly same: readonly (readonly string[])[];
}

const xff = (address: string) => get("/", `X-Forwarded-For: ${address}\r\n`);

const keys: readonly Keys[] = [
  {
    title: "the address; IPv6 by its /64",
    key: '["address"]',
    same: [
      [xff("192.0.2.1"), xff("192.0.2.1"), xff("::ffff:192.0.2.1")],
      [xff("192.0.2.2")],
      [xff("2001:db8::1"), xff("2001:db8::ffff:1"), xff("2001:db8:0:0:1::")],
      [xff("2001:db8:0:1::1")],
    ],
  },
  {
    title: "a header, in any case; without it by the address",
    key: '["header:X-Key"]',
    same: [
      [get("/", "X-Key: a\r\n"), get("/", "x-key: a\r\n")],
      [get("/", "X-Key: b\r\n")],
      [get("/", "X-Key: a\r\nX-Key: b\r\n")],
      [get("/", "X-Kex: a\r\n"), get("/")],
      [xff("192.0.2.9")],
    ],
  },
  {
    title: "a cookie",
    key: '["cookie:sid"]',
    same: [
      [get("/", "Cookie: sid=a\r\n"), get("/", "Cookie: x=1; sid=a; y=2\r\n")],
      [get("/", "Cookie: x=1;sid=b\r\n")],
      [get("/", "Cookie: xsid=a; sidx=a\r\n"), get("/", "Cookie: sid\r\n"), get("/")],
    ],
  },
  {
    title: "a parameter of the path",
    key: '["path:shop"]',
    path: "/shops/{shop}/{*rest}",
    same: [
      [get("/shops/a/1"), get("/shops/a/2?q"), get("//shops/a/3")],
      [get("/shops/b/1")],
      [get("/shops/A/1")],
    ],
  },
  {
    title: "the rest of the path",
    key: '["path:rest"]',
    path: "/shops/{shop}/{*rest}",
    same: [[get("/shops/a/x/y"), get("/shops/b/x/y")], [get("/shops/a/x")], [get("/shops/a/x/z")]],
  },
  {
    title: "all parts together",
    key: '["address", "header:x-key"]',
    same: [
      [get("/", "X-Key: a\r\n"), get("/?q", "X-Key: a\r\n")],
      [get("/", "X-Key: b\r\n")],
      [get("/", "X-Key: a\r\nX-Forwarded-For: 192.0.2.1\r\n")],
    ],
  },
  {
    title: "nothing: one budget for all",
    key: "[]",
    same: [[get("/a"), xff("192.0.2.1"), xff("2001:db8::1")]],
  },
];

for (const { title, key, path, same } of keys) {
  test(`counts by ${title}`, async (t) => {
    const { edge } = await startBench(t, {
      server: 'trusted_proxies = ["127.0.0.1"]',
      tables: `[limit.one]\n${hour}\nrate = 1\nkey = ${key}
[[route]]\npath = "${path ?? "/{*all}"}"\nhosts = ["a.test"]\nupstream = "app"\nwaf = false\nlimits = ["one"]`,
    });
    for (const requests of same) {
      const wanted = requests.map((_, index) => (index === 0 ? 200 : 429));
      assert.deepEqual(await statuses(edge.port, requests), wanted, requests[0]);
    }
    assert.equal(edge.metric("zion_ratelimit_keys"), same.length);
  });
}

test("limits of the listener count what has no route, too, and come before those of routes", async (t) => {
  const { edge } = await start(t, "rate = 2", {
    server: 'limits = ["all"]',
    tables: `[limit.few]\n${hour}\nrate = 1\n[limit.all]\n${hour}\nrate = 3`,
  });
  const refusedBy = (answer: RawAnswer) => field(answer, "ratelimit-policy")?.split(";")[0];
  const answers: RawAnswer[] = [];
  for (const request of [get("/"), "PATCH * HTTP/1.1\r\nHost: a\r\n\r\n", get("/"), get("/"), get("/")])
    answers.push(await ask(edge.port, request));
  assert.deepEqual(
    answers.map((answer) => [answer.status, refusedBy(answer)]),
    [
      [200, undefined],
      // Could not be read: nothing is counted.
      [400, undefined],
      [429, '"few"'],
      [429, '"few"'],
      [429, '"all"'],
    ],
  );
});

test("rate_limit_rps limits every address, in a window", async (t) => {
  const { edge } = await startBench(t, {
    server: 'rate_limit_rps = 1\nrate_limit_window_secs = 10\ntrusted_proxies = ["127.0.0.1"]',
  });
  // Ten a window, and these may fall into two.
  const found = await statuses(edge.port, times(21, xff("192.0.2.1")));
  assert.deepEqual(
    found.slice(0, 10),
    times(10, "").map(() => 200),
  );
  assert.ok(found.includes(429));
  assert.equal((await ask(edge.port, xff("192.0.2.2"))).status, 200);
  assert.equal(edge.metric("zion_ratelimit_decisions_total", "_server"), 22);
});

for (const algorithm of ["gcra", "fixed_window"]) {
  test(`${algorithm}: with count_statuses only answers of these statuses count, whoever gave them`, async (t) => {
    const { edge } = await start(t, `rate = 2\ncount_statuses = [401, 400]\nalgorithm = "${algorithm}"`, {
      waf: true,
      script: (request, { socket }) => {
        const status = request.target === "/bad" ? 401 : 200;
        socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`);
      },
    });
    assert.deepEqual(
      await statuses(edge.port, times(5, get("/good"))),
      times(5, "").map(() => 200),
    );
    const attack = get(`/?q=${encodeURIComponent("' UNION SELECT password FROM users-- -")}`);
    const requests = [get("/bad"), get("/good"), attack, get("/bad"), get("/good")];
    assert.deepEqual(await statuses(edge.port, requests), [401, 200, 400, 429, 429]);
  });
}

test("what was counted survives a reload, and a new rate applies to it", async (t) => {
  const { edge, origin } = await start(t, "rate = 2");
  const config = (rate: number, key = "") => `
[server]
http_mode = "serve"
[upstream.app]
url = "http://127.0.0.1:${origin.port}"
[[route]]
path = "/{*rest}"
upstream = "app"
waf = false
limits = ["few"]
[limit.few]
${hour}
rate = ${rate}
algorithm = "fixed_window"
${key}`;
  edge.reload(config(2));
  assert.deepEqual(await statuses(edge.port, times(3, get("/"))), [200, 200, 429]);
  edge.reload(config(2));
  assert.equal((await ask(edge.port, get("/"))).status, 429);
  edge.reload(config(3));
  assert.deepEqual(await statuses(edge.port, times(2, get("/"))), [200, 429]);
  // Counted by something else, it is another limit.
  edge.reload(config(1, 'key = ["header:x-key"]'));
  assert.equal((await ask(edge.port, get("/"))).status, 200);
});
