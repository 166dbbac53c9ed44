import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HpackDecoder } from "../../src/http/hpack-decoder.ts";
import { encodedField, putField, putStatus, putTextField } from "../../src/http/hpack-encoder.ts";
import { decodeHuffman, huffmanBytesMax } from "../../src/http/hpack-huffman.ts";
import { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, NO_ERROR } from "../../src/http/http2-frame.ts";
import { block, indexed, reference } from "../support/h2-frames.ts";

type Field = readonly [name: string, value: string];

/** The fields of a block, or undefined when it is broken. */
function decode(decoder: HpackDecoder, bytes: Uint8Array, bytesMax = Infinity): Field[] | undefined {
  const fields: Field[] = [];
  const source = Buffer.from(bytes);
  const code = decoder.decode(
    source,
    0,
    source.length,
    {
      onField(line, start, nameLength, valueLength) {
        const valueStart = start + nameLength + 2;
        assert.equal(line.latin1Slice(start + nameLength, valueStart), ": ");
        assert.equal(line.latin1Slice(valueStart + valueLength, valueStart + valueLength + 2), "\r\n");
        fields.push([
          line.latin1Slice(start, start + nameLength),
          line.latin1Slice(valueStart, valueStart + valueLength),
        ]);
      },
    },
    { bytes: Buffer.alloc(0) },
    bytesMax,
  );
  assert.ok(code === NO_ERROR || code === COMPRESSION_ERROR || code === ENHANCE_YOUR_CALM);
  return code === NO_ERROR ? fields : undefined;
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

// RFC 7541 appendix C.3 to C.6. Each group is one connection: the table goes on.
const requests: readonly (readonly Field[])[] = [
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
  ],
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
    ["cache-control", "no-cache"],
  ],
  [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ],
];
const vectors: readonly (readonly [title: string, blocks: readonly string[], sizes: readonly number[]])[] = [
  [
    "C.3",
    [
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ],
    [57, 110, 164],
  ],
  [
    "C.4",
    [
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ],
    [57, 110, 164],
  ],
];

for (const [title, blocks, sizes] of vectors) {
  test(`RFC 7541 ${title}: requests of one connection`, () => {
    const decoder = new HpackDecoder();
    blocks.forEach((text, at) => {
      assert.deepEqual(decode(decoder, hex(text)), requests[at]);
      assert.equal(decoder.table.size, sizes[at]);
    });
  });
}

