import { codes, type DiagnosticCode } from "./codes.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { renderDiagnostics, shownAtMost } from "./render.ts";

export const reportFormats = ["human", "json", "github", "sarif"] as const;
export type ReportFormat = (typeof reportFormats)[number];

export interface ReportInput {
  readonly file: string;
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
  /** One line about a good file, for people: "3 routes, 2 upstreams". */
  readonly summary: string;
  readonly color: boolean;
  readonly version: string;
}

/** The answer of `zion check` in one of its formats; ends with a newline unless empty. */
export function formatReport(format: ReportFormat, input: ReportInput): string {
  if (format === "json") return json(input);
  if (format === "github") return github(input);
  if (format === "sarif") return sarif(input);
  const { error, warning } = counts(input.diagnostics);
  const blocks = renderDiagnostics(input.diagnostics, input.text, { color: input.color });
  const found = [
    error > 0 ? plural(error, "error") : "",
    warning > 0 ? plural(warning, "warning") : "",
  ].filter((part) => part !== "");
  const verdict =
    error > 0
      ? `${found.join(", ")} in ${input.file}`
      : [`${input.file}: ok`, input.summary, ...found].join(", ");
  return `${blocks}${blocks === "" ? "" : "\n"}${verdict}\n`;
}

function counts(diagnostics: readonly Diagnostic[]): { readonly error: number; readonly warning: number } {
  const error = diagnostics.filter(({ severity }) => severity === "error").length;
  return { error, warning: diagnostics.length - error };
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** All of them, for programs. `format_version` follows Terraform's validate. */
function json({ file, diagnostics }: ReportInput): string {
  const { error, warning } = counts(diagnostics);
  const body = {
    format_version: "1.0",
    file,
    valid: error === 0,
    error_count: error,
    warning_count: warning,
    diagnostics: diagnostics.map((d) => ({
      code: d.code,
      severity: d.severity,
      message: d.message,
      file: d.file,
      range: range(d),
      label: d.label,
      suggestion: d.suggestion ?? null,
      effect: d.effect,
      fix: d.fix,
      related: d.related.map((other) => ({ range: range(other), label: other.label })),
    })),
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}

interface Spanned {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

function range(span: Spanned): object | null {
  if (span.line === 0) return null;
  return {
    start: { line: span.line, column: span.column },
    end: { line: span.endLine, column: span.endColumn },
  };
}

/** Workflow commands: annotations on the lines of a pull request. */
function github({ diagnostics }: ReportInput): string {
  const out = diagnostics.slice(0, shownAtMost).map((d) => {
    const place =
      d.line === 0
        ? []
        : [`line=${d.line}`, `col=${d.column}`, `endLine=${d.endLine}`, `endColumn=${d.endColumn}`];
    const properties = [`file=${property(d.file)}`, ...place, `title=${d.code}`].join(",");
    const label = d.label === "" ? "" : ` (${d.label})`;
    return `::${d.severity} ${properties}::${data(`${d.message}${label}\neffect: ${d.effect}\nfix: ${d.fix}`)}\n`;
  });
  if (diagnostics.length > shownAtMost)
    out.push(`::notice title=zion check::${diagnostics.length - shownAtMost} more\n`);
  return out.join("");
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function sarif({ diagnostics, version }: ReportInput): string {
  const used = [...new Set(diagnostics.map(({ code }) => code))].sort();
  const rule = (code: DiagnosticCode) => ({
    id: code,
    shortDescription: { text: codes[code].title },
    fullDescription: { text: codes[code].why },
    defaultConfiguration: { level: codes[code].severity },
  });
  const location = (file: string, span: Spanned) => ({
    physicalLocation: {
      artifactLocation: { uri: uri(file) },
      ...(span.line === 0
        ? {}
        : {
            region: {
              startLine: span.line,
              startColumn: span.column,
              endLine: span.endLine,
              endColumn: span.endColumn,
            },
          }),
    },
  });
  const body = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "zion", version, rules: used.map(rule) } },
        columnKind: "unicodeCodePoints",
        results: diagnostics.map((d) => ({
          ruleId: d.code,
          level: d.severity,
          message: { text: `${d.message}. Effect: ${d.effect} Fix: ${d.fix}` },
          locations: [location(d.file, d)],
          relatedLocations: d.related.map((other) => ({
            ...location(d.file, other),
            message: { text: other.label },
          })),
        })),
      },
    ],
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}

/** SARIF wants a URI reference; a plain path is one once its odd characters are escaped. */
function uri(file: string): string {
  return file.split("/").map(encodeURIComponent).join("/");
}
