import assert from "node:assert/strict";
import { test } from "node:test";
import { Observed } from "../../src/mesh/observed.ts";
import { NOON } from "./edge.ts";

const client = "203.0.113.7";
const waf = (count: number) => ({ waf: count, limit: 0 });

test("three refusals by the WAF are a voice, limits alone never are", () => {
  const observed = new Observed();
  assert.deepEqual(observed.offended(client, waf(1), NOON, 600), { score: 7000, reason: "waf" });
  assert.deepEqual(observed.offended(client, waf(2), NOON, 600), { score: 9730, reason: "waf" });
  const limited = observed.offended("203.0.113.8", { waf: 0, limit: 100_000 }, NOON, 600);
  assert.deepEqual(limited, { score: 8000, reason: "limit" });
  assert.deepEqual(observed.banned("203.0.113.9", "operator", NOON, 600), {
    score: 10_000,
    reason: "operator",
  });
});

test("who goes on is claimed again when a quarter of the time is over, and who stopped begins anew", () => {
  const observed = new Observed();
  observed.offended(client, waf(3), NOON, 600);
  assert.equal(observed.offended(client, waf(1), NOON + 1000, 600), undefined);
  assert.ok(observed.offended(client, waf(1), NOON + 150_000, 600));
  assert.deepEqual(observed.offended(client, waf(1), NOON + 800_000, 600), { score: 7000, reason: "waf" });
});
