import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { rawAnswer, type Script } from "../support/origin.ts";
import { ask, connect, field, fieldAll, type RawAnswer } from "../support/raw-client.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";

/** A gateway with pages for 503 and for all else; `intercept` of its route as given. */
async function start(t: TestContext, intercept: string, options: BenchOptions = {}): Promise<Bench> {
  const folder = newDirectory("intercept");
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return JSON.stringify(join(folder, name));
  };
  return startBench(t, {
    ...options,
    server: `h2c = true\n${options.server ?? ""}`,
    route: `name = "app"\nintercept = ${intercept}\n${options.route ?? ""}`,
    tables: `[error_page.503]
html_file = ${write("503.html", "<h1>Zurück um {status}</h1>{request_id}")}
[error_page.default]
html_file = ${write("any.html", "<h1>{status} {reason}</h1>")}
json_file = ${write("any.json", '{"status":{status},"id":"{request_id}"}')}
${options.tables ?? ""}`,
  });
}

const answering = (status: string, body: string, ...fields: string[]): Script =>
  rawAnswer(
    `HTTP/1.1 ${status}\r\n${fields.map((line) => `${line}\r\n`).join("")}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
const get = (accept: string, ...fields: string[]): string =>
  `GET /a HTTP/1.1\r\nHost: a.test\r\n${accept === "" ? "" : `Accept: ${accept}\r\n`}${fields.map((line) => `${line}\r\n`).join("")}\r\n`;

const secret = "Traceback: password=hunter2";
const typeAndBody = (answer: RawAnswer): readonly unknown[] => [
  answer.status,
  field(answer, "content-type"),
  answer.body.toString(),
];

test("an upstream's error becomes the page that the client asks for, with the request's id", async (t) => {
  const { edge, origin } = await start(t, '["500-504", 404]', { script: answering("503 Busy", secret) });
  const html = await ask(edge.port, get("text/html,*/*"));
  assert.deepEqual(typeAndBody(html), [
    503,
    "text/html; charset=utf-8",
    `<h1>Zur${Buffer.from("ü").toString("utf8")}ck um 503</h1>${field(html, "x-request-id")}`,
  ]);
  assert.deepEqual(
    [field(html, "cache-control"), field(html, "x-content-type-options")],
    ["no-store", "nosniff"],
  );
  assert.deepEqual(typeAndBody(await ask(edge.port, get("application/json"))), [
    503,
    "text/plain; charset=utf-8",
    "service unavailable\n",
  ]);
  origin.script = answering("404 Nope", secret);
  const json = await ask(edge.port, get("application/json"));
  assert.deepEqual(typeAndBody(json), [
    404,
    "application/json",
    `{"status":404,"id":"${field(json, "x-request-id")}"}`,
  ]);
  assert.deepEqual(typeAndBody(await ask(edge.port, get(""))), [
    404,
    "text/plain; charset=utf-8",
    "not found\n",
  ]);
  assert.equal(edge.metric("zion_intercepted_answers_total"), 4);
  const line = await edge.logLine(field(json, "x-request-id")!);
  assert.deepEqual([line["http.response.status_code"], line["zion.reason"]], [404, undefined]);
});

test("other statuses, and routes that do not ask for it, pass as they are", async (t) => {
  const { edge, origin } = await start(t, "[500]", { script: answering("503 Busy", secret) });
  assert.equal((await ask(edge.port, get("text/html"))).body.toString(), secret);
  origin.script = answering("200 OK", secret);
  assert.equal((await ask(edge.port, get("text/html"))).body.toString(), secret);
  const off = await start(t, "[]", { script: answering("500 Oops", secret) });
  assert.equal((await ask(off.edge.port, get("text/html"))).body.toString(), secret);
  assert.equal(edge.metric("zion_intercepted_answers_total"), 0);
});

test("what tells the client how to go on stays, and nothing that the body was", async (t) => {
  const script = answering(
    "401 No",
    secret,
    "WWW-Authenticate: Basic realm=a",
    "Retry-After: 7",
    "Set-Cookie: s=; Max-Age=0",
    "Set-Cookie: t=1",
    "Access-Control-Allow-Origin: *",
    "Allow: GET",
    "Content-Type: text/x-trace",
    "Content-Encoding: gzip",
    "ETag: 1",
    "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT",
    "Cache-Control: public, max-age=600",
    "X-Debug: inner",
    "Location: /inner",
  );
  const { edge } = await start(t, "[401]", {
    script,
    route: '[route.response_headers]\nset = { X-Route = "app" }',
  });
  const answer = await ask(edge.port, get("text/html"));
  const names = answer.fields.map(([name]) => name);
  for (const gone of ["content-encoding", "etag", "last-modified", "x-debug", "location"])
    assert.equal(names.includes(gone), false, gone);
  assert.deepEqual(
    ["www-authenticate", "retry-after", "allow", "access-control-allow-origin", "x-route"].map((name) =>
      field(answer, name),
    ),
    ["Basic realm=a", "7", "GET", "*", "app"],
  );
  assert.deepEqual(fieldAll(answer, "set-cookie"), ["s=; Max-Age=0", "t=1"]);
  assert.deepEqual(
    [fieldAll(answer, "cache-control"), field(answer, "content-type")],
    [["no-store"], "text/html; charset=utf-8"],
  );
  assert.equal(answer.body.toString(), "<h1>401 Unauthorized</h1>");
});

test("a head full of such fields is cut to what fits", async (t) => {
  const fields = Array.from({ length: 98 }, (_, i) => `Set-Cookie: c${i}=${"x".repeat(280)}`);
  const { edge } = await start(t, "[500]", { script: answering("500 Oops", secret, ...fields) });
  const answer = await ask(edge.port, get("text/html"));
  assert.equal(answer.status, 500);
  assert.equal(fieldAll(answer, "set-cookie").length, 64);
  assert.equal(edge.metric("zion_defects_total"), 0);
});

test("HEAD gets the page's length and no body", async (t) => {
  const script: Script = (_request, { socket }) =>
    void socket.write("HTTP/1.1 500 Oops\r\nContent-Length: 4000\r\n\r\n");
  const { edge } = await start(t, "[500]", { script });
  const head = await ask(edge.port, get("text/html").replace("GET", "HEAD"), { method: "HEAD" });
  assert.deepEqual(
    [head.status, field(head, "content-length")],
    [500, String("<h1>500 Internal Server Error</h1>".length)],
  );
});

test("the connection is kept behind a short body, however it is framed", async (t) => {
  const { edge, origin } = await start(t, "[500]", { script: answering("500 Oops", "x".repeat(5000)) });
  const client = await connect(edge.port);
  t.after(() => client.destroy());
  for (let i = 0; i < 3; i++) {
    client.send(get("text/html"));
    assert.equal((await client.answer())?.status, 500);
  }
  origin.script = rawAnswer(
    "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
  );
  client.send(get("text/html"));
  assert.equal((await client.answer())?.status, 500);
  origin.script = answering("500 Oops", "");
  client.send(get("text/html"));
  assert.equal((await client.answer())?.status, 500);
  await origin.request(4);
  assert.equal(origin.connections.length, 1);
});

test("nobody waits for a body that is long, or does not come", async (t) => {
  const scripts: readonly (readonly [what: string, script: Script])[] = [
    ["long", (_r, { socket }) => void socket.write("HTTP/1.1 500 X\r\nContent-Length: 99999999\r\n\r\nx")],
    ["without an end", (_r, { socket }) => void socket.write("HTTP/1.1 500 X\r\n\r\nx")],
    ["late", (_r, { socket }) => void socket.write("HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\nx")],
    [
      "chunks without end",
      (_r, { socket }) => {
        socket.write("HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n");
        const more = (): void => {
          while (!socket.destroyed && socket.write(`4000\r\n${"x".repeat(0x4000)}\r\n`));
        };
        socket.on("drain", more);
        more();
      },
    ],
  ];
  for (const [what, script] of scripts) {
    const { edge, origin } = await start(t, "[500]", { script });
    const answer = await ask(edge.port, get("text/html"));
    assert.equal(answer.body.toString(), "<h1>500 Internal Server Error</h1>", what);
    await until(`the upstream's connection is closed: ${what}`, () =>
      origin.connections.every((one) => one.isOver()),
    );
    assert.equal(edge.metric("zion_upstream_in_flight"), 0);
    assert.equal(edge.metric("zion_upstream_connections"), 0);
  }
});

