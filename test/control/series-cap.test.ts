import assert from "node:assert/strict";
import { test } from "node:test";
import { families, type MetricSample } from "../../src/record/metrics.ts";
import { openExposition } from "../support/exposition.ts";

const duration = (route: string, requests: number): MetricSample => ({
  name: families.duration.name,
  labels: [route],
  value: requests,
  counts: [requests, ...families.duration.buckets!.map(() => 0)],
});
const refusal = (route: string, reason: string, value = 1): MetricSample => ({
  name: families.gateDecisions.name,
  labels: [route, "gate", reason, "enforce"],
  value,
});
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

async function lines(exposition: ReturnType<typeof openExposition>, start: string): Promise<string[]> {
  return (await exposition.print("text")).split("\n").filter((line) => line.startsWith(start));
}

test("the 50 busiest routes have histograms of their own, the others share one", async () => {
  const exposition = openExposition();
  exposition.absorb(
    1,
    all(80).map((i) => duration(`r${i}`, i + 1)),
  );
  const counts = await lines(exposition, `${families.duration.name}_count`);
  assert.equal(counts.length, 51);
  const other = counts.find((line) => line.includes('route="_other"'));
  assert.equal(other?.split(" ").at(-1), String(all(30).reduce((sum, i) => sum + i + 1, 0)));
  assert.ok(counts.some((line) => line.includes('route="r79"')));
});

test("a route never moves between its own name and the others'", async () => {
  const exposition = openExposition();
  exposition.absorb(
    1,
    all(60).map((i) => duration(`r${i}`, 100 - i)),
  );
  exposition.absorb(
    1,
    all(60).map((i) => duration(`r${i}`, i === 59 ? 1_000_000 : 100 - i)),
  );
  const [other] = await lines(exposition, `${families.duration.name}_count{route="_other"}`);
  assert.ok(Number(other?.split(" ").at(-1)) > 999_000, other);
  assert.deepEqual(await lines(exposition, `${families.duration.name}_count{route="r59"}`), []);
});

test("a route shows at most 24 pairs of gate and reason, and counts the rest together", async () => {
  const exposition = openExposition();
  exposition.absorb(
    1,
    all(100).map((i) => refusal("app", `reason_${i}`)),
  );
  exposition.absorb(
    2,
    all(100).map((i) => refusal("app", `reason_${99 - i}`)),
  );
  const printed = await lines(exposition, families.gateDecisions.name);
  assert.equal(printed.length, 25);
  const sum = printed.reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
  assert.equal(sum, 200);
});

test("series of what a reload removed are gone, and the place is free", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [...all(50).map((i) => duration(`r${i}`, 10)), refusal("r0", "x")]);
  exposition.retain({ route: new Set(["r1", "new"]) });
  // The worker still knows the old ones.
  exposition.absorb(1, [
    ...all(50).map((i) => duration(`r${i}`, 10)),
    duration("new", 5),
    refusal("r0", "x"),
  ]);
  assert.equal((await lines(exposition, `${families.duration.name}_count`)).length, 2);
  assert.deepEqual(await lines(exposition, families.gateDecisions.name), []);
});
