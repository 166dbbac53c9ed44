import { type AST, parseTOML } from "toml-eslint-parser";
import type { Path } from "./finding.ts";
import { type Rename, renameOf } from "./renames.ts";

export interface Migrated {
  readonly text: string;
  readonly changes: readonly Migration[];
}

/** What was rewritten, or, `byHand`, could not be. */
export interface Migration {
  /** Of the old text, from 1. */
  readonly line: number;
  readonly from: string;
  /** Undefined = it has no meaning any more. */
  readonly to: string | undefined;
  readonly byHand: boolean;
}

/** One change of the text, by offsets. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Writes keys and tables by their new names. Everything else stays as it is, comments and layout too; a key without a
 * meaning becomes a comment. Throws what the parser says of text that is no TOML.
 */
export function migrateText(text: string, rows: readonly Rename[]): Migrated {
  const edits: Edit[] = [];
  const changes: Migration[] = [];

  /** Rows that the names of a key meet, with the names. */
  const metBy = (key: AST.TOMLKey, before: Path) =>
    key.keys.flatMap((name, index) => {
      const row = renameOf([...before, ...namesOf(key).slice(0, index + 1)], rows);
      return row === undefined ? [] : [{ name, to: row.to }];
    });
  const note = (name: AST.TOMLBare | AST.TOMLQuoted, to: string | undefined, byHand: boolean) =>
    changes.push({ line: name.loc.start.line, from: nameOf(name), to, byHand });
  const writeNames = (met: ReturnType<typeof metBy>) => {
    for (const { name, to } of met) {
      if (to !== undefined) edits.push({ start: name.range[0], end: name.range[1], text: to });
      note(name, to, to === undefined);
    }
  };
  const visitPair = (pair: AST.TOMLKeyValue, table: Path): void => {
    const met = metBy(pair.key, table);
    const gone = met.find(({ to }) => to === undefined);
    const comment = gone === undefined ? undefined : commentedOut(text, pair.range);
    if (gone !== undefined && comment !== undefined) {
      // What is in a comment is not written anew as well.
      edits.push(comment);
      return void note(gone.name, undefined, false);
    }
    writeNames(met);
    visitValue(pair.value, [...table, ...namesOf(pair.key)]);
  };
  const visitValue = (value: AST.TOMLContentNode, path: Path): void => {
    if (value.type === "TOMLArray") for (const element of value.elements) visitValue(element, path);
    if (value.type === "TOMLInlineTable") for (const pair of value.body) visitPair(pair, path);
  };

  for (const node of parseTOML(text, { tomlVersion: "1.1" }).body[0].body) {
    if (node.type === "TOMLKeyValue") visitPair(node, []);
    else {
      writeNames(metBy(node.key, []));
      const table = node.resolvedKey.filter((step) => typeof step === "string");
      for (const pair of node.body) visitPair(pair, table);
    }
  }
  // From the end, so that offsets before an edit stay right.
  let written = text;
  for (const { start, end, text: piece } of edits.toSorted((a, b) => b.start - a.start))
    written = written.slice(0, start) + piece + written.slice(end);
  return { text: written, changes };
}

function namesOf(key: AST.TOMLKey): readonly string[] {
  return key.keys.map(nameOf);
}

function nameOf(name: AST.TOMLBare | AST.TOMLQuoted): string {
  return name.type === "TOMLBare" ? name.name : name.value;
}

/** The lines of a key and its value as comments; undefined where other things share them. */
function commentedOut(text: string, [start, end]: readonly [number, number]): Edit | undefined {
  const from = text.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = text.indexOf("\n", end);
  const to = lineEnd < 0 ? text.length : lineEnd;
  if (text.slice(from, start).trim() !== "" || !/^\s*(?:#.*)?$/.test(text.slice(end, to))) return undefined;
  return { start: from, end: to, text: text.slice(from, to).replace(/^/gm, "# ") };
}
