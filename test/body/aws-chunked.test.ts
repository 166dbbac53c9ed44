import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CodingDecoder } from "../../src/body/coding.ts";

const signature = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648";

/** What comes out, or why nothing does. `step`: bytes given at once. */
function decode(text: string | Buffer, step = Infinity): Promise<string> {
  const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  return new Promise((resolve) => {
    let out = "";
    const decoder = new CodingDecoder(
      "aws-chunked",
      { outputMaxBytes: 1 << 20 },
      {
        slice(from, start, end) {
          out += Buffer.from(from.subarray(start, end)).toString("latin1");
          return true;
        },
        drained() {},
        ended: (reason) => resolve(reason ?? `ok ${out}`),
      },
    );
    for (let at = 0; at < bytes.length; at += step)
      decoder.write(bytes, at, Math.min(bytes.length, at + step));
    decoder.end();
  });
}

test("pieces with signatures, with checksums behind them and with neither are put together", async () => {
  assert.equal(
    await decode(`5;chunk-signature=${signature}\r\nhello\r\n0;chunk-signature=${signature}\r\n\r\n`),
    "ok hello",
  );
  assert.equal(
    await decode("5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"),
    "ok hello world",
  );
  const trailers = `x-amz-checksum-crc32c:sOO8/Q==\nx-amz-trailer-signature:${signature}\r\n\r\n`;
  assert.equal(
    await decode(`5;chunk-signature=${signature}\r\nhello\r\n0;chunk-signature=${signature}\r\n${trailers}`),
    "ok hello",
  );
  assert.equal(await decode("0\r\n\r\n"), "ok ");
});

test("nothing else may stand between the pieces", async () => {
  for (const bad of [
    "5;a=' or 1=1--\r\nhello\r\n0\r\n\r\n",
    "5;chunk-signature=<script>\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello' or 1=1\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:<script>alert(1)</script>\r\n\r\n",
    "5\r\nhello\r\n0\r\nx-other:a\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\nmore",
    "5\r\nhello\r\n0\r\n",
    "5\r\nhello\r\n",
    "5\r\nhel",
    "-1\r\n\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "123456789\r\n",
    `${"0".repeat(300)}\r\n\r\n`,
    `0\r\n${"x-amz-checksum-crc32:NhCmhg==\r\n".repeat(9)}\r\n`,
    "hello",
    "",
  ])
    assert.equal(await decode(bad), "decompress", JSON.stringify(bad));
  assert.equal(await decode(`200000\r\n${"a".repeat(0x200000)}\r\n0\r\n\r\n`), "decompress_cap");
});

test("any pieces in any cuts give what was put in", async () => {
  const body = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20_000 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(body, fc.integer({ min: 1, max: 30_000 }), async (pieces, step) => {
      const chunks = pieces.flatMap((piece) => [
        Buffer.from(`${piece.length.toString(16)}\r\n`),
        piece,
        Buffer.from("\r\n"),
      ]);
      const whole = Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]);
      const expected = Buffer.concat(pieces).toString("latin1");
      assert.equal(await decode(whole, step), `ok ${expected}`);
    }),
    { numRuns: 30 },
  );
});
