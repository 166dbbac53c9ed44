import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Http2Output, StreamOutput } from "../../src/listener/http2-output.ts";
import { Outbox } from "../../src/std/outbox.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const silent = { onSendDrain() {}, onSendEnd() {} };

function openOutput(): Http2Output {
  const socket = { destroyed: false, writableLength: 0, write: () => true } as unknown as Socket;
  return new Http2Output(socket, true, { lend: () => new Outbox(1 << 20) });
}

test("streams that are dropped while they wait for the connection's window are kept by nobody", async () => {
  const output = openOutput();
  const bytes = Buffer.alloc(70_000);
  const begin = (id: number): WeakRef<StreamOutput> => {
    const stream = new StreamOutput(id, 1 << 20, silent);
    output.data(stream, bytes, 0, bytes.length);
    output.drop(stream);
    return new WeakRef(stream);
  };
  const gone = Array.from({ length: 50 }, (_, at) => begin(1 + 2 * at));
  // A weak reference holds what it points at until the turn is over.
  await new Promise((resume) => setImmediate(resume));
  collectGarbage();
  assert.equal(gone.filter((stream) => stream.deref() !== undefined).length, 0);
  // The first had all of the window.
  assert.equal(output.window, 0);
});
