import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { HpackDecoder } from "../../src/http/hpack-decoder.ts";
import { putField, putStatus } from "../../src/http/hpack-encoder.ts";
import { END_HEADERS, END_STREAM, frame, HEADERS, SETTINGS } from "../support/h2-frames.ts";

// nghttp2, which node:http2 is made of, stands at the other end: its compressor against our reader, ours against its.

const name = fc.stringMatching(/^x-[a-z0-9-]{0,20}$/);
const value = fc
  .uint8Array({ maxLength: 120 })
  .map((bytes) => bytes.filter((byte) => byte >= 0x20 && byte !== 0x7f))
  .map((bytes) =>
    Buffer.from(bytes)
      .latin1Slice()
      .replaceAll(/^[ ]+|[ ]+$/g, ""),
  );
const fields = fc.uniqueArray(fc.tuple(name, value), { maxLength: 20, selector: ([one]) => one });

test("heads that nghttp2 compresses, and answers that it reads, are the same at both ends", async (t) => {
  const decoder = new HpackDecoder();
  const seen: [string, string][][] = [];
  let answers: [string, string][] = [];
  const server = net.createServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    let isPrefaceRead = false;
    socket.on("error", () => {});
    socket.write(frame(SETTINGS, 0, 0));
    socket.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      if (!isPrefaceRead) {
        if (rest.length < 24) return;
        rest = rest.subarray(24);
        isPrefaceRead = true;
      }
      while (rest.length >= 9) {
        const end = 9 + rest.readUIntBE(0, 3);
        if (rest.length < end) return;
        const [type, flags, stream] = [rest[3]!, rest[4]!, rest.readUInt32BE(5)];
        // nghttp2 sends a priority with its heads.
        const start = 9 + ((flags & 0x20) !== 0 ? 5 : 0);
        if (type === SETTINGS && (flags & 1) === 0) socket.write(frame(SETTINGS, 1, 0));
        if (type === HEADERS) {
          seen.push(read(Buffer.from(rest.subarray(start, end))));
          socket.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, print(answers)));
        }
        rest = rest.subarray(end);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  client.on("error", () => {});
  t.after(() => {
    client.destroy();
    server.close();
  });

  function read(block: Buffer): [string, string][] {
    const list: [string, string][] = [];
    const sink = {
      onField(line: Buffer, start: number, nameLength: number, valueLength: number): void {
        const from = start + nameLength + 2;
        list.push([line.latin1Slice(start, start + nameLength), line.latin1Slice(from, from + valueLength)]);
      },
    };
    assert.equal(decoder.decode(block, 0, block.length, sink, { bytes: Buffer.alloc(0) }, Infinity), 0);
    return list;
  }

  // One connection: the table fills, wraps and evicts.
  await fc.assert(
    fc.asyncProperty(fields, fields, async (given, answered) => {
      answers = answered;
      const stream = client.request(Object.fromEntries([[":path", "/x"], ...given]), { endStream: true });
      const [, , raw] = (await once(stream, "response")) as [unknown, unknown, string[]];
      stream.resume();
      await once(stream, "close");
      const got = seen.at(-1)!.filter(([one]) => !one.startsWith(":"));
      assert.deepEqual(sorted(got), sorted(given));
      const told: [string, string][] = [];
      for (let at = 2; at + 1 < raw.length; at += 2) told.push([raw[at]!, raw[at + 1]!]);
      assert.deepEqual(told, answered);
    }),
    { numRuns: 300 },
  );
});

function print(list: readonly (readonly [string, string])[]): Buffer {
  const out = Buffer.alloc(65_536);
  let at = putStatus(out, 0, 299);
  for (const [one, text] of list) {
    const line = Buffer.from(one + text, "latin1");
    at = putField(out, at, line, 0, one.length, one.length, line.length);
  }
  return Buffer.from(out.subarray(0, at));
}

function sorted(list: readonly (readonly [string, string])[]): string[] {
  return list.map(([one, text]) => `${one}=${text}`).sort();
}
