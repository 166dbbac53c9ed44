import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { type TestContext, test } from "node:test";
import { ask, connect, field } from "../support/raw-client.ts";
import { type BenchOptions, startBench } from "./bench.ts";
import { get, head, post } from "./case.ts";

// `expose_internal`: /metrics and /_zion/snapshot.json on the listeners of clients, by the resolved address. The test
// comes from 127.0.0.1.

const page = { type: "text/plain; version=0.0.4; charset=utf-8", body: Buffer.from("zion_build_info 1\n") };
const exposed = "expose_internal = true";
const outside = 'internal_networks = ["192.0.2.0/24"]';
const behindProxy = `${exposed}\n${outside}\ntrusted_proxies = ["127.0.0.1"]`;

async function start(t: TestContext, server: string, more: BenchOptions = {}) {
  const asked: string[] = [];
  const bench = await startBench(t, {
    server,
    pages: ({ name, format }) => {
      asked.push(`${name} ${format}`);
      return page;
    },
    ...more,
  });
  return { ...bench, asked };
}

test("an internal client reads both pages, and no upstream hears of it", async (t) => {
  const { edge, origin, asked } = await start(t, exposed);
  const client = await connect(edge.port);
  for (const path of ["/metrics", "/_zion/snapshot.json", "/metrics?x=1", "/%6detrics"]) {
    client.send(get(path));
    const answer = (await client.answer())!;
    assert.equal(answer.status, 200, path);
    assert.equal(answer.body.toString(), "zion_build_info 1\n");
    assert.equal(field(answer, "content-type"), page.type);
    assert.equal(field(answer, "cache-control"), "no-store");
    assert.equal(field(answer, "x-content-type-options"), "nosniff");
    const line = await edge.logLine(field(answer, "x-request-id")!);
    assert.deepEqual(
      [line["http.route"], line["zion.decision"], line["http.response.body.size"]],
      ["-", "allow", page.body.length],
    );
  }
  client.destroy();
  const accepted = await ask(
    edge.port,
    get("/metrics", "Accept: application/openmetrics-text; version=1.0.0"),
  );
  assert.equal(accepted.status, 200);
  assert.deepEqual(asked, [
    "/metrics text",
    "/_zion/snapshot.json text",
    "/metrics text",
    "/metrics text",
    "/metrics openmetrics",
  ]);
  assert.equal(origin.requests.length, 0);
});

test("HEAD has no body, other methods are not allowed, and what else stands under /_zion/ is a route's", async (t) => {
  const { edge, origin } = await start(t, exposed);
  const client = await connect(edge.port);
  client.send(head("HEAD /metrics HTTP/1.1", "Host: a.test"));
  const answer = (await client.answer("HEAD"))!;
  assert.equal(answer.status, 200);
  assert.equal(field(answer, "content-length"), String(page.body.length));
  client.send(get("/after"));
  assert.equal((await client.answer())?.status, 200, "nothing of a body was sent");
  client.destroy();
  const posted = await ask(edge.port, post("", "Content-Length: 0").replace("/x", "/metrics"));
  assert.equal(posted.status, 405);
  assert.equal(field(posted, "allow"), "GET, HEAD");
  assert.equal((await ask(edge.port, get("/metrics/"))).status, 200);
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/after", "/metrics/"],
  );
});

test("everybody else gets 403, whatever it says of itself, and the primary is not asked", async (t) => {
  const { edge, origin, asked } = await start(t, `${exposed}\n${outside}`);
  for (const fields of [
    [],
    ["X-Forwarded-For: 192.0.2.1"],
    ["X-Forwarded-For: 127.0.0.1"],
    ["X-Real-IP: 192.0.2.1"],
    ["Forwarded: for=192.0.2.1"],
    ["True-Client-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1", "X-Client-IP: 192.0.2.1"],
    ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2"],
  ]) {
    const answer = await ask(edge.port, get("/metrics", ...fields));
    assert.equal(answer.status, 403, fields.join());
    assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "internal_only");
    const posted = await ask(edge.port, post("", "Content-Length: 0", ...fields).replace("/x", "/metrics"));
    assert.equal(posted.status, 403, "not even what is allowed is told");
  }
  assert.deepEqual([asked, origin.requests], [[], []]);
});

