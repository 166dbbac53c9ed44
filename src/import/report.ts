import type { Row } from "./ledger.ts";
import { oneLine } from "./toml-text.ts";
import { type Verdict, verdictNames, verdicts } from "./verdict.ts";

/** What an import has to say. */
export interface ImportReport {
  /** The program: "nginx". */
  readonly source: string;
  readonly rows: readonly Row[];
  /** What is different here for all requests, whatever the configuration says. */
  readonly notes: readonly string[];
  readonly routes: number;
  readonly closedRoutes: number;
  readonly upstreams: number;
}

const FORMAT_VERSION = "1.0";

export function countVerdicts(rows: readonly Row[]): Readonly<Record<Verdict, number>> {
  const counts = { translated: 0, differs: 0, needs_you: 0, refused: 0 };
  for (const { verdict } of rows) counts[verdict]++;
  return counts;
}

export function reportJson(report: ImportReport): string {
  const { source, rows, notes, routes, closedRoutes, upstreams } = report;
  const document = {
    format_version: FORMAT_VERSION,
    source,
    routes,
    closed_routes: closedRoutes,
    upstreams,
    counts: countVerdicts(rows),
    notes,
    items: rows.map(({ file, line, where, name, text, verdict, explanation }) => ({
      file,
      line,
      where,
      name,
      text,
      verdict,
      explanation,
    })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** What needs somebody first, what went well last. */
export function reportMarkdown(report: ImportReport): string {
  const out = [`# Import from ${report.source}`, "", ...countLines(report), ""];
  for (const verdict of [...verdicts].reverse()) {
    const rows = report.rows.filter((row) => row.verdict === verdict);
    if (rows.length === 0) continue;
    out.push(
      `## ${heading[verdict]} (${rows.length})`,
      "",
      "| Where | As written | |",
      "| --- | --- | --- |",
    );
    for (const row of rows)
      out.push(`| ${cell(place(row))} | ${code(row.text)} | ${cell(row.explanation)} |`);
    out.push("");
  }
  if (report.notes.length > 0) {
    out.push("## Different for every request", "", ...report.notes.map((note) => `- ${note}`), "");
  }
  return `${out.join("\n").trimEnd()}\n`;
}

const heading: Readonly<Record<Verdict, string>> = {
  refused: "Refused",
  needs_you: "Needs you",
  differs: "Translated, but differs",
  translated: "Translated",
};

function countLines({ rows, routes, closedRoutes, upstreams }: ImportReport): readonly string[] {
  const counts = countVerdicts(rows);
  const closed = closedRoutes === 0 ? "" : ` (${closedRoutes} closed until you have decided)`;
  return [
    `${rows.length} directives became ${routes} routes${closed} and ${upstreams} upstreams:`,
    `${verdicts.map((verdict) => `${counts[verdict]} ${verdictNames[verdict]}`).join(", ")}.`,
  ];
}

function place({ file, line, where }: Row): string {
  const at = line === 0 ? file : `${file}:${line}`;
  return where === "" ? at : `${at}, ${where}`;
}

/** Text in a cell: no markup, no second column. */
function cell(text: string): string {
  return oneLine(text).replace(/[\\|<>`*_[\]&]/g, (character) => `\\${character}`);
}

/** Code in a cell, whatever it holds. GitHub splits cells at `|` even there. */
function code(text: string): string {
  const line = oneLine(text).replaceAll("|", "\\|");
  const fence = "`".repeat(Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  return fence.length === 1 ? `\`${line}\`` : `${fence} ${line} ${fence}`;
}
