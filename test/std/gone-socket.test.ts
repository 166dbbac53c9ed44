import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { forgetListeners } from "../../src/std/gone-socket.ts";

test("who listens for the end of a socket still hears it, and afterwards nobody listens or has to", async (t) => {
  const server = net.createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [net.Socket];
  const heard: string[] = [];
  socket.once("close", () => {
    heard.push("first");
    forgetListeners(socket);
  });
  socket.on("close", () => heard.push("second"));
  socket.once("close", () => heard.push("third"));
  socket.on("data", () => {});
  client.destroy();
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  await closed;
  assert.deepEqual(heard, ["first", "second", "third"]);
  assert.deepEqual(socket.eventNames(), ["error"]);
  // Without a listener this would throw.
  assert.ok(socket.emit("error", new Error("late")));
});
