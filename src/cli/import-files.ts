import { globSync, readdirSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { readProblem, readRegularFile } from "../config/files.ts";
import type { IncludeFiles } from "../import/source-file.ts";

/** Files that one argument names: itself, or those of a directory with these endings, in order. */
export function filesAt(argument: string, endings: readonly string[]): readonly string[] {
  if (argument === "-" || !statSync(argument).isDirectory()) return [argument];
  return readdirSync(argument, { recursive: true, encoding: "utf8" })
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
    .map((name) => path.join(argument, name))
    .filter((name) => statSync(name).isFile());
}

/** Bytes that are no UTF-8 become the replacement character. */
export function readText(file: string): string {
  return Buffer.from(readRegularFile(file, IMPORT_BYTES_MAX)).toString("utf8");
}

const FILES_MAX = 1000;

/** Of one file: a cluster with thousands of Ingress objects is one of some MiB. */
export const IMPORT_BYTES_MAX = 64 * 2 ** 20;

/**
 * What `include` of the file at `main` finds: files beside it and below, nothing else, by whatever way they are named.
 * `/etc/nginx/x` is `x` here: configurations are looked at in a copy.
 */
export function includeWithin(main: string): IncludeFiles {
  if (main === "-") return () => "not read: standard input has no files beside it";
  const directory = realpathSync(path.dirname(path.resolve(main)));
  return (pattern) => {
    const relative = pattern.startsWith(`${directory}/`)
      ? pattern.slice(directory.length + 1)
      : pattern.replace(/^\/etc\/nginx\//, "");
    if (path.isAbsolute(relative)) return `not read: it is not below ${directory}`;
    let found: readonly string[];
    try {
      found = globSync(relative, { cwd: directory }).sort();
    } catch (error) {
      return `not read: ${readProblem(error)}`;
    }
    // A pattern may find nothing; a name must.
    if (found.length === 0) return /[*?[]/.test(relative) ? [] : "not read: there is no such file";
    if (found.length > FILES_MAX) return `not read: more than ${FILES_MAX} files`;
    const files: { readonly file: string; readonly text: string }[] = [];
    for (const name of found) {
      try {
        const real = realpathSync(path.join(directory, name));
        // A link may lead out: what it names is not part of what was asked for.
        if (!real.startsWith(`${directory}/`)) return `not read: ${name} is a link to a file elsewhere`;
        files.push({ file: name, text: readText(real) });
      } catch (error) {
        return `not read: ${name}: ${readProblem(error)}`;
      }
    }
    return files;
  };
}
