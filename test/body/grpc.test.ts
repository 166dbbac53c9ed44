import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GrpcReader } from "../../src/body/grpc.ts";
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
  const reader = new GrpcReader(sink, 10, 4, () => {
    messages++;
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
