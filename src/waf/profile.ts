import { placeNames } from "../body/place.ts";
import type { RuleSet } from "./compile.ts";
import { isNamedPlace, type NamedPlace, parseWhereEntry, type Rule } from "./rule.ts";

/** What a `[waf_profile.NAME]` says about scoring. */
export interface ProfileOptions {
  readonly mode?: "balanced" | "aggressive";
  /** 1 to 4; default by mode: 1 or 3. */
  readonly sensitivity?: number;
  /** Points from which on a request is refused. Default 5. */
  readonly threshold?: number;
  /** Ids or classes that are off. */
  readonly disabled?: readonly string[];
  /** Ids or classes that are reported but add no points. */
  readonly shadow?: readonly string[];
  readonly excludes?: readonly Exclude[];
  /** Go on after the threshold is reached, for all findings of a request. Default false. */
  readonly allFindings?: boolean;
  /** Work units that a request has for nothing, and for every byte it brings. */
  readonly workBase?: number;
  readonly workPerByte?: number;
  /** What a spent budget means. Default "refuse". */
  readonly onExhausted?: "refuse" | "pass";
}

/** Takes a rule or a class out: everywhere, or where all of what is given here fits. */
export interface Exclude {
  /** Id of a rule, or a class. */
  readonly rule: string;
  readonly route?: string;
  /** A place as `where` names it: `query:q`, `header:*`, `json`. */
  readonly field?: string;
  /** Milliseconds since the epoch; from then on the exclusion is void. */
  readonly untilMs?: number;
}

/** Options made ready for one rule set. Immutable. */
export interface Profile {
  readonly ruleSet: RuleSet;
  readonly sensitivity: number;
  readonly threshold: number;
  readonly allFindings: boolean;
  readonly workBase: number;
  readonly workPerByte: number;
  readonly onExhausted: "refuse" | "pass";
  /** By rule index: 1 = active. */
  readonly active: Uint8Array;
  /** By rule index: 1 = adds no points. */
  readonly shadow: Uint8Array;
  /** By kind of place: the automaton's targets that an active rule wants there. */
  readonly masks: readonly Uint32Array[];
  /** By rule index. */
  readonly excludes: readonly (readonly CompiledExclude[])[];
}

interface CompiledExclude {
  readonly route: string | undefined;
  readonly field: NamedPlace | undefined;
  readonly anyName: boolean;
  readonly untilMs: number;
}

/** Enough for a request of ordinary size in which every detector has something to do; see docs/waf-rules.md. */
export const WORK_BASE = 524_288;
export const WORK_PER_BYTE = 512;

export function compileProfile(ruleSet: RuleSet, options: ProfileOptions = {}): Profile {
  const { rules } = ruleSet;
  const sensitivity = options.sensitivity ?? (options.mode === "aggressive" ? 3 : 1);
  const off = (rule: Rule): boolean =>
    !rule.enabled || rule.sensitivity > sensitivity || names(rule, options.disabled);
  const active = Uint8Array.from(rules, (rule) => (off(rule) ? 0 : 1));
  const excludes: CompiledExclude[][] = rules.map(() => []);
  for (const exclude of options.excludes ?? []) {
    for (const [index, rule] of rules.entries()) {
      if (exclude.rule !== rule.id && exclude.rule !== rule.class) continue;
      if (exclude.route === undefined && exclude.field === undefined && exclude.untilMs === undefined)
        active[index] = 0;
      else excludes[index]!.push(compileExclude(exclude));
    }
  }
  return {
    ruleSet,
    sensitivity,
    threshold: options.threshold ?? 5,
    allFindings: options.allFindings ?? false,
    workBase: options.workBase ?? WORK_BASE,
    workPerByte: options.workPerByte ?? WORK_PER_BYTE,
    onExhausted: options.onExhausted ?? "refuse",
    active,
    shadow: Uint8Array.from(rules, (rule) => (names(rule, options.shadow) ? 1 : 0)),
    masks: placeNames.map((_, kind) => buildMask(ruleSet, active, kind)),
    excludes,
  };
}

/** Whether an exclusion of this rule fits. `place` as findings print it. */
export function isExcluded(
  profile: Profile,
  rule: number,
  route: string,
  kind: number,
  place: string,
  nowMs: number,
): boolean {
  for (const exclude of profile.excludes[rule]!) {
    if (exclude.route !== undefined && exclude.route !== route) continue;
    if (nowMs >= exclude.untilMs) continue;
    if (exclude.field === undefined) return true;
    if (
      exclude.anyName ? (exclude.field.kinds & (1 << kind)) !== 0 : isNamedPlace(exclude.field, kind, place)
    )
      return true;
  }
  return false;
}

/** Whether a place is one that a rule looks at. */
export function looksAt(rule: Rule, kind: number, place: () => string): boolean {
  if ((rule.where.kinds & (1 << kind)) !== 0) return true;
  return rule.where.named.some(
    (named) => (named.kinds & (1 << kind)) !== 0 && isNamedPlace(named, kind, place()),
  );
}

function names(rule: Rule, list: readonly string[] | undefined): boolean {
  return list !== undefined && (list.includes(rule.id) || list.includes(rule.class));
}

function compileExclude(exclude: Exclude): CompiledExclude {
  const field = exclude.field === undefined ? undefined : parseWhereEntry(exclude.field);
  if (exclude.field !== undefined && field === undefined)
    throw new RangeError(`there is no place "${exclude.field}"`);
  return {
    route: exclude.route,
    field,
    anyName: exclude.field !== undefined && !exclude.field.includes(":"),
    untilMs: exclude.untilMs ?? Infinity,
  };
}

function buildMask(
  { rules, targets, kindRules, automaton }: RuleSet,
  active: Uint8Array,
  kind: number,
): Uint32Array {
  const mask = new Uint32Array(automaton.hitWords);
  const wanted = (index: number): boolean => {
    const { where } = rules[index]!;
    const kinds = where.named.reduce((bits, named) => bits | named.kinds, where.kinds);
    return active[index] === 1 && (kinds & (1 << kind)) !== 0;
  };
  for (const [bit, target] of targets.entries()) {
    const users =
      target.detector === undefined
        ? [target.rule]
        : Object.keys(target.detector.kinds).flatMap((name) => kindRules.get(name) ?? []);
    if (users.some(wanted)) mask[bit >>> 5]! |= 1 << (bit & 31);
  }
  return mask;
}
