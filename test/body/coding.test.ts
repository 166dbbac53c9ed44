import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as zlib from "node:zlib";
import fc from "fast-check";
import {
  type Coding,
  CodingDecoder,
  contentCoding,
  messageCoding,
  SLICE_BYTES,
} from "../../src/body/coding.ts";
import { type Piece, snappyBlock, snappySync, varint } from "../support/snappy.ts";

type Coded = Exclude<Coding, "identity" | "aws-chunked">;
const codings: readonly Coded[] = ["gzip", "deflate", "br", "zstd", "snappy"];
const encode: Readonly<Record<Coded, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: (bytes) => zlib.zstdCompressSync(bytes),
  snappy: snappySync,
};

interface Outcome {
  readonly problem: string;
  readonly body: Buffer;
  /** Bytes that came out of the engine, refused ones included. */
  readonly produced: number;
  readonly slices: readonly number[];
}

interface Run {
  readonly outputMaxBytes?: number;
  readonly chunkBytes?: number;
  /** The sink pauses after every slice and resumes later. */
  readonly slow?: boolean;
}

function decode(coding: Coded, coded: Uint8Array, run: Run = {}): Promise<Outcome> {
  return new Promise((settle) => {
    const parts: Buffer[] = [];
    let at = 0;
    let ended = 0;
    const send = (): void => {
      const chunkBytes = run.chunkBytes ?? 65_536;
      while (at < coded.length) {
        const end = Math.min(coded.length, at + chunkBytes);
        // A copy that is spoilt afterwards: the decoder must have taken what it needs.
        const chunk = Uint8Array.prototype.slice.call(coded, at, end);
        at = end;
        const more = decoder.write(chunk, 0, chunk.length);
        chunk.fill(0xee);
        if (!more) return;
      }
      decoder.end();
    };
    const decoder = new CodingDecoder(
      coding,
      { outputMaxBytes: run.outputMaxBytes ?? 10 * 1024 * 1024 },
      {
        slice(bytes, start, end) {
          parts.push(Buffer.from(bytes.subarray(start, end)));
          if (run.slow) setImmediate(() => decoder.resume());
          return run.slow !== true;
        },
        drained: send,
        ended(reason) {
          assert.equal(++ended, 1, "ended once");
          const body = Buffer.concat(parts);
          settle({
            problem: reason ?? "",
            body,
            produced: decoder.outputBytes,
            slices: parts.map((part) => part.length),
          });
        },
      },
    );
    send();
  });
}

async function refused(problem: string, coding: Coded, coded: Uint8Array): Promise<void> {
  for (const chunkBytes of [65_536, 1]) {
    if (chunkBytes === 1 && coded.length > 5_000) continue;
    assert.equal((await decode(coding, coded, { chunkBytes })).problem, problem, `chunks of ${chunkBytes}`);
  }
}

/** Text that compresses about 3:1, as prose and JSON do. */
function prose(bytes: number): Buffer {
  const body = Buffer.alloc(bytes);
  let seed = 7;
  for (let at = 0; at < bytes; at++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    body[at] = 97 + ((seed >>> 16) % 5);
  }
  return body;
}

