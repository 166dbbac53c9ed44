import assert from "node:assert/strict";
import { test } from "node:test";
import { forgetOldest } from "../../src/std/forget-oldest.ts";

test("a map that is too large loses its oldest sixteenth, and no other", () => {
  const map = new Map(Array.from({ length: 33 }, (_, i) => [i, i]));
  forgetOldest(map, 33);
  assert.equal(map.size, 33);
  forgetOldest(map, 32);
  assert.deepEqual([map.size, map.keys().next().value], [31, 2]);
});
