import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ownFamilies } from "../../src/control/exposition.ts";
import { families } from "../../src/record/metrics.ts";

const root = path.resolve(import.meta.dirname, "../..");
const rules = readFileSync(path.join(root, "deploy/prometheus/zion.rules.yaml"), "utf8");
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
const promtool = {
  skip:
    spawnSync("promtool", ["--version"]).status === 0 || process.env["CI"] ? false : "promtool is missing",
};

test("promtool takes the rules, and they fire when they should and only then", promtool, () => {
  for (const args of [
    ["check", "rules", "zion.rules.yaml"],
    ["test", "rules", "zion.rules.test.yaml"],
  ]) {
    const cwd = path.join(root, "deploy/prometheus");
    const { status, stdout, stderr } = spawnSync("promtool", args, { cwd, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  }
});

test("every alert has a runbook, and every runbook an alert", () => {
  assert.ok(alerts.length >= 15);
  const pages = globSync("docs/runbooks/*.md", { cwd: root }).map((file) => path.basename(file, ".md"));
  assert.deepEqual([...alerts].sort(), pages.sort());
  for (const name of alerts) {
    assert.ok(rules.includes(`runbook: docs/runbooks/${name}.md`), name);
    const page = readFileSync(path.join(root, `docs/runbooks/${name}.md`), "utf8");
    for (const part of ["**Meaning.**", "**Impact.**", "**First**", "**Fix.**"])
      assert.ok(page.includes(part), `${name}: ${part}`);
  }
});

test("alerts and dashboard ask for metrics that exist", () => {
  const known = new Set<string>();
  for (const { name, type } of [...Object.values(families), ...ownFamilies]) {
    known.add(name);
    if (type === "histogram") for (const suffix of ["bucket", "sum", "count"]) known.add(`${name}_${suffix}`);
  }
  const dashboard = readFileSync(path.join(root, "deploy/grafana/zion.json"), "utf8");
  const asked = [...`${rules}${dashboard}`.matchAll(/\bzion_[a-z0-9_]+/g)].map(([name]) => name);
  assert.ok(asked.length > 60);
  assert.deepEqual(
    [...new Set(asked)].filter((name) => !known.has(name)),
    [],
  );
});

test("runbooks name files, events and endpoints that exist", () => {
  const sources = globSync("src/**/*.ts", { cwd: root }).map((file) =>
    readFileSync(path.join(root, file), "utf8"),
  );
  const all = sources.join("\n");
  for (const file of globSync("docs/runbooks/*.md", { cwd: root })) {
    const page = readFileSync(path.join(root, file), "utf8");
    for (const [, event] of page.matchAll(/grep (zion\.[a-z_.]+)/g))
      assert.ok(all.includes(`"${event}`) || all.includes(`${event}`), `${file}: ${event}`);
    for (const [, endpoint] of page.matchAll(/localhost:\d+(\/[\w/]+)/g))
      assert.ok(all.includes(`"${endpoint}"`), `${file}: ${endpoint}`);
    for (const [, document] of page.matchAll(/`?(docs\/[\w./-]+\.md)/g))
      assert.ok(existsSync(path.join(root, document!)), `${file}: ${document}`);
  }
});
