import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CLOSE_POLICY,
  CLOSE_PROTOCOL,
  CLOSE_TOO_BIG,
  closeFrame,
  FrameMeter,
} from "../../src/http/websocket-frames.ts";
import { closeCode, frame, masked } from "../support/websocket.ts";

/** Messages as their frames: whole, or in fragments with control frames between them. */
const messages = fc.array(
  fc.record({
    opcode: fc.constantFrom(1, 2),
    parts: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }),
    ping: fc.option(fc.uint8Array({ maxLength: 125 }), { nil: undefined }),
  }),
  { maxLength: 6 },
);

function framesOf(list: Parameters<Parameters<typeof messages.map>[0]>[0], mask: boolean): Buffer[] {
  return list.flatMap(({ opcode, parts, ping }) =>
    parts.flatMap((part, at) => {
      const piece = frame(at === 0 ? opcode : 0, part, { mask, more: at < parts.length - 1 });
      return ping === undefined ? [piece] : [piece, frame(9, ping, { mask })];
    }),
  );
}

test("frames pass in any cutting, and the end of each is known", () => {
  fc.assert(
    fc.property(
      messages,
      fc.boolean(),
      fc.infiniteStream(fc.integer({ min: 1, max: 400 })),
      (list, mask, cuts) => {
        const frames = framesOf(list, mask);
        const bytes = Buffer.concat(frames);
        const ends = new Set([0]);
        let end = 0;
        for (const one of frames) ends.add((end += one.length));
        const meter = new FrameMeter(mask, false);
        let at = 0;
        while (at < bytes.length) {
          const next = Math.min(bytes.length, at + cuts.next().value!);
          assert.equal(meter.take(bytes, at, next, 0), 0);
          at = next;
          assert.equal(meter.isBetweenFrames, ends.has(at), `at ${at}`);
        }
        assert.equal(meter.closed, false);
      },
    ),
  );
});

test("any bytes give the same verdict in any cutting", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, mask) => {
      const whole = new FrameMeter(mask, false);
      const verdict = whole.take(bytes, 0, bytes.length, 0);
      const single = new FrameMeter(mask, false);
      let found = 0;
      for (let at = 0; at < bytes.length && found === 0; at++) found = single.take(bytes, at, at + 1, 0);
      assert.equal(found, verdict);
      assert.equal(single.closed, whole.closed);
    }),
  );
});

const head = (...bytes: number[]): Buffer => Buffer.from(bytes);
const faults: readonly (readonly [title: string, bytes: Buffer, code: number])[] = [
  ["a client's frame without a mask", frame(1, "x"), CLOSE_PROTOCOL],
  ["a reserved bit, and no extension", frame(1, "x", { mask: true, bits: 0x40 }), CLOSE_PROTOCOL],
  ["a reserved opcode", masked(3), CLOSE_PROTOCOL],
  ["a reserved control opcode", masked(11), CLOSE_PROTOCOL],
  ["a fragmented ping", masked(9, "", true), CLOSE_PROTOCOL],
  ["a ping of 126 bytes", masked(9, Buffer.alloc(126)), CLOSE_PROTOCOL],
  ["a continuation of nothing", masked(0, "x"), CLOSE_PROTOCOL],
  ["a message inside another", Buffer.concat([masked(1, "a", true), masked(1, "b")]), CLOSE_PROTOCOL],
  ["a frame after Close", Buffer.concat([masked(8), masked(1, "x")]), CLOSE_PROTOCOL],
  ["a length of 2^63", head(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4), CLOSE_TOO_BIG],
  ["a length that is written too long", head(0x82, 0xfe, 0, 5, 1, 2, 3, 4), CLOSE_PROTOCOL],
];
for (const [title, bytes, code] of faults) {
  test(`${title} is a fault`, () => {
    const meter = new FrameMeter(true, false);
    const good = masked(2, "good");
    assert.equal(meter.take(Buffer.concat([good, bytes]), 0, good.length + bytes.length, 0), code);
    // What stood before it may go on, and a Close frame may follow that.
    assert.ok(meter.faultStart >= good.length);
    assert.ok(meter.isBetweenFrames);
  });
}

test("a server's masked frame is a fault, and reserved bits are an extension's own", () => {
  assert.equal(new FrameMeter(false, false).take(masked(1, "x"), 0, 7, 0), CLOSE_PROTOCOL);
  const compressed = frame(1, "x", { bits: 0x40 });
  assert.equal(new FrameMeter(false, true).take(compressed, 0, compressed.length, 0), 0);
});

test("frames without content have a budget that time refills", () => {
  const ping = masked(9);
  const flood = Buffer.concat(Array.from({ length: 1001 }, () => ping));
  const meter = new FrameMeter(true, false);
  assert.equal(meter.take(flood, 0, flood.length, 0), CLOSE_POLICY);
  const steady = new FrameMeter(true, false);
  for (let second = 0; second < 100; second++) {
    assert.equal(steady.take(flood, 0, ping.length * 100, second * 1000), 0);
  }
  // Frames with content are not counted.
  const text = Buffer.concat(Array.from({ length: 5000 }, () => masked(1, "x")));
  assert.equal(new FrameMeter(true, false).take(text, 0, text.length, 0), 0);
});

test("a Close frame of ours says its code to either end", () => {
  assert.equal(closeCode(closeFrame(1001, undefined)), 1001);
  assert.equal(closeCode(closeFrame(1008, Buffer.from([9, 200, 7, 1]))), 1008);
  for (const mask of [undefined, Buffer.from([1, 2, 3, 4])]) {
    const bytes = closeFrame(1001, mask);
    const meter = new FrameMeter(mask !== undefined, false);
    assert.equal(meter.take(bytes, 0, bytes.length, 0), 0);
    assert.ok(meter.closed && meter.isBetweenFrames);
  }
});