test("RFC 7541 C.6: entries leave a table of 256 bytes as new ones come", () => {
  const decoder = new HpackDecoder();
  // What the RFC says by SETTINGS is said here by a size update: 256.
  const resize = hex("3fe101");
  const first = hex(
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
  );
  assert.deepEqual(decode(decoder, Buffer.concat([resize, first])), [
    [":status", "302"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["location", "https://www.example.com"],
  ]);
  assert.equal(decoder.table.size, 222);
  assert.deepEqual(decode(decoder, hex("4883 640e ffc1 c0bf"))?.[0], [":status", "307"]);
  assert.equal(decoder.table.size, 222);
  const third = decode(
    decoder,
    hex(
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ),
  );
  assert.deepEqual(third?.at(-1), ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"]);
  assert.equal(decoder.table.size, 215);
});

test("RFC 7541 C.1: integers", () => {
  // 1337 with a prefix of five bits, as the size of the table.
  const decoder = new HpackDecoder();
  assert.deepEqual(decode(decoder, hex("3f9a0a")), []);
  // 1337 as an index refers to nothing.
  assert.equal(decode(decoder, hex("ffba09")), undefined);
});

test("broken blocks are told from whole ones", () => {
  const broken = [
    ["index 0", "80"],
    ["an index beyond the table", "be"],
    ["an integer that never ends", "ff80808080808080"],
    ["an integer of 2^32", "ffffffffff0f"],
    ["a cut integer", "ff"],
    ["a cut name", "4005 6162"],
    ["a cut value", "4001 6105 61"],
    ["a value that is missing", "4001 61"],
    ["a name beyond the table", "7e 01 61"],
    ["a table of more than was offered", "3fe21f"],
    ["a size update behind a field", "82 20"],
    ["a third size update", "20 3e 20 82"],
    ["EOS in a string", "0084 ffff fffc 0161"],
    ["padding of zeros", "0081 18 0161"],
    ["padding of a whole byte", "0082 1fff 0161"],
  ] as const;
  for (const [title, text] of broken) assert.equal(decode(new HpackDecoder(), hex(text)), undefined, title);
});

test("an entry larger than the table empties it and is no error", () => {
  const decoder = new HpackDecoder();
  assert.equal(decode(decoder, indexed("x-a", "1"))?.length, 1);
  assert.equal(decoder.table.count, 1);
  assert.equal(decode(decoder, indexed("x-b", "v".repeat(5000)))?.[0]?.[1].length, 5000);
  assert.equal(decoder.table.count, 0);
  assert.equal(decode(decoder, reference(62)), undefined);
});

test("a few bytes of references stand for no more than the block may have", () => {
  const decoder = new HpackDecoder();
  decode(decoder, indexed("n".repeat(2000), "v".repeat(2000)));
  const bomb = Buffer.concat(Array.from({ length: 1000 }, () => reference(62)));
  let given = 0;
  const sink = { onField: () => void given++ };
  const source = Buffer.from(bomb);
  const scratch = { bytes: Buffer.alloc(0) };
  assert.equal(decoder.decode(source, 0, source.length, sink, scratch, 65_536), ENHANCE_YOUR_CALM);
  assert.equal(given, 17);
  // The same by names alone, each with an empty value of its own.
  const names = Buffer.concat(Array.from({ length: 1000 }, () => hex("0f2f 00")));
  assert.equal(decode(new HpackDecoder(), names, 65_536), undefined);
  decode(decoder, indexed("n".repeat(4000), ""));
  assert.equal(decode(decoder, names, 65_536), undefined);
  assert.equal(decode(decoder, names.subarray(0, 3 * 16), 65_536)?.length, 16);
});

test("a name by reference to the entry that its own field pushes out", () => {
  const decoder = new HpackDecoder();
  const name = "n".repeat(1000);
  decode(decoder, indexed(name, "v".repeat(2900)));
  const literal = Buffer.concat([hex("7e"), hex("7f 81 0f"), Buffer.alloc(127 + 0x781, "w")]);
  assert.deepEqual(decode(decoder, literal), [[name, "w".repeat(127 + 0x781)]]);
  assert.deepEqual(decode(decoder, reference(62)), [[name, "w".repeat(127 + 0x781)]]);
});

test("the table keeps what a plain list would keep, however it is used", () => {
  const size = ([name, value]: Field): number => name.length + value.length + 32;
  const step = fc.oneof(
    fc.record({
      name: latin1(1, 300),
      value: latin1(0, 1500),
    }),
    fc.record({ resize: fc.nat(4096) }),
    fc.record({ index: fc.nat(140) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const decoder = new HpackDecoder();
      let kept: Field[] = [];
      let sizeMax = 4096;
      const evict = (): void => {
        while (kept.reduce((sum, field) => sum + size(field), 0) > sizeMax) kept.pop();
      };
      for (const one of steps) {
        if ("resize" in one) {
          sizeMax = one.resize;
          evict();
          assert.deepEqual(decode(decoder, integer(one.resize, 0x1f, 0x20)), []);
        } else if ("index" in one) {
          const field = kept[one.index];
          assert.deepEqual(decode(decoder, reference(62 + one.index)), field && [field]);
        } else {
          const field: Field = [one.name, one.value];
          assert.deepEqual(decode(decoder, indexed(...field)), [field]);
          kept = [field, ...kept];
          if (size(field) > sizeMax) kept = [];
          else evict();
        }
        assert.equal(decoder.table.count, kept.length);
      }
    }),
    { numRuns: 100 },
  );
});

test("no bytes make the decoder throw, or give more than they can say", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HpackDecoder();
      for (const bytes of blocks) {
        const fields = decode(decoder, bytes);
        if (fields === undefined) return;
        assert.ok(fields.length <= bytes.length);
      }
    }),
    { numRuns: 2000 },
  );
});

test("what the encoder writes, the decoder reads", () => {
  const name = fc.stringMatching(/^[a-z0-9-]{1,60}$/);
  const value = latin1(0, 400);
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), fc.array(fc.tuple(name, value)), (status, fields) => {
      const out = Buffer.alloc(16 + fields.reduce((sum, [a, b]) => sum + 2 * (a.length + b.length) + 32, 0));
      let at = putStatus(out, 0, status);
      for (const [one, text] of fields) {
        const line = Buffer.from(`${one.toUpperCase()}${text}`, "latin1");
        at = putField(out, at, line, 0, one.length, one.length, line.length);
        at = putTextField(out, at, one, text);
      }
      assert.deepEqual(decode(new HpackDecoder(), out.subarray(0, at)), [
        [":status", String(status)],
        ...fields.flatMap((field) => [field, field]),
      ]);
    }),
  );
  const own = encodedField("cache-control", "no-cache");
  assert.deepEqual(decode(new HpackDecoder(), own), [["cache-control", "no-cache"]]);
});

test("plain literals, as tests write them, are read as they are", () => {
  const fields: Field[] = [
    ["x-a", ""],
    ["", "x"],
    ["x\r\n", "\0"],
  ];
  assert.deepEqual(decode(new HpackDecoder(), block(fields)), fields);
});

test("Huffman codes never decode to more than they can", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const out = Buffer.alloc(huffmanBytesMax(bytes.length) + 1, 0xaa);
      decodeHuffman(bytes, 0, bytes.length, out, 0);
      assert.equal(out.at(-1), 0xaa);
    }),
  );
});

function latin1(minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength, maxLength, size: "max" })
    .map((bytes) => Buffer.from(bytes).latin1Slice());
}

function integer(value: number, mask: number, pattern: number): Buffer {
  if (value < mask) return Buffer.from([pattern | value]);
  const bytes = [pattern | mask];
  let rest = value - mask;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
