import assert from "node:assert/strict";
import type net from "node:net";
import { setDefaultHighWaterMark } from "node:stream";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Edge } from "../support/edge.ts";
import { ok } from "../support/origin.ts";
import { connect, type RawClient } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { get, post } from "./case.ts";

// One side is slower than the other. Stalls are made, not waited for: the gateway runs in this process, so its own
// sockets can be corked (as a full kernel buffer would hold them) and looked at.

/** The gateway's socket whose other end is `peer`. */
function gatewaySocket(peer: net.Socket): net.Socket {
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
  const found = handles.find((handle) => {
    const socket = handle as net.Socket;
    return socket !== peer && socket.localPort === peer.remotePort && socket.remotePort === peer.localPort;
  });
  assert.ok(found !== undefined, "the gateway's end of the connection");
  return found as net.Socket;
}

async function until(condition: () => boolean, client: RawClient): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(!client.timedOut && performance.now() < endMs, "the condition held before the deadline");
    await turn();
  }
}

test("a large answer whose head came in two pieces arrives whole", async (t) => {
  // Head and first body bytes together are more than the gateway's buffer: they leave in two writes.
  const body = Buffer.alloc(4 << 20, "x");
  const { edge } = await startBench(t, {
    script: async (_request, { socket }) => {
      const gateway = gatewaySocket(socket);
      const padding = `X-Padding: ${"p".repeat(4000)}\r\n`.repeat(7);
      const first = `HTTP/1.1 200 OK\r\n${padding}`;
      const before = gateway.bytesRead;
      socket.write(first);
      while (gateway.bytesRead < before + first.length) await turn();
      socket.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]));
    },
  });
  for (let n = 0; n < 4; n++) {
    const client = await connect(edge.port, { deadlineMs: 3000 });
    client.send(get("/x"));
    const answer = await client.answer();
    assert.deepEqual([answer?.status, answer?.body.length, answer?.end], [200, body.length, "framed"]);
    client.destroy();
  }
});

test("a connection is read again after an upload that the upstream was slow to take", async (t) => {
  setDefaultHighWaterMark(false, 16);
  t.after(() => setDefaultHighWaterMark(false, 65536));
  const { edge, origin } = await startBench(t);
  const client = await connect(edge.port, { deadlineMs: 3000 });
  const own = gatewaySocket(client.socket);
  client.send(post("", "Content-Length: 144"));
  const { connection } = await origin.request(0);
  const toOrigin = gatewaySocket(connection.socket);
  toOrigin.cork();
  // That it stalls is known when the first piece has left, at the end of a turn: the second one queues up, the third waits.
  for (let n = 0; n < 3; n++) {
    const before = own.bytesRead;
    client.send("x".repeat(48));
    await until(() => own.bytesRead === before + 48, client);
  }
  // It takes the first piece, and stalls again while the last one is given to it.
  toOrigin.uncork();
  toOrigin.cork();
  await until(() => toOrigin.writableLength === 48, client);
  toOrigin.uncork();
  assert.equal((await client.answer())?.status, 200);
  client.send(get("/y"));
  assert.equal((await client.answer())?.status, 200);
  client.destroy();
});

test("an upstream that takes an upload in fits and starts does not make the client late", async (t) => {
  setDefaultHighWaterMark(false, 16);
  t.after(() => setDefaultHighWaterMark(false, 65536));
  const { edge, origin } = await startBench(t, { server: "body_idle_timeout_ms = 1000" });
  const client = await connect(edge.port);
  const own = gatewaySocket(client.socket);
  client.send(post("", "Content-Length: 240"));
  const { connection } = await origin.request(0);
  const toOrigin = gatewaySocket(connection.socket);
  toOrigin.cork();
  // As above.
  for (let n = 0; n < 3; n++) {
    const before = own.bytesRead;
    client.send("x".repeat(48));
    await until(() => own.bytesRead === before + 48, client);
  }
  toOrigin.uncork();
  toOrigin.cork();
  await until(() => toOrigin.writableLength === 48, client);
  client.send("x".repeat(48));
  await until(() => toOrigin.writableLength === 96, client);
  // Longer than body_idle_timeout_ms, shorter than the upstream's time-outs.
  await new Promise((done) => setTimeout(done, 1500));
  toOrigin.uncork();
  client.send("x".repeat(48));
  assert.equal((await client.answer())?.status, 200);
  client.destroy();
});

