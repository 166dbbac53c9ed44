import type { RE2JS } from "re2js";
import { inOneGo, type Steps } from "../std/steps.ts";
import { type Automaton, automatonSteps, type Literal } from "./automaton.ts";
import { compileRegex, longestWord } from "./confirmation.ts";
import type { Detector } from "./detection.ts";
import { type ByteFlags, buildByteFlags } from "./harmless.ts";
import { isAnswerRule, type LeakRules, leakKinds, leakRulesSteps } from "./leak/leak-rules.ts";
import type { Rule } from "./rule.ts";

/** Rules and detectors made ready: immutable, one per snapshot, shared by all profiles. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly automaton: Automaton;
  readonly byteFlags: ByteFlags;
  /** What a literal makes a candidate, by the bit that the automaton sets. */
  readonly targets: readonly Target[];
  /** Kind → indexes of the rules that name it. */
  readonly kindRules: ReadonlyMap<string, readonly number[]>;
  /** Rules about answers; undefined = there are none. */
  readonly leaks: LeakRules | undefined;
}

/** A detector, or a rule that its literals or regex confirm. */
export type Target =
  | {
      readonly detector: Detector;
      /** The detector's own, here because all targets have one shape and detectors do not. */
      readonly isIdle: Detector["isIdle"];
      readonly rule: -1;
      readonly regex: undefined;
    }
  | {
      readonly detector: undefined;
      readonly isIdle: undefined;
      readonly rule: number;
      readonly regex: RE2JS | undefined;
    };

/** Kinds that the engine itself reports. */
export const engineKinds: Readonly<Record<string, string>> = {
  "encoding.depth": "a value that is encoded in more layers than are undone",
};

/** Every kind that a rule may name, with one sentence each. */
export function kindsOfDetectors(detectors: readonly Detector[]): ReadonlyMap<string, string> {
  const kinds = new Map(Object.entries({ ...engineKinds, ...leakKinds }));
  for (const detector of detectors)
    for (const [kind, meaning] of Object.entries(detector.kinds)) kinds.set(kind, meaning);
  return kinds;
}

/** Throws RangeError when the literals need more memory than the automaton may have. */
export function buildRuleSet(rules: readonly Rule[], detectors: readonly Detector[]): RuleSet {
  return inOneGo(ruleSetSteps(rules, detectors));
}

/** As `buildRuleSet`, in steps: a worker builds it while it serves. */
export function* ruleSetSteps(rules: readonly Rule[], detectors: readonly Detector[]): Steps<RuleSet> {
  const kindRules = new Map<string, number[]>();
  for (const [index, rule] of rules.entries())
    for (const kind of rule.detect) kindRules.set(kind, [...(kindRules.get(kind) ?? []), index]);
  const targets: Target[] = [];
  const literals: Literal[] = [];
  for (const detector of detectors) {
    if (!Object.keys(detector.kinds).some((kind) => kindRules.has(kind))) continue;
    for (const text of new Set(detector.triggers)) literals.push({ text, target: targets.length });
    for (const text of new Set(detector.words)) literals.push({ text, target: targets.length, word: true });
    targets.push({ detector, isIdle: detector.isIdle, rule: -1, regex: undefined });
  }
  for (const [index, rule] of rules.entries()) {
    if (rule.literals.length === 0 || isAnswerRule(rule)) continue;
    // A regex takes up to a millisecond.
    yield;
    for (const literal of rule.literals)
      literals.push({ text: longestWord(literal), target: targets.length });
    const regex = rule.regex === "" ? undefined : compileRegex(rule.regex, rule.caseSensitive);
    targets.push({ detector: undefined, isIdle: undefined, rule: index, regex });
  }
  return {
    rules,
    automaton: yield* automatonSteps(literals, targets.length),
    byteFlags: buildByteFlags(literals),
    targets,
    kindRules,
    leaks: yield* leakRulesSteps(rules),
  };
}
