import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { hearClosedWrites } from "../../src/std/closed-writes.ts";
import { DirectWrite } from "../../src/std/direct-write.ts";

/** A socket whose peer said something and left, with bytes that it had not read. Nothing of it is read here yet. */
async function leftSocket(t: TestContext): Promise<net.Socket> {
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const server = net.createServer((peer) => {
    peer.on("error", () => {});
    peer.on("close", leave);
    peer.pause();
    peer.write("last words", () => peer.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  socket.pause();
  await once(socket, "connect");
  socket.write(Buffer.from("not read"));
  await left;
  return socket;
}

/** Writes until the kernel has heard of the reset. */
async function writeOn(socket: net.Socket, isOver: () => boolean): Promise<void> {
  while (!isOver() && !socket.destroyed) {
    socket.write(Buffer.from("more"));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a write to a socket whose peer is gone leaves what that had sent, where its owner wants it", async (t) => {
  const socket = await leftSocket(t);
  const codes: string[] = [];
  hearClosedWrites(socket, {
    onClosedWrite(code) {
      codes.push(code);
      return true;
    },
  });
  await writeOn(socket, () => codes.length >= 2);
  assert.ok(codes.every((code) => code === "EPIPE" || code === "ECONNRESET"));
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString();
  });
  const end = once(socket, "end");
  socket.resume();
  await end;
  assert.equal(text, "last words");
});

test("without one that wants it the socket is destroyed, as ever", async (t) => {
  const socket = await leftSocket(t);
  let asked = 0;
  hearClosedWrites(socket, {
    onClosedWrite() {
      asked++;
      return false;
    },
  });
  const error = once(socket, "error");
  await writeOn(socket, () => false);
  const [{ code }] = (await error) as [NodeJS.ErrnoException];
  assert.ok(code === "EPIPE" || code === "ECONNRESET");
  assert.equal(asked, 1);
});

test("it is heard after a first write past the stream, too", async (t) => {
  const socket = await leftSocket(t);
  let asked = 0;
  hearClosedWrites(socket, { onClosedWrite: () => ++asked > 0 });
  const direct = new DirectWrite();
  const owner = { onQueued() {}, onTaken() {} };
  while (asked < 2) {
    direct.write(socket, Buffer.from("more"), owner, false);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(socket.destroyed, false);
});
