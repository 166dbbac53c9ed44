import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { type TestContext, test } from "node:test";
import { accepting, afterHead, closeCode, echoing, frame, masked, switching } from "../support/websocket.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";

// RFC 8441: a WebSocket in a stream of an HTTP/2 connection, by extended CONNECT.

interface Setting extends Bench {
  readonly session: http2.ClientHttp2Session;
}

async function start(t: TestContext, options: BenchOptions = {}): Promise<Setting> {
  const bench = await startBench(t, {
    script: accepting,
    route: 'mode = "websocket"',
    ...options,
    server: `h2c = true\n${options.server ?? ""}`,
  });
  const session = http2.connect(`http://127.0.0.1:${bench.edge.port}`);
  session.on("error", () => undefined);
  t.after(() => session.destroy());
  await once(session, "remoteSettings");
  return { ...bench, session };
}

interface Stream {
  readonly stream: http2.ClientHttp2Stream;
  readonly status: number;
  readonly fields: http2.IncomingHttpHeaders;
  /** Everything received. */
  received(): Buffer;
  until(bytes: number): Promise<Buffer>;
}

async function connect(
  session: http2.ClientHttp2Session,
  fields: http2.OutgoingHttpHeaders = {},
  endStream = false,
): Promise<Stream> {
  const stream = session.request(
    {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "http",
      ":authority": "a.test",
      ":path": "/chat",
      "sec-websocket-version": "13",
      ...fields,
    },
    { endStream },
  );
  stream.on("error", () => undefined);
  const [answer] = (await once(stream, "response")) as [http2.IncomingHttpHeaders & { ":status": number }];
  let bytes: Buffer = Buffer.alloc(0);
  stream.on("data", (piece: Buffer) => {
    bytes = Buffer.concat([bytes, piece]);
  });
  return {
    stream,
    status: answer[":status"],
    fields: answer,
    received: () => bytes,
    async until(count) {
      while (bytes.length < count) await once(stream, "data");
      return bytes;
    },
  };
}

async function tunnelLine({ edge }: Bench): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const line = (await edge.logLines()).find((one) => one["http.response.status_code"] === 101);
    if (line !== undefined) return line;
    await new Promise((done) => setImmediate(done));
  }
}

test("extended CONNECT is offered only where a route serves WebSocket", async (t) => {
  const with_ = await start(t);
  assert.equal(with_.session.remoteSettings.enableConnectProtocol, true);
  const without = await start(t, { route: "" });
  assert.equal(without.session.remoteSettings.enableConnectProtocol, false);
});

test("an extended CONNECT is a handshake to the upstream, and frames go both ways beside other streams", async (t) => {
  const setting = await start(t, { script: echoing });
  const { session, origin } = setting;
  const one = await connect(session, { "sec-websocket-protocol": "chat", origin: "http://a.test" });
  const other = await connect(session);
  assert.deepEqual([one.status, other.status], [200, 200]);
  for (const name of ["sec-websocket-accept", "upgrade", "connection"])
    assert.equal(one.fields[name], undefined, name);
  const { method, target, fields } = origin.requests[0]!;
  assert.deepEqual([method, target], ["GET", "/chat"]);
  const sent = (name: string): string[] => fields.filter(([at]) => at === name).map(([, value]) => value);
  assert.deepEqual(sent("connection"), ["Upgrade"]);
  assert.deepEqual(sent("upgrade"), ["websocket"]);
  assert.deepEqual(sent("sec-websocket-protocol"), ["chat"]);
  assert.equal(Buffer.from(sent("sec-websocket-key")[0]!, "base64").length, 16);
  assert.notDeepEqual(
    sent("sec-websocket-key"),
    origin.requests[1]!.fields.filter(([at]) => at === "sec-websocket-key").map(([, value]) => value),
  );
  const payload = Buffer.alloc(300_000, "0123456789abcdef-");
  one.stream.write(masked(2, payload));
  other.stream.write(masked(1, "hello"));
  assert.ok((await one.until(payload.length + 10)).equals(frame(2, payload)));
  assert.ok((await other.until(7)).equals(frame(1, "hello")));
  one.stream.write(masked(8, Buffer.from([3, 232])));
  await once(one.stream, "end");
  assert.equal(closeCode(one.received().subarray(payload.length + 10)), 1000);
  const line = await tunnelLine(setting);
  assert.equal(line["zion.reason"], undefined);
  assert.equal(line["network.protocol.version"], "2");
  assert.ok(!session.closed && !session.destroyed);
});

