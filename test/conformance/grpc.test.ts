import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http2 from "node:http2";
import path from "node:path";
import { type TestContext, test } from "node:test";
import grpc from "@grpc/grpc-js";
import { newDirectory } from "../support/directory.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import { connectEcho, type EchoClient, type GrpcEcho, startGrpcEcho } from "../support/grpc-echo.ts";
import { startHttp2Origin } from "../support/http2-origin.ts";

interface Options {
  readonly waf?: boolean;
  readonly upstream?: string;
  readonly route?: string;
}

async function startEdgeFor(t: TestContext, port: number, options: Options): Promise<Edge> {
  const edge = await startEdge(`
[server]
http_mode = "serve"
h2c = true

[upstream.app]
url = "http://127.0.0.1:${port}"
protocol = "h2c"
${options.upstream ?? ""}

[[route]]
path = "/{*rest}"
upstream = "app"
${options.waf === true ? "" : "waf = false"}
${options.route ?? ""}
`);
  t.after(() => edge.stop());
  return edge;
}

async function startCall(
  t: TestContext,
  options: Options = {},
): Promise<{ edge: Edge; echo: GrpcEcho; client: EchoClient }> {
  const echo = await startGrpcEcho(t);
  const edge = await startEdgeFor(t, echo.port, options);
  return { edge, echo, client: connectEcho(t, edge.port) };
}

/** Not by `once`: a status that is an error would be thrown. */
function statusOf(call: grpc.ClientDuplexStream<Buffer, Buffer>): Promise<grpc.StatusObject> {
  call.on("error", () => {});
  return new Promise((resolve) => call.on("status", resolve));
}

interface UnaryOutcome {
  readonly error: grpc.ServiceError | null;
  readonly answer: string | undefined;
  readonly trailers: grpc.Metadata;
}

function unary(client: EchoClient, text: string, options: grpc.CallOptions = {}): Promise<UnaryOutcome> {
  const metadata = new grpc.Metadata();
  metadata.set("x-client", "a");
  return new Promise((resolve) => {
    let error: grpc.ServiceError | null = null;
    let answer: string | undefined;
    const call = client.unary(Buffer.from(text), metadata, options, (failed, value) => {
      error = failed;
      answer = value?.toString();
    });
    call.on("status", (status) => setImmediate(() => resolve({ error, answer, trailers: status.metadata })));
  });
}

for (const waf of [false, true]) {
  const how = waf ? "inspected" : "not inspected";

  test(`unary calls, ${how}: answer, metadata and trailers`, async (t) => {
    const { client, echo } = await startCall(t, { waf });
    const { error, answer, trailers } = await unary(client, "hello");
    assert.equal(error, null);
    assert.equal(answer, "hello");
    assert.deepEqual(trailers.get("x-trailer"), ["end"]);
    assert.deepEqual(echo.metadata[0]!.get("x-client"), ["a"]);
    assert.equal(echo.metadata[0]!.get("x-forwarded-proto")[0], "http");
  });

  test(`an error of the service, ${how}, arrives with its details`, async (t) => {
    const { client } = await startCall(t, { waf });
    const { error, trailers } = await unary(client, "fail");
    assert.deepEqual([error?.code, error?.details], [grpc.status.INVALID_ARGUMENT, "no: %"]);
    assert.deepEqual(trailers.get("x-trailer"), ["end"]);
  });

  test(`a stream up, ${how}`, async (t) => {
    const { client } = await startCall(t, { waf });
    const answer = new Promise<string>((resolve, reject) => {
      const call = client.gather((error, value) =>
        error === null ? resolve(value!.toString()) : reject(error),
      );
      for (const part of ["a", "b".repeat(300_000), "c"]) call.write(Buffer.from(part));
      call.end();
    });
    assert.equal(await answer, `a${"b".repeat(300_000)}c`);
  });

  test(`a stream down, ${how}`, async (t) => {
    const { client } = await startCall(t, { waf });
    const parts: string[] = [];
    for await (const part of client.spread(Buffer.from("x".repeat(50_000)))) parts.push(String(part));
    assert.deepEqual(
      parts.map((part) => part.length),
      [50_000, 50_000, 50_000],
    );
  });

  test(`both sides talk in turn, ${how}: no message waits for the next one`, async (t) => {
    const { client } = await startCall(t, { waf });
    const call = client.talk();
    const status = statusOf(call);
    for (const word of ["one", "two", "y".repeat(200_000), "three"]) {
      call.write(Buffer.from(word));
      const [answer] = (await once(call, "data")) as [Buffer];
      assert.equal(answer.toString(), word);
    }
    call.end();
    call.resume();
    const { code } = await status;
    assert.equal(code, grpc.status.OK);
  });

  test(`a service that ends before its client does, ${how}, gets its status through`, async (t) => {
    const { client } = await startCall(t, { waf });
    const call = client.talk();
    const status = statusOf(call);
    call.resume();
    call.write(Buffer.from("stop"));
    const { code, details } = await status;
    assert.deepEqual([code, details], [grpc.status.ABORTED, "stopped"]);
  });
}

