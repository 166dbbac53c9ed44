import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { lawOf } from "../../bench/load/growth-law.ts";
import { barsSvg, plotSvg } from "../../bench/load/plot.ts";
import { benchmarksPage } from "../../bench/page.ts";

test("docs/benchmarks.md is what bench/results says: node bench/page.ts --write", () => {
  const file = path.join(import.meta.dirname, "../../docs/benchmarks.md");
  assert.equal(readFileSync(file, "utf8"), benchmarksPage());
});

test("a cost that stays, one that follows the logarithm and one that follows the size are told apart", () => {
  const sizes = [10, 100, 1000, 10_000];
  const law = (cost: (size: number) => number) => lawOf(sizes.map((size) => [size, cost(size)])).name;
  assert.equal(
    law(() => 20),
    "flat",
  );
  assert.equal(
    law((size) => 20 + (size % 7) / 10),
    "flat",
  );
  assert.equal(
    law((size) => 10 + 5 * Math.log(size)),
    "logarithmic",
  );
  assert.equal(
    law((size) => 10 + size / 100),
    "linear",
  );
});

test("plots are whole SVG documents, whatever the names", () => {
  const series = [
    {
      name: 'a<b&"c',
      points: [
        [1, 2],
        [10, 20],
      ] as const,
    },
  ];
  for (const svg of [
    plotSvg({ title: "t", x: "x", y: "y", logX: true, series }),
    barsSvg("t", "us", [["<x>", 3]]),
  ]) {
    assert.match(svg, /^<svg [^>]*>\n.*<\/svg>\n$/s);
    assert.doesNotMatch(svg, /NaN|undefined|<x>|a<b/);
  }
});
