import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../control/gateway.ts";
import type { Edge } from "../support/edge.ts";
import { type Origin, ok, type Script, startOrigin } from "../support/origin.ts";
import { ask, connect, field, fieldAll } from "../support/raw-client.ts";
import { accepting, handshake } from "../support/websocket.ts";
import { type BenchOptions, startBench } from "./bench.ts";

interface Setting {
  readonly edge: Edge;
  readonly origin: Origin;
  readonly mirror: Origin;
}

async function start(
  t: TestContext,
  { mirror = "", script, ...options }: BenchOptions & { readonly mirror?: string } = {},
  mirrorScript?: Script,
): Promise<Setting> {
  const second = await startOrigin(mirrorScript === undefined ? {} : { script: mirrorScript });
  t.after(() => second.close());
  const bench = await startBench(t, {
    ...options,
    ...(script === undefined ? {} : { script }),
    route: `name = "app"\n${options.route ?? ""}\n[route.mirror]\nupstream = "next"\n${mirror}`,
    tables: `[upstream.next]\nurl = "http://127.0.0.1:${second.port}"\nhealth = { interval_ms = 0 }\n${options.tables ?? ""}`,
  });
  return { ...bench, mirror: second };
}

const get = (path = "/", ...fields: string[]): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`;
const post = (body: string, ...fields: string[]): string =>
  `POST /in HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n${body}`;

const result = (edge: Edge, name: string): number => edge.metric("zion_mirror_requests_total", name);
/** No copy is under way any more, and so many ended like this. */
const ended = (edge: Edge, name: string, count: number): Promise<void> =>
  until(`${count} ${name}`, () => result(edge, name) === count && edge.metric("zion_mirror_in_flight") === 0);

test("a copy is what goes upstream, with a mark that no client can make", async (t) => {
  const { edge, origin, mirror } = await start(t, {
    route: '[route.rewrite]\nstrip_prefix = "/api"\n[route.request_headers]\nset = { X-By = "edge" }\n',
    mirror: 'remove = ["authorization", "x-secret-*"]',
  });
  const answer = await ask(
    edge.port,
    get("/api/a%20b?x=1", "Authorization: Basic eA==", "X-Secret-Key: 1", "X-Zion-Mirror: 1", "Cookie: a=1"),
  );
  assert.equal(answer.status, 200);
  const copy = await mirror.request(0);
  const own = origin.requests[0]!;
  assert.equal(copy.target, "/a%20b?x=1");
  const without = (name: string): boolean =>
    name !== "authorization" && name !== "x-secret-key" && name !== "host";
  assert.deepEqual(
    copy.fields.filter(([name]) => without(name) && name !== "x-zion-mirror").toSorted(),
    own.fields.filter(([name]) => without(name)).toSorted(),
  );
  const marks = (fields: Origin["requests"][number]["fields"]) =>
    fields.filter(([name]) => name === "x-zion-mirror");
  assert.deepEqual([marks(own.fields), marks(copy.fields)], [[], [["x-zion-mirror", "1"]]]);
  assert.ok(
    copy.fields.some(([name, value]) => name === "x-request-id" && value === field(answer, "x-request-id")),
  );
  await ended(edge, "answered", 1);
  assert.equal((await edge.logLines()).length, 1);
});

test("only what is safe is copied, unless methods say so", async (t) => {
  const { edge, mirror } = await start(t);
  await ask(edge.port, post("x"));
  await ask(edge.port, "HEAD /h HTTP/1.1\r\nHost: a.test\r\n\r\n", { method: "HEAD" });
  await mirror.request(0);
  await ended(edge, "answered", 1);
  assert.deepEqual(
    mirror.requests.map(({ method }) => method),
    ["HEAD"],
  );
});

for (const waf of [false, true])
  test(`bodies are copied whole, however they came, ${waf ? "inspected" : "as they are"}`, async (t) => {
    const { edge, origin, mirror } = await start(t, { waf, mirror: 'methods = ["POST"]\nmax_body_kb = 2' });
    const body = "line of text\n".repeat(100);
    await ask(edge.port, post(body));
    const chunked = await connect(edge.port);
    t.after(() => chunked.destroy());
    chunked.send(
      "POST /in HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for (let at = 0; at < body.length; at += 400) {
      const piece = body.slice(at, at + 400);
      await chunked.sendPieces([`${piece.length.toString(16)}\r\n${piece}\r\n`]);
    }
    chunked.send("0\r\n\r\n");
    assert.equal((await chunked.answer())?.status, 200);
    for (const index of [0, 1]) {
      const copy = await mirror.request(index);
      assert.equal((await copy.body).toString(), body);
      assert.deepEqual(
        copy.fields.filter(([name]) => /^(content-length|transfer-encoding)$/.test(name)),
        [["content-length", String(body.length)]],
      );
    }
    await ended(edge, "answered", 2);

    // Declared and found to be too long: the request goes on without a copy.
    const long = "x".repeat(2049);
    await ask(edge.port, post(long));
    const size = long.length.toString(16);
    await ask(
      edge.port,
      `POST /in HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${long}\r\n0\r\n\r\n`,
    );
    assert.equal((await origin.requests.at(-1)!.body).length, 2049);
    await ended(edge, "too_large", 2);
    assert.equal(mirror.requests.length, 2);
  });

test("what the WAF refuses is not copied, nor what comes only in part", async (t) => {
  const { edge, mirror } = await start(t, { waf: true, mirror: 'methods = ["GET", "POST"]' });
  assert.equal((await ask(edge.port, get("/?q=1%20union%20select%20a,b%20from%20users"))).status, 400);
  assert.equal(
    (
      await ask(
        edge.port,
        post("q=1 union select password from users -- '", "X-A: b").replace(
          "text/plain",
          "application/x-www-form-urlencoded",
        ),
      )
    ).status,
    400,
  );
  const half = await connect(edge.port);
  half.send(post("whole").slice(0, -2));
  await until("one copy begun", () => edge.metric("zion_mirror_in_flight") === 1);
  half.reset();
  await ended(edge, "unsent", 3);
  assert.equal(mirror.requests.length, 0);
});

test("WebSockets, event streams and gRPC are not copied", async (t) => {
  const { edge, mirror } = await start(t, {
    route: 'mode = "websocket"',
    mirror: 'methods = ["GET", "POST"]',
    script: accepting,
  });
  const client = await connect(edge.port);
  client.send(handshake());
  assert.equal((await client.answer())?.status, 101);
  client.destroy();
  const stream = await start(t, { route: 'mode = "sse_stream"' });
  await ask(stream.edge.port, get());
  const grpc = await start(t, { mirror: 'methods = ["POST"]' });
  await ask(grpc.edge.port, post("").replace("text/plain", "application/grpc"));
  assert.equal(mirror.requests.length + stream.mirror.requests.length + grpc.mirror.requests.length, 0);
  for (const one of [edge, stream.edge, grpc.edge])
    assert.equal(one.metric("zion_mirror_requests_total") + one.metric("zion_mirror_in_flight"), 0);
});

const hang: Script = () => undefined;
const reset: Script = (_request, { socket }) => void socket.resetAndDestroy();
const garbage: Script = (_request, { socket }) => void socket.write("SSH-2.0-x\r\n\r\n");
const endless: Script = (_request, { socket }) => {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${10 * 1024 ** 3}\r\n\r\n`);
  const piece = Buffer.alloc(65_536);
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", more);
  more();
};

