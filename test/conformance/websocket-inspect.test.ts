import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { type TestContext, test } from "node:test";
import type { OriginConnection } from "../support/origin.ts";
import { ask, type RawClient } from "../support/raw-client.ts";
import {
  accepting,
  afterHead,
  closeCode,
  echoing,
  type Frame,
  frame,
  handshake,
  masked,
  open,
  readFrame,
  switching,
} from "../support/websocket.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";

// `websocket_inspect`: what a client says in a WebSocket passes the WAF message by message, and refused ones reach nobody.

const attack = "' UNION SELECT password FROM users-- -";

interface Pair extends Bench {
  readonly client: RawClient;
  readonly far: OriginConnection;
}

async function start(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  return startBench(t, {
    script: accepting,
    waf: true,
    ...options,
    route: `mode = "websocket"\nwebsocket_inspect = true\n${options.route ?? ""}`,
  });
}

async function openPair(t: TestContext, options: BenchOptions = {}): Promise<Pair> {
  const bench = await start(t, options);
  const client = await open(bench.edge.port);
  t.after(() => client.destroy());
  return { ...bench, client, far: bench.origin.connections[0]! };
}

/** The frames that an end received so far. */
function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let rest = bytes; ; ) {
    const read = readFrame(rest);
    if (read === undefined) return frames;
    frames.push(read);
    rest = rest.subarray(read.size);
  }
}

async function heard(far: OriginConnection, count: number): Promise<Frame[]> {
  while (framesOf(afterHead(far)).length < count) await once(far.socket, "data");
  return framesOf(afterHead(far));
}

async function tunnelLine({ edge }: Bench): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const line = (await edge.logLines()).find((one) => one["http.response.status_code"] === 101);
    if (line !== undefined) return line;
    await new Promise((done) => setImmediate(done));
  }
}

function payloads(frames: readonly Frame[]): string[] {
  return frames.map(({ opcode, payload }) => `${opcode} ${payload.toString("latin1")}`);
}

test("clean messages pass, each in one frame, however they were cut", async (t) => {
  const { client, far, edge } = await openPair(t);
  const long = Buffer.alloc(70_000, "some words of a longer text. ");
  const sent = Buffer.concat([
    masked(1, "hello"),
    masked(1, ""),
    masked(1, '{"say":', true),
    masked(9, "ping"),
    masked(0, '"something"', true),
    masked(0, "}"),
    masked(2, Buffer.from([0, 1, 2, 250])),
    masked(1, long),
    masked(8, Buffer.from([3, 232])),
  ]);
  for (let at = 0; at < 60; at++) await client.sendPieces([sent.subarray(at, at + 1)]);
  client.send(sent.subarray(60));
  const frames = await heard(far, 7);
  assert.deepEqual(
    payloads(frames),
    payloads(
      [
        { opcode: 1, payload: "hello" },
        { opcode: 1, payload: "" },
        { opcode: 9, payload: "ping" },
        { opcode: 1, payload: '{"say":"something"}' },
        { opcode: 2, payload: "\0\x01\x02\xfa" },
        { opcode: 1, payload: long.toString() },
        { opcode: 8, payload: "\x03\xe8" },
      ].map(({ opcode, payload }) => ({
        opcode,
        payload: Buffer.from(payload, "latin1"),
        final: true,
        size: 0,
      })),
    ),
  );
  assert.ok(frames.every(({ final }) => final));
  assert.equal(edge.metric("zion_websocket_messages_total"), 5);
});

const attacks: readonly (readonly [title: string, bytes: Buffer])[] = [
  ["a text message", masked(1, `hello ${attack}`)],
  ["a value in JSON, escaped", masked(1, '{"name":"\\u0027 UNION \\u0053ELECT password FROM users-- -"}')],
  ["a binary message", masked(2, `hello ${attack}`)],
  [
    "fragments of one message, with a ping between",
    Buffer.concat([
      masked(1, "hello ' UNION SEL", true),
      masked(9, "x"),
      masked(0, "ECT password FROM users-- -"),
    ]),
  ],
  ["a message of many pieces", masked(1, `${"word ".repeat(20_000)}${attack}`)],
  ["a message behind clean ones", Buffer.concat([masked(1, "a"), masked(1, "b"), masked(1, attack)])],
];

