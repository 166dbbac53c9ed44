import assert from "node:assert/strict";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { startHttp2Origin } from "../support/http2-origin.ts";
import { type Origin, ok, type Script, startOrigin } from "../support/origin.ts";
import { ask, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";

// A service of the house that decides over requests, over sockets on both sides.

interface Setting {
  readonly profile?: string;
  readonly upstream?: string;
  readonly waf?: boolean;
}

async function start(
  t: TestContext,
  script: Script,
  { profile = "", upstream = "", waf = false }: Setting = {},
) {
  const service = await startOrigin({ script });
  t.after(() => service.close());
  const bench = await startBench(t, {
    waf,
    route: 'auth_profile = "asked"',
    tables: `
[upstream.auth]
url = "http://127.0.0.1:${service.port}"
retry.attempts = 0
${upstream}

[auth_profile.asked]
kind = "forward"
service_upstream = "auth"
service_path = "/verify?x=1"
answer_fields = ["X-Auth-Subject", "X-Team"]
${profile}
`,
  });
  return { ...bench, service };
}

function get(target: string, ...fields: readonly string[]): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.test:8080\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`;
}

const always =
  (answer: string): Script =>
  (_request, connection) =>
    void connection.socket.write(answer);

function sent(origin: Origin, ...names: readonly string[]) {
  return origin.requests.at(-1)!.fields.filter(([name]) => names.includes(name));
}

test("the service is told method, target, client and chosen fields, and never the body", async (t) => {
  const { edge, service, origin } = await start(
    t,
    always(ok("", "X-Auth-Subject: ann", "X-Team: red", "X-Other: 1")),
  );
  const request =
    "POST /a/b?c=%20d HTTP/1.1\r\nHost: a.test:8080\r\nAuthorization: Bearer x\r\nCookie: s=1\r\nX-Secret: 1\r\nX-Team: blue\r\nX-Forwarded-Uri: /other\r\nContent-Length: 5\r\n\r\nhello";
  assert.equal((await ask(edge.port, request)).status, 200);
  const asked = service.requests.at(-1)!;
  assert.deepEqual([asked.method, asked.target, asked.bodyBytes()], ["GET", "/verify?x=1", 0]);
  const names = ["authorization", "cookie", "x-secret", "x-team", "x-forwarded-method", "x-forwarded-uri"];
  assert.deepEqual(sent(service, ...names, "x-forwarded-host", "x-real-ip", "content-length"), [
    ["authorization", "Bearer x"],
    ["cookie", "s=1"],
    ["x-forwarded-method", "POST"],
    ["x-forwarded-uri", "/a/b?c=%20d"],
    ["x-real-ip", "127.0.0.1"],
    ["x-forwarded-host", "a.test:8080"],
  ]);
  assert.equal((await origin.requests.at(-1)!.body).toString(), "hello");
  assert.deepEqual(sent(origin, "x-auth-subject", "x-team", "x-other"), [
    ["x-auth-subject", "ann"],
    ["x-team", "red"],
  ]);
  const id = (one: Origin) => new Map(one.requests.at(-1)!.fields).get("x-request-id");
  assert.equal(id(service), id(origin), "one id for both");
});

const verdicts: readonly (readonly [what: string, answer: string, status: number, code: string])[] = [
  ["401", "HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\nsecret", 401, "auth_denied"],
  ["403", "HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\nsecret", 403, "auth_forbidden"],
  [
    "a redirect",
    "HTTP/1.1 302 F\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n",
    503,
    "auth_service",
  ],
  ["500", "HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n", 503, "auth_service"],
  ["404", "HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n", 503, "auth_service"],
  ["no HTTP", "SSH-2.0-x\r\n", 503, "auth_service"],
  ["a name that cannot be sent on", ok("", "X-Auth-Subject: \xff"), 503, "auth_service"],
];

for (const [what, answer, status, code] of verdicts)
  test(`an answer of ${what} refuses with ${status}, in our words`, async (t) => {
    const { edge, origin } = await start(t, (_request, connection) => {
      connection.socket.write(Buffer.from(answer, "latin1"));
    });
    const refused = await ask(edge.port, get("/a"));
    assert.equal(refused.status, status);
    assert.ok(!refused.body.includes("secret"));
    assert.equal(field(refused, "location"), undefined);
    assert.equal((await edge.logLine(field(refused, "x-request-id")!))["zion.reason"], code);
    if (status === 401) assert.equal(field(refused, "www-authenticate"), "Bearer");
    assert.equal(origin.requests.length, 0);
  });

test("the challenge of a 401 is the service's", async (t) => {
  const challenge = 'Basic realm="house"';
  const { edge } = await start(
    t,
    always(`HTTP/1.1 401 No\r\nWWW-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`),
  );
  assert.equal(field(await ask(edge.port, get("/a")), "www-authenticate"), challenge);
});

test("a service that does not answer in time, or is not there, lets nobody in", async (t) => {
  const { edge, service, origin } = await start(t, () => {}, { profile: "timeout_ms = 200" });
  assert.equal((await ask(edge.port, get("/a"))).status, 503);
  await service.close();
  assert.equal((await ask(edge.port, get("/a"))).status, 503);
  assert.equal(origin.requests.length, 0);
});

test("an answer that never ends is cut off, and judged by its status", async (t) => {
  const { edge } = await start(t, (_request, connection) => {
    connection.socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
    for (let i = 0; i < 20; i++) connection.socket.write(chunk);
  });
  assert.equal((await ask(edge.port, get("/a"))).status, 200);
});

test("every request is asked about, unless answers may be kept", async (t) => {
  const { edge, service } = await start(t, always(ok("")));
  for (let i = 0; i < 3; i++) assert.equal((await ask(edge.port, get("/a", "Cookie: s=1"))).status, 200);
  assert.equal(service.requests.length, 3);
});

test("a kept answer holds for the same question only, and a refusal is never kept", async (t) => {
  const { edge, service } = await start(
    t,
    (request, connection) => {
      const isGood = new Map(request.fields).get("cookie") === "s=1";
      connection.socket.write(isGood ? ok("") : "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    },
    { profile: "cache_secs = 60" },
  );
  const statuses: number[] = [];
  const asks: number[] = [];
  for (const [target, cookie] of [
    ["/a", "s=1"],
    ["/a", "s=1"],
    ["/b", "s=1"],
    ["/a?x", "s=1"],
    ["/a", "s=2"],
    ["/a", "s=2"],
    ["/a", "s=1"],
  ] as const) {
    statuses.push((await ask(edge.port, get(target, `Cookie: ${cookie}`))).status);
    asks.push(service.requests.length);
  }
  assert.deepEqual(statuses, [200, 200, 200, 200, 403, 403, 200]);
  assert.deepEqual(asks, [1, 1, 2, 3, 4, 5, 5]);
});

test("the service decides before the WAF looks, and before anything tells of the upstream", async (t) => {
  const { edge, origin } = await start(t, always("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), {
    waf: true,
  });
  await origin.close();
  const attack = get("/a?q=%27%20UNION%20SELECT%20password%20FROM%20users--%20-");
  const answer = await ask(edge.port, attack);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "auth_forbidden");
});

test("a full service turns away at once", async (t) => {
  const { edge } = await start(t, () => {}, { upstream: "max_in_flight = 1", profile: "timeout_ms = 1000" });
  const statuses = await Promise.all([1, 2, 3].map(async () => (await ask(edge.port, get("/a"))).status));
  assert.deepEqual(statuses, [503, 503, 503]);
  assert.ok(edge.metric("zion_upstream_errors_total", "upstream_timeout") <= 1);
});

test("a service over HTTP/2 decides as well, each request on a stream of its own", async (t) => {
  const service = await startHttp2Origin(t, ({ stream, headers }) => {
    stream.respond({ ":status": headers["cookie"] === "s=1" ? 204 : 403, "x-team": "red" });
    stream.end();
  });
  const { edge, origin } = await startBench(t, {
    route: 'auth_profile = "asked"',
    tables: `
[upstream.auth]
url = "http://127.0.0.1:${service.port}"
protocol = "h2c"

[auth_profile.asked]
kind = "forward"
service_upstream = "auth"
service_path = "/verify"
answer_fields = ["X-Team"]
`,
  });
  const statuses = await Promise.all(
    ["s=1", "s=2", "s=1"].map(
      async (cookie) => (await ask(edge.port, get("/a?b", `Cookie: ${cookie}`))).status,
    ),
  );
  assert.deepEqual(statuses, [200, 403, 200]);
  assert.deepEqual(sent(origin, "x-team"), [["x-team", "red"]]);
  const { headers } = service.arrivals[0]!;
  assert.deepEqual(
    [headers[":method"], headers[":path"], headers["x-forwarded-uri"], headers["x-forwarded-host"]],
    ["GET", "/verify", "/a?b", "a.test:8080"],
  );
});

test("a client that leaves while the service thinks is forgotten, and the service's answer with it", async (t) => {
  const waiting: (() => void)[] = [];
  const { edge, service, origin } = await start(t, (_request, connection) => {
    waiting.push(() => connection.socket.write(ok("")));
  });
  const socket = net.connect(edge.port, "127.0.0.1");
  socket.write(get("/gone"));
  await service.request(0);
  // A plain end would say that it has nothing more to send, and still listens.
  socket.resetAndDestroy();
  while (edge.metric("zion_reject_total", "client_gone") === 0)
    await new Promise((resolve) => setImmediate(resolve));
  const next = ask(edge.port, get("/next"));
  await service.request(1);
  for (const answer of waiting) answer();
  assert.equal((await next).status, 200);
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/next"],
  );
  assert.equal(edge.metric("zion_defects_total"), 0);
});
