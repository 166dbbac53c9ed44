import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mix32, Xorshift } from "../../src/std/xorshift.ts";

test("equal seeds give equal sequences, other seeds others", () => {
  const draw = (seed: number) => {
    const random = new Xorshift(seed);
    return Array.from({ length: 20 }, () => random.below(1000));
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

test("draws stay below the bound and every value comes up, whatever the seed", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), (seed, bound) => {
      const random = new Xorshift(seed);
      const seen = new Set<number>();
      for (let draws = 0; draws < bound * 50; draws++) seen.add(random.below(bound));
      assert.deepEqual(
        [...seen].sort((a, b) => a - b),
        Array.from({ length: bound }, (_, value) => value),
      );
    }),
  );
});

test("mixing keeps different values different", () => {
  const mixed = new Set(Array.from({ length: 10_000 }, (_, value) => mix32(value)));
  assert.equal(mixed.size, 10_000);
  for (const value of mixed) assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32);
});
