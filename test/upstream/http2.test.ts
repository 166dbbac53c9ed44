import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import { type Http2Arrival, type Http2OriginOptions, startHttp2Origin } from "../support/http2-origin.ts";
import { ask, connect, field, fieldAll } from "../support/raw-client.ts";
import {
  DATA,
  END_STREAM,
  frame,
  goAwayFrame,
  headersFrame,
  RST_STREAM,
  resetFrame,
  startRawHttp2Origin,
} from "../support/raw-http2-origin.ts";

interface UpstreamLines {
  readonly protocol?: string;
  readonly upstream?: string;
  readonly route?: string;
  readonly url?: string;
}

function config(port: number, { protocol = "h2c", upstream = "", route = "", url }: UpstreamLines): string {
  return `
[server]
http_mode = "serve"

[upstream.app]
url = "${url ?? `http://127.0.0.1:${port}`}"
protocol = "${protocol}"
${upstream}

[[route]]
path = "/{*rest}"
upstream = "app"
waf = false
${route}
`;
}

async function startEdgeFor(t: TestContext, port: number, lines: UpstreamLines = {}): Promise<Edge> {
  const edge = await startEdge(config(port, lines));
  t.after(() => edge.stop());
  return edge;
}

async function startPair(
  t: TestContext,
  answer: (arrival: Http2Arrival) => void,
  lines: UpstreamLines = {},
  options: Http2OriginOptions = {},
) {
  const origin = await startHttp2Origin(t, answer, options);
  return { origin, edge: await startEdgeFor(t, origin.port, lines) };
}

const get = (target: string, ...fields: string[]): string =>
  `GET ${target} HTTP/1.1\r\nHost: a.test\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`;

const post = (body: string, ...fields: string[]): string =>
  `POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n${body}`;

const echo = ({ stream, body, headers }: Http2Arrival): void => {
  void body.then((bytes) => {
    if (stream.destroyed) return;
    stream.respond({ ":status": 200, "x-method": headers[":method"] });
    stream.end(bytes);
  });
};

test("a request goes over HTTP/2 with the fields it would have over HTTP/1.1, and its answer comes back", async (t) => {
  const { edge, origin } = await startPair(t, echo);
  const client = await connect(edge.port);
  client.send(
    post("hello", "X-Custom: a", "X-Custom: b", "Keep-Alive: 5", "Connection: keep-alive, X-Hop", "X-Hop: 1"),
  );
  const answer = await client.answer();
  assert.deepEqual([answer?.status, answer?.body.toString(), answer?.end], [200, "hello", "framed"]);
  assert.equal(field(answer!, "x-method"), "POST");
  const { headers, raw } = origin.arrivals[0]!;
  assert.equal(headers[":authority"], `127.0.0.1:${origin.port}`);
  assert.equal(headers[":path"], "/x");
  assert.equal(headers[":scheme"], "http");
  assert.equal(headers["content-length"], "5");
  assert.equal(headers["x-forwarded-host"], "a.test");
  const names = raw.filter((_, at) => at % 2 === 0);
  for (const gone of ["host", "connection", "keep-alive", "x-hop", "transfer-encoding", "te"])
    assert.ok(!names.includes(gone), gone);
  assert.equal(names.filter((name) => name === "x-custom").length, 2);
  client.destroy();
});

test("many exchanges share one session, at once and one after the other", async (t) => {
  const { edge, origin } = await startPair(t, echo);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(edge.port, post(`body ${n}`))));
  assert.deepEqual(
    answers.map((answer) => answer.body.toString()),
    Array.from({ length: 50 }, (_, n) => `body ${n}`),
  );
  assert.equal((await ask(edge.port, post("again"))).body.toString(), "again");
  assert.equal(origin.sessions.length, 1);
  assert.equal(edge.metric("zion_upstream_connections"), 1);
});

test("no more streams are opened in a session than the endpoint allows", async (t) => {
  const held: Http2Arrival["stream"][] = [];
  const { edge, origin } = await startPair(
    t,
    ({ stream, headers }) => {
      if (headers[":path"] === "/x" && held.push(stream) < 12) return;
      for (const one of [stream, ...held]) {
        if (!one.headersSent) one.respond({ ":status": 204 }, { endStream: true });
      }
    },
    {},
    { settings: { maxConcurrentStreams: 3 } },
  );
  assert.equal((await ask(edge.port, get("/first"))).status, 204);
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(edge.port, get("/x"))));
  assert.ok(answers.every(({ status }) => status === 204));
  // Until its settings are here, a new session is taken to allow more: the endpoint refuses what is too much, and it
  // is tried again.
  assert.ok(origin.sessions.length > 1, "further sessions");
});

test("answers without content, with a length, and to HEAD are framed for the client", async (t) => {
  const { edge } = await startPair(t, ({ stream, headers }) => {
    const { ":path": target } = headers;
    if (target === "/204") stream.respond({ ":status": 204 }, { endStream: true });
    else if (target === "/304") stream.respond({ ":status": 304, etag: '"a"' }, { endStream: true });
    else if (target === "/empty") stream.respond({ ":status": 200 }, { endStream: true });
    else if (target === "/head") stream.respond({ ":status": 200, "content-length": 7 }, { endStream: true });
    else {
      stream.respond({ ":status": 200, "content-length": 3 });
      stream.end("abc");
    }
  });
  const client = await connect(edge.port);
  client.send(get("/204"));
  assert.deepEqual((await client.answer())?.status, 204);
  client.send(get("/304"));
  assert.deepEqual((await client.answer())?.status, 304);
  client.send(get("/empty"));
  const empty = await client.answer();
  assert.deepEqual([empty?.status, field(empty!, "content-length")], [200, "0"]);
  client.send(get("/length"));
  const sized = await client.answer();
  assert.deepEqual([sized?.body.toString(), field(sized!, "content-length")], ["abc", "3"]);
  assert.deepEqual(fieldAll(sized!, "transfer-encoding"), []);
  client.send(get("/head").replace("GET", "HEAD"));
  assert.equal(field((await client.answer("HEAD"))!, "content-length"), "7");
  client.destroy();
});

test("trailers go both ways", async (t) => {
  const { edge, origin } = await startPair(
    t,
    ({ stream, body }) => {
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1", "set-cookie": "a=b" }));
      void body.then((bytes) => stream.end(bytes));
    },
    { route: "trailers = true" },
  );
  const client = await connect(edge.port);
  client.send(
    "POST /x HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Req: 7\r\n\r\n",
  );
  const answer = await client.answer();
  assert.equal(answer?.body.toString(), "hi");
  assert.match(client.received.toString("latin1"), /0\r\nx-sum: 1\r\n\r\n$/);
  assert.equal(origin.arrivals[0]!.headers.te, "trailers");
  assert.equal(origin.arrivals[0]!.trailers()?.["x-req"], "7");
  client.destroy();
});

test("both ways are open at once, byte by byte", async (t) => {
  const { edge } = await startPair(t, ({ stream }) => {
    stream.respond({ ":status": 200 });
    stream.on("data", (bytes: Buffer) => stream.write(bytes));
    stream.on("end", () => stream.end());
  });
  const client = await connect(edge.port);
  client.send("POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const word of ["one", "two", "three"]) {
    client.send(`${word.length}\r\n${word}\r\n`);
    await client.until(() => client.received.includes(word));
  }
  client.send("0\r\n\r\n");
  assert.equal((await client.answer())?.body.toString(), "onetwothree");
  client.destroy();
});

test("8 MiB go up and down against a slow reader without being gathered", async (t) => {
  const size = 8 * 1_048_576;
  const { edge } = await startPair(t, echo);
  const body = Buffer.alloc(size, "0123456789");
  const socket = net.connect(edge.port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write(`POST /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`);
  socket.write(body);
  let received = 0;
  for await (const piece of socket) {
    received += (piece as Buffer).length;
    if (received > size / 2 && received < size / 2 + 100_000) await new Promise(setImmediate);
  }
  assert.ok(received > size, `${received} bytes`);
});

test("a client that reads nothing does not stop the others of its session", async (t) => {
  const { edge, origin } = await startPair(t, ({ stream, headers }) => {
    stream.respond({ ":status": 200 });
    if (headers[":path"] === "/small") stream.end("small");
    else Readable.from(Array.from({ length: 256 }, () => Buffer.alloc(65_536))).pipe(stream);
  });
  const idle: net.Socket[] = [];
  t.after(() => {
    for (const socket of idle) socket.destroy();
  });
  for (let n = 0; n < 20; n++) {
    const socket = net.connect(edge.port, "127.0.0.1");
    socket.pause();
    socket.write(get("/large"));
    idle.push(socket);
  }
  while (origin.arrivals.length < 20) await new Promise(setImmediate);
  assert.equal(edge.metric("zion_upstream_in_flight"), 20);
  for (let n = 0; n < 20; n++) assert.equal((await ask(edge.port, get("/small"))).body.toString(), "small");
  assert.equal(origin.sessions.length, 1);
});

test("a session that clients reset again and again is replaced, and others lose nothing", async (t) => {
  const { edge, origin } = await startPair(t, ({ stream, headers }) => {
    stream.respond({ ":status": 200 });
    if (headers[":path"] === "/small") stream.end("small");
    else stream.write("first");
  });
  const stays = await connect(edge.port);
  stays.send(get("/stays"));
  await stays.until(() => stays.received.includes("first"));
  for (let n = 0; n < 100; n++) {
    const client = await connect(edge.port);
    client.send(get("/x"));
    await client.until(() => client.received.includes("first"));
    client.reset();
    assert.equal((await ask(edge.port, get("/small"))).body.toString(), "small");
  }
  assert.equal(origin.sessions.length, 2);
  origin.arrivals[0]!.stream.end("last");
  assert.equal((await stays.answer())?.body.toString(), "firstlast");
  stays.destroy();
});

test("a reload that changes the upstream lets streams end, and then their session", async (t) => {
  const { edge, origin } = await startPair(t, ({ stream }) => {
    stream.respond({ ":status": 200 });
    stream.write("first");
  });
  const client = await connect(edge.port);
  client.send(get("/x"));
  await client.until(() => client.received.includes("first"));
  edge.reload(config(origin.port, { upstream: "idle_timeout_ms = 50000" }));
  const { stream, session } = origin.arrivals[0]!;
  const closed = new Promise((resolve) => session.on("close", resolve));
  stream.end("last");
  assert.equal((await client.answer())?.body.toString(), "firstlast");
  await closed;
  client.destroy();
});

for (const [title, cut] of [
  ["reset with an error", (socket: net.Socket) => socket.write(resetFrame(1, 2))],
  ["reset as no longer wanted", (socket: net.Socket) => socket.write(resetFrame(1, 8))],
  ["reset without an error, but not ended", (socket: net.Socket) => socket.write(resetFrame(1, 0))],
  ["ended with its connection", (socket: net.Socket) => socket.end()],
  ["ended with its session", (socket: net.Socket) => socket.write(goAwayFrame(1, 2))],
] as const) {
  test(`an answer that is ${title} never looks complete`, async (t) => {
    const origin = await startRawHttp2Origin(t, (socket, id) => {
      socket.write(headersFrame(id, [[":status", "200"]]));
      socket.write(frame(DATA, 0, id, Buffer.from("half")));
    });
    const edge = await startEdgeFor(t, origin.port);
    const client = await connect(edge.port);
    client.send(get("/x"));
    await client.until(() => client.received.includes("half"));
    cut(origin.sockets[0]!);
    const answer = await client.answer();
    assert.deepEqual([answer?.status, answer?.end], [200, "cut"]);
    client.destroy();
  });
}

test("an answer that is complete before the request is, and is then reset, is complete", async (t) => {
  const origin = await startRawHttp2Origin(t, (socket, id) => {
    socket.write(
      Buffer.concat([
        headersFrame(id, [[":status", "200"]]),
        frame(DATA, END_STREAM, id, Buffer.from("early")),
        resetFrame(id, 0),
      ]),
    );
  });
  const edge = await startEdgeFor(t, origin.port);
  const client = await connect(edge.port);
  client.send("POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nsome");
  const answer = await client.answer();
  assert.deepEqual([answer?.body.toString(), answer?.end], ["early", "framed"]);
  client.destroy();
});

test("a request body that its client cut never looks complete", async (t) => {
  const origin = await startRawHttp2Origin(t, () => {});
  const edge = await startEdgeFor(t, origin.port);
  for (const cut of ["reset", "end"] as const) {
    const before = origin.frames.length;
    const client = await connect(edge.port);
    client.send("POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    const seen = (type: number) => origin.frames.slice(before).filter((one) => one.type === type);
    while (seen(DATA).length === 0) await new Promise(setImmediate);
    client[cut]();
    while (seen(RST_STREAM).length === 0) await new Promise(setImmediate);
    assert.ok(
      seen(DATA).every(({ flags }) => (flags & END_STREAM) === 0),
      cut,
    );
    assert.deepEqual(
      seen(RST_STREAM).map(({ payload }) => payload.readUInt32BE()),
      [8],
      cut,
    );
    client.destroy();
  }
});

test("an upstream that sends frames at random costs its own requests only", async (t) => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const garbage = (): Buffer => {
    const payload = Buffer.from(Array.from({ length: random(40) }, () => random(256)));
    return random(4) === 0 ? payload : frame(random(12), random(256), random(3), payload);
  };
  const origin = await startRawHttp2Origin(t, (socket, id) => {
    if (random(2) === 0) socket.write(headersFrame(id, [[":status", random(2) === 0 ? "200" : "099"]]));
    for (let n = random(6); n > 0; n--) socket.write(garbage());
    if (random(2) === 0) socket.end();
  });
  const edge = await startEdgeFor(t, origin.port, {
    upstream: "request_timeout_ms = 300\nidle_timeout_ms = 300",
  });
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const client = await connect(edge.port);
        client.send(get("/x", "Connection: close"));
        const answer = await client.answer();
        assert.ok(answer !== undefined && (answer.status >= 500 || answer.status === 200));
        client.destroy();
      }),
    );
  }
  assert.equal(edge.metric("zion_defects_total"), 0);
});

for (const [title, raw] of [
  ["a status that is none", [[":status", "099"]]],
  [
    "a length that is none",
    [
      [":status", "200"],
      ["content-length", "1x"],
    ],
  ],
  [
    "two lengths",
    [
      [":status", "200"],
      ["content-length", "1"],
      ["content-length", "2"],
    ],
  ],
  [
    "a transfer coding",
    [
      [":status", "200"],
      ["transfer-encoding", "chunked"],
    ],
  ],
  [
    "a connection field",
    [
      [":status", "200"],
      ["connection", "close"],
    ],
  ],
  ["more fields than the limit", [[":status", "200"], ...Array.from({ length: 101 }, () => ["a", "b"])]],
  ["a switch of protocols", [[":status", "101"]]],
] as [string, [string, string][]][]) {
  test(`an answer with ${title} is 502, and the client sees nothing of it`, async (t) => {
    const origin = await startRawHttp2Origin(t, (socket, id) => {
      socket.write(headersFrame(id, raw, END_STREAM));
    });
    const edge = await startEdgeFor(t, origin.port);
    const answer = await ask(edge.port, get("/x"));
    assert.equal(answer.status, 502);
    assert.equal(edge.metric("zion_defects_total"), 0);
  });
}

test("requests that a leaving session did not look at go to another one", async (t) => {
  let requests = 0;
  const origin = await startRawHttp2Origin(t, (socket, id) => {
    if (requests++ === 0) socket.write(goAwayFrame(0, 0));
    else socket.write(headersFrame(id, [[":status", "204"]], END_STREAM));
  });
  const edge = await startEdgeFor(t, origin.port);
  const answer = await ask(edge.port, post(""));
  assert.equal(answer.status, 204);
  assert.equal(origin.sockets.length, 2);
});

test("a stream refused in the same breath as the session leaves is tried on another one", async (t) => {
  let requests = 0;
  const origin = await startRawHttp2Origin(t, (socket, id) => {
    if (requests++ === 0) socket.write(Buffer.concat([resetFrame(id, 7), goAwayFrame(0, 0)]));
    else socket.write(headersFrame(id, [[":status", "204"]], END_STREAM));
  });
  const edge = await startEdgeFor(t, origin.port);
  assert.equal((await ask(edge.port, get("/x"))).status, 204);
  assert.equal(origin.sockets.length, 2);
});

test("sessions that leave, each with a stream that lasts, take no place of those that serve", async (t) => {
  const lasting = 40;
  let requests = 0;
  const origin = await startRawHttp2Origin(t, (socket, id) => {
    const isLasting = requests++ < lasting;
    socket.write(headersFrame(id, [[":status", "200"]], isLasting ? 0 : END_STREAM));
    if (isLasting) socket.write(goAwayFrame(id, 0));
  });
  const edge = await startEdgeFor(t, origin.port);
  for (let n = 0; n < lasting; n++) {
    const client = await connect(edge.port);
    t.after(() => client.destroy());
    client.send(get("/lasting"));
    await client.until(() => client.received.includes("\r\n\r\n"));
    assert.ok(client.received.toString("latin1").startsWith("HTTP/1.1 200"), `stream ${n}`);
  }
  assert.equal((await ask(edge.port, get("/x"))).status, 200);
});

test("a client that goes resets its stream, and others in the session go on", async (t) => {
  let resetCode: number | undefined;
  let resolveReset = (): void => {};
  const reset = new Promise<void>((resolve) => {
    resolveReset = resolve;
  });
  const { edge, origin } = await startPair(t, ({ stream, headers }) => {
    if (headers[":path"] !== "/gone") {
      stream.respond({ ":status": 200 });
      stream.end("ok");
      return;
    }
    stream.respond({ ":status": 200 });
    stream.write("first");
    stream.on("close", () => {
      resetCode = stream.rstCode;
      resolveReset();
    });
  });
  const client = await connect(edge.port);
  client.send(get("/gone"));
  await client.until(() => client.received.includes("first"));
  client.reset();
  await reset;
  assert.equal(resetCode, 8);
  assert.equal((await ask(edge.port, get("/x"))).body.toString(), "ok");
  assert.equal(origin.sessions.length, 1);
});

test("a refused stream is tried again, whatever its method", async (t) => {
  const { edge, origin } = await startPair(t, (arrival) => {
    if (origin.arrivals.length === 1) arrival.stream.close(7);
    else echo(arrival);
  });
  assert.equal((await ask(edge.port, get("/x"))).status, 200);
  assert.equal(origin.arrivals.length, 2);
});

test("no answer in time is 504, and the stream is reset", async (t) => {
  const { edge, origin } = await startPair(t, () => {}, {
    upstream: "request_timeout_ms = 200\n[upstream.app.retry]\nattempts = 0",
  });
  const answer = await ask(edge.port, get("/x"));
  assert.equal(answer.status, 504);
  assert.equal(origin.arrivals.length, 1);
});

test("an upstream that speaks no HTTP/2 is 502", async (t) => {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const edge = await startEdgeFor(t, (server.address() as net.AddressInfo).port);
  assert.equal((await ask(edge.port, get("/x"))).status, 502);
});

test("nobody there is 502", async (t) => {
  const edge = await startEdgeFor(t, 1);
  assert.equal((await ask(edge.port, get("/x"))).status, 502);
});

for (const { title, protocol, alpn, body } of [
  { title: "h2 over TLS", protocol: "h2", alpn: ["h2"], body: "by HTTP/2" },
  { title: "auto where both are spoken", protocol: "auto", alpn: ["h2", "http/1.1"], body: "by HTTP/2" },
  { title: "auto where only HTTP/1.1 is", protocol: "auto", alpn: ["http/1.1"], body: "by HTTP/1.1 /x" },
]) {
  test(`${title}: ALPN says what is spoken`, async (t) => {
    const folder = newDirectory("h2");
    const origin = await startHttp2Origin(
      t,
      ({ stream }) => {
        stream.respond({ ":status": 200 });
        stream.end("by HTTP/2");
      },
      { alpn },
    );
    const ca = path.join(folder, "ca.pem");
    writeFileSync(ca, origin.certPem);
    const edge = await startEdgeFor(t, origin.port, {
      protocol,
      url: `https://127.0.0.1:${origin.port}`,
      upstream: `ca_path = ${JSON.stringify(ca)}\nserver_name = "localhost"`,
    });
    const answers = await Promise.all([1, 2, 3].map(() => ask(edge.port, get("/x"))));
    for (const answer of answers) assert.equal(answer.body.toString(), body);
    assert.equal((await ask(edge.port, get("/x"))).body.toString(), body);
  });
}

test("h2 to a TLS endpoint that has only HTTP/1.1 is 502", async (t) => {
  const folder = newDirectory("h2");
  const origin = await startHttp2Origin(t, () => {}, { alpn: ["http/1.1"] });
  const ca = path.join(folder, "ca.pem");
  writeFileSync(ca, origin.certPem);
  const edge = await startEdgeFor(t, origin.port, {
    protocol: "h2",
    url: `https://127.0.0.1:${origin.port}`,
    upstream: `ca_path = ${JSON.stringify(ca)}\nserver_name = "localhost"`,
  });
  assert.equal((await ask(edge.port, get("/x"))).status, 502);
});
