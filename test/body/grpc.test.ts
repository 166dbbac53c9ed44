import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { GrpcReader, type GrpcReason } from "../../src/body/grpc.ts";
import { inPieces, type Seen, valueList } from "../support/value-list.ts";

function message(content: string, compressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, Buffer.from(content, "latin1")]);
}

function read(
  body: Buffer,
  cuts: readonly number[] = [],
  max = Infinity,
): { seen: Seen[]; reason: string; settled: number; messages: number } {
  const sink = valueList();
  let messages = 0;
  const reader = new GrpcReader(sink, 10, 4, {
    message: () => void messages++,
    ready: () => assert.fail("nothing is compressed"),
  });
  reader.messageBytesMax = max;
  let reason: string | undefined;
  inPieces(body, cuts, (piece, start, end) => {
    return (reason ??= reader.write(piece, start, end));
  });
  reason ??= reader.end();
  return { seen: sink.seen, reason: reason ?? "", settled: reader.settled, messages };
}

const values = (body: Buffer): readonly string[] => read(body).seen.map(([, value]) => value);

test("each message is a value of its own, and settled with its last byte", () => {
  const body = Buffer.concat([message("one"), message(""), message("two")]);
  assert.deepEqual(values(body), ["one", "two"]);
  assert.deepEqual([read(body).settled, read(body).messages, read(body).reason], [body.length, 3, ""]);
  assert.equal(read(body.subarray(0, body.length - 1)).settled, body.length - 8);
});

test("a long message is read in windows that overlap", () => {
  assert.deepEqual(values(message("0123456789abcdef")), ["0123456789", "6789abcdef"]);
});

test("what is no gRPC, or nobody can look into, is refused", () => {
  assert.equal(read(Buffer.from('{"a":1}')).reason, "grpc_frame");
  assert.equal(read(message("x", 2)).reason, "grpc_frame");
  assert.equal(read(message("x", 1)).reason, "grpc_compressed");
  assert.equal(read(message("cut").subarray(0, 7)).reason, "grpc_frame");
  assert.equal(read(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), [], 1000).reason, "grpc_size");
  assert.equal(read(message("0123"), [], 4).reason, "");
  assert.equal(read(message("01234"), [], 4).reason, "grpc_size");
});

test("any cutting into chunks gives the same values and the same verdict", () => {
  const body = fc
    .array(
      fc.oneof(
        fc.string({ maxLength: 30 }).map((text) => message(text)),
        fc.uint8Array({ maxLength: 3 }),
      ),
      {
        maxLength: 6,
      },
    )
    .map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(body, fc.array(fc.nat(120), { maxLength: 6 }), (bytes, cuts) => {
      assert.deepEqual(read(bytes, cuts), read(bytes));
    }),
  );
});

/** Reads with `coding`, one piece after the other, each when the reader takes it. */
async function readCoded(body: Buffer, cuts: readonly number[], coding: "gzip" | "deflate", max = 1 << 24) {
  const sink = valueList();
  let messages = 0;
  let wake: (reason: GrpcReason | undefined) => void = () => assert.fail("ready, but not busy");
  const reader = new GrpcReader(sink, 10_000, 4, {
    message: () => void messages++,
    ready: (reason) => wake(reason),
  });
  reader.messageBytesMax = max;
  reader.coding = coding;
  let reason: GrpcReason | undefined;
  const ends = [...new Set(cuts.map((cut) => Math.min(cut, body.length))), body.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    const ready = new Promise<GrpcReason | undefined>((resolve) => {
      wake = resolve;
    });
    reason = reader.write(body, start, end);
    if (reason === undefined && reader.busy) reason = await ready;
    if (reason !== undefined) break;
    start = end;
  }
  reason ??= reader.end();
  const result = { seen: sink.seen, reason, settled: reader.settled, messages };
  reader.reset();
  return result;
}

function packed(content: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

test("compressed messages are undone, beside others, however they are cut", async () => {
  const long = "a longer text, told twice. ".repeat(40);
  const body = Buffer.concat([
    packed(gzipSync("one")),
    message("two"),
    packed(gzipSync(long)),
    packed(gzipSync("")),
    packed(gzipSync("last")),
  ]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(body.length), { maxLength: 8 }), async (cuts) => {
      const { seen, reason, settled, messages } = await readCoded(body, cuts, "gzip");
      assert.deepEqual(
        seen.map(([, value]) => value),
        ["one", "two", long, "last"],
      );
      assert.deepEqual([reason, settled, messages], [undefined, body.length, 5]);
    }),
    { numRuns: 30 },
  );
});

test("a compressed message that is broken, cut, followed by garbage or too large is refused", async () => {
  const cases: readonly (readonly [string, Buffer, GrpcReason])[] = [
    ["no gzip", packed(Buffer.from("garbage, not compressed")), "decompress"],
    ["nothing", packed(Buffer.alloc(0)), "decompress"],
    ["cut", packed(gzipSync("some text").subarray(0, 20)), "decompress"],
    ["garbage behind it", packed(Buffer.concat([gzipSync("a"), Buffer.from("b")])), "decompress"],
    ["two members", packed(Buffer.concat([gzipSync("a"), gzipSync("b")])), "decompress"],
    ["a bomb", packed(gzipSync(Buffer.alloc(1 << 20))), "ratio_cap"],
    ["too large when undone", packed(gzipSync("0123456789".repeat(20))), "decompress_cap"],
  ];
  for (const [title, body, expected] of cases) {
    const max = expected === "decompress_cap" ? 150 : 1 << 24;
    for (const cuts of [[], [7], [3, 9, 15]])
      assert.equal((await readCoded(body, cuts, "gzip", max)).reason, expected, `${title}, cut at ${cuts}`);
  }
  assert.equal((await readCoded(packed(deflateSync("a")), [], "deflate")).reason, undefined);
});

test("many small bombs share one allowance", async () => {
  const bomb = packed(gzipSync(Buffer.alloc(30_000)));
  assert.equal((await readCoded(Buffer.concat([bomb, bomb]), [], "gzip")).reason, undefined);
  const many = Buffer.concat(Array.from({ length: 40 }, () => bomb));
  assert.equal((await readCoded(many, [], "gzip")).reason, "ratio_cap");
});
