import assert from "node:assert/strict";
import os from "node:os";
import { test } from "node:test";
import { connectionCeiling } from "../../src/control/connection-ceiling.ts";
import { quoted, read, section, tableRows } from "./document.ts";

const page = read("docs/operating/capacity.md");

/** µs to plan with, by scenario. */
const planned = new Map(
  tableRows(section(page, "CPU")).map(([, scenario, micros]) => [quoted(scenario), Number(micros)]),
);

test("plans are about what was measured, rather more than less", () => {
  const measured = new Map(
    tableRows(section(read("docs/benchmarks.md"), "Cost of a request")).map(([scenario, zion]) => [
      scenario,
      Number.parseFloat(zion!),
    ]),
  );
  assert.ok(planned.size > 5);
  for (const [scenario, micros] of planned) {
    const cost = measured.get(scenario);
    assert.ok(
      cost !== undefined && micros >= 0.8 * cost && micros <= 2 * cost,
      `${scenario}: ${micros} for ${cost}`,
    );
  }
});

test("the connections that the page promises are those that a worker accepts", (t) => {
  const rows = tableRows(section(page, "Memory"));
  assert.ok(rows.length > 3);
  t.mock.method(os, "totalmem", () => 2 ** 50);
  for (const [limit, workers, connections] of rows) {
    const bytes = Number(/^(\d+) MiB$/.exec(limit!)?.[1]) * 1_048_576;
    t.mock.method(process, "constrainedMemory", () => bytes);
    assert.equal(connectionCeiling(0, Number(workers), 0), Number(connections), limit);
  }
});

test("the example is reckoned as the page says", () => {
  const example = section(page, "An example");
  let total = 0;
  for (const [rate, scenario, millis] of tableRows(example)) {
    assert.equal(Number(millis), (Number(rate) * planned.get(quoted(scenario))!) / 1000, scenario);
    total += Number(millis);
  }
  assert.ok(example.includes(`${total} ms of CPU a second`), `${total}`);
});
