import { JSON_STRING, Place, placeNames } from "../body/place.ts";
import type { RuleSet } from "./compile.ts";
import { excerptOf } from "./finding.ts";
import { Inspector } from "./inspector.ts";
import { isAnswerRule } from "./leak/leak-rules.ts";
import { LeakScan } from "./leak/leak-scan.ts";
import { compileProfile, type Profile } from "./profile.ts";
import { type Example, parseWhereEntry, type Rule } from "./rule.ts";
import { Scratch } from "./scratch.ts";

/** An example that did not do what it should. */
export interface ExampleFault {
  readonly rule: Rule;
  readonly list: "block" | "allow";
  readonly example: Example;
  /** One line: what happened instead. */
  readonly message: string;
}

export interface ExampleResult {
  readonly examples: number;
  readonly faults: readonly ExampleFault[];
}

/** Runs the examples of `rules` through a whole inspector each, with all rules of the set. */
export function testRules(ruleSet: RuleSet, rules: readonly Rule[]): ExampleResult {
  const inspector = new Inspector(new Scratch(ruleSet));
  const profiles = [1, 2, 3, 4].map((sensitivity) =>
    compileProfile(ruleSet, { sensitivity, allFindings: true, workBase: Infinity }),
  );
  const faults: ExampleFault[] = [];
  let examples = 0;
  for (const rule of rules) {
    if (!rule.enabled) continue;
    const profile = profiles[rule.sensitivity - 1]!;
    for (const list of ["block", "allow"] as const)
      for (const example of rule[list]) {
        examples++;
        const message = judge(inspector, profile, rule, list, example);
        if (message !== "") faults.push({ rule, list, example, message });
      }
  }
  return { examples, faults };
}

function judge(
  inspector: Inspector,
  profile: Profile,
  rule: Rule,
  list: "block" | "allow",
  example: Example,
): string {
  if (isAnswerRule(rule)) return judgeAnswer(profile, rule, list, example);
  inspector.begin(profile);
  inspector.value(example.bytes, 0, example.bytes.length, placeOf(example, rule));
  const { findings } = inspector;
  const own = findings.find((finding) => finding.rule === rule);
  if (list === "block") {
    if (own !== undefined) return "";
    const others = findings.map((finding) => finding.rule.id).join(", ");
    return others === "" ? "nothing was found" : `only ${others} fired`;
  }
  const shown = own ?? findings[0];
  if (
    shown === undefined ||
    (own === undefined && (rule.sensitivity > 1 || inspector.score < profile.threshold))
  )
    return "";
  const decoders = shown.decoders.length === 0 ? "" : ` after ${shown.decoders.join(", ")}`;
  return `${shown.rule.id} fired${shown.kind === "" ? "" : ` (${shown.kind})`} on "${shown.excerpt}"${decoders}`;
}

/** Examples of answers: a rule fires on its own and no rule on what it allows. */
function judgeAnswer(profile: Profile, rule: Rule, list: "block" | "allow", { bytes }: Example): string {
  const scan = new LeakScan(profile, profile.ruleSet.leaks!, "", 0);
  const found = scan.look(Buffer.from(bytes), 0, true).map((leak) => profile.ruleSet.rules[leak.rule]!.id);
  if (list === "allow") return found.length === 0 ? "" : `${found.join(", ")} fired`;
  return found.includes(rule.id)
    ? ""
    : found.length === 0
      ? "nothing was found"
      : `only ${found.join(", ")} fired`;
}

/** The place an example stands in: its own, or the rule's first; JSON text where a rule looks everywhere. */
function placeOf(example: Example, rule: Rule): Place {
  const entry = example.in === "" ? (rule.where.entries[0] ?? "*") : example.in;
  const { kinds, name } = parseWhereEntry(entry) ?? { kinds: 1 << JSON_STRING, name: "" };
  const place = new Place({ placeName: () => name });
  place.kind = kindOf(kinds);
  return place;
}

/** The kind of a group whose values stand as they are: no percent-decoding of what an example says. */
function kindOf(kinds: number): number {
  if ((kinds & (1 << JSON_STRING)) !== 0) return JSON_STRING;
  const list = [...placeNames.keys()].filter((kind) => (kinds & (1 << kind)) !== 0);
  return list.find((kind) => /_(?:value|text|string)$/.test(placeNames[kind]!)) ?? list[0]!;
}

/** For messages: the example as it is shown to people. */
export function shownExample({ bytes }: Example): string {
  return excerptOf(bytes, 0, bytes.length);
}
