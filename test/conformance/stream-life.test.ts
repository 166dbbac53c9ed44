import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http2 from "node:http2";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { ask, field } from "../support/raw-client.ts";
import { jwks, makeKeys, makeToken } from "../support/tokens.ts";
import { accepting, afterHead, closeCode, handshake, open } from "../support/websocket.ts";
import { type Bench, type BenchOptions, startBench } from "./bench.ts";

// How long a connection that lasts may last: as long as the token that opened it, and not to the second alike.

const { ec } = makeKeys();
const events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

function start(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const folder = newDirectory("life");
  const file = path.join(folder, "keys.json");
  writeFileSync(file, jwks([ec.publicKey, { kid: "e" }]));
  return startBench(t, {
    ...options,
    route: `auth_profile = "users"\n${options.route ?? ""}`,
    tables: `
[auth_profile.users]
issuer = "https://id.test"
algorithms = ["ES256"]
leeway_secs = 0
keys_file = ${JSON.stringify(file)}
`,
  });
}

/** Of a token that ends in two or three seconds. */
function shortLived(): string {
  const exp = Math.floor(Date.now() / 1000) + 3;
  const claims = { iss: "https://id.test", sub: "ann", exp };
  return `Bearer ${makeToken({ alg: "ES256", kid: "e" }, claims, ec.privateKey)}`;
}

async function lineOf({ edge }: Bench, reason: string): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await edge.logLines()).some((line) => line["zion.reason"] === reason)) return true;
    await new Promise((done) => setTimeout(done, 10));
  }
  return false;
}

test("a WebSocket ends with 4401 on both sides when its token does", async (t) => {
  const bench = await start(t, { route: 'mode = "websocket"', script: accepting });
  const client = await open(bench.edge.port, {}, handshake(`Authorization: ${shortLived()}`));
  t.after(() => client.destroy());
  await client.untilOver();
  assert.equal(closeCode(client.rest), 4401);
  const far = bench.origin.connections[0]!;
  await far.over;
  assert.equal(closeCode(afterHead(far)), 4401);
  assert.ok(await lineOf(bench, "stream_expired"));
});

test("a WebSocket in an HTTP/2 stream ends with 4401 too, and the connection goes on", async (t) => {
  const bench = await start(t, { route: 'mode = "websocket"', server: "h2c = true", script: accepting });
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
      authorization: shortLived(),
    },
    { endStream: false },
  );
  const pieces: Buffer[] = [];
  stream.on("data", (piece: Buffer) => void pieces.push(piece));
  await once(stream, "end");
  assert.equal(closeCode(Buffer.concat(pieces)), 4401);
  assert.ok(!session.closed && !session.destroyed);
});

test("an event stream ends when its token does, and does not look complete", async (t) => {
  const bench = await start(t, { script: (_request, { socket }) => void socket.write(events) });
  const request = `GET /events HTTP/1.1\r\nHost: a.test\r\nAuthorization: ${shortLived()}\r\n\r\n`;
  const answer = await ask(bench.edge.port, request);
  assert.equal(answer.end, "cut");
  const line = await bench.edge.logLine(field(answer, "x-request-id")!);
  assert.equal(line["zion.reason"], "stream_expired");
});

test("the greatest age is shortened by chance: those that came together do not end together", async (t) => {
  const server = "connection_max_age_secs = 600\nh2c = true";
  const sockets = await startBench(t, { server, route: 'mode = "websocket"', script: accepting });
  const streams = await startBench(t, {
    server,
    script: (_request, { socket }) => void socket.write(events),
  });
  // Chance takes at most a tenth; ten times the most takes all.
  t.mock.method(Math, "random", () => 10);
  const client = await open(sockets.edge.port);
  t.after(() => client.destroy());
  await client.untilOver();
  assert.equal(closeCode(client.rest), 1001);
  assert.equal((await ask(streams.edge.port, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")).end, "cut");
  const session = http2.connect(`http://127.0.0.1:${sockets.edge.port}`);
  t.after(() => session.destroy());
  await once(session, "goaway");
});
