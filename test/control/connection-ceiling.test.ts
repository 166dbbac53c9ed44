import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionCeiling } from "../../src/control/connection-ceiling.ts";
import { parseDescriptorsMax, readDescriptorsMax } from "../../src/std/descriptors.ts";

test("a configured number is shared out among the workers, rounded up", () => {
  assert.equal(connectionCeiling(1000, 3, 10), 334);
  assert.equal(connectionCeiling(1, 4, 0), 1);
});

test("without one, no more than half the descriptors", () => {
  assert.equal(connectionCeiling(0, 2, 600), 300);
  assert.ok(connectionCeiling(0, 2, 0) >= 1000);
  assert.ok(connectionCeiling(0, 2, 1e9) <= 100_000);
});

test("the soft limit is read from the text of /proc/PID/limits", () => {
  const text =
    "Limit  Soft Limit  Hard Limit  Units\nMax open files            20000                30000                files\n";
  assert.equal(parseDescriptorsMax(text), 20_000);
  assert.equal(parseDescriptorsMax(text.replace("20000", "unlimited")), 0);
  assert.equal(parseDescriptorsMax(""), 0);
  assert.equal(readDescriptorsMax("/nowhere"), 0);
});
