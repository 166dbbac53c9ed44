import { readProblem } from "../config/files.ts";
import { applySuggestions } from "../config/fix.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";
import { replaceFile } from "./replace-file.ts";

/**
 * `zion check --fix`: writes the suggestions into the file, in one step, and says so. Undefined: go on and check what is
 * there now. An exit code: nothing could be done.
 */
export function fixConfig(path: string | undefined, output: Output): number | undefined {
  if (path === "-") {
    output.err.write("zion: --fix needs a file, not standard input\n");
    return exitCodes.usage;
  }
  const loaded = loadConfig(path);
  if (loaded.kind === "unreadable") return undefined;
  const { file, text, diagnostics } = loaded;
  const fixed = applySuggestions(text, diagnostics);
  if (fixed.applied.length === 0) return undefined;
  try {
    replaceFile(file, text, fixed.text);
  } catch (error) {
    output.err.write(`zion: cannot write ${file}: ${readProblem(error)}\n`);
    return exitCodes.unavailable;
  }
  for (const { line, message, suggestion } of fixed.applied)
    output.err.write(`${file}:${line}: ${message}; now ${suggestion}\n`);
  return undefined;
}
