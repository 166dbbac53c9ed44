import { type RE2JS, RE2JSException } from "re2js";
import { parse, TomlError } from "smol-toml";
import { compileRegex, longestWord } from "./confirmation.ts";
import {
  buildWhere,
  type Example,
  leakActions,
  parseWhereEntry,
  type Rule,
  type Severity,
  severities,
  whereWords,
} from "./rule.ts";
import { locate, type Position, type RulePath } from "./rule-position.ts";

/** What is wrong with a rule file, and where. Lines and columns from 1. */
export interface RuleProblem extends Position {
  readonly file: string;
  readonly message: string;
  readonly fix: string;
}

export interface ParsedRules {
  /** Empty when there are problems: half a rule set is a protection that nobody asked for. */
  readonly rules: readonly Rule[];
  readonly problems: readonly RuleProblem[];
}

export interface RuleFile {
  readonly file: string;
  readonly text: string;
}

/** Larger files are no rules. Characters. */
export const RULE_FILE_MAX = 1_048_576;
/** Rules of all files together. */
export const RULES_MAX = 6_000;
/** A regex compiles to at most this many instructions: its time per byte grows with them. */
export const PROGRAM_MAX = 2_000;

/** Reads rule files; `kinds` are what the detectors can report. All problems of all files, in order. Never throws. */
export function parseRules(files: readonly RuleFile[], kinds: ReadonlySet<string>): ParsedRules {
  const rules: Rule[] = [];
  const problems: RuleProblem[] = [];
  const ids = new Map<string, string>();
  for (const { file, text } of files) {
    const reader = openReader(file, text, problems);
    const tree = reader.tree();
    if (tree !== undefined) readFile(tree, reader, { file, kinds, ids, rules });
  }
  return { rules: problems.length === 0 ? rules : [], problems };
}

type Tree = Readonly<Record<string, unknown>>;

interface Reader {
  tree(): Tree | undefined;
  report(path: RulePath, at: "key" | "value", message: string, fix: string): void;
}

function openReader(file: string, text: string, problems: RuleProblem[]): Reader {
  let positions: ReturnType<typeof locate> | undefined;
  return {
    tree() {
      if (text.length > RULE_FILE_MAX) {
        problems.push({
          file,
          line: 1,
          column: 1,
          message: "the file is larger than 1 MiB",
          fix: "split it",
        });
        return undefined;
      }
      try {
        return parse(text, { maxDepth: 8 });
      } catch (error) {
        const place = error instanceof TomlError ? error : { line: 1, column: 1 };
        const reason = error instanceof TomlError ? error.message.split("\n", 1)[0]! : "it cannot be read";
        problems.push({
          file,
          line: place.line,
          column: place.column,
          message: `TOML syntax: ${reason.replace("Invalid TOML document: ", "")}`,
          fix: "correct the line; https://toml.io describes the syntax",
        });
        return undefined;
      }
    },
    report(path, at, message, fix) {
      positions ??= locate(text);
      problems.push({ file, ...positions(path, at), message, fix });
    },
  };
}

interface Collection {
  readonly file: string;
  readonly kinds: ReadonlySet<string>;
  /** Id → the file that has it. */
  readonly ids: Map<string, string>;
  readonly rules: Rule[];
}

const namePattern = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

function readFile(tree: Tree, reader: Reader, collection: Collection): void {
  for (const key of Object.keys(tree))
    if (key !== "class" && key !== "rule")
      reader.report([key], "key", `unknown key \`${key}\` at the top level`, "valid here: class, [[rule]]");
  const name = tree["class"];
  if (typeof name !== "string" || !namePattern.test(name) || name.length > 32) {
    const path = name === undefined ? [] : ["class"];
    reader.report(path, "value", "`class` must name the file's class", 'write class = "sql" above the rules');
    return;
  }
  const rules = tree["rule"];
  if (!Array.isArray(rules) || rules.length === 0) {
    reader.report(["rule"], "key", "the file has no [[rule]]", "add one; docs/waf-rules.md has an example");
    return;
  }
  for (const [index, table] of rules.entries()) {
    if (!isTable(table)) {
      reader.report(["rule"], "key", "`rule` must be a list of tables", "write [[rule]]");
      return;
    }
    if (collection.rules.length >= RULES_MAX) {
      reader.report(["rule", index], "key", `more than ${RULES_MAX} rules`, "remove some");
      return;
    }
    const rule = readRule(table, ["rule", index], name, reader, collection);
    if (rule !== undefined) collection.rules.push(rule);
  }
}

const ruleKeys: readonly string[] = [
  "id",
  "severity",
  "score",
  "sensitivity",
  "where",
  "detect",
  "literals",
  "regex",
  "case_sensitive",
  "cross_site",
  "action",
  "enabled",
  "why",
  "see",
  "block",
  "allow",
];

