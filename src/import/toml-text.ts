import { stringify } from "smol-toml";
import type { Value } from "./draft.ts";
import { withoutHashes } from "./secrets.ts";

/** Lines of a TOML file. Keys and values pass a serializer, comments a filter: nothing that is imported can break out. */
export interface TomlText {
  table(path: readonly string[]): void;
  tableOfArray(path: readonly string[]): void;
  key(name: string, value: Value): void;
  comment(text: string): void;
  blank(): void;
  toString(): string;
}

const LINE_CHARACTERS = 110;

export function openTomlText(): TomlText {
  const lines: string[] = [];
  return {
    table: (path) => void lines.push(`[${headerOf(path)}]`),
    tableOfArray: (path) => void lines.push(`[[${headerOf(path)}]]`),
    key: (name, value) => void lines.push(`${keyOf(name)} = ${inlineValue(value)}`),
    comment(text) {
      for (const line of wrap(oneLine(withoutHashes(text)))) lines.push(`# ${line}`);
    },
    blank: () => void lines.push(""),
    toString: () => `${lines.join("\n")}\n`,
  };
}

function headerOf(path: readonly string[]): string {
  return path.map(keyOf).join(".");
}

/** As the serializer writes it: bare, or in quotes. */
function keyOf(name: string): string {
  return visible(stringify({ [name.toWellFormed()]: 0 }).replace(/ = 0\s*$/, ""));
}

/** Legal in a string of TOML, but an editor shows them as a line end, backwards or not at all. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\U${character.codePointAt(0)!.toString(16).padStart(8, "0")}`,
  );
}

/** Tables stand in braces, so that a value is one line whatever is in it. */
function inlineValue(value: Value): string {
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(inlineValue).join(", ")}]`;
  if (typeof value === "object")
    return `{ ${Object.entries(value)
      .map(([key, entry]) => `${keyOf(key)} = ${inlineValue(entry)}`)
      .join(", ")} }`;
  // A string that is not well-formed has no form in UTF-8.
  const scalar = typeof value === "string" ? value.toWellFormed() : value;
  return visible(stringify({ v: scalar }).slice("v = ".length).trimEnd());
}

/** One line without characters that end one or hide what follows, in any reader. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, " ")
    .trim();
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length + 1 > LINE_CHARACTERS) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}
