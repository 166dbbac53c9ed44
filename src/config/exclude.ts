import type { Exclude } from "../waf/profile.ts";
import { parseWhereEntry, whereWords } from "../waf/rule.ts";
import type { RouteConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import { readEnd } from "./moment.ts";
import type { DocumentInput } from "./schema.ts";
import { requireKey, type SectionContext } from "./section.ts";
import { nearest } from "./suggest.ts";
import { checkRuleName, type KnownRules } from "./waf-rules.ts";

/** Checks `[[exclude]]`: what it names must exist, or it would silently exclude nothing. */
export function readExcludes(
  document: DocumentInput,
  routes: readonly RouteConfig[],
  known: KnownRules,
  context: SectionContext,
): readonly Exclude[] {
  const names = new Set(routes.map(({ name }) => name));
  // The name of a route that is left out for its own mistakes is not a mistake here.
  const complete = routes.length === document.route.length && !context.findings.isPoisoned(["route"]);
  return document.exclude.flatMap((input, i) => {
    const path: Path = ["exclude", i];
    if (!requireKey(path, "rule", input.rule, "[[exclude]]", context)) return [];
    checkRuleName([...path, "rule"], input.rule!, known, context);
    if (input.route !== undefined && complete) checkRoute([...path, "route"], input.route, names, context);
    if (input.field !== undefined) checkField([...path, "field"], input.field, context);
    const past = { code: "Z2111", says: "the exclusion ended" } as const;
    const untilMs =
      input.until === undefined ? undefined : readEnd([...path, "until"], input.until, past, context);
    return [
      {
        rule: input.rule!,
        ...(input.route === undefined ? {} : { route: input.route }),
        ...(input.field === undefined ? {} : { field: input.field }),
        ...(untilMs === undefined ? {} : { untilMs }),
      },
    ];
  });
}

function checkRoute(path: Path, name: string, names: ReadonlySet<string>, context: SectionContext): void {
  if (names.has(name)) return;
  const suggestion = nearest(name, names);
  context.findings.add({
    code: "Z1210",
    path,
    message: `${keyLabel(path)}: there is no route named ${shownValue(path, name)}`,
    effect: "the exclusion would apply nowhere.",
    suggestion,
    label: suggestion === undefined ? "" : `did you mean "${printable(suggestion)}"?`,
    fix:
      suggestion === undefined
        ? `use the \`name\` of a route; the file has: ${[...names].slice(0, 8).map(printable).join(", ")}`
        : `write "${printable(suggestion)}"`,
  });
}

function checkField(path: Path, field: string, context: SectionContext): void {
  if (parseWhereEntry(field) !== undefined) return;
  const [word = ""] = field.split(":", 1);
  const near = nearest(word, whereWords);
  const suggestion = near === undefined || near === word ? undefined : near + field.slice(word.length);
  context.findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, field)} is not a place`,
    suggestion,
    label: suggestion === undefined ? "" : `did you mean "${printable(suggestion)}"?`,
    fix: "write a kind of place (query, header, json) or one by its name (query:q, header:user-agent); docs/waf-rules.md lists them",
  });
}
