import assert from "node:assert/strict";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { openSharedReader, type ReadSink } from "../../src/std/shared-read.ts";

/** Both ends of one connection, the near one read through the reader under test. */
async function pair(
  t: TestContext,
  allowShared: boolean,
  sink: (near: net.Socket) => ReadSink,
): Promise<net.Socket> {
  const reader = openSharedReader(allowShared);
  assert.equal(reader.shared, allowShared, "this Node has the fields that the shared form needs");
  const server = net.createServer((near) => {
    near.on("error", () => {});
    reader.attach(near, sink(near));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const far = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  t.after(() => far.destroy());
  return far;
}

for (const allowShared of [true, false]) {
  const how = allowShared ? "shared buffer" : "data events";

  test(`${how}: everything sent arrives, in order, and the end is told`, async (t) => {
    const expected = Buffer.alloc(300_000, "0123456789");
    const got = await new Promise<Buffer>((resolve, reject) => {
      const parts: Buffer[] = [];
      pair(t, allowShared, (near) => {
        near.on("end", () => resolve(Buffer.concat(parts)));
        return {
          onRead: (buffer, length) => parts.push(Buffer.from(buffer.subarray(0, length))),
          onDefect: reject,
        };
      }).then((far) => far.end(expected), reject);
    });
    assert.ok(got.equals(expected));
  });

  test(`${how}: a paused socket delivers nothing until it is resumed`, async (t) => {
    const total = 4_000_000;
    let taken = 0;
    let paused: net.Socket | undefined;
    let wasPaused = false;
    await new Promise<void>((resolve, reject) => {
      pair(t, allowShared, (near) => ({
        onRead(_buffer, length) {
          assert.equal(paused, undefined, "read while paused");
          taken += length;
          if (!wasPaused) {
            wasPaused = true;
            paused = near;
            near.pause();
            setTimeout(() => {
              paused = undefined;
              near.resume();
            }, 50);
          }
          if (taken === total) resolve();
        },
        onDefect: reject,
      })).then((far) => far.write(Buffer.alloc(total)), reject);
    });
    assert.ok(wasPaused);
  });

  test(`${how}: an exception in a sink goes to that sink, and the process lives`, async (t) => {
    const cause = new Error("a bug");
    const told = await new Promise<unknown>((resolve, reject) => {
      pair(t, allowShared, () => ({
        onRead() {
          throw cause;
        },
        onDefect: resolve,
      })).then((far) => far.write("x"), reject);
    });
    assert.equal(told, cause);
  });
}
