import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CROWDED, NameTable } from "../../src/body/name-table.ts";

const add = (table: NameTable, name: string, first = 0): number => {
  const bytes = Buffer.from(`<${name}>`, "latin1");
  return table.add(bytes, 1, bytes.length - 1, first);
};
const held = (table: NameTable, entry: number): string =>
  Buffer.from(table.arena.subarray(table.startOf(entry), table.endOf(entry))).toString("latin1");

test("names are found again within their scope, and scopes close in reverse order", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("add" as const), name: fc.integer({ max: 40, min: 0 }) }),
    fc.record({ do: fc.constantFrom("open" as const, "close" as const), name: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.integer(), fc.array(step, { maxLength: 400 }), (seed, steps) => {
      const table = new NameTable(seed);
      const scopes: { first: number; names: Map<string, number> }[] = [{ first: 0, names: new Map() }];
      for (const { do: action, name } of steps) {
        const scope = scopes.at(-1)!;
        if (action === "open") scopes.push({ first: table.count, names: new Map() });
        else if (action === "close") {
          if (scopes.length > 1) table.cut(scopes.pop()!.first);
        } else {
          const text = "n".repeat(name % 4) + name;
          const expected = scope.names.get(text) ?? table.count;
          assert.equal(add(table, text, scope.first), expected);
          scope.names.set(text, expected);
        }
      }
      assert.equal(
        table.count,
        scopes.reduce((sum, { names }) => sum + names.size, 0),
      );
      for (const { names } of scopes)
        for (const [name, entry] of names) assert.equal(held(table, entry), name);
    }),
    { numRuns: 300 },
  );
});

test("a hundred thousand names go in, are found, and are given back", () => {
  const table = new NameTable(7);
  for (let index = 0; index < 100_000; index++) assert.equal(add(table, `key${index}`), index);
  for (let index = 0; index < 100_000; index += 97) assert.equal(add(table, `key${index}`), index);
  assert.equal(table.count, 100_000);
  table.clear();
  assert.equal(table.count, 0);
  assert.equal(table.bytes, 0);
  assert.ok(table.arena.length < 65_536);
  assert.equal(add(table, "key5"), 0);
});

test("names made to collide under a known seed are refused before they cost", () => {
  const seed = 42;
  const colliding: string[] = [];
  for (let index = 0; colliding.length < 300; index++) {
    if ((hashOf(String(index), seed) & 0x3ff) === 0) colliding.push(String(index));
  }
  const table = new NameTable(seed);
  const refused = colliding.findIndex((name) => add(table, name) === CROWDED);
  assert.ok(refused > 32 && refused < 250, `refused at ${refused}`);
  // The same names are harmless to who does not know the seed.
  const other = new NameTable(seed + 1);
  for (const name of colliding) assert.notEqual(add(other, name), CROWDED);
});

/** The table's own hash, for scope 0. */
function hashOf(name: string, seed: number): number {
  let hash = seed ^ 0x9e3779b1;
  for (const byte of Buffer.from(name, "latin1")) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
