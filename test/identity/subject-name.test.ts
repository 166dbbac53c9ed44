import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contextTag, sequence } from "../../src/cert/der.ts";
import { fitsPin, readNamePin, readSubjectNames } from "../../src/identity/subject-name.ts";

const dns = (text: string): Buffer => contextTag(2, Buffer.from(text, "latin1"), false);
const uri = (text: string): Buffer => contextTag(6, Buffer.from(text, "latin1"), false);
const email = (text: string): Buffer => contextTag(1, Buffer.from(text, "latin1"), false);

test("names that two readers could read in two ways spoil a certificate", () => {
  for (const name of [
    dns("a.test\0evil.test"),
    dns("a.test\n"),
    dns("a test"),
    dns("\u00e4.test"),
    uri("spiffe://a\r\nX: y"),
    email("a@b\0c"),
    dns(""),
  ])
    assert.equal(readSubjectNames(sequence(dns("good.test"), name)), undefined);
});

test("wildcards are left out, and so are kinds that no pin speaks of", () => {
  const address = contextTag(7, Buffer.from([192, 0, 2, 1]), false);
  const names = readSubjectNames(sequence(dns("*.test"), address, dns("B.test."), uri("urn:x:y")));
  assert.deepEqual(names, [
    { kind: "dns", value: "b.test" },
    { kind: "uri", value: "urn:x:y" },
  ]);
});

for (const [pin, kind, value, fits] of [
  ["dns:example.org", "dns", "example.org", true],
  ["dns:example.org", "dns", "a.example.org", false],
  ["dns:*.example.org", "dns", "a.b.example.org", true],
  ["dns:*.example.org", "dns", "example.org", false],
  ["dns:*.example.org", "dns", "evilexample.org", false],
  ["dns:*.example.org", "dns", "example.org.evil.test", false],
  ["dns:example.org", "uri", "example.org", false],
  ["uri:spiffe://x.test/a", "uri", "spiffe://x.test/a", true],
  ["uri:spiffe://x.test/a", "uri", "spiffe://x.test/a/b", false],
  ["uri:spiffe://x.test/a/*", "uri", "spiffe://x.test/a/b/c", true],
  ["uri:spiffe://x.test/a/*", "uri", "spiffe://x.test/ab", false],
  ["uri:spiffe://x.test/a/*", "uri", "spiffe://x.test/a/../b", false],
  ["uri:spiffe://x.test/a/*", "uri", "spiffe://x.test/a/%2e%2e/b", false],
  ["uri:spiffe://x.test/*", "uri", "spiffe://x.test.evil/a", false],
  ["email:*@x.test", "email", "a@X.test", true],
  ["email:*@x.test", "email", "a@x.test@evil.test", false],
  ["email:*@x.test", "email", "a@b.x.test", false],
  ["email:a@x.test", "email", "A@x.test", false],
] as const) {
  test(`${pin} ${fits ? "is" : "is not"} ${kind}:${value}`, () => {
    assert.equal(fitsPin({ kind, value }, readNamePin(pin)!), fits);
  });
}

test("an open DNS pin fits exactly the names below it, whatever they are", () => {
  const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,6}[a-z0-9])?$/);
  fc.assert(
    fc.property(
      fc.array(label, { minLength: 1, maxLength: 4 }),
      fc.array(label, { minLength: 1, maxLength: 3 }),
      (left, right) => {
        const pin = readNamePin(`dns:*.${right.join(".")}`);
        const value = left.join(".");
        assert.equal(fitsPin({ kind: "dns", value: `${value}.${right.join(".")}` }, pin!), true);
        assert.equal(
          fitsPin({ kind: "dns", value: `${value}${right.join(".")}` }, pin!),
          false || value.endsWith("."),
        );
      },
    ),
  );
});
