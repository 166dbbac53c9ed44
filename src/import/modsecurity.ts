import { classesOfTag, placesOf, rangeOf } from "./crs.ts";
import type { Keys } from "./draft.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** One directive of ModSecurity or Coraza with what it means here. */
export interface SecDirective {
  readonly name: string;
  readonly text: string;
  /** From 0, in the text that was read. */
  readonly line: number;
  readonly outcome: Outcome;
  /** Tables of `[[exclude]]`, without a route. */
  readonly excludes: readonly Keys[];
  /** Of SecRuleEngine. */
  readonly engine?: Engine;
}

export type Engine = "on" | "shadow" | "off";

/** Reads rules as ModSecurity does: one directive a line, `\` at its end goes on, quotes around arguments. */
export function readModSecurity(text: string): readonly SecDirective[] {
  const found: SecDirective[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = at;
    let whole = lines[at]!.trim();
    while (whole.endsWith("\\") && at + 1 < lines.length)
      whole = `${whole.slice(0, -1)} ${lines[++at]!.trim()}`;
    if (whole === "" || whole.startsWith("#")) continue;
    const words = [...whole.matchAll(/"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\S+)/g)].map(
      ([, double, single, bare]) => double ?? single ?? bare!,
    );
    const [name = "", ...args] = words;
    found.push({ name, text: whole.slice(0, 300), line, ...judge(name, args) });
  }
  return found;
}

type Judgement = Pick<SecDirective, "outcome" | "excludes" | "engine">;

function only(outcome: Outcome): Judgement {
  return { outcome, excludes: [] };
}

function judge(name: string, args: readonly string[]): Judgement {
  const [first = ""] = args;
  switch (name.toLowerCase()) {
    case "secruleengine":
      return judgeEngine(first);
    case "secruleremovebyid":
      return merge(args.flatMap((arg) => arg.split(/[\s,]+/)).map((id) => excludeById(id, undefined)));
    case "secruleremovebytag":
      return excludeByTag(first, undefined);
    case "secruleupdatetargetbyid":
    case "secruleremovetargetbyid":
      return merge(
        args
          .slice(1)
          .flatMap((arg) => arg.split(/[|,]/))
          .map((target) => excludeTarget(first, target)),
      );
    case "secruleupdatetargetbytag":
      return merge(
        args
          .slice(1)
          .flatMap((arg) => arg.split(/[|,]/))
          .map((target) => excludeByTag(first, target.replace(/^!/, ""))),
      );
    case "secaction":
      return judgeActions(args.join(","));
    case "secrule":
      return only(judgeRule(args));
    case "include":
    case "includeoptional":
      return /crs|owasp|modsecurity\.conf|coraza\.conf/i.test(first)
        ? only(translated("the rules that come with this gateway"))
        : only(needsYou("rules of your own: write them as rules for `[waf].rules`"));
    case "secrequestbodyaccess":
      return only(
        /^on$/i.test(first)
          ? translated("bodies are inspected")
          : differs("bodies are inspected: `max_body_mb = 0` in a WAF profile leaves them out"),
      );
    case "secresponsebodyaccess":
      return only(
        /^off$/i.test(first)
          ? translated("answers are not inspected")
          : needsYou("answers are not inspected here"),
      );
    case "secrequestbodylimit":
    case "secrequestbodynofileslimit":
    case "secrequestbodylimitaction":
    case "secrequestbodyinmemorylimit":
      return only(
        differs("`max_body_mb` and `inspect_buffer_kb` of the WAF profile say how much is inspected"),
      );
    case "secargumentslimit":
    case "secrequestbodyjsondepthlimit":
      return only(
        differs("`max_depth` of the WAF profile and `max_query_params` of [server] have limits of their own"),
      );
    case "secdefaultaction":
      return only(differs("a request is refused from `threshold` points on"));
    default:
      if (/^sec(audit|debug)/i.test(name))
        return only(differs("the access log names rule and place; [audit] keeps refusals"));
      if (
        /^sec(tmp|data|upload|unicode|pcre|cookie|argument|response|status|component|collection|geo|http|conn|sensor|server)/i.test(
          name,
        )
      )
        return only(translated("nothing to set here"));
      return only(needsYou("this importer does not know it"));
  }
}

function judgeEngine(text: string): Judgement {
  switch (text.toLowerCase()) {
    case "on":
      return { outcome: translated("the WAF refuses"), excludes: [], engine: "on" };
    case "detectiononly":
      return { outcome: translated("`waf_shadow = true`"), excludes: [], engine: "shadow" };
    case "off":
      return {
        outcome: differs("`waf_shadow = true`: it reports and refuses nothing"),
        excludes: [],
        engine: "off",
      };
    default:
      return only(needsYou("On, DetectionOnly or Off is expected"));
  }
}

/** `942100`, `"942100-942999"`. */
function excludeById(id: string, fields: readonly string[] | undefined): Judgement {
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(id.trim());
  if (match === null) return only(needsYou(`\`${id}\` is no rule id`));
  const first = rangeOf(Number(match[1]));
  const last = match[2] === undefined ? first : rangeOf(Number(match[2]));
  if (first === undefined || first !== last)
    return only(
      needsYou(`${id} is not within one class of the Core Rule Set: exclude the rule here that fires`),
    );
  if (first.classes.length === 0)
    return only(needsYou(`${id} is about ${first.about}: no rule here does that work; see the WAF profile`));
  return {
    outcome: differs(
      `${id} is about ${first.about}: all of ${first.classes.join(", ")} is excluded, not one rule`,
    ),
    excludes: excludesOf(first.classes, fields),
  };
}

function excludeByTag(tag: string, target: string | undefined): Judgement {
  const classes = classesOfTag(tag);
  if (classes === undefined) return only(needsYou(`the tag ${tag} has no class here`));
  const fields = target === undefined ? undefined : placesOf(target);
  if (target !== undefined && fields === undefined) return only(needsYou(`${target} is no place here`));
  return {
    outcome: differs(`the tag ${tag} is the classes ${classes.join(", ")} here`),
    excludes: excludesOf(classes, fields),
  };
}

/** A target with `!` in front is taken out of the rule. */
function excludeTarget(id: string, target: string): Judgement {
  const fields = placesOf(target.trim().replace(/^!/, ""));
  if (fields === undefined) return only(needsYou(`${target} is no place here`));
  return excludeById(id, fields);
}

function excludesOf(classes: readonly string[], fields: readonly string[] | undefined): readonly Keys[] {
  return classes.flatMap((rule) =>
    fields === undefined ? [{ rule }] : fields.map((field): Keys => ({ rule, field })),
  );
}

/** `ctl:` actions; those of a SecAction happen for every request. */
function judgeActions(actions: string): Judgement {
  const controls = [...actions.matchAll(/ctl:([A-Za-z]+)=([^,"']+)/g)];
  if (controls.length === 0)
    return only(
      /paranoia_level/i.test(actions)
        ? needsYou("a paranoia level: `sensitivity` of a WAF profile is the like of it, 1 to 4")
        : /anomaly_score_threshold/i.test(actions)
          ? needsYou("a threshold: `threshold` of a WAF profile is the like of it")
          : needsYou("settings of rules that are not here"),
    );
  return merge(
    controls.map(([, control = "", value = ""]) => {
      const [id = "", target = ""] = value.split(";");
      switch (control.toLowerCase()) {
        case "ruleremovebyid":
          return excludeById(id, undefined);
        case "ruleremovetargetbyid":
          return excludeTarget(id, target);
        case "ruleremovebytag":
          return excludeByTag(id, undefined);
        case "ruleremovetargetbytag":
          return excludeByTag(id, target);
        case "ruleengine":
          return judgeEngine(value);
        default:
          return only(needsYou(`ctl:${control} has no like here`));
      }
    }),
  );
}

function judgeRule(args: readonly string[]): Outcome {
  const conditional = judgeActions(args.slice(2).join(","));
  if (conditional.excludes.length > 0) {
    const tables = conditional.excludes.map(({ rule, field }) =>
      field === undefined ? rule : `${String(rule)} at ${String(field)}`,
    );
    return needsYou(`excludes ${tables.join(", ")} for some requests: write an [[exclude]] for their route`);
  }
  return needsYou("a rule of your own: write it as a rule for `[waf].rules`");
}

function merge(judgements: readonly Judgement[]): Judgement {
  if (judgements.length === 0) return only(needsYou("it says nothing"));
  const rank = ["translated", "differs", "needs_you", "refused"];
  const worst = Math.max(...judgements.map(({ outcome }) => rank.indexOf(outcome.verdict)));
  const outcomes = judgements
    .map(({ outcome }) => outcome)
    .filter(({ verdict }) => rank.indexOf(verdict) === worst);
  const engine = judgements.find((judgement) => judgement.engine !== undefined)?.engine;
  return {
    outcome: {
      verdict: outcomes[0]!.verdict,
      explanation: [...new Set(outcomes.map(({ explanation }) => explanation))].join("; "),
    },
    excludes: judgements.flatMap(({ excludes }) => excludes),
    ...(engine === undefined ? {} : { engine }),
  };
}
