import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KeyHash } from "../../src/limit/key-hash.ts";
import { KeyTable } from "../../src/limit/key-table.ts";

/** The same by two maps. */
class PlainTable {
  young = new Map<string, number>();
  old = new Map<string, number>();
  evicted = 0;
  readonly #perGeneration: number;

  constructor(keysMax: number) {
    this.#perGeneration = Math.max(1, Math.floor(keysMax / 2));
  }

  add(lo: number, hi: number): number {
    const key = `${lo} ${hi}`;
    const value = (this.young.get(key) ?? this.old.get(key) ?? 0) + 1;
    this.old.delete(key);
    if (!this.young.has(key) && this.young.size >= this.#perGeneration) {
      this.evicted += this.old.size;
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
    return value;
  }
}

test("keys, values and evictions are those of two plain maps, also when all keys begin at one slot", () => {
  const part = fc.nat(9);
  let evictions = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(1, 64),
      fc.array(fc.tuple(part, part), { maxLength: 300 }),
      (keysMax, spread, steps) => {
        const table = new KeyTable(keysMax);
        const plain = new PlainTable(keysMax);
        for (const [low, hi] of steps) {
          const lo = (low * spread) >>> 0;
          const slot = table.touch(lo, hi);
          table.level[slot]!++;
          assert.equal(table.level[slot], plain.add(lo, hi));
          assert.equal(table.find(lo, hi), slot);
          assert.deepEqual([table.size, table.evicted], [plain.young.size + plain.old.size, plain.evicted]);
          assert.ok(table.size <= Math.max(2, keysMax));
        }
        evictions += table.evicted;
      },
    ),
  );
  assert.ok(evictions > 0);
});

test("a million random keys take the place of ten thousand, and the one in use is not forgotten", () => {
  const table = new KeyTable(10_000);
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  for (let count = 0; count < 1_000_000; count++) {
    table.touch(random(), random());
    if (count % 1000 === 0) table.level[table.touch(7, 7)]!++;
  }
  assert.equal(table.level[table.find(7, 7)], 1000);
  assert.ok(table.size <= 10_000);
  assert.ok(table.evicted >= 980_000);
});

test("a hash depends on the seed, the domain, and on where one part ends", () => {
  const hash = new KeyHash(Buffer.from("01234567"));
  const of = (domain: number, ...parts: readonly string[]) => {
    hash.begin(domain);
    for (const part of parts) hash.bytes(Buffer.from(part), 0, part.length);
    return `${hash.lo} ${hash.hi}`;
  };
  const all = [
    of(0, "abcdef"),
    of(1, "abcdef"),
    of(0, "abc", "def"),
    of(0, "abcde", "f"),
    of(0, "abcdef", ""),
  ];
  assert.equal(of(0, "abcdef"), all[0]);
  hash.reseed(Buffer.from("01234568"));
  all.push(of(0, "abcdef"));
  assert.equal(new Set(all).size, all.length);
});

test("what is cleared knows no key, and holds as many as before", () => {
  const table = new KeyTable(8);
  for (let round = 0; round < 3; round++) {
    for (let lo = 0; lo < 7; lo++) table.level[table.touch(lo, 1)]!++;
    assert.deepEqual([table.size, table.level[table.find(6, 1)]], [7, 1]);
    table.clear();
    assert.equal(table.size, 0);
    for (let lo = 0; lo < 7; lo++) assert.equal(table.find(lo, 1), -1);
  }
});
