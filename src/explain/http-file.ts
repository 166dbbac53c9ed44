import { bytesText, readUrl, type Wish, WishProblem } from "./wish.ts";

/** One request of a `.http` file. */
export interface HttpFileEntry {
  /** What stands behind its `###`, or its line. */
  readonly name: string;
  readonly wish: Wish;
}

/**
 * The requests of a `.http` file, as JetBrains' and VS Code's clients write them: `###` between two, a request line, fields,
 * a blank line, a body; `@name = value` for `{{name}}`. What would read another file or run a script is refused or left
 * out. Throws WishProblem with the line.
 */
export function readHttpFile(text: string): readonly HttpFileEntry[] {
  const variables = new Map<string, string>();
  const entries: HttpFileEntry[] = [];
  let block: Line[] = [];
  let name = "";
  const finish = (): void => {
    const entry = readBlock(block, name, variables);
    if (entry !== undefined) entries.push(entry);
    block = [];
  };
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.startsWith("###")) {
      finish();
      name = line.slice(3).trim();
    } else block.push({ number: index + 1, text: line });
  }
  finish();
  return entries;
}

interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

function readBlock(
  lines: readonly Line[],
  name: string,
  variables: Map<string, string>,
): HttpFileEntry | undefined {
  let at = 0;
  for (; at < lines.length; at++) {
    const { text } = lines[at]!;
    const [, variable, value] = /^@([\w.-]+)\s*=\s*(.*)$/.exec(text) ?? [];
    if (variable !== undefined) variables.set(variable, fill(value!, variables, lines[at]!));
    else if (text.trim() !== "" && !isComment(text)) break;
  }
  const first = lines[at];
  if (first === undefined) return undefined;
  // A long query goes on in lines that are indented.
  let request = first.text.trim();
  while (/^\s+\S/.test(lines[at + 1]?.text ?? "")) request += lines[++at]!.text.trim();
  const [, method = "GET", url = ""] =
    /^(?:([A-Z]+)\s+)?(\S+)(?:\s+HTTP\/[\d.]+)?$/.exec(fill(request, variables, first)) ?? [];
  if (url === "") throw problem(first, "expected a method and a URL");
  const fields: (readonly [string, string])[] = [];
  for (at++; at < lines.length && lines[at]!.text.trim() !== ""; at++) {
    const line = lines[at]!;
    if (isComment(line.text)) continue;
    const [, field, value] = /^([^\s:]+):[ \t]*(.*)$/.exec(fill(line.text, variables, line)) ?? [];
    if (field === undefined) throw problem(line, "expected a field, or a blank line before the body");
    fields.push([bytesText(field), bytesText(value!.trimEnd())]);
  }
  const body = bodyOf(lines.slice(at + 1), variables);
  const wish = { method: bytesText(method), ...readUrl(url), fields, body };
  return { name: name === "" ? `line ${first.number} ${method} ${wish.target}` : name, wish };
}

/** To the end of the request, without blank lines behind it and without what handles the answer. */
function bodyOf(lines: readonly Line[], variables: ReadonlyMap<string, string>): Uint8Array {
  const end = lines.findIndex(({ text }) => /^(?:>>?!?|<>)\s/.test(text));
  const own = end < 0 ? lines : lines.slice(0, end);
  const reads = own.find(({ text }) => /^<@?\s/.test(text));
  if (reads !== undefined) throw problem(reads, "a body that is another file: put it here");
  const text = own.map((line) => fill(line.text, variables, line)).join("\n");
  return Buffer.from(text.trimEnd(), "utf8");
}

function fill(text: string, variables: ReadonlyMap<string, string>, line: Line): string {
  return text.replace(/\{\{\s*(.*?)\s*\}\}/g, (_whole, name: string) => {
    const value = variables.get(name);
    if (value === undefined) throw problem(line, `nothing says what {{${name}}} is: @${name} = …`);
    return value;
  });
}

function isComment(text: string): boolean {
  return /^\s*(?:#|\/\/)/.test(text);
}

function problem({ number }: Line, says: string): WishProblem {
  return new WishProblem(`line ${number}: ${says}`);
}
