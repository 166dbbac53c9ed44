import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CHUNK_BAD, CHUNK_DATA, CHUNK_END, CHUNK_MORE, ChunkDecoder } from "../../src/http/chunked.ts";
import { readWithLlhttp } from "../support/llhttp.ts";

// The chunked decoder against llhttp, and against itself fed with any split of the same bytes.

interface Decoded {
  readonly outcome: "end" | "more" | "refused";
  readonly reason: string;
  readonly body: string;
  /** Bytes taken when it ended. */
  readonly taken: number;
}

test("a body that we decode, llhttp decodes to the same bytes, and both end at the same place", () => {
  let ended = 0;
  fc.assert(
    fc.property(fc.oneof(chunkStream(), damaged(chunkStream())), (stream) => {
      const ours = decode([stream]);
      if (ours.outcome !== "end") return;
      ended++;
      const head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
      const next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
      const message = head + stream.slice(0, ours.taken) + next;
      const theirs = readWithLlhttp(Buffer.from(message, "latin1"));
      // Extensions are skipped and never sent on: llhttp checks their grammar, we only that nothing hides in them.
      if (theirs.error !== undefined && /^[0-9a-fA-F]+;/m.test(stream)) return;
      // Trailers that go on are printed anew.
      if (theirs.error !== undefined && /^0+\r\n[^\r]/m.test(stream)) return;
      assert.equal(theirs.error, undefined, JSON.stringify(message));
      assert.equal(theirs.messages[0]?.body.toString("latin1"), ours.body, JSON.stringify(message));
      assert.equal(theirs.messages[1]?.target, "/next", JSON.stringify(message));
    }),
    { numRuns: 10_000 },
  );
  assert.ok(ended > 1000, `only ${ended} streams ended`);
});

test("any split of the bytes is decoded to the same body, or refused for the same reason", () => {
  fc.assert(
    fc.property(
      fc.oneof(chunkStream(), damaged(chunkStream())),
      fc.array(fc.nat(200), { maxLength: 8 }),
      (stream, cuts) => {
        const whole = decode([stream]);
        const at = [...new Set([0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort(
          (a, b) => a - b,
        );
        assert.deepEqual(decode(at.slice(1).map((end, n) => stream.slice(at[n], end))), whole);
        assert.deepEqual(decode([...stream]), whole);
      },
    ),
    { numRuns: 3000 },
  );
});

test("random bytes never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      decode([Buffer.from(bytes).toString("latin1")]);
    }),
    { numRuns: 3000 },
  );
});

function decode(pieces: readonly string[]): Decoded {
  const decoder = new ChunkDecoder(true);
  decoder.reset();
  let body = "";
  let before = 0;
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, "latin1");
    for (let at = 0; ; ) {
      const result = decoder.next(bytes, at, bytes.length);
      if (result === CHUNK_BAD) return { outcome: "refused", reason: decoder.refusal.code, body, taken: 0 };
      if (result === CHUNK_END) return { outcome: "end", reason: "", body, taken: before + decoder.position };
      if (result === CHUNK_MORE) break;
      assert.equal(result, CHUNK_DATA);
      body += bytes.toString("latin1", decoder.dataStart, decoder.dataEnd);
      at = decoder.position;
    }
    before += bytes.length;
  }
  return { outcome: "more", reason: "", body, taken: 0 };
}

function chunkStream(): fc.Arbitrary<string> {
  const chunk = fc
    .record({
      data: fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 20 }),
      zeros: fc.constantFrom("", "", "0", "000"),
      upper: fc.boolean(),
      extension: fc.constantFrom("", "", "", ";a=b", ';a="b c"', ";x"),
    })
    .map(({ data, zeros, upper, extension }) => {
      const size = data.length.toString(16);
      return `${zeros}${upper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
    });
  const trailers = fc.constantFrom("", "", "X-T: 1\r\n", "X-T: 1\r\nX-U: 2\r\n");
  return fc
    .tuple(fc.array(chunk, { maxLength: 5 }), fc.constantFrom("0", "000"), trailers)
    .map(([chunks, last, trailer]) => `${chunks.join("")}${last}\r\n${trailer}\r\n`);
}

function damaged(streams: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const put = fc.constantFrom("", "\r", "\n", "\r\n", " ", "\t", ";", "0", "5", "f", "-", "x", "\0", "\xff");
  return fc.tuple(streams, fc.nat(200), fc.nat(2), put).map(([stream, where, drop, text]) => {
    const at = where % (stream.length + 1);
    return stream.slice(0, at) + text + stream.slice(at + drop);
  });
}
