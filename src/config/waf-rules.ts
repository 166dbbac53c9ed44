import { buildRuleSet, kindsOfDetectors } from "../waf/compile.ts";
import { detectors } from "../waf/detectors.ts";
import type { RuleFile } from "../waf/parse-rules.ts";
import type { Rule } from "../waf/rule.ts";
import { readProblem } from "./files.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, printableTo, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedFile, resolvePath, type SectionContext } from "./section.ts";
import { nearest } from "./suggest.ts";

/** The rules that a config can name. */
export interface KnownRules {
  /** As workers get them: without their examples, which only tests need. */
  readonly rules: readonly Rule[];
  /** Ids and classes; undefined when a file could not be read, so that what it may define is not missed. */
  readonly names: ReadonlySet<string> | undefined;
}

/** Reads the rules of the package and those that `[waf]` names. All mistakes of all files are found. */
export function readRules(document: DocumentInput, context: SectionContext): KnownRules {
  const shipped = readShipped(context);
  const own: RuleFile[] = [];
  for (const [i, name] of document.waf.rules.entries()) {
    const text = readNamedFile(["waf", "rules", i], name, context, "utf8");
    if (text !== undefined) own.push({ file: resolvePath(name, context), text });
  }
  const kinds = new Set(kindsOfDetectors(detectors).keys());
  const { rules, problems } = context.readRules([...shipped, ...own], kinds);
  const ownFiles = new Set(own.map(({ file }) => file));
  for (const { file, line, column, message, fix } of problems) {
    const isOwn = ownFiles.has(file);
    context.findings.add({
      code: isOwn ? "Z1305" : "Z1306",
      path: [],
      elsewhere: { file: printableTo(longestText, file), line, column },
      message: printableTo(longestText, message),
      ...(isOwn ? { fix: printableTo(longestText, fix) } : {}),
    });
  }
  if (problems.length === 0 && own.length > 0) checkTables(rules, context);
  const complete =
    problems.length === 0 &&
    shipped.length > 0 &&
    own.length === document.waf.rules.length &&
    !context.findings.isPoisoned(["waf", "rules"]) &&
    !context.findings.isPoisoned(["waf"]);
  return {
    rules: rules.map((rule) => ({ ...rule, block: [], allow: [] })),
    names: complete ? new Set(rules.flatMap((rule) => [rule.id, rule.class])) : undefined,
  };
}

/** Workers build the same tables: rules that do not fit must not pass a check and stop a start. Those shipped fit. */
function checkTables(rules: readonly Rule[], context: SectionContext): void {
  try {
    buildRuleSet(rules, detectors);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    context.findings.add({
      code: "Z1305",
      path: ["waf", "rules"],
      message: `the rules are too many: ${error.message}`,
      fix: "remove rules, or make their literals shorter",
    });
  }
}

/** Messages about rules name keys and values of their file. */
const longestText = 400;

function readShipped(context: SectionContext): readonly RuleFile[] {
  let problem = "there are none";
  try {
    const files = context.builtinRules();
    if (files.length > 0) return files;
  } catch (error) {
    problem = readProblem(error);
  }
  context.findings.add({
    code: "Z1306",
    path: [],
    message: `the rules of the package cannot be read: ${problem}`,
  });
  return [];
}

/** Reports a name at `path` that is neither the id nor the class of a rule. */
export function checkRuleName(path: Path, name: string, known: KnownRules, context: SectionContext): void {
  if (known.names === undefined || known.names.has(name)) return;
  const suggestion = nearest(name, known.names);
  context.findings.add({
    code: "Z1210",
    path,
    message: `${keyLabel(path)}: there is no rule or class ${shownValue(path, name)}`,
    effect: "the rule that you mean would stay as it is.",
    suggestion,
    label: suggestion === undefined ? "" : `did you mean "${printable(suggestion)}"?`,
    fix: suggestion === undefined ? "zion rules list shows every rule" : `write "${printable(suggestion)}"`,
  });
}
