import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pairedRatios, spread } from "../../bench/load/statistics.ts";

test("a spread is the middle value and the range", () => {
  assert.deepEqual(spread([3, 1, 10]), { median: 3, min: 1, max: 10 });
  assert.deepEqual(spread([4, 1, 2, 10]), { median: 3, min: 1, max: 10 });
  assert.deepEqual(spread([7]), { median: 7, min: 7, max: 7 });
  assert.equal(spread([]), undefined);
});

test("numbers are ordered as numbers, and the caller's list stays as it was", () => {
  const values = [100, 9, 20];
  assert.equal(spread(values)?.median, 20);
  assert.deepEqual(values, [100, 9, 20]);
});

test("the order of rounds does not change a spread", () => {
  // Sorting takes -0 and 0 as equal, deepEqual does not.
  const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  const doubles = fc.array(double, { minLength: 1 });
  fc.assert(fc.property(doubles, (values) => assert.deepEqual(spread(values.toReversed()), spread(values))));
});

test("ratios pair the same round", () => {
  // Both slowed down together in the second round: the ratio does not notice, the figures do.
  assert.deepEqual(pairedRatios([10, 40, 12], [8, 32, 8]), [1.25, 1.25, 1.5]);
});

test("a round without a valid figure on either side is left out", () => {
  assert.deepEqual(pairedRatios([10, undefined, 12, 9], [5, 4, undefined, 0]), [2]);
  assert.deepEqual(pairedRatios([10, 20], [5]), [2]);
});
