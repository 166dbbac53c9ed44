import assert from "node:assert/strict";
import http2 from "node:http2";
import net from "node:net";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import {
  type Fields,
  frame,
  GOAWAY,
  HEADERS,
  head as h2Head,
  openFrames,
  RST_STREAM,
  request,
  uint32,
} from "../support/h2-frames.ts";
import { ok, rawAnswer, reset, type Script } from "../support/origin.ts";
import { ask, connect, type RawClient } from "../support/raw-client.ts";
import { accepting, masked, open } from "../support/websocket.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";
import { get, post } from "./case.ts";

// Whatever the end of an exchange, the access log has one line of it that says who ended it, and never two.

interface Ending extends BenchOptions {
  readonly title: string;
  /** Leads to the ending. */
  readonly run: (bench: Bench, t: TestContext) => unknown;
  /** "status reason ended_by" of each line; an answer has neither. */
  readonly lines: readonly string[];
}

const silent: Script = () => undefined;
const endless: Script = (_request, connection) => {
  connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`);
  const more = (): void => {
    if (!connection.socket.destroyed && connection.socket.write(Buffer.alloc(65_536))) setImmediate(more);
  };
  connection.socket.on("drain", more);
  more();
};
const begun = rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nstart");
const h2c = "h2c = true";
const plain = (method: string, path: string, ...fields: Fields): Fields =>
  h2Head(method, path, ...fields).map(
    ([name, value]) => [name, name === ":scheme" ? "http" : value] as const,
  );

/** Sends, and waits until the gateway has closed the connection. */
async function send({ edge }: Bench, bytes: string): Promise<RawClient> {
  const client = await connect(edge.port);
  client.send(bytes);
  await client.untilOver();
  return client;
}

/** Sends, and resets the connection once `when` says so. */
async function leave(
  { edge }: Bench,
  bytes: string,
  when: (client: RawClient) => Promise<unknown>,
): Promise<void> {
  const client = await connect(edge.port);
  client.send(bytes);
  await when(client);
  client.reset();
}

async function frames(bench: Bench, t: TestContext) {
  const client = await openFrames(bench.edge.port, { secure: false });
  t.after(() => client.end());
  return client;
}

/** Opens a WebSocket, over HTTP/1.1 or in a stream of HTTP/2. */
async function upgrade(
  bench: Bench,
  t: TestContext,
  version: 1 | 2,
): Promise<{ close(): void; reset(): void }> {
  if (version === 1) {
    const client = await open(bench.edge.port);
    return { close: () => client.send(masked(8, Buffer.from([3, 232]))), reset: () => client.reset() };
  }
  const session = http2.connect(`http://127.0.0.1:${bench.edge.port}`);
  t.after(() => session.destroy());
  session.on("error", () => {});
  await new Promise((done) => session.once("remoteSettings", done));
  const stream = session.request(
    {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "http",
      ":authority": "a.test",
      ":path": "/chat",
      "sec-websocket-version": "13",
    },
    { endStream: false },
  );
  stream.on("error", () => {});
  await new Promise((done) => stream.once("response", done));
  return { close: () => stream.end(masked(8, Buffer.from([3, 232]))), reset: () => session.destroy() };
}

