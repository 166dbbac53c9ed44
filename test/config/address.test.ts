import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  overlap,
  type Reading,
  readCidr,
  readHostName,
  readListenAddress,
} from "../../src/config/address.ts";
import { parseCidr } from "../../src/identity/address.ts";

/** The value, or "?" with the suggestion. */
function outcome<T>(reading: Reading<T>): unknown {
  return "value" in reading ? reading.value : `? ${reading.suggestion ?? ""}`.trim();
}

test("a listener is an address and a port", () => {
  assert.deepEqual(outcome(readListenAddress("0.0.0.0:8080")), { host: "0.0.0.0", port: 8080 });
  assert.deepEqual(outcome(readListenAddress("[::1]:0")), { host: "::1", port: 0 });
  const bad: Readonly<Record<string, string>> = {
    ":8080": "? 0.0.0.0:8080",
    "*:8080": "? 0.0.0.0:8080",
    "8080": "? 0.0.0.0:8080",
    "localhost:8080": "? 127.0.0.1:8080",
    "10.0.0.1": "? 10.0.0.1:8080",
    "::1:8080": "? [::1]:8080",
    "0.0.0.0:65536": "?",
    "0.0.0.0:": "?",
    "0.0.0.0:-1": "?",
    "01.0.0.0:80": "?",
    "[0.0.0.0]:80": "?",
    "": "?",
  };
  for (const [text, expected] of Object.entries(bad))
    assert.equal(outcome(readListenAddress(text)), expected, text);
});

test("listeners overlap on one address or a wildcard, not on port 0", () => {
  const at = (host: string, port = 80) => ({ host, port });
  assert.ok(overlap(at("127.0.0.1"), at("127.0.0.1")));
  assert.ok(overlap(at("0.0.0.0"), at("127.0.0.1")));
  assert.ok(overlap(at("10.0.0.1"), at("::")));
  assert.ok(!overlap(at("0.0.0.0"), at("::1")));
  assert.ok(!overlap(at("127.0.0.1"), at("127.0.0.2")));
  assert.ok(!overlap(at("127.0.0.1"), at("127.0.0.1", 81)));
  assert.ok(!overlap(at("127.0.0.1", 0), at("127.0.0.1", 0)));
});

test("a block has its host bits zero; the network is suggested", () => {
  const expected: Readonly<Record<string, string>> = {
    "10.0.0.0/8": "10.0.0.0/8",
    "192.0.2.7": "192.0.2.7",
    "192.0.2.7/32": "192.0.2.7/32",
    "0.0.0.0/0": "0.0.0.0/0",
    "::/0": "::/0",
    "2001:DB8::/32": "2001:db8::/32",
    "2001:db8:0:0::/32": "2001:db8:0:0::/32",
    "fc00::/7": "fc00::/7",
    "10.1.2.3/8": "? 10.0.0.0/8",
    "172.16.5.0/12": "? 172.16.0.0/12",
    "2001:db8::1/32": "? 2001:db8::/32",
    "fdff::/7": "? fc00::/7",
    "10.0.0.0/33": "?",
    "::/129": "?",
    "10.0.0.0/": "?",
    "10.0.0.0/08": "?",
    "10.0.0.0/-1": "?",
    "10/8": "? 10.0.0.0/8",
    "10.0.0.0/255.0.0.0": "?",
    localhost: "?",
    "fe80::1%eth0": "?",
    "": "?",
  };
  for (const [text, wanted] of Object.entries(expected)) assert.equal(outcome(readCidr(text)), wanted, text);
});

test("what it accepts, the client address code reads too, and a suggestion is always acceptable", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(130), (address, prefix) => {
      const reading = readCidr(`${address}/${prefix}`);
      if ("value" in reading) assert.notEqual(parseCidr(reading.value), undefined);
      else if (reading.suggestion !== undefined)
        assert.ok("value" in readCidr(reading.suggestion), reading.suggestion);
    }),
  );
});

test("a host is a bare name in lower case", () => {
  const expected: Readonly<Record<string, string>> = {
    "Shop.Example.org": "shop.example.org",
    "*.Example.org": "*.example.org",
    localhost: "localhost",
    "a_b.test": "a_b.test",
    "192.0.2.7": "192.0.2.7",
    "[2001:DB8::1]": "[2001:db8::1]",
    "https://a.test/x": "? a.test",
    "https://a.test:8443": "? a.test",
    "a.test:80": "? a.test",
    "a.test.": "? a.test",
    "a.test/x": "? a.test",
    "b\u00fccher.test": "? xn--bcher-kva.test",
    "a.*": "?",
    "*": "?",
    "*a.test": "?",
    "a..test": "?",
    "-a.test": "?",
    "a b": "?",
    "1.2.3": "?",
    "2001:db8::1": "?",
    "": "?",
    "a@b": "?",
  };
  for (const [text, wanted] of Object.entries(expected))
    assert.equal(outcome(readHostName(text, true)), wanted, text);
  assert.equal(outcome(readHostName("*.a.test", false)), "?");
});
