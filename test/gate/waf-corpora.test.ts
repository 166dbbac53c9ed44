import assert from "node:assert/strict";
import { test } from "node:test";
import { needsShared, readCorpus } from "../support/shared.ts";
import { renderTable, runCorpus, shippedRuleSet, WafBench } from "./waf-corpus.ts";

const ruleSet = shippedRuleSet();

/** Of 4,000; a bar of the project. */
const BENIGN_REFUSED_MAX = 4;

test("recorded browsing is not refused", async (t) => {
  const folder = needsShared(t);
  if (folder === undefined) return;
  const table = await runCorpus(new WafBench(ruleSet), readCorpus(folder, "benign-browsing.jsonl"));
  assert.equal(table.total, 4000);
  const shown = table.surprises.map(
    ({ id, outcome }) => `${id}: ${outcome.gate} ${outcome.detail} ${outcome.findings.join(" | ")}`,
  );
  for (const line of shown) t.diagnostic(line);
  assert.ok(shown.length <= BENIGN_REFUSED_MAX, shown.join("\n"));
});

test("a value of nothing but escapes has one reading, not 2^n", () => {
  const bench = new WafBench(ruleSet);
  for (const unit of ["%20%D7%9B", "%c0%5c", "%2e%2e%2f", "%25", "\\u0041", "&#65;"]) {
    const outcome = bench.give({
      method: "POST",
      headers: [["Content-Type", "text/plain"]],
      body: Buffer.from(unit.repeat(60)),
    });
    assert.equal(typeof outcome.refused, "boolean"); // that it ends is the proof
  }
});

test("the JSON gate refuses what no parser may take, and passes what every parser takes", (t) => {
  const folder = needsShared(t);
  if (folder === undefined) return;
  const bench = new WafBench(ruleSet, { disabledRules: ruleSet.rules.map(({ id }) => id) });
  const faults: string[] = [];
  for (const { id, expect, body_b64 } of readCorpus(folder, "json-suite.jsonl")) {
    const body = Buffer.from(body_b64, "base64");
    // No bytes are no body; of two values of one key servers take different ones.
    if (body.length === 0 || /^y_object_(?:duplicated_key|escaped_null_in_key)/.test(id)) continue;
    const { refused, gate } = bench.give({
      method: "POST",
      headers: [["Content-Type", "application/json"]],
      body,
    });
    if ((expect as string) === "reject" && !(refused && gate === "json")) faults.push(`${id}: passed`);
    if ((expect as string) === "accept" && refused) faults.push(`${id}: refused`);
  }
  assert.deepEqual(faults, []);
});

test("prints what the shipped rules find in the attack corpora", async (t) => {
  const folder = needsShared(t);
  if (folder === undefined) return;
  for (const name of ["crs-attacks", "crs-near-misses", "gotestwaf", "payload-lists"]) {
    const table = await runCorpus(new WafBench(ruleSet), readCorpus(folder, `${name}.jsonl`));
    t.diagnostic(`${name}\n${renderTable(table)}`);
    assert.ok(table.total > 0);
  }
});