const endings: readonly Ending[] = [
  { title: "answered", run: ({ edge }) => ask(edge.port, get("/x")), lines: ["200"] },
  {
    title: "answered, three of them on one connection that then idles until it is closed",
    server: "keepalive_timeout_ms = 300",
    run: (bench) => send(bench, get("/a") + get("/b") + get("/c")),
    lines: ["200", "200", "200"],
  },
  {
    title: "no request on a connection",
    server: "keepalive_timeout_ms = 300\nheader_timeout_ms = 300",
    run: (bench) => send(bench, ""),
    lines: [],
  },

  // Refused, at each stage.
  {
    title: "refused: the request line",
    run: (bench) => send(bench, "GET /x HTTP/9.9\r\n\r\n"),
    lines: ["505 version_unsupported client"],
  },
  {
    title: "refused: a header field",
    run: (bench) => send(bench, get("/x", "A B: c")),
    lines: ["400 field_syntax client"],
  },
  {
    title: "refused: a head that is too long",
    run: (bench) => send(bench, get("/x", `A: ${"b".repeat(20_000)}`)),
    lines: ["431 header_bytes client"],
  },
  {
    title: "refused: no route",
    run: ({ edge }) => ask(edge.port, get("/x").replace("a.test", "b.test")),
    route: 'hosts = ["a.test"]',
    lines: ["404 route_not_found client"],
  },
  {
    title: "refused: a gate",
    server: 'internal_networks = ["192.0.2.1"]',
    route: "internal_only = true",
    run: ({ edge }) => ask(edge.port, get("/x")),
    lines: ["403 internal_only client"],
  },
  {
    title: "refused: a body that is too large",
    server: "max_body_mb = 1",
    run: (bench) => send(bench, post("", "Content-Length: 2000000")),
    lines: ["413 body_cap client"],
  },
  {
    title: "refused: the WAF, for the head",
    waf: true,
    run: ({ edge }) => ask(edge.port, get("/x?q=1'+or+'1'='1")),
    lines: ["400 waf_patterns client"],
  },
  {
    title: "refused: the WAF, for the body",
    waf: true,
    run: ({ edge }) => {
      const body = "q=1'+or+'1'='1";
      return ask(
        edge.port,
        post(body, "Content-Type: application/x-www-form-urlencoded", `Content-Length: ${body.length}`),
      );
    },
    lines: ["400 waf_patterns client"],
  },
  {
    title: "refused inside a body, when that has become too large",
    server: "max_body_mb = 1",
    run: (bench) => send(bench, post(`200000\r\n${"x".repeat(0x200000)}`, "Transfer-Encoding: chunked")),
    lines: ["413 body_cap client"],
  },
  {
    title: "a redirect of the plain listener",
    redirect: true,
    tlsNames: [],
    run: ({ edge }) => ask(edge.port, get("/x")),
    lines: ["301"],
  },
  {
    title: "a handshake that fails, and one that is followed by nothing",
    tlsNames: [],
    run: async ({ edge }) => {
      const socket = net.connect(edge.tlsPort, "127.0.0.1");
      socket.on("error", () => {});
      socket.end("GET / HTTP/1.1\r\n\r\n");
      await new Promise((done) => socket.resume().once("close", done));
      const secure = tls.connect({ port: edge.tlsPort, host: "127.0.0.1", rejectUnauthorized: false });
      await new Promise((done) => secure.once("secureConnect", done));
      secure.end();
      await new Promise((done) => secure.resume().once("close", done));
    },
    lines: [],
  },

  // The client leaves.
  {
    title: "the client leaves inside its head",
    run: async (bench) => {
      await leave(bench, "GET /x HTTP/1.1\r\nHost: a.te", () => new Promise((done) => setImmediate(done)));
      await ask(bench.edge.port, get("/y"));
    },
    lines: ["200"],
  },
  {
    title: "the client leaves inside its body",
    run: (bench) => leave(bench, post("part", "Content-Length: 1000"), () => bench.origin.request(0)),
    lines: ["0 client_gone client"],
  },
  {
    title: "the client ends its body too early",
    run: async (bench) => {
      const client = await connect(bench.edge.port);
      client.send(post("part", "Content-Length: 1000"));
      client.end();
      await client.untilOver();
    },
    lines: ["400 body_cut client"],
  },
  {
    title: "the client leaves before its answer",
    script: silent,
    run: (bench) => leave(bench, get("/x"), () => bench.origin.request(0)),
    lines: ["0 client_gone client"],
  },
  {
    title: "the client leaves inside its answer",
    script: endless,
    run: (bench) => leave(bench, get("/x"), (client) => client.until(() => client.receivedBytes > 100_000)),
    lines: ["200 client_gone client"],
  },

  // Time is over.
  {
    title: "time is over: the head",
    server: "header_timeout_ms = 300",
    run: (bench) => send(bench, "GET /x HTTP/1.1\r\nHo"),
    lines: ["408 head_timeout client"],
  },
  {
    title: "time is over: the body",
    server: "body_idle_timeout_ms = 300",
    run: (bench) => send(bench, post("part", "Content-Length: 1000")),
    lines: ["408 body_timeout client"],
  },
  {
    title: "time is over: the client does not read",
    server: "write_timeout_ms = 500",
    script: endless,
    run: async (bench) => {
      const client = await connect(bench.edge.port);
      client.socket.pause();
      client.send(get("/x"));
      await (await bench.origin.request(0)).connection.over;
      client.destroy();
    },
    lines: ["200 write_timeout client"],
  },
  {
    title: "time is over: the upstream's head",
    upstream: "request_timeout_ms = 300",
    script: silent,
    run: ({ edge }) => ask(edge.port, post("x", "Content-Length: 1")),
    lines: ["504 upstream_timeout upstream"],
  },
  {
    title: "time is over: the upstream's body",
    upstream: "idle_timeout_ms = 300",
    script: begun,
    run: (bench) => send(bench, get("/x")),
    lines: ["200 upstream_idle upstream"],
  },

  // The upstream ends it.
  {
    title: "no upstream",
    run: async ({ edge, origin }) => {
      await origin.close();
      await ask(edge.port, get("/x"));
    },
    lines: ["502 upstream_connect upstream"],
  },
  {
    title: "the upstream resets before it answers",
    script: rawAnswer("", "reset"),
    run: ({ edge }) => ask(edge.port, post("x", "Content-Length: 1")),
    lines: ["502 upstream_reset upstream"],
  },
  {
    title: "the upstream resets inside its answer",
    script: rawAnswer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "end"),
    run: (bench) => send(bench, get("/x")),
    lines: ["200 upstream_reset upstream"],
  },
  {
    title: "the upstream speaks something else",
    script: rawAnswer("SSH-2.0-x\r\n", "end"),
    run: ({ edge }) => ask(edge.port, get("/x")),
    lines: ["502 upstream_invalid upstream"],
  },
  {
    title: "sent again, and answered",
    script: (request, connection) => {
      if (connection.requests.length > 1) reset(connection.socket);
      else connection.socket.write(ok(request.target));
    },
    run: async ({ edge }) => {
      await ask(edge.port, get("/first"));
      await ask(edge.port, get("/second"));
    },
    lines: ["200", "200"],
  },

  // The gateway ends it.
  {
    title: "a drain whose time is over",
    script: silent,
    run: async (bench, t) => {
      const client = await connect(bench.edge.port);
      t.after(() => client.destroy());
      client.send(get("/x"));
      await bench.origin.request(0);
      await bench.edge.drain(0);
    },
    lines: ["0 drain_deadline gateway"],
  },

  // WebSockets: a line when they end.
  ...([1, 2] as const).flatMap((version): Ending[] => [
    {
      title: `a WebSocket over HTTP/${version} that its client closes`,
      server: h2c,
      route: 'mode = "websocket"',
      script: accepting,
      run: async (bench, t) => {
        const socket = await upgrade(bench, t, version);
        socket.close();
        const far = bench.origin.connections[0]!;
        await new Promise((done) => far.socket.once("data", done));
        far.socket.end();
      },
      lines: ["101"],
    },
    {
      title: `a WebSocket over HTTP/${version} whose client is gone`,
      server: h2c,
      route: 'mode = "websocket"',
      script: accepting,
      run: async (bench, t) => (await upgrade(bench, t, version)).reset(),
      lines: ["101 client_gone client"],
    },
    {
      title: `a WebSocket over HTTP/${version} whose upstream is gone`,
      server: h2c,
      route: 'mode = "websocket"',
      script: accepting,
      run: async (bench, t) => {
        await upgrade(bench, t, version);
        reset(bench.origin.connections[0]!.socket);
      },
      lines: ["101 upstream_reset upstream"],
    },
    {
      title: `a WebSocket over HTTP/${version} that idles`,
      server: h2c,
      route: 'mode = "websocket"\nwebsocket_idle_secs = 1',
      script: accepting,
      run: (bench, t) => upgrade(bench, t, version),
      lines: ["101 stream_idle gateway"],
    },
    {
      title: `a WebSocket over HTTP/${version} in a drain`,
      server: h2c,
      route: 'mode = "websocket"',
      script: accepting,
      run: async (bench, t) => {
        await upgrade(bench, t, version);
        await bench.edge.drain(200);
      },
      lines: ["101 stream_drain gateway"],
    },
  ]),
  {
    title: "an upgrade that the upstream declines",
    route: 'mode = "websocket"',
    script: rawAnswer(ok("no")),
    run: async (bench) => {
      await open(bench.edge.port).catch(() => {});
    },
    lines: ["200"],
  },

  // Streams of HTTP/2.
  {
    title: "HTTP/2: answered",
    server: h2c,
    run: async (bench, t) => {
      const client = await frames(bench, t);
      client.send(request(1, plain("GET", "/a")), request(3, plain("GET", "/b")));
      await Promise.all([client.outcome(1), client.outcome(3)]);
    },
    lines: ["200", "200"],
  },
  {
    title: "HTTP/2: a head that is refused",
    server: h2c,
    run: async (bench, t) => {
      const client = await frames(bench, t);
      client.send(request(1, plain("GET", "/a", ["Upper", "x"])));
      await client.outcome(1);
    },
    lines: ["0 h2_head client"],
  },
  {
    title: "HTTP/2: a stream that its client resets",
    server: h2c,
    script: silent,
    run: async (bench, t) => {
      const client = await frames(bench, t);
      client.send(request(1, plain("GET", "/a")));
      await bench.origin.request(0);
      client.send(frame(RST_STREAM, 0, 1, uint32(8)));
    },
    lines: ["0 client_gone client"],
  },
  {
    title: "HTTP/2: a body that its client resets",
    server: h2c,
    run: async (bench, t) => {
      const client = await frames(bench, t);
      client.send(request(1, plain("POST", "/a", ["content-length", "100"]), "part"));
      // One that comes in the same read ends the request before it is served.
      await client.wait(({ type, stream }) => type === HEADERS && stream === 1);
      client.send(frame(RST_STREAM, 0, 1, uint32(8)));
    },
    lines: ["400 body_cut client"],
  },
  {
    title: "HTTP/2: a connection that is lost with two streams",
    server: h2c,
    script: silent,
    run: async (bench, t) => {
      const client = await frames(bench, t);
      client.send(request(1, plain("GET", "/a")), request(3, plain("GET", "/b")));
      await bench.origin.request(1);
      client.end();
    },
    lines: ["0 client_gone client", "0 client_gone client"],
  },
  {
    title: "HTTP/2: a client that says GOAWAY gets its answers",
    server: h2c,
    run: async (bench, t) => {
      const client = await frames(bench, t);
      client.send(request(1, plain("GET", "/a")), frame(GOAWAY, 0, 0, Buffer.alloc(8)));
      await client.wait(({ type, stream }) => type === HEADERS && stream === 1);
      client.end();
    },
    lines: ["200"],
  },
  {
    title: "HTTP/2: a frame that ends the connection",
    server: h2c,
    script: silent,
    run: async (bench, t) => {
      const client = await frames(bench, t);
      client.send(request(1, plain("GET", "/a")));
      await bench.origin.request(0);
      client.send(frame(HEADERS, 4, 2, Buffer.alloc(1)));
      await client.closed;
    },
    lines: ["0 client_gone client"],
  },
  {
    title: "HTTP/2: a drain whose time is over",
    server: h2c,
    script: silent,
    run: async (bench, t) => {
      const client = await frames(bench, t);
      client.send(request(1, plain("GET", "/a")));
      await bench.origin.request(0);
      await bench.edge.drain(0);
    },
    lines: ["0 drain_deadline gateway"],
  },
];

for (const { title, run, lines, ...options } of endings) {
  test(title, async (t) => {
    const bench = await startBench(t, options);
    await run(bench, t);
    while ((await bench.edge.logLines()).length < lines.length)
      await new Promise((done) => setTimeout(done, 5));
    // A second line would come now, with the end of whatever is left.
    await bench.edge.drain(0);
    const written = await bench.edge.logLines();
    const endingOf = (line: (typeof written)[number]): string =>
      ["http.response.status_code", "zion.reason", "zion.ended_by"]
        .flatMap((key) => line[key] ?? [])
        .join(" ");
    assert.deepEqual(written.map(endingOf).sort(), [...lines].sort());
    assert.equal(new Set(written.map((line) => line["zion.request_id"])).size, lines.length);
  });
}
