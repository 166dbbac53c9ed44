import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { alertIn, sendBadHello } from "./tls-bad-client.ts";
import { badHellos } from "./tls-bad-hellos.ts";
import { closed, openFront, visit } from "./tls-front.ts";
import { clientHello, record } from "./tls-hello.ts";

for (const hello of badHellos()) {
  const outcome = hello.alert === undefined ? "closed" : `alert ${hello.alert}`;
  test(`${hello.name}: ${outcome}, counted as ${hello.failure}`, async (t) => {
    const front = await openFront(t);
    const failed = front.nextFailure();
    const answer = await sendBadHello(front.port, hello);
    assert.equal(await failed, hello.failure);
    if (hello.afterwards === "wait") assert.equal(alertIn(answer), hello.alert);
    await front.emptied();
    assert.equal(front.failures.length, 1);
    assert.equal(front.tls.countHandshakes(), 0);
    assert.equal((await visit(front.port)).text, "hello");
  });
}

test("a hello in segments of one byte is served", async (t) => {
  const front = await openFront(t, { serve: (socket) => socket.resume() });
  const hello = clientHello();
  const client = connect({ port: front.port, host: "127.0.0.1", noDelay: true });
  client.on("error", () => {});
  await once(client, "connect");
  // One write per turn of the loop: each is a segment of its own.
  for (const byte of hello) await written(client, Buffer.from([byte]));
  const [answer] = await once(client, "data");
  assert.equal(answer[0], 0x16); // ServerHello
  client.destroy();
  await front.emptied();
});

test("a hello in records of one byte is served or refused, and never kept", async (t) => {
  const front = await openFront(t);
  const payload = clientHello().subarray(5);
  const records = Array.from(payload, (byte) => record(0x16, 0x0301, Buffer.from([byte])));
  const client = connect({ port: front.port, host: "127.0.0.1" });
  client.on("error", () => {});
  client.write(Buffer.concat(records));
  const [answer] = await once(client, "data");
  assert.ok(answer[0] === 0x16 || answer[0] === 0x15);
  client.destroy();
  await front.emptied();
});

test("the handshake time-out closes a silent connection, which Node alone would leave open", async (t) => {
  const front = await openFront(t, { server: { handshakeTimeoutMs: 60 } });
  const client = connect({ port: front.port, host: "127.0.0.1" });
  client.on("error", () => {});
  client.resume();
  await closed(client);
  await front.emptied();
  assert.deepEqual(front.failures, ["timeout"]);
});

test("bytes that trickle in do not move the handshake time-out", async (t) => {
  const front = await openFront(t, { server: { handshakeTimeoutMs: 150 } });
  const client = connect({ port: front.port, host: "127.0.0.1", noDelay: true });
  client.on("error", () => {});
  client.resume();
  // 5 ms a byte: the hello is longer than the time-out allows, and no pause is.
  const hello = clientHello({ extra: [[0x7777, Buffer.alloc(4000)]] });
  let sent = 0;
  const trickle = setInterval(() => client.write(hello.subarray(sent, ++sent)), 5);
  t.after(() => clearInterval(trickle));
  await closed(client);
  assert.deepEqual(front.failures, ["timeout"]);
  assert.ok(sent < hello.length);
  await front.emptied();
});

test("a finished handshake ends the time-out", async (t) => {
  const front = await openFront(t, {
    server: { handshakeTimeoutMs: 400 },
    serve: (socket) => socket.resume(),
  });
  const first = visit(front.port);
  const { socket } = await front.nextSecured();
  // A later silent connection with the same time-out is closed; the finished one has lived longer and is not.
  await sendBadHello(front.port, {
    name: "",
    segments: [],
    afterwards: "wait",
    alert: undefined,
    failure: "timeout",
  });
  assert.deepEqual(front.failures, ["timeout"]);
  assert.equal(socket.destroyed, false);
  socket.end("still here");
  assert.equal((await first).text, "still here");
});

test("a client that resets right after its handshake leaves nothing behind", async (t) => {
  const front = await openFront(t, { serve: (socket) => socket.write(Buffer.alloc(1 << 20)) });
  for (let i = 0; i < 20; i++) {
    const raw = connect(front.port, "127.0.0.1");
    const client = connectTls({ socket: raw, rejectUnauthorized: false });
    client.on("error", () => {});
    await front.nextSecured();
    // Not in the same turn: the reset must not run on top of OpenSSL's stack, here no more than in src.
    await new Promise((done) => setImmediate(done));
    raw.resetAndDestroy();
  }
  await front.emptied();
  assert.equal(front.secured.length, 20);
  assert.equal(front.tls.countHandshakes(), 0);
});

function written(client: Socket, bytes: Buffer): Promise<void> {
  return new Promise((done) => client.write(bytes, () => done()));
}
