import {
  COOKIE_VALUE,
  FORM_NAME,
  FORM_VALUE,
  JSON_STRING,
  PATH,
  Place,
  placeNames,
  QUERY_NAME,
  QUERY_VALUE,
} from "../body/place.ts";
import type { RuleSet } from "./compile.ts";
import { excerptOf } from "./finding.ts";
import { Inspector } from "./inspector.ts";
import { isAnswerRule } from "./leak/leak-rules.ts";
import { mutations } from "./mutation.ts";
import type { Exclude, Profile } from "./profile.ts";
import { looksAt } from "./profile.ts";
import { parseWhereEntry, type Rule } from "./rule.ts";
import { Scratch } from "./scratch.ts";

/** A value that should be refused wherever it stands. */
export interface Attack {
  readonly bytes: Uint8Array;
  /** Id of the rule whose example it is, or the file that it is from. */
  readonly from: string;
}

export interface ProvenSlot {
  /** As findings print it: `json:$.q`. */
  readonly place: string;
  /** Attacks, each in every form that changes it. */
  readonly tried: number;
  readonly refusedBefore: number;
  readonly refusedAfter: number;
  /** Refused before and not any more, in the order of the attacks; at most PASSES_MAX. */
  readonly passes: readonly Pass[];
}

export interface Pass {
  readonly from: string;
  /** Name of the form. */
  readonly form: string;
  /** As excerpts of findings are shown. */
  readonly value: string;
  /** Rules that had refused it. */
  readonly rules: readonly string[];
}

/** More are counted and not shown. */
export const PASSES_MAX = 200;

/**
 * What an exclusion costs: puts attacks, in all their forms, into the place it names, one a request, and compares the
 * verdicts of two profiles that differ in it. `nowMs`: exclusions end.
 */
export function proveExclusion(
  ruleSet: RuleSet,
  profiles: { readonly before: Profile; readonly after: Profile },
  exclude: Exclude,
  attacks: readonly Attack[],
  nowMs: number,
): ProvenSlot {
  const inspector = new Inspector(new Scratch(ruleSet));
  const slot = slotOf(exclude, ruleSet.rules);
  const route = exclude.route ?? "";
  const passes: Pass[] = [];
  let tried = 0;
  let refusedBefore = 0;
  let refusedAfter = 0;
  for (const attack of attacks)
    for (const { form, text, bytes } of formsOf(attack, slot.kind)) {
      tried++;
      inspect(inspector, profiles.before, route, nowMs, bytes, slot);
      if (!inspector.refused) continue;
      refusedBefore++;
      const rules = inspector.findings.map(({ rule }) => rule.id);
      inspect(inspector, profiles.after, route, nowMs, bytes, slot);
      if (inspector.refused) refusedAfter++;
      else if (passes.length < PASSES_MAX)
        passes.push({ from: attack.from, form, value: excerptOf(text, 0, text.length), rules });
    }
  return { place: slot.text(), tried, refusedBefore, refusedAfter, passes };
}

/** The block examples of rules. */
export function attacksOf(rules: readonly Rule[]): readonly Attack[] {
  return rules.flatMap((rule) =>
    rule.enabled && !isAnswerRule(rule) ? rule.block.map(({ bytes }) => ({ bytes, from: rule.id })) : [],
  );
}

function inspect(
  inspector: Inspector,
  profile: Profile,
  route: string,
  nowMs: number,
  bytes: Uint8Array,
  place: Place,
): void {
  inspector.begin(profile, route, nowMs);
  inspector.value(bytes, 0, bytes.length, place);
}

interface Form {
  readonly form: string;
  /** What the application is to get. */
  readonly text: Uint8Array;
  /** What stands in the request for it. */
  readonly bytes: Uint8Array;
}

function formsOf({ bytes }: Attack, kind: number): readonly Form[] {
  const original = Buffer.from(bytes).toString("latin1");
  const forms = new Map<string, Form>();
  for (const { name, apply } of mutations) {
    const form = apply(original);
    if (forms.has(form)) continue;
    const text = Buffer.from(form, "latin1");
    const written = isEncodedPlace(kind) ? Buffer.from(form.replace(/[^\w.~/-]/g, percent), "latin1") : text;
    forms.set(form, { form: name, text, bytes: written });
  }
  return [...forms.values()];
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** Where what an application gets is decoded from percent-encoding. */
function isEncodedPlace(kind: number): boolean {
  return [PATH, QUERY_NAME, QUERY_VALUE, FORM_NAME, FORM_VALUE, COOKIE_VALUE].includes(kind);
}

/** The place an exclusion is about; without one, text in JSON or the first place that its rules look at. */
function slotOf({ rule: name, field }: Exclude, rules: readonly Rule[]): Place {
  const named = field === undefined ? undefined : parseWhereEntry(field);
  const place = new Place({
    placeName: () => (named === undefined ? "" : `${named.name}${named.prefix ? "x" : ""}`),
  });
  const wanted = rules.filter((rule) => rule.id === name || rule.class === name);
  const kinds = [...placeNames.keys()].filter((kind) => ((named?.kinds ?? -1) & (1 << kind)) !== 0);
  place.kind = JSON_STRING;
  const looked = kinds.filter((kind) => {
    const text = (): string => {
      place.kind = kind;
      return place.text();
    };
    return wanted.some((rule) => looksAt(rule, kind, text));
  });
  const likely = looked.length > 0 ? looked : kinds;
  // The value rather than the name, where a word stands for both.
  place.kind =
    likely.find((kind) => kind === JSON_STRING) ??
    likely.find((kind) => /_(?:value|text|string)$/.test(placeNames[kind]!)) ??
    likely[0] ??
    JSON_STRING;
  return place;
}