function readRule(
  table: Tree,
  path: RulePath,
  name: string,
  reader: Reader,
  { file, kinds, ids }: Collection,
): Rule | undefined {
  const keys = openKeys(table, path, reader);
  for (const key of Object.keys(table))
    if (!ruleKeys.includes(key))
      keys.bad(key, `unknown key \`${key}\``, `valid here: ${ruleKeys.join(", ")}`, "key");
  const id = keys.text("id", "");
  if (!namePattern.test(id) || id.length > 64)
    keys.bad(
      "id",
      "`id` must be lower-case words joined by -, at most 64 characters",
      'write id = "class-construct"',
    );
  else if (ids.has(id))
    keys.bad("id", `the id "${id}" is taken by a rule in ${ids.get(id)}`, "ids are unique in all files");
  else ids.set(id, file);
  const severity = keys.text("severity", "");
  if (!Object.hasOwn(severities, severity))
    keys.bad(
      "severity",
      "`severity` must be critical, error, warning or notice",
      'write severity = "critical"',
    );
  const why = keys.text("why", "");
  if (why.length < 10)
    keys.bad("why", "`why` must say what the rule protects from", "one sentence is enough");
  const where = keys.texts("where", ["*"]);
  for (const [index, entry] of where.entries())
    if (parseWhereEntry(entry) === undefined)
      keys.bad(
        ["where", index],
        `there is no place "${entry}"`,
        `one of ${whereWords.join(", ")}, or KIND:NAME`,
      );
  const detect = typeof table["detect"] === "string" ? [table["detect"]] : keys.texts("detect", []);
  for (const [index, kind] of detect.entries())
    if (!kinds.has(kind)) {
      const at = typeof table["detect"] === "string" ? "detect" : (["detect", index] as const);
      keys.bad(at, `no detector reports "${kind}"`, `zion rules list --kinds lists them${near(kind, kinds)}`);
    }
  const literals = keys.texts("literals", []);
  const regex = keys.text("regex", "");
  const caseSensitive = keys.flag("case_sensitive", false);
  checkConfirmation(table, keys, { detect, literals, regex, caseSensitive });
  const action = keys.text("action", "");
  const aboutAnswers = where.includes("answer");
  if (aboutAnswers && where.length > 1)
    keys.bad("where", "a rule looks at requests or at answers", 'write where = ["answer"] alone');
  if (aboutAnswers ? !leakActions.some((one) => one === action) : action !== "")
    keys.bad(
      table["action"] === undefined ? "id" : "action",
      aboutAnswers ? `\`action\` must be ${leakActions.join(", ")}` : "`action` is for rules about answers",
      aboutAnswers ? 'write action = "mask"' : 'write where = ["answer"], or remove it',
    );
  for (const kind of detect)
    if (kinds.has(kind) && kind.startsWith("answer.") !== aboutAnswers)
      keys.bad("detect", `"${kind}" looks at ${aboutAnswers ? "requests" : "answers"}`, "write two rules");
  const rule: Rule = {
    id,
    class: name,
    severity: severity as Severity,
    score: keys.integer("score", severities[severity as Severity] ?? 5, 1, 20),
    sensitivity: keys.integer("sensitivity", 1, 1, 4),
    enabled: keys.flag("enabled", true),
    where: buildWhere(where),
    detect,
    literals: literals.map((literal) => literal.toLowerCase()),
    regex,
    caseSensitive,
    crossSite: keys.flag("cross_site", false),
    action: action as Rule["action"],
    why,
    see: keys.texts("see", []),
    block: keys.examples("block"),
    allow: keys.examples("allow"),
    file,
  };
  return keys.good() ? rule : undefined;
}

function checkConfirmation(
  table: Tree,
  keys: Keys,
  { detect, literals, regex, caseSensitive }: Pick<Rule, "detect" | "literals" | "regex" | "caseSensitive">,
): void {
  if (detect.length > 0) {
    for (const key of ["literals", "regex", "case_sensitive"])
      if (table[key] !== undefined)
        keys.bad(key, `\`${key}\` does not go with \`detect\``, "write two rules", "key");
    return;
  }
  if (literals.length === 0) {
    const key = regex === "" ? "id" : "regex";
    const fix = "add literals = […]: the texts of which one stands in every match";
    keys.bad(
      key,
      regex === "" ? "the rule has neither `detect` nor `literals`" : "a regex needs `literals`",
      fix,
    );
  }
  const min = regex === "" ? 3 : 2;
  for (const [index, literal] of literals.entries()) {
    const at = ["literals", index] as const;
    if (!/^[\x20-\x7e]+$/.test(literal))
      keys.bad(at, "a literal is printable ASCII", "use a regex for other bytes");
    else if (/^ | $| {2}/.test(literal))
      keys.bad(
        at,
        "a literal begins and ends with a character",
        "one space in it stands for any white space",
      );
    else if (longestWord(literal).length < min)
      keys.bad(
        at,
        `a literal needs ${min} characters without a space`,
        "a shorter one stands in every value",
      );
    else if (/%[0-9a-f]{2}/i.test(literal))
      keys.bad(
        at,
        "a literal is written decoded: the views undo percent-encoding",
        "write the character itself",
      );
  }
  if (regex !== "") checkRegex(regex, caseSensitive, keys);
}

