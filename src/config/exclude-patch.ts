import type { Exclude } from "../waf/profile.ts";
import { linesForUpstreams, linesInsideStrings, maskLine } from "./mask.ts";
import { tomlText } from "./toml-text.ts";

/** A config with exclusions added, and how to get there. */
export interface ExcludePatch {
  readonly text: string;
  /**
   * Unified diff (`patch -p0`, `git apply -p0`). Others than the file's owner see it: lines that may hold a secret are no
   * context, and one that has to be written again is masked, so that only `--write` works there.
   */
  readonly diff: string;
}

/**
 * Adds `[[exclude]]` tables at the end of a config, where a table may always begin. Nothing that is there changes.
 * `comment`: why, for whoever reads the file; one line. `file`: as the diff names it.
 */
export function addExcludes(
  file: string,
  text: string,
  excludes: readonly Exclude[],
  comment: string,
): ExcludePatch {
  const added = excludes.flatMap((exclude) => ["", ...tableOf(exclude, comment)]);
  const complete = text === "" || text.endsWith("\n");
  const lines = text.split("\n");
  if (complete) lines.pop();
  const context = contextOf(lines, complete);
  const from = lines.length - context.length + 1;
  const hunk = [
    `@@ -${from},${context.length} +${from},${context.length + added.length} @@`,
    ...context.slice(0, complete ? undefined : -1).map((line) => ` ${line}`),
    // A last line without its end has to be written again with one.
    ...(complete ? [] : [`-${context.at(-1)}`, "\\ No newline at end of file", `+${context.at(-1)}`]),
    ...added.map((line) => `+${line}`),
  ];
  return {
    text: `${lines.join("\n")}\n${added.join("\n")}\n`,
    diff: `--- ${file}\n+++ ${file}\n${hunk.join("\n")}\n`,
  };
}

const contextLines = 3;
/** Nothing, the head of a table, or a key with a short value. */
const plainLine = /^\s*(?:\[{1,2}[\w.-]+\]{1,2}|[a-z_]+ *= *(?:true|false|\d+|"[^"\\]{0,64}"))?\s*$/;

/** The last lines that may be shown; of a file without a last line end, always its last line. */
function contextOf(lines: readonly string[], complete: boolean): readonly string[] {
  const hidden = linesInsideStrings(lines);
  const forUpstreams = linesForUpstreams(lines);
  const mayShow = (number: number): boolean => {
    const line = lines[number - 1]!;
    return (
      plainLine.test(line) &&
      maskLine(line).text === line &&
      !hidden.has(number) &&
      (!forUpstreams.has(number) || line.trim() === "")
    );
  };
  let first = lines.length + 1;
  while (first > 1 && lines.length - first + 1 < contextLines && mayShow(first - 1)) first--;
  if (first > lines.length && !complete) return ["…"];
  return lines.slice(first - 1);
}

function tableOf({ rule, route, field, untilMs }: Exclude, comment: string): readonly string[] {
  const lines = [
    `[[exclude]]${comment === "" ? "" : ` # ${printable(comment)}`}`,
    `rule = ${tomlText(rule)}`,
  ];
  if (route !== undefined) lines.push(`route = ${tomlText(route)}`);
  if (field !== undefined) lines.push(`field = ${tomlText(field)}`);
  if (untilMs !== undefined) lines.push(`until = ${new Date(untilMs).toISOString().slice(0, 10)}`);
  return lines;
}

/** Control characters may not stand in a comment, and a line end would end it. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, " ").trim();
}
