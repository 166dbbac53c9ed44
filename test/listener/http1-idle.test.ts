import assert from "node:assert/strict";
import { once } from "node:events";
import { writeSync } from "node:fs";
import net from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { startBench } from "../conformance/bench.ts";
import { connect } from "../support/raw-client.ts";

test("an answer that leaves with others is not cut by who wants its connection's place", async (t) => {
  const { edge } = await startBench(t, { server: "max_connections = 1" });
  const client = await connect(edge.port);
  t.after(() => client.destroy());
  // Answered by the gateway itself, in the turn that reads it.
  const question = "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n";
  client.send(question);
  assert.equal((await client.answer())?.status, 204);
  client.socket.pause();

  // The test's own word in the middle of the turn: from now on the kernel takes nothing more for the client.
  const served = servedSocket(client.socket);
  let filler = 0;
  const [teller, hearer] = await openPair();
  t.after(() => {
    teller.destroy();
    hearer.destroy();
  });
  hearer.on("data", () => {
    filler = fill(served);
  });
  await turn();
  await turn();
  client.send(question);
  teller.write("now");
  const other = net.connect(edge.port, "127.0.0.1");
  other.on("error", () => {});
  other.resume();
  await once(other, "close");
  assert.equal(edge.metric("zion_reject_total", "conn_cap"), 1);
  assert.ok(filler > 0);

  client.socket.resume();
  await client.until(() => client.closed || client.ended || client.rest.length > filler);
  const answer = client.rest.subarray(filler).toString("latin1");
  assert.match(answer, /^HTTP\/1\.1 204 No Content\r\n[\s\S]*\r\n\r\n$/);
  assert.equal(client.ended, false);
});

/** The gateway's end of a connection. */
function servedSocket({ localPort }: net.Socket): net.Socket {
  const { _getActiveHandles } = process as unknown as { _getActiveHandles(): readonly unknown[] };
  const found = _getActiveHandles
    .call(process)
    .find((one) => one instanceof net.Socket && one.remotePort === localPort);
  assert.ok(found instanceof net.Socket);
  return found;
}

/** Fills the kernel's buffer of the socket; returns the bytes that it took. */
function fill(socket: net.Socket): number {
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const bytes = Buffer.alloc(65_536);
  let filled = 0;
  for (;;) {
    try {
      // To the last byte.
      filled += writeSync(fd, bytes);
    } catch (cause) {
      assert.equal((cause as NodeJS.ErrnoException).code, "EAGAIN");
      return filled;
    }
  }
}

async function openPair(): Promise<readonly [net.Socket, net.Socket]> {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [net.Socket];
  server.close();
  if (near.connecting) await once(near, "connect");
  return [near, far];
}
