import { dirname, resolve } from "node:path";
import type { KeptPair } from "../cert/kept-pairs.ts";
import type { RuleFile } from "../waf/parse-rules.ts";
import type { RuleReader } from "../waf/rule-memory.ts";
import type { Reading } from "./address.ts";
import type { DiagnosticCode } from "./codes.ts";
import { type FileAccess, readProblem } from "./files.ts";
import type { Findings, Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";

/** What the checks of one section need. */
export interface SectionContext {
  readonly findings: Findings;
  readonly files: FileAccess;
  /** Relative paths in the file start here. */
  readonly directory: string;
  readonly now: () => number;
  /** Value of an environment variable. */
  readonly environment: (name: string) => string | undefined;
  /** The pair that was in force last from these files, absolute paths. Absent: half a pair is refused. */
  readonly keptPair?: ((certPath: string, keyPath: string) => KeptPair | undefined) | undefined;
  /** The rule files of the package; throws when they cannot be read. */
  readonly builtinRules: () => readonly RuleFile[];
  readonly readRules: RuleReader;
}

/** Where relative paths of a config file start: its own directory; the working directory for standard input. */
export function directoryOf(file: string): string {
  return file.startsWith("<") ? process.cwd() : dirname(resolve(file));
}

/** Takes the value of a reading, or reports its problem at `path` under `code`. */
export function take<T>(
  reading: Reading<T>,
  code: DiagnosticCode,
  path: Path,
  text: string,
  context: SectionContext,
): T | undefined {
  if ("value" in reading) return reading.value;
  const { suggestion } = reading;
  context.findings.add({
    code,
    path,
    message: `${keyLabel(path)}: ${shownValue(path, text)}: ${reading.problem}`,
    label: suggestion === undefined ? "" : `did you mean "${suggestion}"?`,
    suggestion,
    ...(suggestion === undefined ? {} : { fix: `write "${suggestion}"` }),
  });
  return undefined;
}

/** Reports a required key that is absent, unless something was wrong with it already. */
export function requireKey(
  table: Path,
  key: string,
  value: unknown,
  what: string,
  context: SectionContext,
): boolean {
  if (value !== undefined) return true;
  const path = [...table, key];
  if (!context.findings.isPoisoned(path)) {
    context.findings.add({
      code: "Z1046",
      path,
      at: "key",
      message: `${what} has no \`${key}\``,
      fix: `add \`${key}\``,
    });
    context.findings.poison(path);
  }
  return false;
}

/** An absolute path for a path of the file. */
export function resolvePath(path: string, context: SectionContext): string {
  return resolve(context.directory, path);
}

/** Text of a file that the key at `path` names; undefined, and a finding, if it cannot be read. */
export function readNamedFile(
  path: Path,
  file: string,
  context: SectionContext,
  encoding: "latin1" | "utf8" = "latin1",
  bytesMax?: number,
): string | undefined {
  const contents = readNamed(path, file, context, bytesMax);
  return contents === undefined || typeof contents === "string"
    ? contents
    : Buffer.from(contents).toString(encoding);
}

/** The same in bytes. */
export function readNamedBytes(
  path: Path,
  file: string,
  context: SectionContext,
  bytesMax?: number,
): Uint8Array | undefined {
  const contents = readNamed(path, file, context, bytesMax);
  return typeof contents === "string" ? Buffer.from(contents, "latin1") : contents;
}

function readNamed(
  path: Path,
  file: string,
  context: SectionContext,
  bytesMax: number | undefined,
): string | Uint8Array | undefined {
  try {
    return context.files.readFile(resolvePath(file, context), bytesMax);
  } catch (error) {
    context.findings.add({
      code: "Z1301",
      path,
      message: `${keyLabel(path)}: cannot read ${printable(resolvePath(file, context))}: ${readProblem(error)}`,
      label: readProblem(error),
    });
    return undefined;
  }
}