test("an attack in a message of a stream ends the call, and never reaches the service", async (t) => {
  const { client, edge } = await startCall(t, { waf: true });
  const call = client.talk();
  const status = statusOf(call);
  const heard: string[] = [];
  call.on("data", (part: Buffer) => heard.push(part.toString()));
  call.write(Buffer.from("fine"));
  await once(call, "data");
  call.write(Buffer.from("1' UNION SELECT login, password FROM accounts-- -"));
  const { code, details } = await status;
  assert.deepEqual([code, details], [grpc.status.INVALID_ARGUMENT, "request rejected"]);
  assert.deepEqual(heard, ["fine"]);
  const line = (await edge.logLines()).at(-1)!;
  assert.equal(line["zion.reason"], "waf_patterns");
});

test("an attack in a unary call is refused with a status of gRPC", async (t) => {
  const { client } = await startCall(t, { waf: true });
  const { error } = await unary(client, "<svg/onload=alert(document.domain)>");
  assert.deepEqual([error?.code, error?.details], [grpc.status.INVALID_ARGUMENT, "request rejected"]);
});

test("small things in a thousand messages do not add up to a refusal", async (t) => {
  const { client } = await startCall(t, { waf: true });
  const call = client.talk();
  const status = statusOf(call);
  for (let n = 0; n < 1000; n++) call.write(Buffer.from(`it's the select committee; drop by, or not --${n}`));
  call.end();
  let count = 0;
  for await (const _ of call) count++;
  const { code } = await status;
  assert.deepEqual([count, code], [1000, grpc.status.OK]);
});

test("a deadline passes: the call ends there, upstream too, and the endpoint is not blamed", async (t) => {
  const { client, echo, edge } = await startCall(t, {
    upstream: "[upstream.app.circuit_breaker]\nmin_requests = 1",
  });
  const { error } = await unary(client, "hang", { deadline: Date.now() + 400 });
  assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
  assert.ok(Number(echo.deadlines[0]) < Infinity, "grpc-timeout is forwarded");
  assert.equal((await unary(client, "after")).answer, "after");
  assert.equal(edge.metric("zion_reject_total", "upstream_open"), 0);
});

/** A call by hand: what a client sees that has no deadline of its own. */
async function rawCall(
  edge: Edge,
  target: string,
  fields: http2.OutgoingHttpHeaders,
  message: Uint8Array = Buffer.from([0, 0, 0, 0, 1, 65]),
): Promise<{ headers: http2.IncomingHttpHeaders; trailers: http2.IncomingHttpHeaders; body: Buffer }> {
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": target,
      "content-type": "application/grpc",
      te: "trailers",
      ...fields,
    });
    let trailers: http2.IncomingHttpHeaders = {};
    stream.on("trailers", (given) => {
      trailers = given;
    });
    stream.end(message);
    const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return { headers, trailers, body: Buffer.concat(parts) };
  } finally {
    session.destroy();
  }
}

test("grpc-timeout is kept by the gateway itself", async (t) => {
  const origin = await startHttp2Origin(t, () => {});
  const edge = await startEdgeFor(t, origin.port, {});
  const { headers } = await rawCall(edge, "/test.Echo/Unary", { "grpc-timeout": "200m" });
  assert.deepEqual([headers[":status"], headers["grpc-status"]], [200, "4"]);
  assert.equal(origin.arrivals[0]!.headers["grpc-timeout"], "200m");
  assert.equal((await edge.logLines()).at(-1)!["zion.reason"], "grpc_deadline");
});

test("refusals of calls are 200 with grpc-status and nothing else; the log has the HTTP status", async (t) => {
  const { edge } = await startCall(t, { route: 'hosts = ["a.test"]' });
  const { headers, body } = await rawCall(edge, "/none", { ":authority": "b.test" });
  assert.deepEqual(
    [headers[":status"], headers["content-type"], headers["grpc-status"], headers["grpc-message"]],
    [200, "application/grpc", "12", "not found"],
  );
  assert.equal(body.length, 0);
  assert.match(String(headers["x-request-id"]), /^[0-9a-f]{32}$/);
  assert.equal((await edge.logLines()).at(-1)!["http.response.status_code"], 404);
});

