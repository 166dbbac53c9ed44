import assert from "node:assert/strict";
import http2 from "node:http2";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { startBench } from "./bench.ts";

// Memory outside V8's heap makes it collect all of its garbage: what an answer takes of it must not grow with the answer.

const MEGABYTES = 8;

async function startDownload(t: TestContext) {
  const body = Buffer.alloc(MEGABYTES << 20, "x");
  const bench = await startBench(t, {
    tlsNames: [],
    script: (_request, { socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
    },
  });
  return { port: bench.edge.tlsPort, bytes: body.length };
}

/** Sizes of all buffers that are made from now on, other than Node's own. */
function watchBuffers(t: TestContext): readonly number[] {
  const made: number[] = [];
  const { allocUnsafeSlow } = Buffer;
  t.mock.method(Buffer, "allocUnsafeSlow", (size: number) => {
    made.push(size);
    return allocUnsafeSlow(size);
  });
  return made;
}

test("an answer over TLS goes through the buffers that are there", async (t) => {
  const { port, bytes } = await startDownload(t);
  const made = watchBuffers(t);
  const socket = tls.connect({ port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
  t.after(() => socket.destroy());
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  let received = 0;
  for await (const piece of socket) {
    received += (piece as Buffer).length;
    if (received > bytes) break;
  }
  const large = made.filter((size) => size > 65_536).length;
  assert.ok(large <= 4, `${large} buffers for ${MEGABYTES} MB`);
});

test("what waits of an answer over HTTP/2 is kept in buffers that are used again", async (t) => {
  const { port, bytes } = await startDownload(t);
  const made = watchBuffers(t);
  const session = http2.connect(`https://localhost:${port}`, { rejectUnauthorized: false });
  t.after(() => session.destroy());
  let received = 0;
  for await (const piece of session.request({ ":path": "/" })) received += (piece as Buffer).length;
  assert.equal(received, bytes);
  const large = made.filter((size) => size >= 16_384).length;
  assert.ok(large <= 8, `${large} buffers for ${MEGABYTES} MB`);
});