test("an upstream that answers without taking the whole body is not given the next request behind it", async (t) => {
  const { edge, origin } = await startBench(t, {
    script: (request, { socket }) => {
      if (request.method === "GET") socket.write(ok("next"));
    },
  });
  const client = await connect(edge.port);
  client.send(post("", "Content-Length: 10"));
  const { connection } = await origin.request(0);
  const toOrigin = gatewaySocket(connection.socket);
  toOrigin.cork();
  client.send("0123456789");
  await until(() => toOrigin.writableLength === 10, client);
  connection.socket.write(ok("early"));
  assert.equal((await client.answer())?.body.toString(), "early");
  client.send(get("/y"));
  assert.equal((await client.answer())?.body.toString(), "next");
  assert.equal(origin.connections.length, 2);
  client.destroy();
});

test("a pipelining client that reads no answers gets a bounded number of them made", async (t) => {
  const { edge, origin } = await startBench(t, {
    script: (_request, { socket }) => void socket.write(ok("x".repeat(50_000))),
  });
  const client = await connect(edge.port, { deadlineMs: 60_000 });
  const own = gatewaySocket(client.socket);
  own.cork();
  client.send(get("/x").repeat(200));
  let seen = -1;
  while (origin.requests.length !== seen) {
    seen = origin.requests.length;
    await new Promise((done) => setTimeout(done, 200));
  }
  assert.ok(queuedBytes(own) < 1 << 20, `${queuedBytes(own)} bytes wait for the client`);
  own.uncork();
  for (let n = 0; n < 200; n++) assert.equal((await client.answer())?.body.length, 50_000, `answer ${n}`);
  client.destroy();
});

/** A whole answer of which something waits on the gateway's side. */
interface Queued {
  readonly edge: Edge;
  readonly client: RawClient;
  readonly own: net.Socket;
  readonly bytes: number;
  /** The client, or the kernel for it, takes bytes again. */
  release(): void;
}

/** It waits in the stream, as if the kernel took nothing. */
async function queueInStream(t: TestContext, server: string): Promise<Queued> {
  const { edge } = await startBench(t, {
    server,
    sharedReads: false,
    script: (_request, { socket }) => void socket.write(ok("x".repeat(5000))),
  });
  const client = await connect(edge.port, { deadlineMs: 8000 });
  const own = gatewaySocket(client.socket);
  own.cork();
  client.send(get("/x"));
  await until(() => own.writableLength > 5000, client);
  return { edge, client, own, bytes: 5000, release: () => own.uncork() };
}

/** It waits in libuv, past the stream: the client does not read, and the kernel is full. */
async function queueInLibuv(t: TestContext, server: string, ...fields: readonly string[]): Promise<Queued> {
  const { edge, origin } = await startBench(t, {
    server,
    script: (_request, { socket }) =>
      void socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
  });
  const client = await connect(edge.port, { deadlineMs: 15_000 });
  const own = gatewaySocket(client.socket);
  client.socket.pause();
  client.send(get("/x", ...fields));
  const { connection } = await origin.request(0);
  const toOrigin = gatewaySocket(connection.socket);
  const send = async (text: string): Promise<void> => {
    connection.socket.write(text);
    await until(() => toOrigin.bytesRead === connection.socket.bytesWritten, client);
    // What was read leaves when the turn ends.
    await turn();
  };
  const piece = "x".repeat(16_000);
  let bytes = 0;
  for (; queuedBytes(own) === 0; bytes += piece.length)
    await send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  assert.equal(own.writableLength, 0);
  await send("0\r\n\r\n");
  return { edge, client, own, bytes, release: () => void client.socket.resume() };
}

