import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { diskAccess, readProblem } from "../config/files.ts";
import { parseConfig } from "../config/parse.ts";
import { formatReport } from "../config/report.ts";
import type { Imported } from "../import/imported.ts";
import { type Importer, type ImporterName, importers } from "../import/importers.ts";
import { countVerdicts, type ImportReport, reportJson, reportMarkdown } from "../import/report.ts";
import type { SourceFile } from "../import/source-file.ts";
import { type Verdict, verdictNames, verdicts } from "../import/verdict.ts";
import { exitCodes } from "./exit-code.ts";
import { filesAt, IMPORT_BYTES_MAX, includeWithin, readText } from "./import-files.ts";
import type { Output } from "./output.ts";
import { readStandardInput } from "./standard-input.ts";
import { packageVersion } from "./version.ts";

export interface ImportOptions {
  readonly source: ImporterName;
  readonly paths: readonly string[];
  readonly output?: string;
  readonly report?: "md" | "json";
  readonly force: boolean;
}

/**
 * `zion import`: reads another program's files, writes a zion.toml and a report where it is told to, else prints them.
 * Opens no socket. 1 when the old files cannot be understood, or `zion check` would refuse the new one.
 */
export function importCommand(options: ImportOptions, output: Output): number {
  const importer: Importer = importers[options.source];
  const files = readFiles(options, importer, output);
  if (files === undefined) return exitCodes.unavailable;
  if (files.length === 0) {
    output.err.write(`zion: there is no ${importer.endings.join(", ")} in ${options.paths.join(", ")}\n`);
    return exitCodes.unavailable;
  }
  const imported = importer.run(files, includeWithin(options.paths[0]!));
  if (imported.kind === "unreadable") {
    for (const { file, line, message } of imported.problems)
      output.err.write(`${file}:${line}: ${message}\n`);
    return exitCodes.no;
  }
  const written =
    options.output === undefined ? print(imported, options, output) : write(imported, options, output);
  return written === exitCodes.ok ? judge(imported.toml, options.output, output) : written;
}

type Made = Extract<Imported, { readonly kind: "imported" }>;

/** Undefined, and a message, when one cannot be read. */
function readFiles(
  { paths }: ImportOptions,
  importer: Importer,
  output: Output,
): readonly SourceFile[] | undefined {
  // Names of files pass by where somebody looks on, and nowhere else.
  const shows = process.stderr.isTTY === true;
  try {
    const found = paths.flatMap((one) => filesAt(one, importer.endings));
    return found.map((file, i) => {
      if (shows) output.err.write(`\r\x1b[Kreading ${i + 1} of ${found.length}: ${path.basename(file)}`);
      return file === "-"
        ? { file: "<stdin>", text: readStandardInput(IMPORT_BYTES_MAX).toString("utf8") }
        : { file, text: readText(file) };
    });
  } catch (error) {
    const named = (error as NodeJS.ErrnoException).path ?? paths[0]!;
    output.err.write(`zion: cannot read ${named}: ${readProblem(error)}\n`);
    return undefined;
  } finally {
    if (shows) output.err.write("\r\x1b[K");
  }
}

function print(imported: Made, { report }: ImportOptions, output: Output): number {
  output.out.write(report === undefined ? imported.toml : reportText(imported.report, report));
  output.err.write(summary(imported.report, output.err.color));
  return exitCodes.ok;
}

function write(imported: Made, options: ImportOptions, output: Output): number {
  const file = options.output!;
  const format = options.report ?? "md";
  const reportFile = path.join(path.dirname(file), `import-report.${format}`);
  const taken = [file, reportFile].filter((name) => existsSync(name));
  if (taken.length > 0 && !options.force) {
    output.err.write(`zion: ${taken.join(" and ")} exists already: name another place, or use --force\n`);
    return exitCodes.no;
  }
  try {
    writeFileSync(file, imported.toml);
    writeFileSync(reportFile, reportText(imported.report, format));
  } catch (error) {
    output.err.write(`zion: cannot write ${file}: ${readProblem(error)}\n`);
    return exitCodes.unavailable;
  }
  output.out.write(`${summary(imported.report, output.out.color)}wrote ${file} and ${reportFile}\n`);
  return exitCodes.ok;
}

function reportText(report: ImportReport, format: "md" | "json"): string {
  return format === "json" ? reportJson(report) : reportMarkdown(report);
}

const colors: Readonly<Record<Verdict, number>> = { translated: 32, differs: 33, needs_you: 35, refused: 31 };

function summary({ source, rows, routes, closedRoutes, upstreams }: ImportReport, color: boolean): string {
  const counts = countVerdicts(rows);
  const closed = closedRoutes === 0 ? "" : `, ${closedRoutes} of them closed until you have decided`;
  const lines = verdicts.map((verdict) => {
    const name = verdictNames[verdict].padEnd(12);
    const names = [...new Set(rows.filter((row) => row.verdict === verdict).map((row) => row.name))];
    const shown = `${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}`;
    return ` ${color ? `\x1b[${colors[verdict]}m${name}\x1b[0m` : name}${String(counts[verdict]).padStart(5)}   ${shown}`;
  });
  return [
    `${source} → ${routes} routes${closed}, ${upstreams} upstreams`,
    ...lines.map((line) => line.trimEnd()),
    "",
  ].join("\n");
}

/** Says what `zion check` would. Files that are not on this machine, certificates mostly, are no fault of the import. */
function judge(toml: string, file: string | undefined, output: Output): number {
  const name = file ?? "zion.toml";
  const { diagnostics } = parseConfig(toml, { ...diskAccess(), file: name });
  const missing = diagnostics.filter(({ code, severity }) => severity === "error" && code.startsWith("Z13"));
  const others = diagnostics.filter((diagnostic) => !missing.includes(diagnostic));
  for (const message of new Set(missing.map((diagnostic) => diagnostic.message)))
    output.err.write(`to do: ${message}\n`);
  if (!others.some(({ severity }) => severity === "error")) return exitCodes.ok;
  const { color } = output.err;
  const report = {
    file: name,
    text: toml,
    diagnostics: others,
    summary: "",
    color,
    version: packageVersion(),
  };
  output.err.write(formatReport("human", report));
  return exitCodes.no;
}
