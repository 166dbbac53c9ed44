import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Root of the repository. */
export const root = path.resolve(import.meta.dirname, "../..");

export function read(file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}

export function exists(file: string): boolean {
  return existsSync(path.join(root, file));
}

/** Every document of ours that is Markdown, relative to the root. */
export function documents(): string[] {
  return globSync(["*.md", "docs/**/*.md", "bench/README.md"], { cwd: root }).sort();
}

/** Sources below `src`, relative to the root, with `/`. */
export function sources(): string[] {
  return globSync("src/**/*.ts", { cwd: root })
    .map((file) => file.split(path.sep).join("/"))
    .sort();
}

/** How generated documents are brought up to date. */
export const regenerate = "ZION_WRITE_DOCS=1 npm exec -c 'node --test test/docs/*.test.ts'";

/** Fails when a generated document is not `text`; with ZION_WRITE_DOCS=1 it is written first. */
export function assertGenerated(file: string, text: string): void {
  if (process.env["ZION_WRITE_DOCS"] === "1") writeFileSync(path.join(root, file), text);
  const present = exists(file) ? read(file) : "";
  assert.equal(present, text, `${file} is stale: ${regenerate}`);
}

/** A table row; `|` in cells is escaped. */
export function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** Text of a section: from its heading, of any level, to the next heading of the same or a higher one. */
export function section(text: string, heading: string): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  assert.notEqual(start, -1, `no heading "${heading}"`);
  const level = lines[start]!.indexOf(" ");
  const length = lines.slice(start + 1).findIndex((line) => {
    const found = /^(#+) /.exec(line);
    return found !== null && found[1]!.length <= level;
  });
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join("\n");
}

/** Cells of the first table in `text`, without its head. */
export function tableRows(text: string): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  if (start < 0) return [];
  const rest = lines.slice(start);
  const length = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(2, length < 0 ? undefined : length).map((line) =>
    line
      .slice(1, line.lastIndexOf("|"))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

/** What stands in the cell's first pair of backticks, or "". */
export function quoted(cell: string | undefined): string {
  return /`([^`]+)`/.exec(cell ?? "")?.[1] ?? "";
}

/**
 * Whether a source has `title` as a whole string: as it stands, or as a template of one line in which "…" stands for
 * what is inserted. A search rather than a tokenizer: quotes in regular expressions and comments cannot mislead it.
 */
export function holdsTitle(source: string, title: string): boolean {
  if (source.includes(JSON.stringify(title))) return true;
  const template = `\`${title}\``;
  return source
    .split("\n")
    .some(
      (line) => line.includes("`") && line.replace(insertion, "…").replace(/…+/g, "…").includes(template),
    );
}

/** `${…}` with one level of braces or templates inside. */
const insertion = /\$\{(?:[^{}`]|`(?:[^`$]|\$\{[^{}]*\})*`|\{[^{}]*\})*\}/g;
