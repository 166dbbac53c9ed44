import type { RE2JS } from "re2js";
import { ANSWER } from "../../body/place.ts";
import type { Steps } from "../../std/steps.ts";
import { type Automaton, automatonSteps, type Literal } from "../automaton.ts";
import { compileRegex } from "../confirmation.ts";
import type { Rule } from "../rule.ts";
import { traceLanguages } from "./trace.ts";

/** Kinds that rules about answers can name in `detect`. */
export const leakKinds: Readonly<Record<string, string>> = {
  "answer.card": "a payment card's number: issuer, length and check digit",
  "answer.private_key": "a private key in PEM, with its bytes",
  "answer.trace_java": "two frames of a stack trace of Java, Kotlin, Scala or Groovy",
  "answer.trace_python": "two lines of a traceback of Python",
  "answer.trace_node": "two frames of a stack trace of JavaScript",
  "answer.trace_php": "two frames of a stack trace of PHP",
  "answer.trace_dotnet": "two frames of a stack trace of .NET",
  "answer.trace_ruby": "two lines of a backtrace of Ruby",
  "answer.trace_go": "two lines of a goroutine's stack",
};

/** What looks for one rule. */
export interface LeakTarget {
  /** Index in the rule set. */
  readonly rule: number;
  /** Lower-case; a match begins with one, but for traces. */
  readonly literals: readonly string[];
  /** "" = literals and regex. */
  readonly kind: string;
  readonly regex: RE2JS | undefined;
}

/** The rules about answers, made ready. Immutable. */
export interface LeakRules {
  readonly targets: readonly LeakTarget[];
  readonly automaton: Automaton;
  /** Index of the rule about card numbers, which have no literal; -1 = none. */
  readonly card: number;
}

export function isAnswerRule({ where }: Pick<Rule, "where">): boolean {
  return where.kinds === 1 << ANSWER;
}

/** In steps, as all of the rule set is built. Undefined where no rule is about answers. */
export function* leakRulesSteps(rules: readonly Rule[]): Steps<LeakRules | undefined> {
  const targets: LeakTarget[] = [];
  let card = -1;
  for (const [index, rule] of rules.entries()) {
    if (!isAnswerRule(rule)) continue;
    if (rule.detect.length === 0) {
      // A regex takes up to a millisecond.
      yield;
      const regex = rule.regex === "" ? undefined : compileRegex(rule.regex, rule.caseSensitive);
      targets.push({ rule: index, literals: rule.literals, kind: "", regex });
    }
    for (const kind of rule.detect) {
      if (kind === "answer.card") card = index;
      const literals =
        kind === "answer.private_key" ? ["-----begin "] : (traceLanguages.get(kind)?.triggers ?? []);
      if (literals.length > 0) targets.push({ rule: index, literals, kind, regex: undefined });
    }
  }
  if (targets.length === 0 && card < 0) return undefined;
  const literals = targets.flatMap((target, bit) =>
    target.literals.map((text): Literal => ({ text, target: bit })),
  );
  return { targets, automaton: yield* automatonSteps(literals, targets.length), card };
}