function checkRegex(regex: string, caseSensitive: boolean, keys: Keys): void {
  let compiled: RE2JS;
  try {
    compiled = compileRegex(regex, caseSensitive);
  } catch (error) {
    if (!(error instanceof RE2JSException) && !(error instanceof RangeError)) throw error;
    const reason = error.message
      .replace("error parsing regexp: ", "")
      .replace("(?s)", "")
      .replace("(?i)", "")
      .split("\n", 1)[0]!;
    keys.bad(
      "regex",
      `bad regex: ${reason}`,
      "RE2 syntax: no look-around, no back-references, {1,1000} at most",
    );
    return;
  }
  if (compiled.programSize() > PROGRAM_MAX)
    keys.bad(
      "regex",
      `unsafe pattern: ${compiled.programSize()} instructions`,
      `at most ${PROGRAM_MAX}; make the repetitions smaller`,
    );
  else if (compiled.test(""))
    keys.bad("regex", "unsafe pattern: it matches the empty text", "every value would match");
}

interface Keys {
  bad(key: string | readonly [string, number], message: string, fix: string, at?: "key" | "value"): void;
  good(): boolean;
  text(key: string, preset: string): string;
  texts(key: string, preset: readonly string[]): readonly string[];
  integer(key: string, preset: number, min: number, max: number): number;
  flag(key: string, preset: boolean): boolean;
  examples(key: string): readonly Example[];
}

/** Typed access to one table; every wrong value is reported once. */
function openKeys(table: Tree, path: RulePath, reader: Reader): Keys {
  let good = true;
  const shown = typeof table["id"] === "string" ? ` (rule ${table["id"].slice(0, 64)})` : "";
  const bad: Keys["bad"] = (key, message, fix, at = "value") => {
    good = false;
    reader.report([...path, ...(typeof key === "string" ? [key] : key)], at, `${message}${shown}`, fix);
  };
  return {
    bad,
    good: () => good,
    text(key, preset) {
      const value = table[key];
      if (value === undefined) return preset;
      if (typeof value === "string") return value;
      bad(key, `\`${key}\` must be a text`, "put it in quotes");
      return preset;
    },
    texts(key, preset) {
      const value = table[key];
      if (value === undefined) return preset;
      if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string"))
        return value;
      bad(key, `\`${key}\` must be a list of texts`, `write ${key} = ["…"]`);
      return preset;
    },
    integer(key, preset, min, max) {
      const value = table[key] ?? preset;
      if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
      bad(key, `\`${key}\` must be a whole number from ${min} to ${max}`, `leave it out for ${preset}`);
      return preset;
    },
    flag(key, preset) {
      const value = table[key] ?? preset;
      if (typeof value === "boolean") return value;
      bad(key, `\`${key}\` must be true or false`, "write it without quotes");
      return preset;
    },
    examples(key) {
      const value = table[key];
      if (!Array.isArray(value) || value.length < 2) {
        bad(
          value === undefined ? "id" : key,
          `\`${key}\` must list at least two examples`,
          "they are the rule's tests",
        );
        return [];
      }
      return value.flatMap((item, index) => {
        const example = readExample(item);
        if (typeof example !== "string") return [example];
        bad([key, index], example, 'a text, or { in = "header:user-agent", value = "…" }');
        return [];
      });
    },
  };
}

function readExample(item: unknown): Example | string {
  if (typeof item === "string") return { in: "", bytes: Buffer.from(item), shown: item };
  if (!isTable(item)) return "an example is a text or a table";
  const { in: place = "", value, b64, ...rest } = item;
  if (Object.keys(rest).length > 0) return `unknown key \`${Object.keys(rest)[0]}\` in an example`;
  if (typeof place !== "string" || (place !== "" && parseWhereEntry(place) === undefined))
    return "`in` must be a place";
  if (typeof value === "string" && b64 === undefined)
    return { in: place, bytes: Buffer.from(value), shown: value };
  if (typeof b64 === "string" && value === undefined && /^[A-Za-z0-9+/]+=*$/.test(b64))
    return { in: place, bytes: Buffer.from(b64, "base64"), shown: `base64 ${b64}` };
  return "an example needs `value` or `b64`";
}

function isTable(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function near(kind: string, kinds: ReadonlySet<string>): string {
  const prefix = `${kind.split(".")[0]}.`;
  const same = [...kinds].filter((other) => other.startsWith(prefix)).slice(0, 12);
  return same.length === 0 ? "" : `; this class has ${same.join(", ")}`;
}