for (const [what, script, name] of [
  ["hangs", hang, "timeout"],
  ["resets", reset, "failed"],
  ["speaks another language", garbage, "failed"],
  ["answers 10 GB", endless, "cut"],
] as const)
  test(`a mirror that ${what} changes nothing for clients, and leaves nothing behind`, async (t) => {
    const plain: Script = async (_request, { socket }) => void socket.write(ok("the answer", "X-A: b"));
    const { edge, mirror } = await start(t, { mirror: "timeout_ms = 100", script: plain }, script);
    const { edge: without } = await startBench(t, { script: plain });
    const shape = (text: string): string => text.replace(/^(Date|X-Request-ID|traceparent): .*\r\n/gm, "");
    for (let i = 1; i <= 4; i++) {
      const [one, other] = await Promise.all(
        [edge, without].map(async ({ port }) => {
          const client = await connect(port);
          client.send(get());
          await client.answer();
          const text = client.received.toString("latin1");
          client.destroy();
          return shape(text);
        }),
      );
      assert.match(one!, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nthe answer$/);
      assert.equal(one, other);
      await ended(edge, name, i);
    }
    await until("all closed", () => mirror.connections.every((connection) => connection.isOver()));
    assert.equal(edge.metric("zion_upstream_connections", "next"), 0);
  });

