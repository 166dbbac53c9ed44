import assert from "node:assert/strict";
import { test } from "node:test";
import { endsMs } from "../../src/mesh/claim.ts";
import { Probed } from "../../src/mesh/probed.ts";
import { NOON } from "./edge.ts";

const url = "http://10.0.0.1:80";

test("an endpoint that was always healthy is claimed nothing about", () => {
  const probed = new Probed();
  assert.equal(probed.heard(url, true, NOON, 600), undefined);
  assert.equal(probed.isHealthy(url), true);
});

test("one that fails is claimed, again after half the time, and taken back by a claim that is over", () => {
  const probed = new Probed();
  assert.deepEqual(probed.heard(url, false, NOON, 600), { atMs: NOON, ttlSecs: 600 });
  assert.equal(probed.isHealthy(url), false);
  assert.deepEqual(probed.due(NOON + 299_999, 600), []);
  assert.deepEqual(probed.due(NOON + 300_000, 600), [url]);
  const back = probed.heard(url, true, NOON + 5000, 600)!;
  assert.ok(back.atMs > NOON && endsMs(back) <= NOON + 5000);
  assert.deepEqual(probed.due(NOON + 900_000, 600), []);
  // At once: at least it is later than what it takes back.
  probed.heard(url, false, NOON + 6000, 600);
  assert.equal(probed.heard(url, true, NOON + 6000, 600)!.atMs, NOON + 6001);
});