test("a request whose body is still coming gets the page as well", async (t) => {
  const script: Script = (_request, { socket }) =>
    void socket.write("HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nabc");
  const { edge } = await start(t, "[500]", { script });
  const client = await connect(edge.port);
  t.after(() => client.destroy());
  client.send(
    "POST / HTTP/1.1\r\nHost: a.test\r\nAccept: text/html\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nabc",
  );
  const answer = await client.answer();
  assert.equal(answer?.body.toString(), "<h1>500 Internal Server Error</h1>");
});

test("clients of HTTP/2 get the page, and gRPC calls their own answer", async (t) => {
  const { edge, origin } = await start(t, "[500]", { script: answering("500 Oops", secret, "X-Debug: 1") });
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  t.after(() => session.destroy());
  const send = async (fields: http2.OutgoingHttpHeaders): Promise<[http2.IncomingHttpHeaders, string]> => {
    const stream = session.request({ ":path": "/", ":authority": "a.test", ...fields });
    stream.end();
    const [head] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    let body = "";
    for await (const piece of stream) body += String(piece);
    return [head, body];
  };
  const [head, body] = await send({ accept: "text/html" });
  assert.deepEqual(
    [head[":status"], head["x-debug"], body],
    [500, undefined, "<h1>500 Internal Server Error</h1>"],
  );
  const [call, message] = await send({
    ":method": "POST",
    "content-type": "application/grpc",
    te: "trailers",
  });
  assert.deepEqual([call[":status"], message], [500, secret]);
  assert.equal(origin.requests.length, 2);
});

