import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BODY_BYTES, BODY_TEXT } from "../../src/body/place.ts";
import { TextReader } from "../../src/body/text.ts";
import { inPieces, type Seen, valueList } from "../support/value-list.ts";

function read(body: string, cuts: readonly number[] = [], kind = BODY_TEXT): Seen[] {
  const sink = valueList();
  const reader = new TextReader(sink, 10, 4, kind);
  inPieces(Buffer.from(body, "latin1"), cuts, (piece, start, end) => void reader.write(piece, start, end));
  reader.end();
  return sink.seen;
}

test("a body of up to one window is one value", () => {
  assert.deepEqual(read("0123456789"), [["body", "0123456789", 0, 10]]);
  assert.deepEqual(read("01", [], BODY_BYTES), [["body_bytes", "01", 0, 2]]);
  assert.deepEqual(read(""), []);
});

test("a longer body is read in windows that overlap", () => {
  assert.deepEqual(read("0123456789abcdefgh"), [
    ["body", "0123456789", 0, 10],
    ["body", "6789abcdef", 6, 16],
    ["body", "cdefgh", 12, 18],
  ]);
});

test("what is no longer than the overlap lies whole in a window, in any chunking, at its place", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), fc.array(fc.nat(80), { maxLength: 6 }), (text, cuts) => {
      const body = Buffer.from(text).toString("latin1");
      const seen = read(body, cuts);
      assert.deepEqual(seen, read(body));
      for (const [, value, start, end] of seen) assert.equal(body.slice(start, end), value);
      for (let at = 0; at + 4 <= body.length; at++) {
        assert.ok(
          seen.some(([, , start, end]) => start <= at && at + 4 <= end),
          `${at}`,
        );
      }
      assert.ok(seen.reduce((sum, [, value]) => sum + value.length, 0) <= body.length * 2);
    }),
  );
});

test("a reader that is reset starts anew", () => {
  const sink = valueList();
  const reader = new TextReader(sink, 100_000, 10);
  reader.write(Buffer.alloc(90_000, "x"), 0, 90_000);
  reader.reset();
  reader.write(Buffer.from("new"), 0, 3);
  reader.end();
  assert.deepEqual(sink.seen, [["body", "new", 0, 3]]);
});
