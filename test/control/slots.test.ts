import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { BindError, detectSlotMode, openSlots, type SlotMode } from "../../src/control/slots.ts";

const loopback = { host: "127.0.0.1", port: 0 };
const http = { name: "http", address: loopback } as const;

/** Resolves with "connected" or the error code. */
function connect(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
  });
}

const onLinux = { skip: process.platform === "linux" ? false : "reusePort handles are tried on Linux" };

test("every worker slot gets a socket of its own on the same port", onLinux, async (t) => {
  assert.equal(detectSlotMode(), "handle_per_slot");
  const [slots] = await openSlots([http], 3);
  t.after(() => slots!.close());
  const handles = [0, 1, 2].map((slot) => slots!.handle(slot));
  assert.equal(new Set(handles).size, 3);
  for (const handle of handles) {
    const name: { port?: number } = {};
    handle!.getsockname(name);
    assert.equal(name.port, slots!.address.port);
  }
});

test("the primary only binds: nobody can connect before a worker listens", onLinux, async (t) => {
  const [slots] = await openSlots([http], 2);
  t.after(() => slots!.close());
  assert.equal(await connect(slots!.address.port), "ECONNREFUSED");

  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(slots!.handle(1) as never, resolve));
  t.after(() => server.close());
  assert.equal(await connect(slots!.address.port), "connected");
});

test("a port that somebody listens on is refused and named, even when reusePort would share it", async (t) => {
  for (const reusePort of process.platform === "linux" ? [false, true] : [false]) {
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen({ ...loopback, reusePort }, resolve));
    t.after(() => other.close());
    const { port } = other.address() as net.AddressInfo;
    await assert.rejects(
      openSlots([http, { name: "https", address: { host: "0.0.0.0", port } }], 2),
      (error) => {
        assert.ok(error instanceof BindError);
        assert.equal(error.code, "EADDRINUSE");
        assert.match(error.message, new RegExp(`0\\.0\\.0\\.0:${port} \\(https\\)`));
        return true;
      },
    );
  }
});

test("an address that this machine does not have is refused", async () => {
  await assert.rejects(
    openSlots([{ name: "http", address: { host: "203.0.113.7", port: 0 } }], 1),
    (error) => error instanceof BindError && error.code === "EADDRNOTAVAIL",
  );
});

const fallbacks: readonly (readonly [SlotMode, number])[] = [
  ["shared_handle", 1],
  ["worker_binds", 0],
];
for (const [mode, sockets] of fallbacks) {
  test(`without reusePort handles the slots share ${sockets} sockets (${mode})`, async (t) => {
    const [slots] = await openSlots([http], 3, { mode });
    t.after(() => slots!.close());
    const handles = new Set([0, 1, 2].map((slot) => slots!.handle(slot)));
    handles.delete(undefined);
    assert.equal(handles.size, sockets);
  });
}
