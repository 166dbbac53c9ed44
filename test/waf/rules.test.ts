import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { TABLE_BYTES_MAX } from "../../src/waf/automaton.ts";
import { buildRuleSet, kindsOfDetectors } from "../../src/waf/compile.ts";
import { detectors } from "../../src/waf/detectors.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";
import { shownExample, testRules } from "../../src/waf/rule-test.ts";

const directory = path.resolve(import.meta.dirname, "../../rules");
const files = readdirSync(directory)
  .filter((name) => name.endsWith(".toml"))
  .sort()
  .map((name) => ({ file: `rules/${name}`, text: readFileSync(path.join(directory, name), "utf8") }));
const kinds = new Set(kindsOfDetectors(detectors).keys());
const { rules, problems } = parseRules(files, kinds);

test("the shipped rule files have no problem", () => {
  assert.deepEqual(
    problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
    [],
  );
  assert.ok(rules.length > 0);
});

for (const { file } of files) {
  test(`every example in ${file} does what it says`, () => {
    const own = rules.filter((rule) => rule.file === file);
    const { examples, faults } = testRules(buildRuleSet(rules, detectors), own);
    assert.deepEqual(
      faults.map(
        ({ rule, list, example, message }) => `${rule.id}: ${list} ${shownExample(example)}: ${message}`,
      ),
      [],
    );
    assert.ok(examples >= 4 * own.filter(({ enabled }) => enabled).length);
  });
}

test("every kind that a detector reports is used by a rule", () => {
  const used = new Set(rules.flatMap(({ detect }) => detect));
  const unused = detectors.flatMap(({ kinds }) => Object.keys(kinds)).filter((kind) => !used.has(kind));
  assert.deepEqual(unused, []);
});

test("no two detectors share a kind", () => {
  const all = detectors.flatMap(({ kinds }) => Object.keys(kinds));
  assert.deepEqual(
    all.filter((kind, index) => all.indexOf(kind) !== index),
    [],
  );
});

test("the tables fit into a worker's share of memory", () => {
  const { automaton } = buildRuleSet(rules, detectors);
  // Two rule sets are there during a reload, and operators bring rules of their own.
  assert.ok(automaton.tableBytes <= TABLE_BYTES_MAX / 3, `${automaton.tableBytes} bytes`);
});

test("a rule file with a broken example is caught", () => {
  const broken = `class = "demo"
[[rule]]
id = "demo-word"
severity = "critical"
why = "Shows that examples are run."
literals = ["xyzzy"]
block = ["say xyzzy", "say plugh"]
allow = ["say nothing", "no XYZZY here"]
`;
  const parsed = parseRules([{ file: "demo.toml", text: broken }], kinds);
  assert.deepEqual(parsed.problems, []);
  const { examples, faults } = testRules(buildRuleSet(parsed.rules, detectors), parsed.rules);
  assert.equal(examples, 4);
  assert.deepEqual(
    faults.map(({ list, example }) => `${list}: ${example.shown}`),
    ["block: say plugh", "allow: no XYZZY here"],
  );
});
