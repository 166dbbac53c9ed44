import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { CapturedBody } from "../../src/record/capture-log.ts";
import { GrowingBytes } from "../../src/std/growing-bytes.ts";
import { MirrorCopy, type MirrorRule } from "../../src/upstream/mirror.ts";

test("what came in any pieces is what came", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (pieces) => {
      const whole = Buffer.concat(pieces);
      const kept = new GrowingBytes(whole.length);
      for (const piece of pieces) kept.take(piece, 0, piece.length);
      assert.deepEqual(kept.bytes, whole);
      assert.equal(kept.length, whole.length);
      assert.throws(() => kept.take(Buffer.alloc(1), 0, 1), RangeError);
      kept.forget();
      assert.equal(kept.bytes.length, 0);
    }),
  );
});

test("bodies that come byte by byte take the memory of their bytes", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const BYTES = 65_536;
  const results = { too_large: 0, unsent: 0 };
  const rule = { bodyBytesMax: BYTES, counts: { inFlight: 0, results } } as unknown as MirrorRule;
  const byte = Buffer.from("x");
  const before = held();
  const bodies = [
    ...Array.from({ length: 16 }, () => new MirrorCopy(rule)),
    ...Array.from({ length: 16 }, () => new CapturedBody(BYTES)),
  ];
  for (const body of bodies) for (let i = 0; i < BYTES; i++) body.take(byte, 0, 1);
  const grown = held() - before;
  assert.equal(bodies.length, 32);
  assert.ok(grown < 8 * 32 * BYTES, `${grown} bytes are held for ${32 * BYTES}`);
});
