import type { z } from "zod";
import { type Findings, type Path, pathKey } from "./finding.ts";
import { keyLabel, ownerKey, shownValue, typeLabel } from "./label.ts";
import { type DocumentInput, documentSchema } from "./schema.ts";
import { nearest } from "./suggest.ts";
import type { TomlTree } from "./toml.ts";
import { reportUnknownKey } from "./unknown-key.ts";

/**
 * Checks names, types and ranges. Reports every problem, takes the bad keys out and reads the rest, so that checks
 * across keys can go on. `tree` is changed. Undefined only if nothing could be saved.
 */
export function shapeDocument(tree: TomlTree, findings: Findings): DocumentInput | undefined {
  // Taking a bad key out can uncover another problem (an unknown key inside a bad table), hence the few rounds.
  for (let round = 0; round < 4; round++) {
    const result = documentSchema.safeParse(tree);
    if (result.success) return result.data;
    const removals: Path[] = [];
    const reported = new Set<string>();
    for (const issue of result.error.issues) {
      // One problem per value: a number can be both fractional and too large.
      if (issue.code !== "unrecognized_keys" && reported.has(pathKey(issue.path as Path))) continue;
      reported.add(pathKey(issue.path as Path));
      removals.push(...reportIssue(issue, tree, findings));
    }
    for (const path of removals) remove(tree, path);
  }
  return undefined;
}

/** Reports one issue and returns the paths to take out. */
function reportIssue(issue: z.core.$ZodIssue, tree: TomlTree, findings: Findings): readonly Path[] {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) reportUnknownKey(path, key, valueAt(tree, [...path, key]), findings);
    return issue.keys.map((key) => [...path, key]);
  }
  const bad = ownerKey(path);
  reportBadValue(issue, path, valueAt(tree, path), findings);
  findings.poison(bad);
  return [bad];
}

function reportBadValue(issue: z.core.$ZodIssue, path: Path, value: unknown, findings: Findings): void {
  const name = keyLabel(path);
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    const suggestion = typeof value === "string" ? nearest(value, values) : undefined;
    const list = values.map((item) => `"${item}"`).join(", ");
    findings.add({
      code: "Z1045",
      path,
      message: `${name}: ${typeof value === "string" ? `${shownValue(path, value)} is not one of its values` : `expected one of ${list}, got ${typeLabel(value)}`}`,
      suggestion,
      label: suggestion === undefined ? "" : `did you mean "${suggestion}"?`,
      fix: `use one of ${list}`,
    });
    return;
  }
  const expected = expectedLabel(issue);
  const got =
    issue.code === "invalid_type" || issue.code === "invalid_union"
      ? typeLabel(value)
      : shownValue(path, value);
  findings.add({ code: "Z1043", path, message: `${name}: ${expected}, got ${got}`, label: expected });
}

function remove(tree: TomlTree, path: Path): void {
  const holder = valueAt(tree, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof holder === "object" && holder !== null && key !== undefined)
    delete (holder as TomlTree)[key as string];
}

/** The value at a path; undefined where there is none. */
export function valueAt(tree: unknown, path: Path): unknown {
  let node = tree;
  for (const step of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, step)) return undefined;
    node = (node as TomlTree)[step as string];
  }
  return node;
}

function expectedLabel(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith("expected")) return issue.message;
  if (issue.code === "invalid_type" && (issue.expected === "object" || issue.expected === "record"))
    return "expected a table";
  return "expected another value";
}
