import assert from "node:assert/strict";
import { isIP, SocketAddress } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { addressGroup, formatAddress, parseAddress } from "../../src/identity/address.ts";

function canonical(text: string): string | undefined {
  const address = parseAddress(text);
  return address && formatAddress(address);
}

test("an address is written in its canonical form", () => {
  for (const [text, expected] of [
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["192.0.2.1", "192.0.2.1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8::0001", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ] as const) {
    assert.equal(canonical(text), expected, text);
  }
});

test("an IPv4-mapped address is the IPv4 address", () => {
  for (const text of ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"]) {
    assert.deepEqual(parseAddress(text), parseAddress("192.0.2.1"), text);
  }
  for (const text of ["::192.0.2.1", "::ffff:0:c000:201", "1::ffff:192.0.2.1"]) {
    assert.equal(parseAddress(text)?.v4, false, text);
  }
});

test("a form that parsers read in different ways is no address", () => {
  for (const text of [
    "",
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    ".1.2.3",
    "1..2.3",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "010.0.0.1",
    "1.2.3.256",
    "1.2.3.0004",
    "1.2.3.-4",
    "١.٢.٣.٤",
    "1.2.3.4/32",
    "1.2.3.4:80",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:",
    "12345::",
    "::g",
    "[::1]",
    "fe80::1%eth0",
    "fe80::1%25eth0",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3",
    "::01.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    "unknown",
    `::${"0".repeat(60)}1`,
  ]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test("the same texts are addresses as to the system's parser, and mean the same", () => {
  const piece = fc.constantFrom(
    ..."0 1 9 25 255 256 01 . . . : : : :: ffff FFFF 12345 a g ::ffff: 1.2.3.4 % /".split(" "),
  );
  const pieces = fc.array(piece, { maxLength: 16 }).map((list) => list.join(""));
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), pieces), (text) => {
      const address = parseAddress(text);
      const family = text.includes("%") ? 0 : isIP(text);
      assert.equal(address !== undefined, family !== 0);
      if (address === undefined) return;
      accepted++;
      const canonicalText = formatAddress(address);
      assert.deepEqual(parseAddress(canonicalText), address);
      if (address.v4) {
        assert.equal(isIP(canonicalText), 4);
      } else {
        const system = new SocketAddress({ address: text, family: "ipv6" }).address;
        // inet_ntop writes the tail of ::/96 as a quad, RFC 5952 leaves that open.
        if (!system.includes(".")) assert.equal(canonicalText, system);
      }
    }),
    { numRuns: 20_000 },
  );
  assert.ok(accepted > 2_000);
});

test("addresses are counted alone in IPv4 and by their /64 in IPv6", () => {
  const group = (text: string) => addressGroup(parseAddress(text)!);
  assert.equal(group("192.0.2.1"), "192.0.2.1");
  assert.equal(group("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(group("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(group("2001:db8:1:2:ffff::"), "2001:db8:1:2::/64");
  assert.equal(group("2001:db8:1:3::1"), "2001:db8:1:3::/64");
  assert.equal(group("::1"), "::/64");
});
