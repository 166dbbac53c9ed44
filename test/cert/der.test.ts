import assert from "node:assert/strict";
import { test } from "node:test";
import { bitString, contextTag, objectId, octetString, sequence, time } from "../../src/cert/der.ts";

test("lengths take the shortest form (X.690 §10.1)", () => {
  const heads = [0, 127, 128, 255, 256, 65_535].map((size) => {
    const der = octetString(Buffer.alloc(size));
    return der.subarray(0, der.length - size).toString("hex");
  });
  assert.deepEqual(heads, ["0400", "047f", "048180", "0481ff", "04820100", "0482ffff"]);
  assert.throws(() => octetString(Buffer.alloc(65_536)), RangeError);
});

test("object identifiers (X.690 §8.19)", () => {
  assert.equal(objectId("1.2.840.10045.4.3.2").toString("hex"), "06082a8648ce3d040302");
  assert.equal(objectId("2.5.29.17").toString("hex"), "0603551d11");
});

test("times are UTCTime before 2050 and GeneralizedTime from then on (RFC 5280 §4.1.2.5)", () => {
  assert.equal(time(Date.UTC(2049, 11, 31, 23, 59, 59)).toString("latin1"), "\x17\x0d491231235959Z");
  assert.equal(time(Date.UTC(2050, 0, 1)).toString("latin1"), "\x18\x0f20500101000000Z");
});

test("bit strings say how many bits do not count; context tags are constructed or not", () => {
  assert.equal(bitString(Buffer.from([0x80]), 7).toString("hex"), "03020780");
  assert.equal(contextTag(3, sequence()).toString("hex"), "a3023000");
  assert.equal(contextTag(2, Buffer.from("a"), false).toString("hex"), "820161");
});
