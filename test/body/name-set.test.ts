import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CROWDED, FULL, NameSet } from "../../src/body/name-set.ts";

function add(names: NameSet, name: string, scope = 0, cut = 0): number {
  const bytes = Buffer.from(`<${name}>`, "latin1");
  const middle = 1 + (cut % (name.length + 1));
  names.begin(scope);
  names.feed(bytes, 1, middle);
  names.feed(bytes, middle, bytes.length - 1);
  return names.add(scope);
}

test("names are found again within their scope, however they come, and scopes close in reverse order", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("add" as const), name: fc.integer({ max: 40, min: 0 }), cut: fc.nat(9) }),
    fc.record({
      do: fc.constantFrom("open" as const, "close" as const),
      name: fc.constant(0),
      cut: fc.constant(0),
    }),
  );
  fc.assert(
    fc.property(fc.integer(), fc.array(step, { maxLength: 400 }), (seed, steps) => {
      const names = new NameSet(seed, 10_000);
      const scopes: { first: number; names: Map<string, number> }[] = [{ first: 0, names: new Map() }];
      for (const { do: action, name, cut } of steps) {
        const scope = scopes.at(-1)!;
        if (action === "open") scopes.push({ first: names.count, names: new Map() });
        else if (action === "close") {
          if (scopes.length > 1) names.cut(scopes.pop()!.first);
        } else {
          const text = "n".repeat(name % 4) + name;
          const expected = scope.names.get(text) ?? names.count;
          assert.equal(add(names, text, scope.first, cut), expected);
          scope.names.set(text, expected);
        }
      }
      assert.equal(
        names.count,
        scopes.reduce((sum, scope) => sum + scope.names.size, 0),
      );
    }),
    { numRuns: 300 },
  );
});

test("ten thousand names go in, are found, and are given back; one more is refused", () => {
  const names = new NameSet(7, 10_000);
  for (let index = 0; index < 10_000; index++) assert.equal(add(names, `key${index}`), index);
  for (let index = 0; index < 10_000; index += 97) assert.equal(add(names, `key${index}`), index);
  assert.equal(add(names, "key10000"), FULL);
  names.cut(9_000);
  assert.equal(add(names, "key9500"), 9_000);
  names.clear();
  assert.equal(names.count, 0);
  assert.equal(add(names, "key5"), 0);
});

test("names made to collide under a known seed are refused before they cost", () => {
  const seed = 42;
  const colliding: string[] = [];
  for (let index = 0; colliding.length < 300; index++)
    if ((hashOf(String(index), seed) & 0x3ff) === 0) colliding.push(String(index));
  const names = new NameSet(seed, 10_000);
  const refused = colliding.findIndex((name) => add(names, name) === CROWDED);
  assert.ok(refused > 32 && refused < 250, `refused at ${refused}`);
  // The same names are harmless to who does not know the seed.
  const other = new NameSet(seed + 1, 10_000);
  for (const name of colliding) assert.notEqual(add(other, name), CROWDED);
});

/** The set's own hash, for scope 0. */
function hashOf(name: string, seed: number): number {
  let low = seed ^ 0x9e3779b1;
  let high = Math.imul(seed ^ 0x6a09e667, 0x2c1b3c6d);
  for (const byte of Buffer.from(name, "latin1")) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high + byte, 0x5bd1e995) ^ (high >>> 15);
  }
  low = Math.imul(low ^ (low >>> 16) ^ (high >>> 3), 0x85ebca6b);
  return low ^ (low >>> 13);
}
