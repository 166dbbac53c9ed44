import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { startEdge } from "../support/edge.ts";
import { connect } from "../support/raw-client.ts";

// An answer may begin before its request ends, and both go on.

/** Answers with 200 at once, then sends back each piece of the body as it comes. Its port. */
async function startEcho(t: TestContext, protocol: "http1" | "h2c"): Promise<number> {
  const server = protocol === "h2c" ? http2.createServer() : net.createServer();
  if (protocol === "h2c") {
    (server as http2.Http2Server).on("stream", (stream) => {
      stream.on("error", () => undefined);
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    });
  } else {
    server.on("connection", (socket: net.Socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (first: Buffer) => {
        const headEnd = first.indexOf("\r\n\r\n") + 4;
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        // Chunks for chunks: the last one ends the answer too.
        if (first.length > headEnd) socket.write(first.subarray(headEnd));
        socket.on("data", (bytes: Buffer) => void socket.write(bytes));
      });
    });
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => sockets.add(socket));
  t.after(() => {
    server.close();
    // Half a minute otherwise, until the gateway's idle HTTP/2 connection ends by itself.
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as net.AddressInfo).port;
}

for (const protocol of ["http1", "h2c"] as const) {
  const start = async (t: TestContext) => {
    const port = await startEcho(t, protocol);
    const edge = await startEdge(`
[server]
http_mode = "serve"
h2c = true
[upstream.app]
url = "http://127.0.0.1:${port}"
protocol = "${protocol}"
[[route]]
path = "/{*rest}"
upstream = "app"
waf = false
`);
    t.after(() => edge.stop());
    return edge;
  };

  test(`an HTTP/1.1 client talks with an upstream of ${protocol} in turn, within one request`, async (t) => {
    const edge = await start(t);
    const client = await connect(edge.port);
    client.send("POST /talk HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const word of ["one", "two", "three"]) {
      client.send(`${word.length}\r\n${word}\r\n`);
      await client.until(() => client.received.includes(`${word}\r\n`));
    }
    client.send("0\r\n\r\n");
    const answer = await client.answer();
    assert.equal(answer?.body.toString(), "onetwothree");
    assert.equal(answer?.end, "framed");
    client.destroy();
  });

  test(`an HTTP/2 client talks with an upstream of ${protocol} in turn, within one request`, async (t) => {
    const edge = await start(t);
    const session = http2.connect(`http://127.0.0.1:${edge.port}`);
    t.after(() => session.destroy());
    const stream = session.request({ ":method": "POST", ":path": "/talk" });
    let text = "";
    stream.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    let expected = "";
    for (const word of ["one", "two", "three"]) {
      stream.write(word);
      expected += word;
      while (text !== expected) await once(stream, "data");
    }
    stream.end();
    await once(stream, "end");
    assert.equal(text, "onetwothree");
    assert.equal(stream.rstCode, 0);
  });
}
