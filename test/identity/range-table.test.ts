import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Address,
  buildAddressSet,
  formatAddress,
  parseAddress,
  parseCidr,
} from "../../src/identity/address.ts";
import { isListProblem, LIST_ENTRIES_MAX, readAddressList } from "../../src/identity/address-list.ts";
import { buildRangeTable, holdsAddress, printWords, readWords } from "../../src/identity/range-table.ts";

const byte = fc.integer({ min: 0, max: 255 });
// Few different bytes, so that blocks nest, touch and repeat.
const near = fc.constantFrom(0, 1, 2, 127, 128, 254, 255);
const v4 = fc.tuple(near, near, near, fc.oneof(near, byte)).map((parts) => parts.join("."));
const group = fc.constantFrom("0", "1", "7fff", "8000", "ffff");
const v6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((parts) => `2001:${parts.slice(1).join(":")}`);
const block = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })),
  fc.tuple(v6, fc.integer({ min: 8, max: 128 })),
);

test("a table holds exactly the addresses of its blocks", () => {
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 40 }),
      fc.array(fc.oneof(v4, v6), { maxLength: 20 }),
      (blocks, asked) => {
        const cidrs = blocks.map(([address, prefix]) => parseCidr(`${address}/${prefix}`)!);
        const built = buildRangeTable(cidrs);
        const table = { v4: readWords(printWords(built.v4)), v6: readWords(printWords(built.v6)) };
        const set = buildAddressSet(cidrs);
        const ends = cidrs.flatMap(({ first, last }) => [first, last, ...beside(first), ...beside(last)]);
        for (const address of [...asked.map((text) => parseAddress(text)!), ...ends])
          assert.equal(holdsAddress(table, address), set.has(address), formatAddress(address));
      },
    ),
  );
});

/** The addresses whose last word is one less and one more. */
function beside(address: Address): Address[] {
  return [address.w3 - 1, address.w3 + 1]
    .filter((w3) => w3 >= 0 && w3 <= 0xffffffff)
    .map((w3) => ({ ...address, w3 }));
}

test("everything and nothing", () => {
  const everything = buildRangeTable([parseCidr("0.0.0.0/0")!, parseCidr("::/0")!]);
  const nothing = buildRangeTable([]);
  for (const text of ["0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]) {
    assert.equal(holdsAddress(everything, parseAddress(text)!), true);
    assert.equal(holdsAddress(nothing, parseAddress(text)!), false);
  }
});

test("a list has an entry a line, with comments and any line ends", () => {
  const blocks = readAddressList("# head\r\n192.0.2.0/24 ; SBL1\r\n\r\n  2001:db8::/32\t# two\n198.51.100.7");
  assert.ok(!isListProblem(blocks));
  assert.deepEqual(
    blocks.map(({ first }) => formatAddress(first)),
    ["192.0.2.0", "2001:db8::", "198.51.100.7"],
  );
});

for (const [line, problem] of [
  ["<html>", "not an address or CIDR block"],
  ["192.0.2.0/24 192.0.3.0/24", "not an address or CIDR block"],
  ["192.0.2.1/24", "host bits are set"],
  ["2001:db8::1/32", "host bits are set"],
  ["192.0.2.0/33", "not an address or CIDR block"],
  ["010.0.0.1", "not an address or CIDR block"],
  ["192.0.2.\0", "not an address or CIDR block"],
] as const) {
  test(`one wrong line refuses the list: ${JSON.stringify(line)}`, () => {
    assert.deepEqual(readAddressList(`192.0.2.0/24\n${line}\n198.51.100.7\n`), { line: 2, problem });
  });
}

test("a list of more entries than the limit is refused, not cut", () => {
  const text = "192.0.2.1\n".repeat(LIST_ENTRIES_MAX + 1);
  const reading = readAddressList(text);
  assert.ok(isListProblem(reading));
  assert.equal(reading.line, LIST_ENTRIES_MAX + 1);
});

test("no text makes reading throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      readAddressList(text);
    }),
  );
});
