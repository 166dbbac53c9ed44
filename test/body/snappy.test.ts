import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { SnappyBlock } from "../../src/body/snappy.ts";
import { type Piece, piecesSync, snappyBlock, snappySync, varint } from "../support/snappy.ts";

interface Outcome {
  /** "" = one whole block. */
  readonly reason: string;
  readonly body: Buffer;
  readonly memoryBytes: number;
}

/** Reads `pieceBytes` of the input at a time, and lets `sliceBytes` out. */
function decode(coded: Uint8Array, pieceBytes = coded.length, sliceBytes = 8192, max = 10_000_000): Outcome {
  const block = new SnappyBlock(max);
  let reason = "";
  for (let at = 0; reason === "" && (at < coded.length || block.hasMore); ) {
    const before = block.end;
    const read = block.read(coded, at, Math.min(coded.length, at + pieceBytes), sliceBytes);
    assert.ok(block.end - before <= sliceBytes, "no more than was asked for");
    if (typeof read === "string") reason = read;
    else {
      assert.ok(read > at || block.end > before, "goes on");
      at = read;
    }
  }
  if (reason === "" && !block.isWhole) reason = "cut";
  return { reason, body: block.output.subarray(0, block.end), memoryBytes: block.output.length };
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** Made by Google's encoder (snappy 1.1.9, python3-snappy). */
const vectors: readonly (readonly [what: string, body: Buffer, coded: string])[] = [
  ["nothing", Buffer.alloc(0), "AA=="],
  ["a letter", Buffer.from("a"), "AQBh"],
  ["a copy that reaches into itself", Buffer.from("abc".repeat(10)), "HghhYmNqAwA="],
  ["zeros", Buffer.alloc(300), "rAIAAP4BAP4BAP4BAP4BAKoBAA=="],
  [
    "a literal with its length behind the tag",
    Buffer.from("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_".repeat(2)),
    "gAHwQDAxMjM0NTY3ODlhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ekFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaLV8w+kAA",
  ],
  [
    "two series as Prometheus writes them",
    Buffer.from(
      "CkMKDgoIX19uYW1lX18SAnVwChIKCGluc3RhbmNlEgZhOjkxMDAKCwoDam9iEgRub2RlEhAJAAAAAAAA8D8QgNDqtrczCkMKDgoIX19uYW1lX18SAnVwChIKCGluc3RhbmNlEgZiOjkxMDAKCwoDam9iEgRub2RlEhAJAAAAAAAA8D8QgNDqtrcz",
      "base64",
    ),
    "igHwRgpDCg4KCF9fbmFtZV9fEgJ1cAoSCghpbnN0YW5jZRIGYTo5MTAwCgsKA2pvYhIEbm9kZRIQCQAAAAAAAPA/EIDQ6ra3MwpDdkUAAGKORQA=",
  ],
];

suite("snappy", () => {
  for (const [what, body, coded] of vectors)
    test(`undoes what Google's encoder made of ${what}`, () => {
      const outcome = decode(Buffer.from(coded, "base64"));
      assert.equal(outcome.reason, "");
      assert.ok(outcome.body.equals(body));
    });

  test("every form of length, literal and copy is read as the format says", () => {
    const sayings: readonly (readonly [coded: string, body: string])[] = [
      ["05 10 61 62 63 64 65", "abcde"],
      ["85 00 10 61 62 63 64 65", "abcde"], // a length with a byte too many, as every decoder takes it
      ["05 f0 04 61 62 63 64 65", "abcde"], // one, two, three and four bytes of length behind the tag
      ["05 f4 04 00 61 62 63 64 65", "abcde"],
      ["05 f8 04 00 00 61 62 63 64 65", "abcde"],
      ["05 fc 04 00 00 00 61 62 63 64 65", "abcde"],
      ["06 04 61 62 01 02", "ababab"], // copies with one, two and four bytes of offset
      ["06 04 61 62 0e 02 00", "ababab"],
      ["06 04 61 62 0f 02 00 00 00", "ababab"],
    ];
    for (const [coded, body] of sayings) assert.equal(decode(hex(coded)).body.toString(), body, coded);
    const far = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 251));
    const pieces: readonly Piece[] = [
      { literal: far },
      { offset: 2047, length: 11 }, // the largest of the short form, and the smallest beyond
      { offset: 2048, length: 11 },
      { offset: 65_535, length: 64 },
      { offset: 65_536, length: 64 },
      { offset: 70_150, length: 1 }, // the first byte of all
    ];
    const body = piecesSync(pieces);
    assert.ok(decode(snappyBlock(body.length, pieces)).body.equals(body));
  });

  test("bodies come back, however the input is cut and however little is taken at a time", () => {
    const piece = fc.oneof(
      fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 300 }) }),
      fc.record({ offset: fc.integer({ min: 1, max: 5_000 }), length: fc.integer({ min: 1, max: 200 }) }),
    );
    const size = fc.integer({ min: 1, max: 90 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), size, size, (drawn, pieceBytes, sliceBytes) => {
        const pieces: Piece[] = [];
        let end = 0;
        for (const one of drawn) {
          if ("literal" in one) pieces.push(one);
          else if (end > 0) pieces.push({ ...one, offset: 1 + (one.offset % end) });
          else continue;
          end += "literal" in one ? one.literal.length : one.length;
        }
        const body = piecesSync(pieces);
        for (const coded of [snappyBlock(body.length, pieces), snappySync(body)]) {
          const outcome = decode(coded, pieceBytes, sliceBytes);
          assert.equal(outcome.reason, "");
          assert.ok(outcome.body.equals(body));
        }
      }),
    );
  });

  test("any bytes get the same verdict however they are cut, and take no memory that they did not fill", () => {
    const noise = fc.uint8Array({ maxLength: 300 });
    const spoilt = fc.tuple(noise, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([bytes, at, byte]) => {
      const coded = snappySync(Buffer.concat([bytes, bytes]));
      coded[at % coded.length] = byte;
      return coded;
    });
    fc.assert(
      fc.property(fc.oneof(noise, spoilt), fc.integer({ min: 1, max: 20 }), (coded, pieceBytes) => {
        const whole = decode(coded);
        const cut = decode(coded, pieceBytes, 50);
        assert.equal(cut.reason, whole.reason);
        if (whole.reason === "") assert.ok(cut.body.equals(whole.body));
        assert.ok(whole.memoryBytes <= Math.max(1024, 2 * whole.body.length + 8192), `${whole.memoryBytes}`);
      }),
      { numRuns: 500 },
    );
  });

  test("a cut block is none, wherever it is cut", () => {
    for (const [what, , coded] of vectors) {
      const bytes = Buffer.from(coded, "base64");
      for (let end = 0; end < bytes.length; end++)
        assert.equal(decode(bytes.subarray(0, end)).reason, "cut", `${what} at ${end}`);
    }
  });

  const broken: readonly (readonly [what: string, coded: string])[] = [
    ["a length of more than 32 bits", "ff ff ff ff 10"],
    ["a length that does not end", "80 80 80 80 80 00"],
    ["a copy before anything came out", "05 01 01"],
    ["an offset of 0", "06 04 61 62 01 00"],
    ["an offset of 0 in two bytes", "06 04 61 62 0e 00 00"],
    ["an offset of 0 in four bytes", "06 04 61 62 0f 00 00 00 00"],
    ["an offset before the beginning", "06 04 61 62 01 03"],
    ["an offset of 4 GiB", "06 04 61 62 0f ff ff ff ff"],
    ["a literal longer than the block", "02 08 61 62 63"],
    ["a literal of 4 GiB", "05 fc ff ff ff ff 61"],
    ["a copy longer than the block", "05 04 61 62 01 02"],
    ["a literal behind the end", "01 00 61 00 62"],
    ["a copy behind the end", "02 04 61 62 02 01 00"],
    ["a literal behind nothing", "00 00 61"],
  ];
  for (const [what, coded] of broken)
    test(`${what} is refused`, () => {
      for (const pieceBytes of [1, 100]) assert.equal(decode(hex(coded), pieceBytes).reason, "decompress");
    });

  test("a tag alone behind the end is not the end", () => {
    assert.equal(decode(hex("01 00 61 fc")).reason, "cut");
  });

  test("a length beyond the limit is refused at once, and one within it takes no memory", () => {
    assert.equal(decode(varint(10_000_001)).reason, "decompress_cap");
    assert.equal(decode(varint(2 ** 32 - 1)).reason, "decompress_cap");
    const small = decode(Buffer.concat([varint(10_000_000), hex("04 61 62")]));
    assert.deepEqual([small.reason, small.memoryBytes], ["cut", 1024]);
    const claimed = decode(Buffer.concat([varint(10_000_000), hex("fc ff 00 00 00"), Buffer.alloc(200)]));
    assert.deepEqual([claimed.reason, claimed.memoryBytes], ["cut", 1024]);
  });

  test("time grows with the body, not with its square", () => {
    // Byte by byte in and out, with copies: a megabyte that is moved for every one of them would take hours.
    const body = Buffer.alloc(1_000_000, "0123456789abcdefghijklmnopqrstuvwxyz".repeat(7));
    const startMs = performance.now();
    assert.ok(decode(snappySync(body), 1, 64).body.equals(body));
    assert.ok(performance.now() - startMs < 5_000);
  });
});
