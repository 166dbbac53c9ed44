import { createRequire } from "node:module";
import type { AST } from "toml-eslint-parser";

/** Keys and array indexes from the top of the document. */
export type RulePath = readonly (string | number)[];

/** Lines and columns from 1, columns in characters. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Where each path of a TOML text stands: its value or, with `key`, its key; the nearest ancestor when it is not written.
 * Built only when there is something to report: the syntax tree costs far more than the parse.
 */
export function locate(text: string): (path: RulePath, at: "key" | "value") => Position {
  const keys = new Map<string, AST.Position>();
  const values = new Map<string, AST.Position>();
  const lines = text.split("\n");
  try {
    // Synchronous, so that loading rules is; the module is ESM, which require() loads since Node 22.
    const { parseTOML } = createRequire(import.meta.url)(
      "toml-eslint-parser",
    ) as typeof import("toml-eslint-parser");
    for (const node of parseTOML(text, { tomlVersion: "1.1" }).body[0].body) {
      if (node.type !== "TOMLTable") {
        addPair([], node);
        continue;
      }
      set(keys, node.resolvedKey, node.key.loc.start);
      for (const pair of node.body) addPair(node.resolvedKey, pair);
    }
  } catch {
    // The two parsers disagree about a corner of TOML: a message without a line is better than none.
  }

  function addPair(table: RulePath, pair: AST.TOMLKeyValue): void {
    const path = [...table, ...pair.key.keys.map((key) => (key.type === "TOMLBare" ? key.name : key.value))];
    set(keys, path, pair.key.loc.start);
    addValue(path, pair.value);
  }

  function addValue(path: RulePath, value: AST.TOMLContentNode): void {
    set(values, path, value.loc.start);
    if (value.type === "TOMLArray")
      for (const [index, element] of value.elements.entries()) addValue([...path, index], element);
    else if (value.type === "TOMLInlineTable") for (const pair of value.body) addPair(path, pair);
  }

  return (path, at) => {
    for (let end = path.length; end > 0; end--) {
      const name = path.slice(0, end).join("\0");
      const found =
        end === path.length && at === "value" ? (values.get(name) ?? keys.get(name)) : keys.get(name);
      const place = found ?? values.get(name);
      if (place !== undefined)
        return {
          line: place.line,
          column: [...(lines[place.line - 1] ?? "").slice(0, place.column)].length + 1,
        };
    }
    return { line: 1, column: 1 };
  };
}

function set(map: Map<string, AST.Position>, path: RulePath, position: AST.Position): void {
  const name = path.join("\0");
  if (!map.has(name)) map.set(name, position);
}
