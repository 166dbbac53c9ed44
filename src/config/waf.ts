import { compileTypeList } from "../body/type-list.ts";
import type { RouteConfig, WafConfig, WafProfileConfig } from "./config.ts";
import { checkName, definitionsOf, reportUnused } from "./definition.ts";
import { readExcludes } from "./exclude.ts";
import type { Path } from "./finding.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";
import { checkRuleName, type KnownRules, readRules } from "./waf-rules.ts";
import { type WafProfileInput, wafProfile } from "./waf-schema.ts";

/** What routes use that name no profile. */
export const defaultProfile = "default";

/** Checks `[waf]`, `[waf_profile.NAME]` and `[[exclude]]`. */
export function readWaf(
  document: DocumentInput,
  routes: readonly RouteConfig[],
  context: SectionContext,
): WafConfig {
  const known = readRules(document, context);
  const profiles = Object.entries(document.waf_profile).map(([name, input]) =>
    readProfile(name, input, known, context),
  );
  if (profiles.every(({ name }) => name !== defaultProfile))
    profiles.push(readProfile(defaultProfile, wafProfile.parse({}), known, context));
  reportUnused(
    {
      kind: "WAF profile",
      nobody: "no route",
      defined: new Map(
        [...definitionsOf("waf_profile", document.waf_profile)].filter(([name]) => name !== defaultProfile),
      ),
      uses: document.route.map(({ waf_profile: name }, i) => ({
        path: ["route", i, "waf_profile"],
        names: name === undefined || name === defaultProfile ? [] : [name],
      })),
      code: "Z2108",
      effect: "what it asks for protects nothing.",
      fix: "remove it or name it in a route: waf_profile",
    },
    context,
  );
  return {
    profiles,
    rules: known.rules,
    excludes: readExcludes(document, routes, known, context),
    maxBufferedMb: document.waf.max_buffered_mb,
  };
}

function readProfile(
  name: string,
  input: WafProfileInput,
  known: KnownRules,
  context: SectionContext,
): WafProfileConfig {
  const path: Path = ["waf_profile", name];
  checkName(path, "a WAF profile", name, context);
  for (const key of ["disabled_rules", "shadow_rules"] as const)
    for (const [i, rule] of input[key].entries()) checkRuleName([...path, key, i], rule, known, context);
  return {
    name,
    mode: input.mode,
    sensitivity: input.sensitivity ?? (input.mode === "aggressive" ? 3 : 1),
    threshold: input.threshold,
    maxBodyMb: input.max_body_mb,
    maxDepth: input.max_depth,
    maxStringLen: input.max_string_len,
    maxNumberLen: input.max_number_len,
    jsonSequences: input.json_sequences,
    maxInflateRatio: input.max_inflate_ratio,
    graphqlMaxDepth: input.graphql_max_depth,
    graphqlMaxAliases: input.graphql_max_aliases,
    graphqlIntrospection: input.graphql_introspection,
    denyUnknownContentTypes: input.deny_unknown_content_types,
    allowedContentTypes: readTypes(
      [...path, "allowed_content_types"],
      input.allowed_content_types,
      context,
      "default",
    ),
    entropyCheck: input.entropy_check,
    entropyThreshold: input.entropy_threshold,
    inspectBufferKb: input.inspect_buffer_kb,
    scanHeaders: readFields([...path, "scan_headers"], input.scan_headers, context),
    disabledRules: input.disabled_rules,
    shadowRules: input.shadow_rules,
    onBudget: input.on_budget,
    inspectAnswers: input.inspect_answers ?? (input.mode === "aggressive" ? "on" : "off"),
    answerTypes: readTypes([...path, "answer_types"], input.answer_types, context),
    answerWindowKb: input.answer_window_kb,
  };
}

function readTypes(
  path: Path,
  types: readonly string[] | undefined,
  context: SectionContext,
  also?: string,
): readonly string[] | undefined {
  for (const [i, type] of types?.entries() ?? []) {
    if (type.trim() === also || typeof compileTypeList([type]) !== "string") continue;
    const at = [...path, i];
    context.findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, type)} is not a media type`,
      fix: "write type/subtype without parameters, type/* or *+suffix",
    });
  }
  return types?.map((type) => type.trim().toLowerCase());
}

function readFields(
  path: Path,
  fields: readonly string[] | undefined,
  context: SectionContext,
): readonly string[] | undefined {
  for (const [i, field] of fields?.entries() ?? []) {
    if (/^(?:\*|[!#$%&'+.^_`|~0-9a-z-]{1,128}\*?)$/i.test(field)) continue;
    const at = [...path, i];
    context.findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, field)} is not a field name`,
      fix: "use the name of a header field, with * at its end for a prefix, or * for all",
    });
  }
  return fields?.map((field) => field.toLowerCase());
}
