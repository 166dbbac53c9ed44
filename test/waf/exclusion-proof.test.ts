import assert from "node:assert/strict";
import { test } from "node:test";
import { readRuleFiles, shippedRules } from "../../src/config/shipped-rules.ts";
import { buildRuleSet, kindsOfDetectors } from "../../src/waf/compile.ts";
import { detectors } from "../../src/waf/detectors.ts";
import { attacksOf, proveExclusion } from "../../src/waf/exclusion-proof.ts";
import { mutations } from "../../src/waf/mutation.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";
import { compileProfile, type Exclude } from "../../src/waf/profile.ts";

const { rules } = parseRules(readRuleFiles(shippedRules), new Set(kindsOfDetectors(detectors).keys()));
const ruleSet = buildRuleSet(rules, detectors);
const attacks = attacksOf(rules);

function prove(exclude: Exclude, tried = attacks) {
  const before = compileProfile(ruleSet);
  const after = compileProfile(ruleSet, { excludes: [exclude] });
  return proveExclusion(ruleSet, { before, after }, exclude, tried, 0);
}

test("the proof lists the attacks that only the excluded rule refused, in every form", () => {
  const proof = prove({ rule: "sqli-union-select", route: "app", field: "query:q" });
  assert.equal(proof.place, "query:q");
  assert.ok(proof.tried > attacks.length * 5, `${proof.tried}`);
  assert.ok(proof.refusedBefore > proof.tried / 2, `${proof.refusedBefore}`);
  assert.equal(proof.passes.length, proof.refusedBefore - proof.refusedAfter);
  assert.ok(proof.passes.some(({ form }) => form === "percent-encoded twice"));
  for (const { rules: fired } of proof.passes) assert.ok(fired.includes("sqli-union-select"));
});

test("an exclusion of everything lets everything pass, and of a place where the rule does not look nothing", () => {
  const all = [...new Set(rules.map((rule) => rule.class))].map((name) => ({
    rule: name,
    field: "json:$.q",
  }));
  const before = compileProfile(ruleSet);
  const after = compileProfile(ruleSet, { excludes: all });
  const proof = proveExclusion(ruleSet, { before, after }, all[0]!, attacks, 0);
  assert.equal(proof.refusedAfter, 0);
  assert.ok(proof.refusedBefore > 100);
  const nothing = prove({ rule: "scanner-agent", field: "json:$.q" });
  assert.equal(nothing.refusedAfter, nothing.refusedBefore);
});

test("an exclusion for names that begin so is proven in such a name, and one that ended changes nothing", () => {
  const proof = prove({ rule: "xss", field: "json:$.items*" });
  assert.equal(proof.place, "json:$.itemsx");
  assert.ok(proof.passes.length > 0);
  const ended = prove({ rule: "xss", field: "json:$.items*", untilMs: 0 });
  assert.equal(ended.refusedBefore, ended.refusedAfter);
});

test("every mutation changes some example", () => {
  for (const { name, apply } of mutations.slice(1))
    assert.ok(
      attacks.some(
        ({ bytes }) => apply(Buffer.from(bytes).toString("latin1")) !== Buffer.from(bytes).toString("latin1"),
      ),
      name,
    );
});