for (const [title, bytes] of attacks) {
  test(`an attack in ${title} closes both ends with 1008, and none of it was sent on`, async (t) => {
    const pair = await openPair(t);
    const { client, far, edge } = pair;
    client.send(Buffer.concat([bytes, masked(1, "and more")]));
    await client.untilOver();
    await far.over;
    assert.equal(closeCode(client.rest), 1008);
    const frames = framesOf(afterHead(far));
    assert.equal(frames.at(-1)!.payload.readUInt16BE(0), 1008);
    assert.doesNotMatch(frames.map(({ payload }) => payload.toString()).join(), /UNION|more/);
    const line = await tunnelLine(pair);
    assert.equal(line["zion.reason"], "waf_patterns");
    assert.equal(line["zion.decision"], "deny");
    assert.equal(line["zion.waf.gate"], "patterns");
    assert.equal(line["zion.waf.mode"], "enforce");
    assert.equal(edge.metric("zion_reject_total", "waf_patterns"), 1);
    assert.equal(edge.metric("zion_gate_decisions_total", "patterns"), 1);
    assert.equal(edge.metric("zion_websocket_connections"), 0);
    assert.equal(edge.metric("zion_defects_total"), 0);
  });
}

test("in a shadow the same message passes, and the line has the finding", async (t) => {
  const pair = await openPair(t, { route: "waf_shadow = true" });
  const { client, far } = pair;
  client.send(Buffer.concat([masked(1, attack), masked(1, "after")]));
  assert.deepEqual(payloads(await heard(far, 2)), [`1 ${attack}`, "1 after"]);
  client.destroy();
  const line = await tunnelLine(pair);
  assert.equal(line["zion.waf.mode"], "shadow");
  assert.ok(JSON.stringify(line["zion.waf.findings"]).includes("sql"));
});

test("what the upstream says is not looked at", async (t) => {
  const { client, far } = await openPair(t);
  far.socket.write(frame(1, attack));
  await client.until(() => framesOf(client.rest).length > 0);
  assert.equal(framesOf(client.rest)[0]!.payload.toString(), attack);
});

for (const [title, bytes, code, reason] of [
  ["longer than the cap, by its head", masked(1, Buffer.alloc(2000, 97)), 1009, "websocket_size"],
  [
    "longer than the cap, by its fragments",
    Buffer.concat([masked(2, Buffer.alloc(900), true), masked(0, Buffer.alloc(900))]),
    1009,
    "websocket_size",
  ],
  [
    "longer than any",
    Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
    1009,
    "websocket_size",
  ],
  ["without a mask", frame(1, "hello"), 1002, "websocket_protocol"],
  ["with a reserved bit", frame(1, "hello", { mask: true, bits: 0x40 }), 1002, "websocket_protocol"],
  ["of a reserved opcode", masked(3, "hello"), 1002, "websocket_protocol"],
  ["begun inside another", Buffer.concat([masked(1, "a", true), masked(1, "b")]), 1002, "websocket_protocol"],
  ["of text that is not UTF-8", masked(1, Buffer.from([0xc0, 0xaf])), 1007, "websocket_protocol"],
] as const) {
  test(`a message ${title} ends the tunnel with ${code} on both sides`, async (t) => {
    const pair = await openPair(t, { route: "websocket_max_message_kb = 1" });
    pair.client.send(bytes);
    await pair.client.untilOver();
    await pair.far.over;
    assert.equal(closeCode(pair.client.rest), code);
    assert.equal(closeCode(afterHead(pair.far)), code);
    assert.equal((await tunnelLine(pair))["zion.reason"], reason);
  });
}

test("a message of exactly the cap passes", async (t) => {
  const { client, far } = await openPair(t, { route: "websocket_max_message_kb = 1" });
  client.send(masked(2, Buffer.alloc(1024, 7)));
  assert.equal((await heard(far, 1))[0]!.payload.length, 1024);
});

