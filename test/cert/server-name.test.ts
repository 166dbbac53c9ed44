import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { foldServerName } from "../../src/cert/server-name.ts";

test("folds case and the trailing dot", () => {
  assert.equal(foldServerName("WWW.Example.ORG"), "www.example.org");
  assert.equal(foldServerName("www.example.org."), "www.example.org");
  assert.equal(foldServerName("WWW."), "www");
  assert.equal(foldServerName("a"), "a");
  assert.equal(foldServerName("_dmarc.xn--mnchen-3ya.example"), "_dmarc.xn--mnchen-3ya.example");
  assert.equal(foldServerName("1.2.3.4"), "1.2.3.4");
  assert.equal(foldServerName("__proto__"), "__proto__");
});

test("refuses what is not a host name", () => {
  const hostile = [
    "",
    ".",
    "..",
    ".a",
    "a..b",
    "a..",
    "*.a",
    "a b",
    "a\0",
    "a:1",
    "[::1]",
    "::1",
    "a/b",
    "é.example",
  ];
  const foreignDots = ["a\u3002b", "a\uff0eb", "a\u2024b", "\u212a.example", "\u0130.example"];
  for (const name of [...hostile, ...foreignDots])
    assert.equal(foldServerName(name), undefined, JSON.stringify(name));
});

test("labels hold 63 characters and names 253", () => {
  const label = "a".repeat(63);
  assert.equal(foldServerName(label), label);
  assert.equal(foldServerName(`${label}a`), undefined);
  assert.equal(foldServerName(`${label}a.b`), undefined);
  const longest = `${label}.${label}.${label}.${"b".repeat(61)}`;
  assert.equal(longest.length, 253);
  assert.equal(foldServerName(longest), longest);
  assert.equal(foldServerName(`${longest}.`), longest);
  assert.equal(foldServerName(`${longest}b`), undefined);
});

test("agrees with the plain form on every string", () => {
  const plain = (name: string): string | undefined => {
    const bare = name.length > 1 && name.endsWith(".") ? name.slice(0, -1) : name;
    const isName = bare.length <= 253 && /^[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/.test(bare);
    return isName ? bare.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : undefined;
  };
  const nearNames = fc.string({ unit: fc.constantFrom(..."aZ09-_.*\0\u212a:".split("")), maxLength: 80 });
  fc.assert(
    fc.property(fc.oneof(nearNames, fc.string({ unit: "binary" }), fc.domain()), (name) => {
      const folded = foldServerName(name);
      assert.equal(folded, plain(name));
      if (folded !== undefined) assert.equal(foldServerName(folded), folded);
    }),
    { numRuns: 2_000 },
  );
});