test("an upstream that is not there is UNAVAILABLE", async (t) => {
  const edge = await startEdgeFor(t, 1, {});
  const { headers } = await rawCall(edge, "/test.Echo/Unary", {});
  assert.deepEqual([headers[":status"], headers["grpc-status"]], [200, "14"]);
});

test("an upstream that goes away inside an answer is UNAVAILABLE in its trailers", async (t) => {
  const origin = await startHttp2Origin(t, ({ stream }) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(Buffer.from([0, 0, 0, 0, 1, 65]), () => setImmediate(() => stream.session!.destroy()));
  });
  const edge = await startEdgeFor(t, origin.port, {});
  const { headers, trailers } = await rawCall(edge, "/test.Echo/Unary", {});
  assert.deepEqual([headers[":status"], headers["grpc-status"]], [200, undefined]);
  assert.equal(trailers["grpc-status"], "14");
});

test("a client that cancels ends the call upstream", async (t) => {
  const { client, echo } = await startCall(t);
  const call = client.talk();
  call.on("error", () => {});
  call.write(Buffer.from("one"));
  await once(call, "data");
  call.cancel();
  while (echo.cancelled() === 0) await new Promise(setImmediate);
  assert.equal(echo.cancelled(), 1);
});

test("frames that are none, messages that nobody can look into, and gRPC in JSON's clothes are refused", async (t) => {
  const { edge } = await startCall(t, { waf: true });
  for (const message of [
    Buffer.from([7, 0, 0, 0, 1, 65]),
    Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 65]),
    Buffer.from([0, 0, 0, 0, 9, 65]),
  ]) {
    const { headers, trailers } = await rawCall(edge, "/test.Echo/Unary", {}, message);
    assert.equal(headers["grpc-status"] ?? trailers["grpc-status"], "3", message.toString("hex"));
  }
});

test("a call goes over TLS at both ends, negotiated", async (t) => {
  const folder = newDirectory("grpc");
  const origin = await startHttp2Origin(
    t,
    ({ stream, body }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      void body.then((bytes) => stream.end(bytes));
    },
    { alpn: ["h2"] },
  );
  const ca = path.join(folder, "ca.pem");
  writeFileSync(ca, origin.certPem);
  const edge = await startEdge(
    `
[server]
http_mode = "serve"

[upstream.app]
url = "https://127.0.0.1:${origin.port}"
protocol = "auto"
ca_path = ${JSON.stringify(ca)}
server_name = "localhost"

[[route]]
path = "/{*rest}"
upstream = "app"
`,
    { tlsNames: [] },
  );
  t.after(() => edge.stop());
  const session = http2.connect(`https://localhost:${edge.tlsPort}`, { rejectUnauthorized: false });
  t.after(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/test.Echo/Unary",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  stream.end(Buffer.from([0, 0, 0, 0, 1, 65]));
  const trailers = once(stream, "trailers") as Promise<[http2.IncomingHttpHeaders]>;
  const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  assert.equal(headers[":status"], 200);
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  assert.equal(Buffer.concat(parts).toString("hex"), "000000000141");
  assert.equal((await trailers)[0]["grpc-status"], "0");
  assert.equal(origin.arrivals[0]!.headers[":scheme"], "https");
});

test("calls that outlive a drain are UNAVAILABLE, whether their answer had begun or not", async (t) => {
  const { client, edge } = await startCall(t);
  const call = client.talk();
  const status = statusOf(call);
  call.write(Buffer.from("one"));
  await once(call, "data");
  const waits = unary(client, "hang");
  while (edge.metric("zion_upstream_in_flight") < 2) await new Promise(setImmediate);
  await edge.drain(300);
  assert.equal((await status).code, grpc.status.UNAVAILABLE);
  assert.equal((await waits).error?.code, grpc.status.UNAVAILABLE);
  assert.equal((await edge.logLines()).filter((line) => line["zion.reason"] === "drain_deadline").length, 2);
});

test("gRPC-Web passes as the ordinary request it is", async (t) => {
  const origin = await startHttp2Origin(t, ({ stream, body }) => {
    void body.then((bytes) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc-web+proto" });
      stream.end(Buffer.concat([bytes, Buffer.from("\x80\0\0\0\x0fgrpc-status:0\r\n", "latin1")]));
    });
  });
  const edge = await startEdgeFor(t, origin.port, { waf: true });
  const answer = await fetch(`http://127.0.0.1:${edge.port}/test.Echo/Unary`, {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" },
    body: Buffer.from([0, 0, 0, 0, 1, 65]),
  });
  assert.equal(answer.status, 200);
  const body = Buffer.from(await answer.arrayBuffer());
  assert.equal(body.subarray(0, 6).toString("hex"), "000000000141");
  assert.match(body.toString("latin1"), /grpc-status:0/);
});
