import type { Diagnostic } from "../config/diagnostic.ts";
import { renderDiagnostics } from "../config/render.ts";
import { createLog } from "../control/log.ts";
import { runPrimary } from "../control/primary.ts";
import type { LoadResult } from "../control/reload.ts";
import { loadConfig } from "./load.ts";
import { packageVersion } from "./version.ts";

/** `zion run`: serves until a signal ends it. Resolves with the exit code. */
export async function runCommand(options: { readonly config: string }): Promise<number> {
  return runPrimary({
    load: async () => readFile(options.config),
    log: createLog(),
    version: packageVersion(),
    environment: process.env,
    explain: (problem) => process.stderr.write(`${problem.trimEnd()}\n`),
  });
}

/** Anew for each reload; standard input can be read once, so a reload of `-` is refused. */
function readFile(path: string): LoadResult {
  const loaded = loadConfig(path);
  if (loaded.kind === "unreadable") return { kind: "refused", problem: loaded.message };
  const { diagnostics, text } = loaded;
  if (loaded.kind === "refused")
    return { kind: "refused", problem: renderDiagnostics(diagnostics, text, { color: false }) };
  return { kind: "loaded", config: loaded.config, warnings: diagnostics.map(oneLine) };
}

/** For the log: where and what, without the picture. */
export function oneLine({ file, line, column, code, message }: Diagnostic): string {
  return `${file}:${line}:${column}: ${code} ${message}`;
}