for (const [title, fields, status, reason] of [
  ["another version", { "sec-websocket-version": "8" }, 426, "websocket_version"],
  ["no version", { "sec-websocket-version": undefined }, 400, "websocket_handshake"],
  ["a key of its own", { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" }, 400, "singleton_dup"],
  ["a foreign origin", { origin: "https://evil.test" }, 403, "websocket_origin"],
  ["a body with a length", { "content-length": "5" }, 400, "upgrade_body"],
  ["another protocol", { ":protocol": "connect-udp" }, 405, "method"],
] as const) {
  test(`an extended CONNECT with ${title} is refused with ${status}`, async (t) => {
    const { session, origin, edge } = await start(t);
    const answer = await connect(session, fields as unknown as http2.OutgoingHttpHeaders);
    assert.equal(answer.status, status);
    assert.equal((await edge.logLine(answer.fields["x-request-id"] as string))["zion.reason"], reason);
    assert.equal(origin.connections.length, 0);
    assert.equal((await connect(session)).status, 200);
  });
}

test("on a route without WebSocket an extended CONNECT is refused, never a plain request", async (t) => {
  const { session, origin } = await start(t, {
    route: 'mode = "websocket"\nhosts = ["a.test"]',
    tables: '[[route]]\npath = "/{*rest}"\nupstream = "app"\nwaf = false\n',
  });
  assert.equal((await connect(session, { ":authority": "b.test" })).status, 405);
  assert.equal(origin.connections.length, 0);
});

test("an upstream that does not switch is relayed, and what the client sent goes nowhere", async (t) => {
  const { session, origin } = await start(t, {
    script: (_request, connection) =>
      void connection.socket.write("HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnope"),
  });
  const answer = await connect(session);
  answer.stream.write(masked(1, "frame"));
  assert.equal(answer.status, 404);
  await answer.until(4);
  await once(answer.stream, "close");
  assert.ok(origin.connections.every((far) => far.leftover().length === 0));
});

test("frames that come before the switch wait for it", async (t) => {
  const { session, origin } = await start(t, {
    script: (request, connection) => void setTimeout(() => connection.socket.write(switching(request)), 200),
  });
  const pending = connect(session);
  const early = masked(1, "early");
  await origin.request(0);
  const { stream } = await pending;
  stream.write(early);
  while (afterHead(origin.connections[0]!).length < early.length)
    await once(origin.connections[0]!.socket, "data");
  assert.ok(afterHead(origin.connections[0]!).equals(early));
});

test("a reset of either end ends the other, and the connection goes on", async (t) => {
  const { session, origin, edge } = await start(t);
  const first = await connect(session);
  first.stream.close(http2.constants.NGHTTP2_CANCEL);
  await origin.connections[0]!.over;
  const second = await connect(session);
  origin.connections[1]!.socket.resetAndDestroy();
  await once(second.stream, "close");
  assert.equal((await connect(session)).status, 200);
  assert.equal(edge.metric("zion_websocket_connections"), 1);
  assert.equal(edge.metric("zion_defects_total"), 0);
});

test("broken frames, idleness and a drain close with their codes", async (t) => {
  const { session, origin, edge } = await start(t, { route: 'mode = "websocket"\nwebsocket_idle_secs = 2' });
  const broken = await connect(session);
  broken.stream.write(frame(1, "no mask"));
  await once(broken.stream, "end");
  assert.equal(closeCode(broken.received()), 1002);
  await origin.connections[0]!.over;
  const idle = await connect(session);
  await once(idle.stream, "end");
  assert.equal(closeCode(idle.received()), 1001);
  const drained = await connect(session);
  const end = once(drained.stream, "end");
  assert.equal(await edge.drain(3000), 0);
  await end;
  assert.equal(closeCode(drained.received()), 1001);
  assert.equal(closeCode(afterHead(origin.connections[2]!)), 1001);
});

test("a reader that stops holds the other streams' memory in bounds, then is cut off", async (t) => {
  const setting = await start(t, { server: "write_timeout_ms = 500" });
  const slow = await connect(setting.session);
  slow.stream.pause();
  setting.origin.connections[0]!.socket.write(frame(2, Buffer.alloc(32 << 20)));
  await setting.origin.connections[0]!.over;
  assert.equal((await tunnelLine(setting))["zion.reason"], "write_timeout");
});

for (const [title, fields, endStream] of [
  ["its own head ends", {}, true],
  ["it says that it has no body", { "content-length": "0" }, false],
] as const) {
  test(`a client that ends its side ends the tunnel, even where ${title}`, async (t) => {
    const { session, origin } = await start(t);
    const { stream, status } = await connect(session, fields, endStream);
    assert.equal(status, 200);
    stream.resume();
    if (!endStream) stream.end();
    await once(stream, "close");
    await origin.connections[0]!.over;
    assert.ok(!session.closed && !session.destroyed);
  });
}
