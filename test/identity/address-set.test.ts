import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AddressSet,
  buildAddressSet,
  formatAddress,
  parseAddress,
  parseCidr,
} from "../../src/identity/address.ts";

function setOf(...blocks: string[]): AddressSet {
  return buildAddressSet(blocks.map((text) => parseCidr(text)!));
}

function has(set: AddressSet, text: string): boolean {
  return set.has(parseAddress(text)!);
}

test("a block reaches from its first to its last address", () => {
  for (const [text, first, last] of [
    ["10.0.0.0/8", "10.0.0.0", "10.255.255.255"],
    ["10.1.2.3/8", "10.0.0.0", "10.255.255.255"],
    ["192.0.2.1", "192.0.2.1", "192.0.2.1"],
    ["192.0.2.1/32", "192.0.2.1", "192.0.2.1"],
    ["0.0.0.0/0", "0.0.0.0", "255.255.255.255"],
    ["128.0.0.0/1", "128.0.0.0", "255.255.255.255"],
    ["::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    ["fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    ["2001:db8::/33", "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"],
    ["::1", "::1", "::1"],
    ["::1/128", "::1", "::1"],
    ["::ffff:10.0.0.0/104", "10.0.0.0", "10.255.255.255"],
  ] as const) {
    const block = parseCidr(text)!;
    assert.equal(formatAddress(block.first), first, text);
    assert.equal(formatAddress(block.last), last, text);
  }
});

test("a malformed block is none", () => {
  for (const text of [
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/+8",
    "10.0.0.0/08",
    "10.0.0.0/8.0",
    "10.0.0.0/8/8",
    "10.0.0.0/255.0.0.0",
    "10.0.0/8",
    "10/8",
    "::/129",
    "::/1e1",
    "::1%lo/128",
    "::ffff:10.0.0.0/8",
    "::ffff:10.0.0.0/129",
    "localhost",
  ]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

test("an empty set holds nothing, and families do not mix", () => {
  assert.equal(has(setOf(), "0.0.0.0"), false);
  assert.equal(has(setOf("::/0"), "10.0.0.1"), false);
  assert.equal(has(setOf("0.0.0.0/0"), "::1"), false);
  assert.equal(has(setOf("10.0.0.0/8"), "::ffff:10.0.0.1"), true);
  assert.equal(has(setOf("0.0.0.0/32"), "::"), false);
});

test("overlapping and adjacent blocks become one range", () => {
  assert.equal(setOf("10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "10.0.0.0/8").size, 1);
  assert.equal(setOf("10.0.0.0/32", "10.0.0.2/32").size, 2);
  assert.equal(setOf("255.255.255.255", "0.0.0.0").size, 2);
  assert.equal(setOf("0.0.0.0/0", "255.255.255.255", "::/0", "ffff::/16").size, 2);
  assert.equal(setOf("::ffff:ffff:ffff", "0:0:0:0:1::", "::1:0:0:0/80").size, 2);
});

test("a set answers as net.BlockList does", () => {
  const octet = fc.constantFrom(0, 1, 9, 10, 11, 127, 128, 254, 255);
  const v4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join("."));
  const group = fc.constantFrom("0", "1", "7fff", "8000", "fffe", "ffff", "db8");
  const v6 = fc
    .tuple(fc.constantFrom("2001", "fe80"), group, group, group, group, group, group, group)
    .map((groups) => groups.join(":"));
  const block = fc.oneof(
    fc.tuple(v4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(v6, fc.integer({ min: 0, max: 128 })),
  );
  // Random addresses hardly ever meet a narrow block: neighbours of the blocks' own bounds do.
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 6 }),
      fc.array(fc.oneof(v4, v6), { maxLength: 8 }),
      (blocks, others) => {
        // One list per family: BlockList finds IPv4 addresses in `::/0`, a set of ours does not.
        const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
        const familyOf = (text: string) => (text.includes(":") ? "ipv6" : "ipv4");
        for (const [text, prefix] of blocks) lists[familyOf(text)].addSubnet(text, prefix, familyOf(text));
        const parsed = blocks.map(([text, prefix]) => parseCidr(`${text}/${prefix}`)!);
        const set = buildAddressSet(parsed);
        const bounds = parsed.flatMap(({ first, last }) => [first, last].map(formatAddress));
        for (const text of [...others, ...bounds, ...bounds.flatMap(neighbours)]) {
          assert.equal(has(set, text), lists[familyOf(text)].check(text, familyOf(text)), text);
        }
      },
    ),
    { numRuns: 1_500 },
  );
});

/** The addresses just below and above, as text, where the last group does not wrap. */
function neighbours(text: string): string[] {
  const [, head, tail] = /^(.*[.:])(\w+)$/.exec(text) ?? [];
  if (head === undefined || tail === undefined) return [];
  const base = text.includes(":") ? 16 : 10;
  const value = Number.parseInt(tail, base);
  return [value - 1, value + 1]
    .filter((near) => near >= 0 && near <= (base === 16 ? 0xffff : 255))
    .map((near) => head + near.toString(base));
}
