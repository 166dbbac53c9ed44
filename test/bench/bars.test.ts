import assert from "node:assert/strict";
import { test } from "node:test";
import { bars, judge, verdictText } from "../../bench/load/bars.ts";
import type { CandidateName } from "../../bench/load/candidate.ts";
import { against, type Row } from "../../bench/load/results.ts";
import type { Sample } from "../../bench/load/window.ts";

const cpuBar = bars.filter((bar) => bar.scenario === "get150" && bar.figure === "cpuUs");
const wafBars = bars.filter((bar) => bar.scenario === "waf-get");
const uploadBars = bars.filter((bar) => bar.scenario === "waf-upload-10mb");
const memoryBar = bars.filter((bar) => bar.unit === "MB");

test("a ratio bar looks at the median of the rounds, not at the best one", () => {
  const rows = [row("zion", [10, 30, 13]), row("nginx", [10, 10, 10])];
  const [verdict] = judge(rows, cpuBar);
  assert.deepEqual(verdict?.measured, { median: 1.3, min: 1, max: 3 });
  assert.equal(verdict?.met, false);
  assert.equal(judge([row("zion", [12.5]), row("nginx", [10])], cpuBar)[0]?.met, true);
});

test("an aim is judged beside its limit, and neither where nothing was measured", () => {
  const text = (us: number): string =>
    judge([row("zion", [us]), row("nginx", [10])], cpuBar).map(verdictText)[0]!;
  assert.deepEqual([11.5, 12, 13].map(text), ["met, as the aim", "met, **aim missed**", "**missed**"]);
  assert.equal(verdictText(judge([], cpuBar)[0]!), "");
  assert.equal(
    verdictText({ bar: uploadBars[0]!, measured: undefined, met: true, aimMet: undefined }),
    "met",
  );
});

test("the log state is the same on both sides", () => {
  const rows = [row("zion", [15]), row("nginx", [10]), row("nginx", [5], false), row("zion", [6], false)];
  assert.equal(judge(rows, cpuBar)[0]?.measured?.median, 1.5);
  assert.equal(against(rows, rows[3]!, "cpuUs")?.median, 1.2);
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

test("with the WAF on it is compared with nginx, and with ModSecurity as a fortieth", () => {
  const rows = [waf("zion", 40), waf("nginx", 20), waf("nginx-modsecurity", 1600)];
  assert.deepEqual(
    judge(rows, wafBars).map(({ bar, measured, met }) => [bar.peer, measured?.median, met]),
    [
      ["nginx", 2, true],
      ["nginx-modsecurity", 0.025, true],
    ],
  );
  const dearer = judge([waf("zion", 41), ...rows.slice(1)], wafBars);
  assert.deepEqual(
    dearer.map(({ met }) => met),
    [false, false],
  );
});

test("a gateway that let attacks through has not been measured with its WAF on", () => {
  const rows = [
    { ...waf("zion", 10), waf: "off" as const },
    waf("nginx", 20),
    waf("nginx-modsecurity", 1600),
  ];
  for (const { measured, met } of judge(rows, wafBars))
    assert.deepEqual([measured, met], [undefined, undefined]);
});

test("an upload is judged in milliseconds, its stall by what every round shows", () => {
  const row = waf("zion", 151_000, "waf-upload-10mb");
  const holds = [4, 60, 5].map((holdMs) => ({ ...row.samples[0]!, holdMs }));
  const verdicts = judge([{ ...row, samples: holds }], uploadBars);
  assert.deepEqual(
    verdicts.map(({ measured, met }) => [measured?.median, met]),
    [
      [151, false],
      [5, true],
    ],
  );
});

test("the memory of a gateway that inspects is another matter", () => {
  const big = waf("zion", 10);
  const peak = { ...big, samples: [{ ...big.samples[0]!, workerRssMb: 400 }] };
  assert.equal(judge([row("zion", [10]), peak], memoryBar)[0]?.met, true);
});

test("what was not measured is neither met nor missed", () => {
  for (const verdict of judge([row("nginx", [10])])) {
    assert.equal(verdict.measured, undefined, verdict.bar.title);
    assert.equal(verdict.met, undefined, verdict.bar.title);
  }
});

function waf(candidate: CandidateName, cpuUs: number, scenario: Row["scenario"] = "waf-get"): Row {
  return { ...row(candidate, [cpuUs]), scenario, waf: candidate === "nginx" ? "off" : "on" };
}

function row(candidate: CandidateName, cpuUs: readonly number[], log = true): Row {
  const samples = cpuUs.map((us): Sample => ({ ...sample, cpuUs: us }));
  const nothing = {
    idleKb: [],
    idleRssMb: 50,
    waf: undefined,
    logLinesPerRequest: undefined,
    failed: undefined,
  };
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
  holdMs: undefined,
  foreignPct: 0,
  invalid: undefined,
};
