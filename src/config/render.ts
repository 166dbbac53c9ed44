import type { Diagnostic } from "./diagnostic.ts";
import { linesForUpstreams, linesInsideStrings, maskLine } from "./mask.ts";

/** More would scroll the first ones away. */
export const shownAtMost = 20;

export interface RenderOptions {
  /** ANSI colours. */
  readonly color: boolean;
}

/** Diagnostics for people, with the source line and a caret (operators.md §1.8). Ends with a newline unless empty. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  text: string,
  options: RenderOptions,
): string {
  const source = readSource(text);
  const paint = options.color ? ansi : plain;
  const blocks = diagnostics.slice(0, shownAtMost).map((diagnostic) => renderOne(diagnostic, source, paint));
  if (diagnostics.length > shownAtMost) blocks.push(`… and ${diagnostics.length - shownAtMost} more\n`);
  return blocks.join("\n");
}

interface Source {
  readonly lines: readonly string[];
  readonly hidden: ReadonlySet<number>;
  readonly forUpstreams: ReadonlySet<number>;
}

interface Paint {
  severity(severity: Diagnostic["severity"], text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

const plain: Paint = { severity: (_, text) => text, bold: (text) => text, dim: (text) => text };
const ansi: Paint = {
  severity: (severity, text) => `\x1b[1;${severity === "error" ? 31 : 33}m${text}\x1b[0m`,
  bold: (text) => `\x1b[1m${text}\x1b[0m`,
  dim: (text) => `\x1b[34m${text}\x1b[0m`,
};

function readSource(text: string): Source {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  return { lines, hidden: linesInsideStrings(lines), forUpstreams: linesForUpstreams(lines) };
}

/** One line of the picture: which source line, and what is marked in it. */
interface Mark {
  readonly line: number;
  /** 1-based characters, half-open; equal = no caret. */
  readonly from: number;
  readonly to: number;
  readonly sign: "^" | "-";
  readonly label: string;
}

function renderOne(diagnostic: Diagnostic, source: Source, paint: Paint): string {
  const marks = marksOf(diagnostic, source).sort((a, b) => a.line - b.line);
  const width = String(marks.at(-1)?.line ?? 1).length;
  const blank = " ".repeat(width);
  const bar = paint.dim("│");
  const where =
    diagnostic.line === 0 ? diagnostic.file : `${diagnostic.file}:${diagnostic.line}:${diagnostic.column}`;
  const out = [
    `${paint.severity(diagnostic.severity, `${diagnostic.severity}[${diagnostic.code}]`)}: ${paint.bold(diagnostic.message)}`,
    `${blank} ${paint.dim("┌─")} ${where}`,
    `${blank} ${bar}`,
  ];
  let last = 0;
  for (const mark of marks) {
    if (last !== 0 && mark.line > last + 1) out.push(`${blank} ${paint.dim("·")}`);
    const shown = picture(mark, source);
    if (mark.line !== last)
      out.push(`${paint.dim(String(mark.line).padStart(width))} ${bar} ${shown.line}`.trimEnd());
    if (shown.carets !== "") {
      const label = mark.label === "" ? "" : ` ${mark.label}`;
      const carets = `${shown.carets}${label}`;
      out.push(
        `${blank} ${bar} ${shown.indent}${mark.sign === "^" ? paint.severity(diagnostic.severity, carets) : paint.dim(carets)}`,
      );
    }
    last = mark.line;
  }
  if (marks.length > 0) out.push(`${blank} ${bar}`);
  if (diagnostic.effect !== "") out.push(`${blank} = effect: ${diagnostic.effect}`);
  out.push(`${blank} = fix:    ${diagnostic.fix}     more: zion explain ${diagnostic.code}`);
  return `${out.join("\n")}\n`;
}

function marksOf(diagnostic: Diagnostic, source: Source): Mark[] {
  if (diagnostic.line === 0 || diagnostic.elsewhere) return [];
  const mark = (span: Omit<Diagnostic, never> | Diagnostic["related"][number], sign: "^" | "-"): Mark => {
    const multi = span.endLine > span.line;
    const to = multi ? [...(source.lines[span.line - 1] ?? "")].length + 1 : span.endColumn;
    return { line: span.line, from: span.column, to: Math.max(to, span.column + 1), sign, label: span.label };
  };
  const marks = [mark(diagnostic, "^")];
  for (const other of diagnostic.related) marks.push(mark(other, "-"));
  if (diagnostic.headerLine !== 0 && marks.every(({ line }) => line !== diagnostic.headerLine))
    marks.push({ line: diagnostic.headerLine, from: 1, to: 1, sign: "-", label: "" });
  return marks;
}

/** Longer lines are cut around the caret. Terminal columns. */
const widest = 140;

function picture(mark: Mark, source: Source): { line: string; indent: string; carets: string } {
  if (source.hidden.has(mark.line))
    return { line: "…", indent: "", carets: mark.from < mark.to ? mark.sign : "" };
  const raw = source.lines[mark.line - 1] ?? "";
  const masked = maskLine(raw, source.forUpstreams.has(mark.line));
  const characters = [...raw];
  const column = (character: number): number =>
    masked.map(characters.slice(0, character - 1).join("").length);
  const from = expand(masked.text.slice(0, column(mark.from)));
  const to = expand(masked.text.slice(0, column(mark.to)));
  const line = expand(masked.text);
  const start = displayWidth(from);
  const length = mark.from < mark.to ? Math.max(1, displayWidth(to) - start) : 0;
  if (displayWidth(line) <= widest)
    return { line: line.trimEnd(), indent: " ".repeat(start), carets: mark.sign.repeat(length) };
  return clip(line, start, length, mark.sign);
}

function clip(
  line: string,
  start: number,
  length: number,
  sign: string,
): { line: string; indent: string; carets: string } {
  const left = Math.max(0, Math.min(start - 40, start));
  let text = "";
  let at = 0;
  let shown = 0;
  for (const character of line) {
    const width = displayWidth(character);
    if (at >= left && shown + width <= widest - 2) {
      text += character;
      shown += width;
    } else if (at >= left) break;
    at += width;
  }
  const head = left > 0 ? "…" : "";
  return {
    line: `${head}${text}…`,
    indent: " ".repeat(start - left + head.length),
    carets: sign.repeat(Math.min(length, Math.max(1, widest - 2 - (start - left)))),
  };
}

/** Tabs to four columns; characters that would act on the terminal are replaced. */
function expand(text: string): string {
  return text.replaceAll("\t", "    ").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD");
}

/** Terminal columns: two for East Asian wide characters and emoji, none for combining marks. */
function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /\p{Mn}|\p{Me}/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}]/u;
