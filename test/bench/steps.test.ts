import assert from "node:assert/strict";
import { test } from "node:test";
import { stepTable } from "../../bench/load/steps.ts";

test("a step is judged by its median, and says its range", () => {
  const table = stepTable([
    { title: "fast", limitUs: 0.5, us: [0.4, 0.3, 0.9] },
    { title: "slow", limitUs: 150, us: [200, 151, 149] },
    { title: "absent", limitUs: 1, us: [] },
  ]);
  assert.match(table, /^\| fast \| ≤ 0\.5 us \| 0\.40 \(0\.30–0\.90\) us \| met \|$/m);
  assert.match(table, /^\| slow \| ≤ 150 us \| 151 \(149–200\) us \| \*\*missed\*\* \|$/m);
  assert.match(table, /^\| absent \| ≤ 1 us \| not measured \| \|$/m);
});