for (const [title, piece] of [
  ["empty fragments", masked(0, "", true)],
  ["pings", masked(9)],
] as const) {
  test(`a flood of ${title} is closed with 1008`, async (t) => {
    const pair = await openPair(t);
    const { client } = pair;
    if (title === "empty fragments") client.send(masked(1, "a", true));
    client.send(Buffer.concat(Array.from({ length: 3000 }, () => piece)));
    await client.untilOver();
    assert.equal(closeCode(client.rest), 1008);
    assert.equal((await tunnelLine(pair))["zion.reason"], "websocket_flood");
  });
}

test("compression is not negotiated where messages are looked at", async (t) => {
  const { origin, edge } = await start(t);
  const client = await open(edge.port, {}, handshake("Sec-WebSocket-Extensions: permessage-deflate"));
  t.after(() => client.destroy());
  assert.deepEqual(
    origin.requests[0]!.fields.filter(([name]) => name === "sec-websocket-extensions"),
    [],
  );
});

test("an upstream that compresses unasked is no WebSocket", async (t) => {
  const { edge } = await start(t, {
    script: (request, connection) =>
      void connection.socket.write(
        switching(request, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"),
      ),
  });
  const answer = await ask(edge.port, handshake("Sec-WebSocket-Extensions: permessage-deflate"));
  assert.equal(answer.status, 502);
  assert.equal(edge.metric("zion_websocket_connections"), 0);
});

test("the last message before the client's FIN is sent on, also when it took turns to look at", async (t) => {
  const { client, far } = await openPair(t, {
    script: (request, connection) => {
      connection.socket.removeAllListeners("end");
      connection.socket.write(switching(request));
    },
  });
  const text = "a longer text with 'quotes' and <angles> in it. ".repeat(10_000);
  client.send(Buffer.concat([masked(1, text), masked(1, "last")]));
  client.end();
  const ended = once(far.socket, "end");
  assert.deepEqual(
    (await heard(far, 2)).map(({ payload }) => payload.length),
    [text.length, 4],
  );
  await ended;
});

test("hundreds of messages in one read pass in order, past an upstream that pauses", async (t) => {
  const { client, far } = await openPair(t, { keepBodies: true });
  far.socket.pause();
  const sent = Array.from({ length: 400 }, (_, at) => `${at} ${"x".repeat(20_000)}`);
  for (const text of sent) client.send(masked(1, text));
  await new Promise((done) => setTimeout(done, 200));
  far.socket.resume();
  assert.deepEqual(
    (await heard(far, sent.length)).map(({ payload }) => payload.toString().split(" ")[0]),
    sent.map((_, at) => String(at)),
  );
});

test("over HTTP/2 it is the same", async (t) => {
  const bench = await start(t, { server: "h2c = true", script: echoing });
  const session = http2.connect(`http://127.0.0.1:${bench.edge.port}`);
  session.on("error", () => undefined);
  t.after(() => session.destroy());
  await once(session, "remoteSettings");
  const stream = session.request(
    {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "http",
      ":authority": "a.test",
      ":path": "/chat",
      "sec-websocket-version": "13",
      "sec-websocket-extensions": "permessage-deflate",
    },
    { endStream: false },
  );
  let got: Buffer = Buffer.alloc(0);
  stream.on("data", (piece: Buffer) => {
    got = Buffer.concat([got, piece]);
  });
  await once(stream, "response");
  stream.write(Buffer.concat([masked(1, "hel", true), masked(0, "lo")]));
  while (framesOf(got).length < 1) await once(stream, "data");
  assert.deepEqual(payloads(framesOf(got)), ["1 hello"]);
  stream.write(masked(1, attack));
  await once(stream, "end");
  assert.equal(closeCode(got.subarray(framesOf(got)[0]!.size)), 1008);
  assert.equal((await tunnelLine(bench))["zion.reason"], "waf_patterns");
});

test("without the key a tunnel stays opaque: the same attack passes as it is", async (t) => {
  const bench = await startBench(t, { script: accepting, waf: true, route: 'mode = "websocket"' });
  const client = await open(bench.edge.port);
  t.after(() => client.destroy());
  const sent = Buffer.concat([masked(1, "' UNION SELECT ", true), masked(0, "password FROM users-- -")]);
  client.send(sent);
  const far = bench.origin.connections[0]!;
  while (afterHead(far).length < sent.length) await once(far.socket, "data");
  assert.ok(afterHead(far).equals(sent));
});
