import path from "node:path";
import { readProblem } from "../config/files.ts";
import { readRuleFile, readRuleFiles, shippedRules } from "../config/shipped-rules.ts";
import { buildRuleSet, kindsOfDetectors } from "../waf/compile.ts";
import { detectors } from "../waf/detectors.ts";
import { parseRules, type RuleFile, type RuleProblem } from "../waf/parse-rules.ts";
import type { Rule } from "../waf/rule.ts";
import { shownExample, testRules } from "../waf/rule-test.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

export interface RulesOptions {
  /** Directory of rule files; undefined = those that are shipped. */
  readonly rules?: string;
}

/** `zion rules list`: one line per rule, or per kind that detectors report. */
export function listRules(options: RulesOptions & { readonly kinds: boolean }, output: Output): number {
  if (options.kinds) {
    for (const [kind, meaning] of [...kindsOfDetectors(detectors)].sort(([a], [b]) => (a < b ? -1 : 1)))
      output.out.write(`${kind.padEnd(32)} ${meaning}\n`);
    return exitCodes.ok;
  }
  return withRules(options, undefined, output, (rules) => {
    for (const rule of rules) {
      const state = rule.enabled ? `s${rule.sensitivity}` : "off";
      output.out.write(
        `${rule.id.padEnd(36)} ${state.padEnd(3)} ${String(rule.score).padStart(2)}  ${rule.why}\n`,
      );
    }
    return exitCodes.ok;
  });
}

/** `zion rules show ID`: all of one rule. */
export function showRule(id: string, options: RulesOptions, output: Output): number {
  return withRules(options, undefined, output, (rules) => {
    const rule = rules.find((other) => other.id === id);
    if (rule === undefined) {
      output.err.write(`error: there is no rule ${JSON.stringify(id)} (zion rules list)\n`);
      return exitCodes.usage;
    }
    output.out.write(pageOf(rule));
    return exitCodes.ok;
  });
}

/** `zion rules test [FILE]`: runs the examples, of all rules or of one file's. */
export function testRuleFiles(file: string | undefined, options: RulesOptions, output: Output): number {
  return withRules(options, file, output, (rules) => {
    const chosen = file === undefined ? rules : rules.filter((rule) => rule.file === file);
    const { examples, faults } = testRules(buildRuleSet(rules, detectors), chosen);
    for (const { rule, list, example, message } of faults)
      output.out.write(`${rule.file}: ${rule.id}: ${list} example "${shownExample(example)}": ${message}\n`);
    output.out.write(`${chosen.length} rules, ${examples} examples, ${faults.length} failed\n`);
    return faults.length === 0 ? exitCodes.ok : exitCodes.no;
  });
}

/** Reads all rules of the directory, and `file` with them when it is none of those; says what is wrong with them. */
function withRules(
  { rules: directory = shippedRules }: RulesOptions,
  file: string | undefined,
  output: Output,
  then: (rules: readonly Rule[]) => number,
): number {
  const files: RuleFile[] = [];
  try {
    const chosen = file === undefined ? undefined : path.resolve(file);
    files.push(...readRuleFiles(directory).filter((shipped) => path.resolve(shipped.file) !== chosen));
    if (file !== undefined) files.push(readRuleFile(file));
  } catch (error) {
    output.err.write(`error: cannot read the rules: ${readProblem(error)}\n`);
    return exitCodes.unavailable;
  }
  if (files.length === 0) {
    output.err.write(`error: there are no rule files (*.toml) in ${directory}\n`);
    return exitCodes.unavailable;
  }
  const { rules, problems } = parseRules(files, new Set(kindsOfDetectors(detectors).keys()));
  if (problems.length === 0) return then(rules);
  for (const problem of problems) output.err.write(`${renderProblem(problem)}\n`);
  return exitCodes.no;
}

/** As config diagnostics begin: severity, message, place, fix. */
function renderProblem({ file, line, column, message, fix }: RuleProblem): string {
  return `error: ${message}\n  ┌─ ${file}:${line}:${column}\n  = fix:    ${fix}`;
}

function pageOf(rule: Rule): string {
  const lines = [
    `${rule.id} (${rule.class}, ${rule.severity}, ${rule.score} points, sensitivity ${rule.sensitivity}${rule.enabled ? "" : ", off"})`,
    rule.why,
    "",
    `where:    ${rule.where.entries.join(", ")}`,
  ];
  if (rule.detect.length > 0) lines.push(`detect:   ${rule.detect.join(", ")}`);
  if (rule.literals.length > 0)
    lines.push(`literals: ${rule.literals.map((text) => JSON.stringify(text)).join(", ")}`);
  if (rule.regex !== "")
    lines.push(`regex:    ${rule.regex}${rule.caseSensitive ? " (case-sensitive)" : ""}`);
  for (const link of rule.see) lines.push(`see:      ${link}`);
  lines.push(`file:     ${rule.file}`, "", "blocks:");
  for (const example of rule.block) lines.push(`  ${shownExample(example)}`);
  lines.push("allows:");
  for (const example of rule.allow) lines.push(`  ${shownExample(example)}`);
  return `${lines.join("\n")}\n`;
}