test("a mirror that is absent fails at once, and counts", async (t) => {
  const closed = net.createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as net.AddressInfo;
  closed.close();
  await once(closed, "close");
  const { edge } = await startBench(t, {
    route: '[route.mirror]\nupstream = "next"',
    tables: `[upstream.next]\nurl = "http://127.0.0.1:${port}"\nhealth = { interval_ms = 0 }`,
  });
  assert.equal((await ask(edge.port, get())).status, 200);
  await ended(edge, "failed", 1);
});

test("copies have a number of their own, and answers do not wait for them", async (t) => {
  const release: (() => void)[] = [];
  const held: Script = (_request, { socket }) => void release.push(() => socket.write(ok("late")));
  const { edge, mirror } = await start(t, { mirror: "max_in_flight = 2\ntimeout_ms = 60000" }, held);
  for (let i = 0; i < 5; i++) assert.equal((await ask(edge.port, get())).status, 200);
  await mirror.request(1);
  assert.deepEqual([edge.metric("zion_mirror_in_flight"), result(edge, "full")], [2, 3]);
  await until("two came", () => release.length === 2);
  for (const answer of release) answer();
  await ended(edge, "answered", 2);
  assert.equal(mirror.requests.length, 2);
});

test("a share of the requests is copied", async (t) => {
  const { edge, mirror } = await start(t, { mirror: "percent = 30" });
  const client = await connect(edge.port, { deadlineMs: 30_000 });
  t.after(() => client.destroy());
  for (let i = 0; i < 300; i++) {
    client.send(get());
    await client.answer();
  }
  await until("all over", () => edge.metric("zion_mirror_in_flight") === 0);
  // 90 expected; five standard deviations on each side.
  assert.ok(mirror.requests.length > 50 && mirror.requests.length < 130, `${mirror.requests.length} of 300`);
  assert.equal(result(edge, "answered"), mirror.requests.length);
});

test("requests of HTTP/2 are copied, too, and a drain leaves no copy open", async (t) => {
  const { edge, mirror } = await start(t, { server: "h2c = true", mirror: "timeout_ms = 200" }, hang);
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  t.after(() => session.destroy());
  const stream = session.request({ ":path": "/two", ":authority": "a.test", cookie: ["a=1", "b=2"] });
  const [head] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  assert.equal(head[":status"], 200);
  stream.resume();
  const copy = await mirror.request(0);
  assert.equal(copy.target, "/two");
  assert.deepEqual(
    copy.fields.filter(([name]) => name === "cookie"),
    [["cookie", "a=1; b=2"]],
  );
  session.close();
  assert.equal(await edge.drain(5000), 0);
  await ended(edge, "timeout", 1);
  await until("all closed", () => mirror.connections.every((connection) => connection.isOver()));
});

test("an answer that sets fields is the client's alone", async (t) => {
  const { edge } = await start(
    t,
    {},
    async (_request, { socket }) => void socket.write(ok("no", "Set-Cookie: evil=1")),
  );
  for (let i = 0; i < 3; i++) assert.deepEqual(fieldAll(await ask(edge.port, get()), "set-cookie"), []);
});
