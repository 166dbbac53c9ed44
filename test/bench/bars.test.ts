import assert from "node:assert/strict";
import { test } from "node:test";
import { bars, judge } from "../../bench/load/bars.ts";
import type { CandidateName } from "../../bench/load/candidate.ts";
import { againstNginx, type Row } from "../../bench/load/results.ts";
import type { Sample } from "../../bench/load/window.ts";

const cpuBar = bars.filter((bar) => bar.scenario === "get150" && bar.figure === "cpuUs");
const memoryBar = bars.filter((bar) => bar.unit === "MB");

test("a ratio bar looks at the median of the rounds, not at the best one", () => {
  const rows = [row("zion", [10, 30, 13]), row("nginx", [10, 10, 10])];
  const [verdict] = judge(rows, cpuBar);
  assert.deepEqual(verdict?.measured, { median: 1.3, min: 1, max: 3 });
  assert.equal(verdict?.met, false);
  assert.equal(judge([row("zion", [12.5]), row("nginx", [10])], cpuBar)[0]?.met, true);
});

test("the log state is the same on both sides", () => {
  const rows = [row("zion", [15]), row("nginx", [10]), row("nginx", [5], false), row("zion", [6], false)];
  assert.equal(judge(rows, cpuBar)[0]?.measured?.median, 1.5);
  assert.equal(againstNginx(rows, rows[3]!, "cpuUs")?.median, 1.2);
});

test("a window that does not count takes its pair with it", () => {
  const nginx = row("nginx", [10, 10]);
  const spoilt = {
    ...nginx,
    samples: [nginx.samples[0]!, { ...nginx.samples[1]!, invalid: "2 answers were errors" }],
  };
  assert.equal(judge([row("zion", [11, 99]), spoilt], cpuBar)[0]?.measured?.max, 1.1);
});

test("memory is judged by the highest value of any load", () => {
  const big = row("zion", [10, 10]);
  const peak = { ...big, scenario: "get10k" as const, samples: [{ ...big.samples[0]!, workerRssMb: 111 }] };
  assert.equal(judge([big], memoryBar)[0]?.met, true);
  assert.equal(judge([big, peak], memoryBar)[0]?.met, false);
});

test("what was not measured is neither met nor missed", () => {
  for (const verdict of judge([row("nginx", [10])])) {
    assert.equal(verdict.measured, undefined, verdict.bar.title);
    assert.equal(verdict.met, undefined, verdict.bar.title);
  }
});

function row(candidate: CandidateName, cpuUs: readonly number[], log = true): Row {
  const samples = cpuUs.map((us): Sample => ({ ...sample, cpuUs: us }));
  const nothing = { idleKb: [], idleRssMb: 50, logLinesPerRequest: undefined, failed: undefined };
  return { scenario: "get150", candidate, log, samples, ...nothing };
}

const sample: Sample = {
  cpuUs: 0,
  busyPct: 95,
  rps: 1000,
  requests: 1000,
  p50Ms: 1,
  p99Ms: 2,
  p999Ms: 3,
  workerRssMb: 70,
  treeRssMb: 120,
  foreignPct: 0,
  invalid: undefined,
};
