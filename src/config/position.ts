import { createRequire } from "node:module";
import type { AST } from "toml-eslint-parser";
import { codes } from "./codes.ts";
import type { Diagnostic, RelatedSpan } from "./diagnostic.ts";
import { type Finding, type Path, pathKey } from "./finding.ts";

/**
 * Places findings in the text, in reading order. The syntax tree is built only here, so a clean file never pays for it
 * (0.6 s for 2,000 routes).
 */
export function placeFindings(
  findings: readonly Finding[],
  text: string,
  file: string,
): readonly Diagnostic[] {
  if (findings.length === 0) return [];
  const lines = text.split("\n");
  const tree = findings.some(
    ({ place, elsewhere, path }) => place === undefined && elsewhere === undefined && path.length > 0,
  )
    ? indexTree(text)
    : undefined;
  const diagnostics = findings.map((finding) => placeOne(finding, tree, lines, file));
  // Those of other files come last, in the order in which they were found.
  return diagnostics.sort((a, b) =>
    a.elsewhere || b.elsewhere
      ? Number(a.elsewhere) - Number(b.elsewhere)
      : a.line - b.line || a.column - b.column,
  );
}

/** Half-open, as the parser gives it: lines from 1, columns from 0 in UTF-16 units. */
type Span = AST.SourceLocation;

interface Entry {
  key?: Span;
  value?: Span;
  /** Line of the `[table]` header. */
  header?: number;
}

type TreeIndex = ReadonlyMap<string, Entry>;

function placeOne(
  finding: Finding,
  tree: TreeIndex | undefined,
  lines: readonly string[],
  file: string,
): Diagnostic {
  const row = codes[finding.code];
  const { elsewhere } = finding;
  const whole =
    elsewhere !== undefined
      ? undefined
      : finding.place !== undefined
        ? atPlace(finding.place, lines)
        : spanOf(finding.path, finding.at ?? "value", tree);
  const at = whole === undefined || finding.within === undefined ? whole : inString(whole, finding.within);
  const related: RelatedSpan[] = [];
  for (const other of finding.related ?? []) {
    const span = spanOf(other.path, other.at ?? "value", tree);
    if (span !== undefined) related.push({ ...characters(span, lines), label: other.label });
  }
  const where =
    elsewhere !== undefined ? onePlace(elsewhere) : at === undefined ? nowhere : characters(at, lines);
  const headerLine = at === undefined || finding.place !== undefined ? 0 : headerOf(finding.path, tree);
  return {
    code: finding.code,
    severity: row.severity,
    message: finding.message,
    file: elsewhere?.file ?? file,
    elsewhere: elsewhere !== undefined,
    ...where,
    label: finding.label ?? "",
    effect: finding.effect ?? row.effect,
    fix: finding.fix ?? row.fix,
    suggestion: finding.suggestion,
    headerLine: headerLine < where.line ? headerLine : 0,
    related,
  };
}

function onePlace({ line, column }: { readonly line: number; readonly column: number }) {
  return { line, column, endLine: line, endColumn: column + 1 };
}

const nowhere = { line: 0, column: 0, endLine: 0, endColumn: 0 };

function atPlace(place: { readonly line: number; readonly column: number }, lines: readonly string[]): Span {
  const line = Math.min(place.line, lines.length);
  // TOML parsers point behind the end of the text when something is missing there.
  const column = Math.min(place.column - 1, lines[line - 1]!.replace(/\r$/, "").length);
  return { start: { line, column }, end: { line, column: column + 1 } };
}

/** One character of a string, if the string is written without escapes; else the whole string. */
function inString(span: Span, within: NonNullable<Finding["within"]>): Span {
  const { start, end } = span;
  if (start.line !== end.line || end.column - start.column !== within.length + 2) return span;
  const column = start.column + 1 + Math.min(within.offset, Math.max(0, within.length - 1));
  return { start: { line: start.line, column }, end: { line: start.line, column: column + 1 } };
}

/** The span of a path, or of its nearest ancestor that is written down. */
function spanOf(path: Path, at: "key" | "value", tree: TreeIndex | undefined): Span | undefined {
  for (let end = path.length; end > 0; end--) {
    const entry = tree?.get(pathKey(path.slice(0, end)));
    if (entry === undefined) continue;
    // A missing key is shown at its table's name, never across the whole table.
    const span =
      end === path.length && at === "value" ? (entry.value ?? entry.key) : (entry.key ?? entry.value);
    if (span !== undefined) return span;
  }
  return undefined;
}

function headerOf(path: Path, tree: TreeIndex | undefined): number {
  for (let end = path.length; end > 0; end--) {
    const header = tree?.get(pathKey(path.slice(0, end)))?.header;
    if (header !== undefined) return header;
  }
  return 0;
}

/** UTF-16 columns from 0 → characters from 1. */
function characters(span: Span, lines: readonly string[]): Omit<RelatedSpan, "label"> {
  const column = ({ line, column }: AST.Position): number =>
    [...(lines[line - 1] ?? "").slice(0, column)].length + 1;
  return {
    line: span.start.line,
    column: column(span.start),
    endLine: span.end.line,
    endColumn: column(span.end),
  };
}

function indexTree(text: string): TreeIndex | undefined {
  // Synchronous, so that parsing a config is; the module is ESM, which require() loads since Node 22.
  const { parseTOML } = createRequire(import.meta.url)(
    "toml-eslint-parser",
  ) as typeof import("toml-eslint-parser");
  const index = new Map<string, Entry>();
  try {
    for (const node of parseTOML(text, { tomlVersion: "1.1" }).body[0].body) {
      if (node.type === "TOMLTable") {
        addKeys(index, node.resolvedKey, node.key, node.loc.start.line);
        for (const pair of node.body) addPair(index, node.resolvedKey, pair);
      } else {
        addPair(index, [], node);
      }
    }
  } catch {
    // The two parsers disagree about a corner of TOML: messages without a line are better than no messages.
  }
  return index;
}

function addPair(index: Map<string, Entry>, table: Path, pair: AST.TOMLKeyValue): void {
  const path = [...table, ...pair.key.keys.map(keyName)];
  addKeys(index, path, pair.key, undefined);
  addValue(index, path, pair.value);
}

/** Every part of a dotted key or header gets its own span; array indexes share that of their table's name. */
function addKeys(index: Map<string, Entry>, path: Path, key: AST.TOMLKey, header: number | undefined): void {
  let part = key.keys.length;
  for (let end = path.length; end > 0 && part > 0; end--) {
    const node = key.keys[typeof path[end - 1] === "number" ? part - 1 : --part]!;
    const entry = entryOf(index, path.slice(0, end));
    entry.key ??= node.loc;
    if (end === path.length && header !== undefined) entry.header ??= header;
  }
}

function addValue(index: Map<string, Entry>, path: Path, value: AST.TOMLContentNode): void {
  entryOf(index, path).value ??= value.loc;
  if (value.type === "TOMLArray")
    for (const [i, element] of value.elements.entries()) addValue(index, [...path, i], element);
  else if (value.type === "TOMLInlineTable") for (const pair of value.body) addPair(index, path, pair);
}

function entryOf(index: Map<string, Entry>, path: Path): Entry {
  const key = pathKey(path);
  let entry = index.get(key);
  if (entry === undefined) index.set(key, (entry = {}));
  return entry;
}

function keyName(node: AST.TOMLBare | AST.TOMLQuoted): string {
  return node.type === "TOMLBare" ? node.name : node.value;
}