for (const [title, forwarded, status] of [
  ["the client that a trusted proxy names is internal", "192.0.2.1", 200],
  [
    "the rightmost hop that is not trusted decides: what it wrote itself is not believed",
    "192.0.2.1, 203.0.113.5",
    403,
  ],
  ["a hop that is trusted is stepped over", "192.0.2.1, 127.0.0.1", 200],
  ["a chain that cannot be read is nobody's", "192.0.2.1, unknown", 403],
  ["an empty chain is nobody's", "", 403],
] as const) {
  test(title, async (t) => {
    const { edge } = await start(t, behindProxy);
    assert.equal((await ask(edge.port, get("/metrics", `X-Forwarded-For: ${forwarded}`))).status, status);
  });
}

test("behind a proxy that nobody told us to trust, its internal address opens nothing", async (t) => {
  const { edge } = await start(t, exposed);
  for (const name of ["X-Forwarded-For: 203.0.113.5", "Forwarded: for=203.0.113.5"])
    assert.equal((await ask(edge.port, get("/metrics", name))).status, 403, name);
});

test("the client of a PROXY header is who it is about", async (t) => {
  const { edge } = await start(t, `${exposed}\n${outside}\nproxy_protocol = ["127.0.0.1"]`);
  for (const [address, status] of [
    ["192.0.2.9", 200],
    ["203.0.113.9", 403],
  ] as const) {
    const client = await connect(edge.port);
    client.send(`PROXY TCP4 ${address} 198.51.100.1 56324 443\r\n${get("/metrics")}`);
    assert.equal((await client.answer())?.status, status, address);
    client.destroy();
  }
});

test("off, the paths are ordinary ones", async (t) => {
  const { edge, origin, asked } = await start(t, "");
  assert.equal((await ask(edge.port, get("/metrics"))).status, 200);
  assert.deepEqual([asked.length, origin.requests.length], [0, 1]);
});

test("over HTTP/2 the same pages, and the same refusals", async (t) => {
  const big = { type: "text/plain", body: Buffer.alloc(1_500_000, "x") };
  const { edge } = await start(t, `${behindProxy}\nh2c = true`, { pages: () => big });
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  t.after(() => session.destroy());
  const fetchPage = async (client: string) => {
    const stream = session.request({ ":path": "/metrics", "x-forwarded-for": client });
    const [fields] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    let bytes = 0;
    for await (const part of stream as AsyncIterable<Buffer>) bytes += part.length;
    return [fields[":status"], bytes];
  };
  assert.deepEqual(await fetchPage("192.0.2.1"), [200, big.body.length]);
  assert.equal((await fetchPage("203.0.113.1"))[0], 403);
});

test("a client that reads slowly gets a large page whole, and one that leaves is let go", async (t) => {
  const body = Buffer.alloc(8_000_000, "0123456789abcdef");
  const { edge } = await start(t, exposed, { pages: () => ({ type: "text/plain", body }) });
  const slow = await connect(edge.port, { deadlineMs: 20_000 });
  slow.socket.pause();
  slow.send(get("/metrics"));
  const gone = await connect(edge.port);
  gone.send(get("/metrics"));
  await gone.until(() => gone.receivedBytes > 1000);
  gone.reset();
  slow.socket.resume();
  assert.ok((await slow.answer())!.body.equals(body));
  slow.destroy();
  const lines = await edge.logLines();
  assert.equal(lines.length, 2);
});

test("a primary that has no page for us makes a 503", async (t) => {
  const { edge } = await start(t, exposed, { pages: () => undefined });
  const answer = await ask(edge.port, get("/metrics"));
  assert.equal(answer.status, 503);
  assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "page_late");
});