test("failures of upstreams have their pages with and without it", async (t) => {
  for (const intercept of ["[]", "[502]"]) {
    const { edge, origin } = await start(t, intercept, { upstream: "retry = { attempts = 0 }" });
    origin.script = rawAnswer("SSH-2.0-none\r\n\r\n");
    assert.equal((await ask(edge.port, get("text/html"))).body.toString(), "<h1>502 Bad Gateway</h1>");
    await origin.close();
    const down = await ask(edge.port, get("application/json"));
    assert.deepEqual(
      [down.status, down.body.toString()],
      [502, `{"status":502,"id":"${field(down, "x-request-id")}"}`],
    );
  }
});

test("a cache keeps what the upstream said, and clients get the page", async (t) => {
  const { edge, origin } = await start(t, "[404, 500]", {
    route: 'cache_profile = "pages"',
    tables: "[cache_profile.pages]\nstore_errors = true",
    script: answering("404 Nope", secret, "Cache-Control: max-age=60"),
  });
  for (let i = 0; i < 2; i++)
    assert.equal((await ask(edge.port, get("text/html"))).body.toString(), "<h1>404 Not Found</h1>");
  assert.equal(origin.requests.length, 1);
  origin.script = answering("500 Oops", secret);
  const failed = await ask(edge.port, get("text/html").replace("/a", "/b"));
  assert.equal(failed.body.toString(), "<h1>500 Internal Server Error</h1>");
  assert.equal(edge.metric("zion_intercepted_answers_total"), 3);
  await until("nothing is under way", () => edge.metric("zion_upstream_in_flight") === 0);
  assert.equal(edge.metric("zion_defects_total"), 0);
});

test("an upstream that speaks HTTP/2 keeps its session behind an error", async (t) => {
  const upstream = http2.createServer();
  let sessions = 0;
  upstream.on("session", () => sessions++);
  upstream.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 500, "x-debug": "1" });
    stream.end("x".repeat(200_000));
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  t.after(() => upstream.close());
  const { port } = upstream.address() as AddressInfo;
  const { edge } = await start(t, "[500]", {
    tables: `[upstream.two]\nurl = "http://127.0.0.1:${port}"\nprotocol = "h2c"\nhealth = { interval_ms = 0 }\n[[route]]\npath = "/a"\nupstream = "two"\nintercept = [500]\nwaf = false`,
  });
  for (let i = 0; i < 3; i++) {
    const answer = await ask(edge.port, get("text/html"));
    assert.deepEqual(
      [answer.body.toString(), field(answer, "x-debug")],
      ["<h1>500 Internal Server Error</h1>", undefined],
    );
  }
  assert.equal(sessions, 1);
  assert.equal(edge.metric("zion_upstream_in_flight"), 0);
});
