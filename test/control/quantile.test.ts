import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addUp, quantile } from "../../src/control/quantile.ts";
import { Histogram } from "../../src/record/histogram.ts";

const bounds = [1, 2, 5, 10];

function seen(...values: number[]) {
  const histogram = new Histogram(bounds);
  for (const value of values) histogram.observe(value);
  const sample = histogram.sample("x", []);
  return addUp(sample === undefined ? [] : [{ value: sample.value, counts: sample.counts }]);
}

test("a percentile lies in the bucket of the observation that it stands for", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.01, max: 10, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, q) => {
        const sorted = values.toSorted((a, b) => a - b);
        const own = sorted[Math.max(0, Math.ceil(q * values.length) - 1)]!;
        const upper = bounds.findIndex((bound) => own <= bound);
        const found = quantile(q, bounds, seen(...values))!;
        assert.ok(found <= bounds[upper]! && found >= (bounds[upper - 1] ?? 0), `${found} of ${own}`);
      },
    ),
  );
});

test("nothing seen has no percentiles; beyond the last bound it is the last bound", () => {
  assert.equal(quantile(0.5, bounds, seen()), undefined);
  assert.equal(quantile(0.99, bounds, seen(1000, 1000)), 10);
  assert.equal(quantile(0.5, bounds, seen(1.5, 1.5)), 1.5);
});

test("histograms of several routes are one", () => {
  const all = addUp([
    { value: 3, counts: [1, 1, 0, 0, 0] },
    { value: 12, counts: new Float64Array([0, 1, 0, 0, 1]) },
  ]);
  assert.deepEqual(all, { sum: 15, counts: [1, 2, 0, 0, 1], count: 4 });
});