suite("content codings", () => {
  test("name exactly one layer that is undone here (EN3)", () => {
    assert.equal(contentCoding("gzip"), "gzip");
    assert.equal(contentCoding(" GZIP "), "gzip");
    assert.equal(contentCoding("deflate"), "deflate");
    assert.equal(contentCoding("br"), "br");
    assert.equal(contentCoding("zstd"), "zstd");
    assert.equal(contentCoding("Snappy"), "snappy");
    assert.equal(contentCoding("identity"), "identity");
    assert.equal(contentCoding(""), "identity");
    const thousand = Array.from({ length: 1_000 }, () => "gzip").join(", ");
    for (const value of [
      "gzip, gzip",
      thousand,
      "gzip, identity",
      "identity, gzip",
      ",gzip",
      "x-gzip",
      "x-snappy-framed",
      "snappy, snappy",
      "compress",
      "x-compress",
      "aes128gcm",
      "exi",
      "dcb",
      "gzip;q=1",
      "gz ip",
      "chunked",
    ])
      assert.equal(contentCoding(value), undefined, value.slice(0, 40));
  });

  test("of messages are the same, but for snappy", () => {
    assert.equal(messageCoding("zstd"), "zstd");
    assert.equal(messageCoding("identity"), "identity");
    assert.equal(messageCoding("snappy"), undefined);
    assert.equal(messageCoding("lz4"), undefined);
  });

  for (const coding of codings) {
    suite(coding, () => {
      test("comes out as it went in, whatever its size (EN1)", async () => {
        for (const bytes of [0, 1, 100, 16_384, 65_536, 65_537, 1_000_000]) {
          const body = prose(bytes);
          const outcome = await decode(coding, encode[coding](body));
          assert.equal(outcome.problem, "", `${bytes} bytes`);
          assert.ok(outcome.body.equals(body));
          assert.ok(outcome.slices.every((slice) => slice <= SLICE_BYTES));
        }
      });

      test("gives the same slices and the same end for every chunking", async () => {
        const noise = fc.uint8Array({ maxLength: 3_000 });
        const body = fc.oneof(
          noise,
          noise.map((bytes) => encode[coding](bytes)),
          noise.map((bytes) => encode[coding](bytes).subarray(0, -1)),
          noise.map((bytes) => Buffer.concat([encode[coding](bytes), encode[coding](bytes)])),
        );
        await fc.assert(
          fc.asyncProperty(
            body,
            fc.integer({ min: 1, max: 400 }),
            fc.boolean(),
            async (coded, size, slow) => {
              const whole = await decode(coding, coded);
              const cut = await decode(coding, coded, { chunkBytes: size, slow });
              assert.deepEqual(cut, whole);
            },
          ),
          { numRuns: 60 },
        );
      });

      test("waits for a slow sink with bounded output in hand", async () => {
        const body = prose(2_000_000);
        const coded = encode[coding](body);
        assert.ok((await decode(coding, coded, { slow: true, chunkBytes: 50_000 })).body.equals(body));
        let produced = 0;
        const decoder = new CodingDecoder(
          coding,
          { outputMaxBytes: 10_000_000 },
          {
            slice(_bytes, start, end) {
              produced += end - start;
              return false; // and never resumes
            },
            drained: () => send(),
            ended: () => assert.fail("ended while the sink waits"),
          },
        );
        let at = 0;
        const send = (): void => {
          let accepted = true;
          for (; at < coded.length && accepted; at += 16_384)
            accepted = decoder.write(coded, at, Math.min(coded.length, at + 16_384));
        };
        send();
        while (produced === 0) await new Promise(setImmediate);
        for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
        assert.ok(at < coded.length / 2, "asks the client to wait");
        assert.ok(produced <= SLICE_BYTES, `${produced}`);
        decoder.close();
      });

      test("cut off, followed by garbage, or twice is refused (EN4)", async () => {
        const coded = encode[coding](Buffer.from("some body, long enough to have an inside"));
        await refused("", coding, coded);
        for (let length = 0; length < coded.length; length++)
          assert.equal((await decode(coding, coded.subarray(0, length))).problem, "decompress", `${length}`);
        await refused("decompress", coding, Buffer.concat([coded, Buffer.from("x")]));
        await refused("decompress", coding, Buffer.concat([coded, Buffer.from([0])]));
        await refused("decompress", coding, Buffer.concat([coded, Buffer.alloc(20_000)]));
        await refused("decompress", coding, Buffer.concat([coded, coded]));
      });

      test("plain text under this name is refused (EN5)", async () => {
        await refused("decompress", coding, Buffer.from("cmd=cat /etc/passwd"));
        await refused("decompress", coding, Buffer.from("{}"));
      });

      test("bombs are stopped after some hundred kilobytes (EN2)", async () => {
        const zeros = encode[coding](Buffer.alloc(10_000_000));
        for (const coded of [zeros, encode[coding](Buffer.alloc(1_000_000, "ab"))]) {
          const outcome = await decode(coding, coded);
          assert.equal(outcome.problem, "ratio_cap");
          assert.ok(outcome.produced <= 300_000, `${outcome.produced} bytes came out`);
        }
        const grown = await decode(coding, encode[coding](prose(1_000_000)), { outputMaxBytes: 100_000 });
        assert.equal(grown.problem, "decompress_cap");
        assert.ok(grown.produced <= 100_000 + SLICE_BYTES);
      });

      test("closed in the middle says nothing more", async () => {
        const coded = encode[coding](prose(500_000));
        for (const turns of [0, 1, 3]) {
          let isClosed = false;
          const fail = (): never => assert.fail("called after close");
          const decoder = new CodingDecoder(
            coding,
            { outputMaxBytes: 1_000_000 },
            { slice: () => (isClosed ? fail() : true), drained: () => {}, ended: fail },
          );
          decoder.write(coded, 0, 60_000);
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
          decoder.close();
          isClosed = true;
          decoder.close();
          decoder.write(coded, 0, 100);
          decoder.resume();
          decoder.end();
          for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        }
      });
    });
  }

  test("a body that grows 9.9 times passes and one that grows 10.1 times does not (EN6)", async () => {
    // Noise that does not shrink, and zeros that shrink to next to nothing, mixed to the wanted ratio.
    let seed = 1;
    const noise = Buffer.from(
      Array.from({ length: 9_000 }, () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16),
    );
    const grown = (ratio: number): Buffer => {
      let low = 0;
      let high = 200_000;
      while (high - low > 1) {
        const zeros = (low + high) >> 1;
        const body = Buffer.concat([noise, Buffer.alloc(zeros)]);
        if (body.length / zlib.gzipSync(body).length < ratio) low = zeros;
        else high = zeros;
      }
      return Buffer.concat([noise, Buffer.alloc(low)]);
    };
    const almost = grown(9.9);
    assert.ok(almost.length > 65_536);
    assert.equal((await decode("gzip", zlib.gzipSync(almost))).problem, "");
    assert.equal((await decode("gzip", zlib.gzipSync(grown(10.1)))).problem, "ratio_cap");
  });

  test("up to 64 KiB may come out of very little", async () => {
    assert.equal((await decode("gzip", zlib.gzipSync(Buffer.alloc(65_536)))).problem, "");
    assert.equal((await decode("gzip", zlib.gzipSync(Buffer.alloc(65_537)))).problem, "ratio_cap");
  });

  test("gzip: names and comments in the header are skipped, a wrong header refused (EN4)", async () => {
    const plain = zlib.gzipSync(Buffer.from("body"));
    const rest = plain.subarray(10);
    const head = (flags: number, ...more: readonly number[]): Buffer =>
      Buffer.concat([
        plain.subarray(0, 3),
        Buffer.from([flags]),
        plain.subarray(4, 10),
        Buffer.from(more),
        rest,
      ]);
    const extra = [3, 0, 1, 2, 3];
    const name = [...Buffer.from("body.txt\0")];
    await refused("", "gzip", head(0x01));
    await refused("", "gzip", head(0x04, ...extra));
    await refused("", "gzip", head(0x08, ...name));
    await refused("", "gzip", head(0x1c, ...extra, ...name, ...name));
    const withSum = head(0x02);
    const sum = zlib.crc32(withSum.subarray(0, 10)) & 0xffff;
    await refused("", "gzip", head(0x02, sum & 0xff, sum >> 8));
    await refused("decompress", "gzip", head(0x02, (sum & 0xff) ^ 1, sum >> 8));
    await refused("decompress", "gzip", head(0x20));
    await refused("decompress", "gzip", head(0x08, ...Buffer.alloc(5_000, "n"), 0));
    await refused("decompress", "gzip", head(0x04, 255, 255));
  });

  test("gzip: wrong check values are refused (EN4)", async () => {
    const coded = zlib.gzipSync(Buffer.from("a body"));
    for (let back = 1; back <= 8; back++) {
      const bad = Buffer.from(coded);
      bad[bad.length - back]! ^= 1;
      await refused("decompress", "gzip", bad);
    }
  });

  test("deflate: a preset dictionary, a wrong check value or no zlib frame is refused (EN4)", async () => {
    const body = Buffer.from("a body a body");
    await refused("decompress", "deflate", zlib.deflateSync(body, { dictionary: Buffer.from("a body") }));
    const bad = Buffer.from(zlib.deflateSync(body));
    bad[bad.length - 1]! ^= 1;
    await refused("decompress", "deflate", bad);
    await refused("decompress", "deflate", zlib.deflateRawSync(body));
  });

  test("br: a large window is refused (EN4)", async () => {
    const params = { [zlib.constants.BROTLI_PARAM_LARGE_WINDOW]: 1, [zlib.constants.BROTLI_PARAM_LGWIN]: 28 };
    await refused("decompress", "br", zlib.brotliCompressSync(prose(2_000), { params }));
  });

  test("zstd: windows above 8 MiB, skippable frames, dictionaries and reserved bits are refused (EN4)", async () => {
    const frame = (descriptor: number, ...more: readonly number[]): Buffer =>
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...more]);
    const empty = [0x01, 0x00, 0x00]; // the last block, raw, of no bytes
    await refused("", "zstd", frame(0x00, 13 << 3, ...empty)); // 8 MiB
    await refused("decompress", "zstd", frame(0x00, (13 << 3) | 1, ...empty)); // 9 MiB
    await refused("decompress", "zstd", frame(0x00, 20 << 3, ...empty)); // 1 GiB
    await refused("decompress", "zstd", frame(0xa0, 0xff, 0xff, 0xff, 0x7f, ...empty)); // one segment of 2 GiB
    await refused("decompress", "zstd", frame(0x01, 0x00, 0x07, ...empty)); // dictionary 7
    await refused("decompress", "zstd", frame(0x08, 0x00, ...empty));
    await refused("decompress", "zstd", frame(0x00, 0x00, 0x07, 0x00, 0x00)); // reserved block type
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0x02, 0, 0, 0, 1, 2]);
    const whole = zlib.zstdCompressSync(Buffer.from("body"));
    await refused("decompress", "zstd", Buffer.concat([skippable, whole]));
    await refused("decompress", "zstd", Buffer.concat([whole, skippable]));
    const giant = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0x40]);
    await refused("decompress", "zstd", giant);
  });

  test("zstd: every form of frame that encoders write is taken", async () => {
    const body = prose(300_000);
    const {
      ZSTD_c_checksumFlag: sum,
      ZSTD_c_contentSizeFlag: size,
      ZSTD_c_compressionLevel: level,
    } = zlib.constants;
    for (const params of [
      { [sum]: 1 },
      { [size]: 0 },
      { [level]: 19 },
      { [sum]: 1, [size]: 0, [level]: 1 },
    ]) {
      const outcome = await decode("zstd", zlib.zstdCompressSync(body, { params }));
      assert.equal(outcome.problem, "", JSON.stringify(params));
      assert.ok(outcome.body.equals(body));
    }
    const summed = Buffer.from(zlib.zstdCompressSync(body.subarray(0, 900), { params: { [sum]: 1 } }));
    summed[summed.length - 1]! ^= 1;
    await refused("decompress", "zstd", summed);
  });

  test("snappy: a body that grows 19.3 times passes and one that grows 20.4 times does not (EN2)", async () => {
    const grown = (noiseBytes: number): Buffer => {
      const literal = Buffer.alloc(noiseBytes, "noise");
      const pieces: Piece[] = [];
      for (let copies = 0; copies < 1_000; copies++) pieces.push({ literal }, { offset: 1, length: 960 }); // 45 coded bytes
      return snappyBlock(1_000 * (noiseBytes + 960), pieces);
    };
    assert.equal((await decode("snappy", grown(4))).problem, "");
    assert.equal((await decode("snappy", grown(1))).problem, "ratio_cap");
  });

  test("snappy: a length beyond the limit is refused before anything comes out", async () => {
    const outcome = await decode("snappy", Buffer.concat([varint(2 ** 32 - 1), Buffer.alloc(40_000)]));
    assert.deepEqual([outcome.problem, outcome.produced], ["decompress_cap", 0]);
  });

  test("the sink gets coded bytes before what comes out of them, and may end it there", async () => {
    const coded = snappySync(prose(60_000));
    for (const chunkBytes of [1_000, 100_000]) {
      const seen: string[] = [];
      let isClosed = false;
      await new Promise<void>((settle) => {
        const decoder: CodingDecoder = new CodingDecoder(
          "snappy",
          { outputMaxBytes: 100_000 },
          {
            coded(_bytes, start, end) {
              assert.ok(!isClosed);
              seen.push(`in ${end - start}`);
              if (seen.filter((line) => line.startsWith("in")).length < 3) return;
              isClosed = true;
              decoder.close();
              settle();
            },
            slice(_bytes, start, end) {
              assert.ok(!isClosed);
              seen.push(`out ${end - start}`);
              return true;
            },
            drained: () => {},
            ended: () => assert.fail("it was closed"),
          },
        );
        for (let at = 0; at < coded.length; at += chunkBytes)
          decoder.write(coded, at, Math.min(coded.length, at + chunkBytes));
        decoder.end();
      });
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      assert.deepEqual(seen.slice(0, 2), ["in 8192", "out 8192"]);
      assert.equal(seen.at(-1), "in 8192");
    }
  });
});
