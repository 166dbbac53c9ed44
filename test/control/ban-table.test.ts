import assert from "node:assert/strict";
import { test } from "node:test";
import { BanTable, OPERATOR_BANS_MAX, overlaps } from "../../src/control/ban-table.ts";
import { parseAddress, parseCidr } from "../../src/identity/address.ts";
import { holdsAddress } from "../../src/identity/range-table.ts";

const lengths = { firstMs: 1000, maxMs: 5000 };

test("each ban of the same client is twice as long as the one before, up to the longest", () => {
  const table = new BanTable(10);
  let nowMs = 0;
  const secs = [1, 2, 3, 4].map(() => {
    const ban = table.addCounted("192.0.2.1", "waf", nowMs, lengths)!;
    const lengthMs = ban.untilMs - nowMs;
    nowMs = ban.untilMs + 1;
    assert.equal(table.isBanned("192.0.2.1", ban.untilMs - 1), true);
    assert.equal(table.isBanned("192.0.2.1", ban.untilMs), false);
    table.forget(nowMs, 5000);
    return lengthMs;
  });
  assert.deepEqual(secs, [1000, 2000, 4000, 5000]);
  table.forget(nowMs + 5000, 5000);
  assert.equal(table.addCounted("192.0.2.1", "waf", nowMs + 5000, lengths)!.times, 1);
});

test("a flood of clients costs the oldest bans, and no ban of an operator", () => {
  const table = new BanTable(10);
  const block = parseCidr("198.51.100.0/24")!;
  table.put({
    address: "198.51.100.0/24",
    block,
    cause: "operator",
    sinceMs: 0,
    untilMs: Infinity,
    times: 1,
  });
  for (let i = 0; i < 25; i++) table.addCounted(`192.0.2.${i}`, "limit", i, lengths);
  assert.equal(table.evicted, 15);
  assert.deepEqual(
    table.current(30).map(({ address }) => address),
    ["198.51.100.0/24", ...Array.from({ length: 10 }, (_, i) => `192.0.2.${15 + i}`)],
  );
});

test("operators cannot fill the memory either, and learn that there is no place", () => {
  const table = new BanTable(10);
  const put = (i: number) => {
    const address = `10.${i >> 8}.${i & 255}.1`;
    const block = parseCidr(address)!;
    return table.put({ address, block, cause: "operator", sinceMs: 0, untilMs: Infinity, times: 1 });
  };
  for (let i = 0; i < OPERATOR_BANS_MAX; i++) assert.equal(put(i), true);
  assert.equal(put(OPERATOR_BANS_MAX), false);
  assert.equal(put(0), true);
});

test("workers get addresses and blocks, without what is over", () => {
  const table = new BanTable(10);
  assert.equal(table.ranges(0), undefined);
  table.addCounted("192.0.2.1", "waf", 0, lengths);
  table.addCounted("2001:db8:1:2::/64", "waf", 500, lengths);
  const ranges = table.ranges(1200)!;
  const holds = (text: string) => holdsAddress(ranges, parseAddress(text)!);
  assert.deepEqual(["192.0.2.1", "2001:db8:1:2::9", "2001:db8:1:3::9"].map(holds), [false, true, false]);
  assert.equal(table.lift("2001:db8:1:2::/64"), true);
  assert.equal(table.lift("2001:db8:1:2::/64"), false);
  assert.equal(table.ranges(1200), undefined);
});

test("blocks overlap where one holds a part of the other", () => {
  const pairs: readonly (readonly [string, string, boolean])[] = [
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.1.2.3", "10.0.0.0/8", true],
    ["10.0.0.0/8", "11.0.0.0/8", false],
    ["2001:db8::/32", "2001:db8:1:2::/64", true],
    ["::/0", "0.0.0.0/0", false],
  ];
  for (const [a, b, expected] of pairs)
    assert.equal(overlaps(parseCidr(a)!, parseCidr(b)!), expected, `${a} ${b}`);
});
