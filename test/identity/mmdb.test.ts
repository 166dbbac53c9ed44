import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Cidr, formatAddress } from "../../src/identity/address.ts";
import { openMmdb } from "../../src/identity/mmdb.ts";
import type { MmdbValue } from "../../src/identity/mmdb-data.ts";
import { type MmdbOptions, type Written, writeMmdb } from "../support/mmdb-writer.ts";

const codeOf = (record: MmdbValue): string | undefined =>
  record instanceof Map && typeof record.get("c") === "string" ? (record.get("c") as string) : undefined;

function collect(bytes: Uint8Array, ...wanted: readonly string[]) {
  const database = openMmdb(bytes);
  if (typeof database === "string") return database;
  const found = database.collect(codeOf, new Set(wanted));
  return typeof found === "string" ? found : Object.fromEntries([...found].map(([k, v]) => [k, v.map(show)]));
}

function show({ first, last }: Cidr): string {
  return `${formatAddress(first)}-${formatAddress(last)}`;
}

const networks: readonly (readonly [string, Written])[] = [
  ["1.2.0.0/16", { c: "AA" }],
  ["9.0.0.0/8", { c: "BB", more: [1, true, { deep: "x".repeat(300) }] }],
  ["255.255.255.255", { c: "AA" }],
];
const networks6: typeof networks = [
  ["2001:db8::/32", { c: "AA" }],
  ["2a00::/12", { c: "CC" }],
];
const v4Of = {
  AA: ["1.2.0.0-1.2.255.255", "255.255.255.255-255.255.255.255"],
  BB: ["9.0.0.0-9.255.255.255"],
};

for (const recordSize of [24, 28, 32] as const) {
  test(`networks by label, with records of ${recordSize} bits`, () => {
    assert.deepEqual(collect(writeMmdb(networks, { recordSize, ipVersion: 4 }), "AA", "BB"), v4Of);
    const both = {
      AA: [...v4Of.AA, "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
      BB: v4Of.BB,
      ZZ: [],
    };
    for (const aliases of [false, true])
      assert.deepEqual(
        collect(writeMmdb([...networks, ...networks6], { recordSize, aliases }), "AA", "BB", "ZZ"),
        both,
      );
  });
}

test("what is no database, or a damaged one, is said to be so", () => {
  const good = writeMmdb(networks);
  const metadata = (change: NonNullable<MmdbOptions["metadata"]>) =>
    writeMmdb(networks, { metadata: change });
  const looped = Buffer.from(good);
  // The first node leads to itself.
  looped.writeUIntBE(0, 0, 3);
  const beyond = Buffer.from(good);
  beyond.writeUIntBE(0xffffff, 3, 3);
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [Buffer.alloc(0), "it is not a MaxMind DB file"],
    [Buffer.from("<html>503</html>"), "it is not a MaxMind DB file"],
    [good.subarray(0, good.length / 2), "it is not a MaxMind DB file"],
    [good.subarray(0, good.length - 4), "its metadata cannot be read"],
    [metadata({ binary_format_major_version: 3 }), "it is not of format version 2"],
    [metadata({ record_size: 25 }), "its metadata is not valid"],
    [metadata({ node_count: 0 }), "its metadata is not valid"],
    [metadata({ node_count: 4_000_000_000 }), "it is cut short"],
    [good.subarray(1000), "it is cut short"],
    [looped, "its tree has loops"],
    [beyond, "a record cannot be read"],
  ];
  for (const [bytes, problem] of cases) assert.equal(collect(bytes, "AA"), problem);
});

test("no damage makes the reader throw, or go on for ever", () => {
  const good = writeMmdb([...networks, ...networks6], { aliases: true });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
      fc.nat(good.length),
      (changes, length) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        collect(bytes, "AA", "BB");
        collect(bytes.subarray(0, length), "AA", "BB");
      },
    ),
  );
});
