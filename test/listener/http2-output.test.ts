import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { ChunkShelf } from "../../src/listener/chunk-shelf.ts";
import { Http2Output, StreamOutput } from "../../src/listener/http2-output.ts";
import { Outbox } from "../../src/std/outbox.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const silent = { onSendDrain() {}, onSendEnd() {} };

function openOutput(): Http2Output {
  const socket = { destroyed: false, writableLength: 0, write: () => true } as unknown as Socket;
  return new Http2Output(socket, true, { chunks: new ChunkShelf(), lend: () => new Outbox(1 << 20) });
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

test("buffers that are used again never show one stream's bytes to another, whatever is dropped", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          client: fc.nat(2),
          stream: fc.nat(3),
          act: fc.constantFrom("data", "data", "data", "widen", "widen", "drop"),
          bytes: fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.constant(65_536), fc.constant(16_384)),
        }),
        { minLength: 20, maxLength: 120 },
      ),
      (acts) => {
        const chunks = new ChunkShelf();
        const clients = Array.from({ length: 3 }, (_, at) => openClient(chunks, at));
        for (const { client, stream, act, bytes } of acts) clients[client]!.act(stream, act, bytes);
        for (const client of clients) client.check();
      },
    ),
  );
});

/** A client with four streams at a time; each byte of a stream says which one it is of, and where it stands. */
function openClient(chunks: ChunkShelf, number: number) {
  const sent: Buffer[] = [];
  const socket = {
    destroyed: false,
    writableLength: 0,
    write: (bytes: Buffer) => {
      sent.push(Buffer.from(bytes));
      return true;
    },
  } as unknown as Socket;
  const outbox = new Outbox(70_000);
  const output = new Http2Output(socket, true, { chunks, lend: () => outbox });
  output.window = 30_000;
  const all: { readonly output: StreamOutput; given: number }[] = [];
  const streams: { readonly output: StreamOutput; given: number }[] = [];
  const open = () => {
    const stream = { output: new StreamOutput(all.length, 20_000, silent), given: 0 };
    all.push(stream);
    return stream;
  };
  /** Half a kilobyte of each value. */
  const bytesOf = (stream: number, from: number, count: number): Buffer => {
    const bytes = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; ) {
      const next = Math.min(count, at + 512 - ((from + at) % 512));
      bytes.fill(number * 83 + stream * 31 + ((from + at) >>> 9), at, next);
      at = next;
    }
    return bytes;
  };
  return {
    act(slot: number, act: string, bytes: number) {
      const stream = (streams[slot] ??= open());
      if (act === "widen") {
        output.widenStream(stream.output, bytes);
        output.widen(bytes);
      } else if (act === "drop") {
        output.drop(stream.output);
        streams[slot] = open();
      } else if (stream.output.queuedBytes < 200_000) {
        const { given } = stream;
        const body = bytesOf(stream.output.id, given, bytes);
        stream.given += bytes;
        output.data(stream.output, body, 0, bytes);
        body.fill(0);
      }
    },
    /** What left of each stream is the beginning of what was given for it. */
    check() {
      output.flush();
      const wire = Buffer.concat(sent);
      const at = new Array<number>(all.length).fill(0);
      for (let start = 0; start < wire.length; ) {
        const end = start + 9 + wire.readUIntBE(start, 3);
        const id = wire.readUInt32BE(start + 5);
        if (wire[start + 3] === 0) {
          const count = end - start - 9;
          const isOwn = bytesOf(id, at[id]!, count).equals(wire.subarray(start + 9, end));
          assert.ok(isOwn, `client ${number}, stream ${id}`);
          at[id]! += count;
        }
        start = end;
      }
      for (const { output: stream, given } of all)
        if (!stream.isOver) assert.equal(at[stream.id]! + stream.queuedBytes, given);
    },
  };
}