for (const [where, queue] of [
  ["the stream", queueInStream],
  ["libuv", queueInLibuv],
] as const) {
  test(`an answer still queued in ${where} is not cut by the client's FIN`, async (t) => {
    const { client, own, bytes, release } = await queue(t, "");
    client.end();
    await until(() => own.readableEnded, client);
    release();
    const answer = await client.answer();
    assert.deepEqual([answer?.body.length, answer?.end], [bytes, "framed"]);
    await client.untilOver();
  });

  test(`an answer still queued in ${where} is not cut by a drain`, async (t) => {
    const { edge, client, bytes, release } = await queue(t, "");
    const drained = edge.drain(4000);
    await new Promise((done) => setTimeout(done, 2000));
    release();
    const answer = await client.answer();
    assert.deepEqual([answer?.body.length, answer?.end], [bytes, "framed"]);
    assert.equal(await drained, 0);
  });

  test(`an answer still queued in ${where} is not cut by the keep-alive time-out`, async (t) => {
    const { client, bytes, release } = await queue(t, "keepalive_timeout_ms = 1000\nwrite_timeout_ms = 1000");
    await new Promise((done) => setTimeout(done, 1800));
    release();
    const answer = await client.answer();
    assert.deepEqual([answer?.body.length, answer?.end], [bytes, "framed"]);
    await client.untilOver();
  });
}

test("a slow client gets all of an answer that ends its connection", async (t) => {
  const { client, own, bytes, release } = await queueInLibuv(t, "", "Connection: close");
  await until(() => own.writableEnded, client);
  await new Promise((done) => setTimeout(done, 1800));
  release();
  const answer = await client.answer();
  assert.deepEqual([answer?.body.length, answer?.end], [bytes, "framed"]);
  await client.untilOver();
});

/** An answer in chunks for a client that does not read, fed piece by piece; each is in the gateway when `send` resolves. */
async function startFeed(t: TestContext, server = "") {
  const { edge, origin } = await startBench(t, {
    server,
    script: (_request, { socket }) =>
      void socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
  });
  const client = await connect(edge.port, { deadlineMs: 15_000 });
  const own = gatewaySocket(client.socket);
  client.socket.pause();
  client.send(get("/x"));
  const { connection } = await origin.request(0);
  const toOrigin = gatewaySocket(connection.socket);
  const fed = { bytes: 0 };
  const send = async (length: number): Promise<void> => {
    connection.socket.write(`${length.toString(16)}\r\n${"x".repeat(length)}\r\n`);
    fed.bytes += length;
    await until(() => toOrigin.bytesRead === connection.socket.bytesWritten, client);
    await turn();
  };
  return { client, own, connection, fed, send };
}

test("an answer that waits in libuv goes on although its next piece waits in the stream", async (t) => {
  const { client, own, connection, fed, send } = await startFeed(t);
  // Small pieces go past the stream, until the client is behind by as much as it may be.
  while (queuedBytes(own) < own.writableHighWaterMark) await send(16_000);
  assert.equal(own.writableLength, 0);
  // A larger one does not, and the stream alone sees no reason to wait for 'drain'.
  await send(30_000);
  assert.ok(own.writableLength > 0 && !own.writableNeedDrain);
  connection.socket.write("5\r\nhello\r\n0\r\n\r\n");
  client.socket.resume();
  const answer = await client.answer();
  assert.deepEqual([answer?.body.length, answer?.end], [fed.bytes + 5, "framed"]);
  client.destroy();
});

test("a client that reads slowly is not late because more was queued behind what it reads", async (t) => {
  const { client, own, connection, fed, send } = await startFeed(t, "write_timeout_ms = 1000");
  while (queuedBytes(own) < own.writableHighWaterMark) await send(16_000);
  await send(30_000);
  // A kernel that takes a little at a time, which over loopback none does.
  const { _handle: handle } = own as unknown as { readonly _handle: { readonly writeQueueSize: number } };
  let waiting = handle.writeQueueSize;
  Object.defineProperty(handle, "writeQueueSize", { configurable: true, get: () => waiting });
  for (let n = 0; n < 15; n++) {
    await new Promise((done) => setTimeout(done, 200));
    waiting -= 100;
  }
  Reflect.deleteProperty(handle, "writeQueueSize");
  connection.socket.write("0\r\n\r\n");
  client.socket.resume();
  const answer = await client.answer();
  assert.deepEqual([answer?.body.length, answer?.end], [fed.bytes, "framed"]);
  client.destroy();
});

/** What the kernel has not taken, in the stream or, past it, in libuv. */
function queuedBytes(socket: net.Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle: { readonly writeQueueSize: number } };
  return socket.writableLength + handle.writeQueueSize;
}
