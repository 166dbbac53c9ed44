import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { differencesBetween } from "../../src/config/difference.ts";

test("named items are compared by their names, whatever their order; other lists as a whole", () => {
  const before = {
    server: { workers: 2, lists: ["a", "b"] },
    routes: [{ name: "x", waf: true }, { name: "old" }],
  };
  const after = {
    server: { workers: 4, lists: ["b", "a"] },
    routes: [{ name: "new" }, { name: "x", waf: false }],
  };
  assert.deepEqual(
    differencesBetween(before, after).map(({ path, before: one, after: other }) => [path, one, other]),
    [
      ["server.workers", 2, 4],
      ["server.lists", ["a", "b"], ["b", "a"]],
      ["routes.x.waf", true, false],
      ["routes.old", { name: "old" }, undefined],
      ["routes.new", undefined, { name: "new" }],
    ],
  );
});

test("nothing differs from itself, and something from anything else", () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(value, value, (one, other) => {
      const text = JSON.stringify(one);
      assert.deepEqual(differencesBetween(one, JSON.parse(text)), []);
      const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
      if (same) return;
      assert.ok(differencesBetween(one, other).length > 0 || isNamed(one) || isNamed(other), text);
    }),
  );
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

/** An empty table or list has no value that could differ. */
function isNamed(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
