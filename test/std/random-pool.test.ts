import assert from "node:assert/strict";
import { test } from "node:test";
import { openRandomPool, POOL_BYTES } from "../../src/std/random-pool.ts";

test("a pool hands out every byte at most once between refills, and refills before it runs short", () => {
  const pool = openRandomPool();
  let end = 0;
  let refills = 0;
  for (let count = 0; count < 5_000; count++) {
    const before = Buffer.from(pool.bytes);
    const at = pool.take(24);
    assert.ok(at + 24 <= POOL_BYTES);
    if (at < end || end === 0) {
      refills++;
      assert.equal(at, 0);
      assert.notDeepEqual(pool.bytes, before);
    } else {
      assert.equal(at, end);
    }
    end = at + 24;
  }
  assert.equal(refills, Math.ceil(5_000 / Math.floor(POOL_BYTES / 24)));
});

test("two pools give different bytes", () => {
  const one = openRandomPool();
  const other = openRandomPool();
  one.take(1);
  other.take(1);
  assert.notDeepEqual(one.bytes, other.bytes);
});
