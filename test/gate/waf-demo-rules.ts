import { buildRuleSet, type RuleSet } from "../../src/waf/compile.ts";
import { parseRules } from "../../src/waf/parse-rules.ts";

/** Two rules that no change of the shipped ones touches: `xyzzy` refuses alone, `plugh` has 2 points. */
export function demoRuleSet(): RuleSet {
  const rule = (id: string, severity: string): string => `
[[rule]]
id = "demo-${id}"
severity = "${severity}"
why = "A word for tests."
literals = ["${id}"]
block = ["${id}", "a ${id}"]
allow = ["a", "b"]
`;
  const text = `class = "demo"\n${rule("xyzzy", "critical")}${rule("plugh", "notice")}`;
  const { rules, problems } = parseRules([{ file: "demo.toml", text }], new Set());
  if (problems.length > 0) throw new Error(problems[0]!.message);
  return buildRuleSet(rules, []);
}
