import type { InspectionRule } from "../answer/inspection.ts";
import type { InspectionDesk } from "../answer/inspection-desk.ts";
import { compileTypeList } from "../body/type-list.ts";
import type { RouteWafConfig, WafConfig } from "../config/config.ts";
import type { RouteWaf } from "../gate/waf-settings.ts";
import { families, type MetricSample } from "../record/metrics.ts";

/** What is text, or text for programs. */
const defaultTypes: readonly string[] = [
  "text/*",
  "application/json",
  "application/javascript",
  "application/x-javascript",
  "application/xml",
  "application/problem+json",
  "application/x-ndjson",
  "application/yaml",
  "*+json",
  "*+xml",
];

/** How a route's answers are inspected; undefined: they are not. `waf`: built from the same profile. */
export function buildInspection(
  route: RouteWafConfig | undefined,
  waf: RouteWaf | undefined,
  { profiles }: Pick<WafConfig, "profiles">,
): InspectionRule | undefined {
  const config = profiles.find(({ name }) => name === route?.profile);
  const leaks = waf?.profile.ruleSet.leaks;
  if (waf === undefined || leaks === undefined || config === undefined) return undefined;
  if (config.inspectAnswers === "off") return undefined;
  const types = compileTypeList(config.answerTypes ?? defaultTypes);
  if (typeof types === "string") throw new Error(`no media type "${types}"`);
  return {
    profile: waf.profile,
    leaks,
    types,
    windowBytes: config.answerWindowKb * 1024,
    reportOnly: waf.shadow || config.inspectAnswers === "report",
  };
}

/** What one worker's inspection of answers has done so far. */
export function inspectionSamples({ answers, uninspected, usedBytes }: InspectionDesk): MetricSample[] {
  const counted = (name: string, counts: Readonly<Record<string, number>>): MetricSample[] =>
    Object.entries(counts).flatMap(([label, value]) =>
      value === 0 ? [] : [{ name, labels: [label], value }],
    );
  return [
    { name: families.answerHeldBytes.name, labels: [], value: usedBytes },
    ...counted(families.answersInspected.name, answers),
    ...counted(families.answersUninspected.name, uninspected),
  ];
}
