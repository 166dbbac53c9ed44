import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { KeyTable } from "../../src/limit/key-table.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { fixedWindow, gcra } from "../../src/limit/rate.ts";
import { startAt } from "../../src/limit/usage.ts";

const steps = fc.array(fc.tuple(fc.nat(4), fc.nat(3)), { maxLength: 200 });

describe("GCRA", () => {
  /** A bucket that is filled drop by drop, in exact integers: times are whole multiples of the interval's parts. */
  class Bucket {
    #tokens: bigint;
    #atMs = 0n;
    readonly #burst: bigint;
    readonly #unit: bigint;

    /** One token every `unit` ms. */
    constructor(burst: number, unit: number) {
      this.#unit = BigInt(unit);
      this.#burst = BigInt(burst) * this.#unit;
      this.#tokens = this.#burst;
    }

    take(nowMs: number): boolean {
      const now = BigInt(nowMs);
      this.#tokens += now - this.#atMs;
      if (this.#tokens > this.#burst) this.#tokens = this.#burst;
      this.#atMs = now;
      if (this.#tokens < this.#unit) return false;
      this.#tokens -= this.#unit;
      return true;
    }
  }

  test("admits exactly what a token bucket admits, for every key apart", () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 9 }),
        steps,
        (burst, intervalMs, requests) => {
          const table = new KeyTable(100);
          const rate = gcra(1000, 1000 * intervalMs, burst);
          const buckets = new Map<number, Bucket>();
          let nowMs = 0;
          for (const [passedMs, key] of requests) {
            nowMs += passedMs;
            let bucket = buckets.get(key);
            if (bucket === undefined) buckets.set(key, (bucket = new Bucket(burst, intervalMs)));
            const slot = table.touch(key, 0);
            const looked = rate.wait(table, slot, nowMs);
            const waitMs = rate.take(table, slot, 1, nowMs);
            assert.ok(Math.abs(looked - waitMs) < 1e-9);
            assert.equal(waitMs === 0, bucket.take(nowMs), `${nowMs} ${key}`);
            if (waitMs > 0) refused++;
          }
        },
      ),
    );
    assert.ok(refused > 0);
  });

  test("after the time that it names, and not before, a request passes", () => {
    const table = new KeyTable(10);
    const rate = gcra(10, 1000, 3);
    const slot = table.touch(1, 1);
    for (let i = 0; i < 3; i++) assert.equal(rate.take(table, slot, 1, 5000), 0);
    const waitMs = rate.take(table, slot, 1, 5000);
    assert.ok(waitMs > 99 && waitMs <= 100, String(waitMs));
    assert.ok(rate.take(table, slot, 1, 5000 + waitMs - 1) > 0);
    assert.equal(rate.take(table, slot, 1, 5000 + waitMs + 1e-6), 0);
  });
});

describe("a fixed window", () => {
  test("admits exactly as many in each window as a plain count", () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 9 }),
        steps,
        (limit, windowMs, requests) => {
          const table = new KeyTable(100);
          const rate = fixedWindow(limit, windowMs);
          const counts = new Map<string, number>();
          let nowMs = 0;
          for (const [passedMs, key] of requests) {
            nowMs += passedMs;
            const cell = `${key} ${Math.floor(nowMs / windowMs)}`;
            const count = counts.get(cell) ?? 0;
            const waitMs = rate.take(table, table.touch(key, 0), 1, nowMs);
            assert.equal(waitMs === 0, count < limit);
            if (waitMs === 0) counts.set(cell, count + 1);
            else {
              refused++;
              assert.equal(waitMs, (Math.floor(nowMs / windowMs) + 1) * windowMs - nowMs);
            }
          }
        },
      ),
    );
    assert.ok(refused > 0);
  });
});

describe("workers that tell each other what they admitted", () => {
  const rates = [
    ["GCRA", gcra(100, 1000, 20), (seconds: number) => 20 + 100 * seconds],
    ["a fixed window", fixedWindow(100, 1000), (seconds: number) => 100 * seconds],
  ] as const;
  for (const [title, rate, limitFor] of rates) {
    test(`${title}: a flood over four of them admits the limit and what arrives between two exchanges`, () => {
      const workers = Array.from({ length: 4 }, () => new Limiter("flood", 1000, true));
      const seconds = 10;
      let admitted = 0;
      let atOnceMax = 0;
      let sinceExchange = 0;
      for (let ms = 0; ms < seconds * 1000; ms++) {
        for (const worker of workers) {
          if (worker.take(7, 7, rate, 1e6 + ms) > 0) continue;
          admitted++;
          sinceExchange++;
        }
        if (ms % 50 !== 49) continue;
        const shares = workers.map((worker) => worker.tell());
        for (const [from, share] of shares.entries())
          for (const [to, worker] of workers.entries())
            if (share !== undefined && to !== from) worker.hear(share, rate, 1e6 + ms);
        atOnceMax = Math.max(atOnceMax, sinceExchange);
        sinceExchange = 0;
      }
      const limit = limitFor(seconds);
      assert.ok(admitted >= limit * 0.95, `${admitted} of ${limit}`);
      const slack = title === "GCRA" ? atOnceMax : atOnceMax * seconds;
      assert.ok(admitted <= limit * 1.05 + slack, `${admitted} of ${limit}, ${atOnceMax} at once`);
    });
  }

  test("what one admitted is spent at the other, once", () => {
    const [first, second] = [new Limiter("a", 10, true), new Limiter("a", 10, true)];
    const rate = fixedWindow(5, 60_000);
    for (let i = 0; i < 3; i++) assert.equal(first.take(1, 1, rate, 1000), 0);
    second.hear(first.tell()!, rate, 1000);
    assert.equal(first.tell(), undefined);
    const passed = Array.from({ length: 4 }, () => second.take(1, 1, rate, 1000) === 0);
    assert.deepEqual(passed, [true, true, false, false]);
    // Of the last window: nothing to do with this one.
    second.hear(
      { limit: "a", keys: Uint32Array.of(1, 1), costs: Float64Array.of(5), windows: Float64Array.of(0) },
      rate,
      61_000,
    );
    assert.equal(second.take(1, 1, rate, 61_000), 0);
  });
});

describe("a level that is asked for", () => {
  test("makes another table wait as long, and asking changes nothing", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(gcra(3, 3000, 5), fixedWindow(3, 3000)),
        fc.array(fc.nat(2500), { maxLength: 12 }),
        (rate, gaps) => {
          const limiter = new Limiter("one", 4, false);
          let nowMs = 10_000;
          for (const gapMs of gaps) limiter.take(1, 2, rate, (nowMs += gapMs));
          const level = limiter.level(1, 2, rate, nowMs);
          const other = new Limiter("other", 4, false);
          startAt(other.table, rate, { limit: "other", lo: 1, hi: 2, level }, nowMs);
          assert.equal(other.level(1, 2, rate, nowMs), limiter.level(1, 2, rate, nowMs));
          const waits = [limiter, other].map((one) => one.take(1, 2, rate, nowMs));
          assert.ok(Math.abs(waits[0]! - waits[1]!) < 1e-6, waits.join());
        },
      ),
    );
  });
});
