import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseAddress } from "../../src/identity/address.ts";
import { hashAddress } from "../../src/identity/address-hash.ts";
import { buildScoreTable, DENIED, markOf, SCORE_MASK, scoreKey } from "../../src/identity/score-table.ts";

const empty = buildScoreTable([], 1);
const address = (text: string) => parseAddress(text)!;
const scored = (text: string, score: number, isDenied = false) => {
  const [high, low] = scoreKey(address(text));
  return { high, low, score, isDenied };
};

test("every client that is in the table is found with its mark, and no other", () => {
  const anyAddress = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => parseAddress(text) !== undefined);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(anyAddress, fc.integer({ min: 1, max: 10_000 }), fc.boolean()), {
        selector: ([text]) => String(scoreKey(address(text))),
        maxLength: 100,
      }),
      fc.nat(),
      anyAddress,
      (rows, seed, stranger) => {
        const plain = buildScoreTable(
          rows.map((row) => scored(...row)),
          seed,
        );
        for (const [text, score, isDenied] of rows) {
          const mark = markOf({ plain, hashed: undefined }, address(text));
          assert.deepEqual([mark & SCORE_MASK, (mark & DENIED) !== 0], [score, isDenied]);
        }
        const isIn = rows.some(
          ([text]) => String(scoreKey(address(text))) === String(scoreKey(address(stranger))),
        );
        if (!isIn) assert.equal(markOf({ plain, hashed: undefined }, address(stranger)), 0);
      },
    ),
  );
});

test("an IPv6 client is found by its /64", () => {
  const plain = buildScoreTable([scored("2001:db8:0:1::1", 5000)], 7);
  assert.equal(markOf({ plain, hashed: undefined }, address("2001:db8:0:1:ffff::2")) & SCORE_MASK, 5000);
  assert.equal(markOf({ plain, hashed: undefined }, address("2001:db8:0:2::1")), 0);
});

test("who is named by a hash is found under the key, and what weighs more counts", () => {
  const key = Buffer.alloc(32, 9);
  const hash = hashAddress(address("203.0.113.7"), key);
  const row = { high: hash.readUInt32BE(0), low: hash.readUInt32BE(4), score: 9000, isDenied: true };
  const table = buildScoreTable([row], 3);
  const mark = (under: Buffer, plain = empty) =>
    markOf({ plain, hashed: { table, key: under } }, address("203.0.113.7"));
  assert.equal(mark(key), 9000 | DENIED);
  assert.equal(mark(Buffer.alloc(32, 8)), 0);
  assert.equal(mark(key, buildScoreTable([scored("203.0.113.7", 9500)], 4)), 9500 | DENIED);
});
