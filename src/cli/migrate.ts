import { existsSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { diskAccess, readProblem } from "../config/files.ts";
import { migrateText } from "../config/migrate.ts";
import { parseConfig } from "../config/parse.ts";
import { type Rename, renames } from "../config/renames.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";
import { replaceFile } from "./replace-file.ts";

/**
 * `zion migrate`: writes the names that this version has into the file, in one step, and says which. Nothing is written
 * unless the new text means the same. Returns the exit code.
 */
export function migrateCommand(
  {
    config: path,
    rows = renames,
  }: { readonly config: string | undefined; readonly rows?: readonly Rename[] },
  output: Output,
): number {
  const refuse = (problem: string, code: number): number => {
    output.err.write(`zion migrate: ${problem}\n`);
    return code;
  };
  if (path === "-") return refuse("it needs a file, not standard input", exitCodes.usage);
  const loaded = loadConfig(path);
  if (loaded.kind === "unreadable") return refuse(loaded.message, exitCodes.unavailable);
  const { file, text } = loaded;
  let migrated: ReturnType<typeof migrateText>;
  try {
    migrated = migrateText(text, rows);
  } catch (error) {
    return refuse(`${file}: ${error instanceof Error ? error.message : String(error)}`, exitCodes.no);
  }
  if (migrated.changes.length === 0) {
    output.out.write(`${file}: every name is that of this version\n`);
    return exitCodes.ok;
  }
  const after = parseConfig(migrated.text, { file, ...diskAccess(), renames: [] });
  if (after.config === undefined)
    return refuse(
      `${file} has errors that new names do not mend; see zion check. Nothing is written`,
      exitCodes.no,
    );
  if (loaded.kind === "loaded" && !isDeepStrictEqual(loaded.config, after.config))
    return refuse(`${file} would mean something else then. Nothing is written`, exitCodes.no);
  try {
    replaceFile(file, text, migrated.text);
  } catch (error) {
    return refuse(`cannot write ${file}: ${readProblem(error)}`, exitCodes.unavailable);
  }
  for (const { line, from, to, byHand } of migrated.changes) {
    const now = to === undefined ? "has no meaning any more" : `is now ${to}`;
    output.out.write(`${file}:${line}: ${from} ${now}${byHand ? "; take it out by hand" : ""}\n`);
  }
  if (existsSync(`${file}.sig`))
    output.err.write(`zion migrate: ${file}.sig is of the old text: sign it again\n`);
  return exitCodes.ok;
}
