import assert from "node:assert/strict";
import { test } from "node:test";
import { readRuleFiles, shippedRules } from "../../src/config/shipped-rules.ts";
import { kindsOfDetectors } from "../../src/waf/compile.ts";
import { detectors } from "../../src/waf/detectors.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";
import { createRuleMemory } from "../../src/waf/rule-memory.ts";

const kinds = new Set(kindsOfDetectors(detectors).keys());
const shipped = readRuleFiles(shippedRules);

test("the same files are read once, from wherever they came", () => {
  let readings = 0;
  const readRules = createRuleMemory((...given) => {
    readings++;
    return parseRules(...given);
  });
  const first = readRules(shipped, kinds);
  assert.equal(readRules(readRuleFiles(shippedRules), new Set(kinds)), first);
  assert.equal(readings, 1);
});

test("files that differ in anything say what they say by themselves", () => {
  const readRules = createRuleMemory();
  const [head, ...rest] = shipped;
  const wrong = { ...head!, text: `${head!.text}\n[[rule]]\nid = 7\n` };
  const sets = [
    shipped,
    [wrong, ...rest],
    [{ ...wrong, file: "elsewhere.toml" }, ...rest],
    rest,
    [...rest, head!],
    [...shipped, head!],
    [],
    shipped,
  ];
  for (const files of sets) assert.deepEqual(readRules(files, kinds), parseRules(files, kinds));
  // A kind that no detector reports any more is a problem of the rules that name it.
  const fewer = new Set([...kinds].slice(1));
  assert.deepEqual(readRules(shipped, fewer), parseRules(shipped, fewer));
  assert.notEqual(readRules(shipped, fewer).problems.length, 0);
});
