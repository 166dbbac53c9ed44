import { readFileSync } from "node:fs";
import type { Diagnostic } from "../config/diagnostic.ts";
import { diskAccess, readProblem, readRegularFile } from "../config/files.ts";
import { parseConfig, sourceText } from "../config/parse.ts";
import { renderDiagnostics } from "../config/render.ts";
import { createLog } from "../control/log.ts";
import { runPrimary } from "../control/primary.ts";
import type { LoadConfig, LoadResult } from "../control/reload.ts";

/** `zion run`: serves until a signal ends it. Resolves with the exit code. */
export async function runCommand(options: { readonly config: string }): Promise<number> {
  return runPrimary({
    load: loadFile(options.config),
    log: createLog(),
    version: packageVersion(),
    environment: process.env,
    explain: (problem) => process.stderr.write(`${problem.trimEnd()}\n`),
  });
}

/** Reads the file anew each time; `-` is standard input, which can be read only once and therefore not reloaded. */
function loadFile(file: string): LoadConfig {
  return async () => {
    let source: string | Uint8Array;
    try {
      source = file === "-" ? readFileSync(0) : readRegularFile(file);
    } catch (error) {
      return { kind: "refused", problem: `cannot read ${file}: ${readProblem(error)}` };
    }
    return readConfig(source, file === "-" ? "<stdin>" : file);
  };
}

function readConfig(source: string | Uint8Array, file: string): LoadResult {
  const { config, diagnostics } = parseConfig(source, { ...diskAccess(), file });
  if (config !== undefined) return { kind: "loaded", config, warnings: diagnostics.map(oneLine) };
  return { kind: "refused", problem: renderDiagnostics(diagnostics, sourceText(source), { color: false }) };
}

/** For the log: where and what, without the picture. */
export function oneLine({ file, line, column, code, message }: Diagnostic): string {
  return `${file}:${line}:${column}: ${code} ${message}`;
}

export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return manifest.version;
}
