import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { EntropyCounter } from "../../src/body/entropy.ts";

function bitsOf(bytes: Uint8Array): number {
  const counter = new EntropyCounter();
  counter.add(bytes, 0, bytes.length);
  return counter.bits();
}

test("entropy of known distributions", () => {
  assert.equal(bitsOf(new Uint8Array(0)), 0);
  assert.equal(bitsOf(Buffer.alloc(5000, "a")), 0);
  assert.equal(bitsOf(Buffer.from("ab".repeat(300))), 1);
  assert.equal(bitsOf(Buffer.from("0123456789abcdef")), 4);
  assert.equal(bitsOf(Uint8Array.from({ length: 1024 }, (_none, index) => index)), 8);
  // p = 1/4 and 3/4: 0.8113 bits.
  assert.ok(Math.abs(bitsOf(Buffer.from("aaab")) - 0.811278) < 1e-6);
});

test("random bytes, their base64 and prose stand apart", () => {
  const random = Buffer.concat(
    Array.from({ length: 64 }, (_none, index) => createHash("sha512").update(`${index}`).digest()),
  );
  assert.ok(bitsOf(random) > 7.9);
  assert.ok(bitsOf(Buffer.from(random.toString("base64"))) <= 6.03);
  assert.ok(bitsOf(Buffer.from("The quick brown fox jumps over the lazy dog, and then it sleeps.")) < 4.7);
});

test("pieces count as their whole, a reset forgets, and only the span counts", () => {
  const bytes = Buffer.from("one two three four five six");
  const counter = new EntropyCounter();
  counter.add(Buffer.alloc(100, 7), 0, 100);
  counter.reset();
  for (let at = 0; at < bytes.length; at += 5) counter.add(bytes, at, Math.min(at + 5, bytes.length));
  assert.equal(counter.total, bytes.length);
  assert.equal(counter.bits(), bitsOf(bytes));
  counter.reset();
  counter.add(bytes, 4, 7);
  assert.equal(counter.bits(), bitsOf(Buffer.from("two")));
});
