import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  type Baseline,
  difference,
  judge,
  LOSS,
  ratioOf,
  type Surroundings,
} from "../../bench/load/regression.ts";
import type { Row } from "../../bench/load/results.ts";
import { spread } from "../../bench/load/statistics.ts";

const committed = { min: 1, median: 1.1, max: 1.2 };
const worst = committed.max * LOSS;

test("a loss is what every round shows", () => {
  assert.equal(judge(spread([worst * 1.01, worst * 1.1, worst * 1.2]), committed), "lost");
  assert.equal(judge(spread([worst * 0.99, worst * 1.1, worst * 1.2]), committed), "met");
});

test("rounds that differ too much decide nothing, unless one of them is good", () => {
  assert.equal(judge(spread([worst * 1.01, worst * 1.5]), committed), "undecidable");
  assert.equal(judge(spread([worst * 0.99, worst * 3]), committed), "met");
  assert.equal(judge(undefined, committed), "undecidable");
});

test("rounds that somebody disturbed do not count, and one alone is none", () => {
  const row = (...windows: readonly (readonly [cpuUs: number, foreignPct: number])[]): Row =>
    ({ samples: windows.map(([cpuUs, foreignPct]) => ({ cpuUs, foreignPct })) }) as unknown as Row;
  const nginx = row([10, 0], [10, 0], [10, 0]);
  assert.deepEqual(ratioOf(row([15, 0], [90, 60], [17, 2]), nginx), { min: 1.5, median: 1.6, max: 1.7 });
  assert.equal(ratioOf(row([15, 0], [90, 60], [90, 60]), nginx), undefined);
});

test("the committed figures are a machine's, and are judged on such a one only", () => {
  const file = new URL("../../bench/results/baseline.json", import.meta.url);
  const baseline = JSON.parse(readFileSync(file, "utf8")) as Baseline;
  assert.ok(Object.keys(baseline.ratios).length >= 3);
  for (const ratio of Object.values(baseline.ratios))
    assert.ok(ratio.min > 0 && ratio.min <= ratio.median && ratio.median <= ratio.max);
  const here: Surroundings = { cpu: baseline.cpu, node: baseline.node, nginx: baseline.nginx };
  assert.equal(difference(here, baseline), undefined);
  assert.match(difference({ ...here, cpu: "another" }, baseline)!, /^cpu is another, the baseline's /);
});
