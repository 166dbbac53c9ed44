import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http2 from "node:http2";
import { type TestContext, test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import grpc from "@grpc/grpc-js";
import { type Edge, startEdge } from "../support/edge.ts";
import { connectEcho, type EchoClient, type GrpcEcho, startGrpcEcho } from "../support/grpc-echo.ts";

// gRPC messages that are compressed, where the WAF looks at them.

const attack = "1' UNION SELECT login, password FROM accounts-- -";
const GZIP = { "grpc.default_compression_algorithm": 2 };

async function start(t: TestContext, route = ""): Promise<{ edge: Edge; echo: GrpcEcho }> {
  const echo = await startGrpcEcho(t);
  const edge = await startEdge(`
[server]
http_mode = "serve"
h2c = true
[upstream.app]
url = "http://127.0.0.1:${echo.port}"
protocol = "h2c"
[[route]]
path = "/{*rest}"
upstream = "app"
${route}
`);
  t.after(() => edge.stop());
  return { edge, echo };
}

interface Outcome {
  readonly code: number;
  readonly answer: string | undefined;
}

function unary(client: EchoClient, message: Buffer): Promise<Outcome> {
  return new Promise((resolve) =>
    client.unary(message, new grpc.Metadata(), {}, (error, value) =>
      resolve({ code: error?.code ?? grpc.status.OK, answer: value?.toString() }),
    ),
  );
}

function packed(content: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

/** A unary call by hand: status, `grpc-status` from wherever it came, and all fields. */
async function call(t: TestContext, edge: Edge, body: Buffer, fields: http2.OutgoingHttpHeaders) {
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  session.on("error", () => undefined);
  t.after(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/test.Echo/Unary",
    "content-type": "application/grpc",
    te: "trailers",
    ...fields,
  });
  stream.on("error", () => undefined);
  let all: http2.IncomingHttpHeaders = {};
  for (const event of ["response", "trailers"])
    stream.on(event, (seen: http2.IncomingHttpHeaders) => {
      all = { ...all, ...seen };
    });
  stream.resume();
  stream.end(body);
  await once(stream, "close");
  return { status: all["grpc-status"], fields: all };
}

for (const [coding, pack] of [
  ["gzip", gzipSync],
  ["deflate", deflateSync],
] as const) {
  test(`a message in ${coding} is looked at, and goes on as it came`, async (t) => {
    const { edge, echo } = await start(t);
    const client = connectEcho(t, edge.port, {
      "grpc.default_compression_algorithm": coding === "gzip" ? 2 : 1,
    });
    assert.deepEqual(await unary(client, Buffer.from("hello")), { code: 0, answer: "hello" });
    assert.equal(echo.metadata.length, 1);
    const refused = await unary(client, Buffer.from(attack));
    assert.equal(refused.code, grpc.status.INVALID_ARGUMENT);
    assert.equal(echo.metadata.length, 1, "nothing of the call arrived");
    assert.equal((await edge.logLines()).at(-1)!["zion.reason"], "waf_patterns");
    const byHand = await call(t, edge, packed(pack("hello")), { "grpc-encoding": coding });
    assert.equal(byHand.status, "0");
  });
}

test("both sides of a call talk in turn, compressed, and an attack ends it", async (t) => {
  const { edge } = await start(t);
  const talk = connectEcho(t, edge.port, GZIP).talk();
  talk.on("error", () => undefined);
  const status = new Promise<grpc.StatusObject>((resolve) => talk.on("status", resolve));
  const heard: string[] = [];
  talk.on("data", (part: Buffer) => heard.push(part.toString()));
  for (const text of ["one", "two", "three"]) {
    talk.write(Buffer.from(text));
    await once(talk, "data");
  }
  talk.write(Buffer.from(attack));
  assert.equal((await status).code, grpc.status.INVALID_ARGUMENT);
  assert.deepEqual(heard, ["one", "two", "three"]);
});

test("a message of megabytes is held until its verdict, then passes whole", async (t) => {
  const { edge } = await start(t);
  // Half of it compresses, so that its compressed form is long too.
  const long = Buffer.concat([
    randomBytes(600_000),
    Buffer.from("words of a text. ".repeat(30_000)),
  ]).toString("base64");
  const client = connectEcho(t, edge.port, GZIP);
  const { code, answer } = await unary(client, Buffer.from(long));
  assert.equal(code, grpc.status.OK);
  assert.ok(answer === long);
  assert.equal(edge.metric("zion_waf_held_bytes"), 0);
});

test("a long message with an attack at its end was not sent", async (t) => {
  const { edge, echo } = await start(t);
  const content = `${randomBytes(400_000).toString("base64")} ${attack}`;
  const { status } = await call(t, edge, packed(gzipSync(content)), { "grpc-encoding": "gzip" });
  assert.equal(status, "3");
  assert.ok(echo.metadata.length <= 1, "the head of the call may have arrived");
});

for (const [title, body, encoding, status] of [
  ["a coding that nobody undoes", packed(Buffer.from("snappy")), "snappy", "12"],
  ["no coding named", packed(gzipSync("hello")), undefined, "12"],
  ["identity named", packed(gzipSync("hello")), "identity", "12"],
  ["broken gzip", packed(Buffer.from("not gzip at all")), "gzip", "3"],
  ["a bomb", packed(gzipSync(Buffer.alloc(4 << 20))), "gzip", "3"],
  ["a cut message", packed(gzipSync("hello")).subarray(0, 12), "gzip", "3"],
] as const) {
  test(`a compressed message with ${title} is refused with status ${status}`, async (t) => {
    const { edge } = await start(t);
    const answer = await call(t, edge, body, encoding === undefined ? {} : { "grpc-encoding": encoding });
    assert.equal(answer.status, status);
    assert.equal(edge.metric("zion_defects_total"), 0);
    if (status === "12") assert.equal(answer.fields["grpc-accept-encoding"], "identity,gzip,deflate,br,zstd");
  });
}

test("a coding that is named and not used hinders nobody", async (t) => {
  const { edge } = await start(t);
  const plain = Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), Buffer.from("hello")]);
  for (const encoding of ["gzip", "snappy", "identity"])
    assert.equal((await call(t, edge, plain, { "grpc-encoding": encoding })).status, "0", encoding);
});

test("compressed gRPC-Web is held like a coded body", async (t) => {
  const { edge } = await start(t);
  const fields = { "content-type": "application/grpc-web", "grpc-encoding": "gzip" };
  const { fields: answer } = await call(t, edge, packed(gzipSync(attack)), fields);
  assert.equal(answer[":status"], 400);
});

test("in a shadow compressed calls pass, and the finding is counted", async (t) => {
  const { edge } = await start(t, "waf_shadow = true");
  const client = connectEcho(t, edge.port, GZIP);
  assert.deepEqual(await unary(client, Buffer.from(attack)), { code: 0, answer: attack });
  const brotli = packed(brotliCompressSync(attack));
  // The service knows no brotli; the gateway let it through.
  assert.notEqual((await call(t, edge, brotli, { "grpc-encoding": "br" })).status, undefined);
  assert.equal(edge.metric("zion_gate_decisions_total", "shadow"), 2);
});
