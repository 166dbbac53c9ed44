import { resolve, sep } from "node:path";
import type { StaticConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { RouteInput } from "./schema.ts";
import { requireKey, resolvePath, type SectionContext } from "./section.ts";

/** Checks the keys of a route that serves files; undefined where it serves none. `what` names the route. */
export function readStatic(
  route: Path,
  what: string,
  input: RouteInput,
  context: SectionContext,
): StaticConfig | undefined {
  const { findings } = context;
  if (input.mode !== "static") {
    if (!findings.isPoisoned([...route, "mode"])) checkAlien(route, what, input, context);
    return undefined;
  }
  checkUnread(route, what, input, context);
  for (const [i, name] of input.static_index.entries())
    if (!/^[^./\\\p{Cc}][^/\\\p{Cc}]{0,200}$/u.test(name))
      findings.add({
        code: "Z1106",
        path: [...route, "static_index", i],
        message: `${keyLabel([...route, "static_index"])}: ${shownValue([...route, "static_index", i], name)} is no name of a file that is served`,
        fix: "write a name without a slash, and without a dot in front",
      });
  if (!requireKey(route, "serve_dir", input.serve_dir, what, context)) return undefined;
  const directory = resolvePath(input.serve_dir!, context);
  checkDirectory([...route, "serve_dir"], directory, context);
  return {
    directory,
    index: input.static_index,
    spaFallback: input.spa_fallback,
    precompressed: input.precompressed,
    maxAgeSecs: input.static_max_age_secs,
    immutable: input.static_immutable,
  };
}

/** Keys that only mean something where files are served. */
function checkAlien(route: Path, what: string, input: RouteInput, { findings }: SectionContext): void {
  const given = (
    [
      ["serve_dir", input.serve_dir !== undefined],
      ["spa_fallback", input.spa_fallback],
      ["precompressed", input.precompressed],
      ["static_max_age_secs", input.static_max_age_secs !== undefined],
      ["static_immutable", input.static_immutable],
    ] as const
  ).filter(([, isGiven]) => isGiven);
  for (const [key] of given)
    findings.add({
      code: "Z1214",
      path: [...route, key],
      message: `${what} has \`${key}\`, and serves no files`,
      fix: 'set mode = "static", or remove it',
    });
}

/** What speaks of an upstream, and of requests that are not for files. */
function checkUnread(route: Path, what: string, input: RouteInput, { findings }: SectionContext): void {
  const unread: Path[] = [];
  if (input.request_headers !== undefined) unread.push(["request_headers"]);
  if (input.rewrite?.host !== undefined) unread.push(["rewrite", "host"]);
  if (input.split.length > 0) unread.push(["split"]);
  for (const key of unread)
    findings.add({
      code: "Z1214",
      path: [...route, ...key],
      at: "key",
      message: `${what} serves files, and has \`${key.join(".")}\`, which is for requests that go to an upstream`,
      fix: "remove it",
    });
  const method = input.methods?.findIndex((one) => one !== "GET" && one !== "HEAD") ?? -1;
  if (method >= 0)
    findings.add({
      code: "Z1214",
      path: [...route, "methods", method],
      message: `${what} serves files, for GET and HEAD only`,
      fix: 'write methods = ["GET", "HEAD"], or leave the key out',
    });
  if (input.static_immutable && input.static_max_age_secs === undefined)
    findings.add({
      code: "Z1214",
      path: [...route, "static_immutable"],
      message: `${what} has \`static_immutable\` without \`static_max_age_secs\`: nobody would keep its files`,
      fix: "add static_max_age_secs = 31536000, a year",
    });
}

function checkDirectory(
  path: Path,
  directory: string,
  { files, findings, directory: home }: SectionContext,
): void {
  let mode: number | undefined;
  try {
    mode = files.stat?.(directory)?.mode;
  } catch {
    // Reported as not there.
  }
  if (files.stat !== undefined && (mode === undefined || (mode & TYPE_BITS) !== DIRECTORY_BITS))
    findings.add({
      code: "Z1341",
      path,
      message: `${keyLabel(path)}: ${printable(directory)} is no directory that can be read`,
    });
  if (home === directory || home.startsWith(directory.endsWith(sep) ? directory : directory + sep))
    findings.add({
      code: "Z1342",
      path,
      message: `${keyLabel(path)}: ${printable(resolve(directory))} holds this configuration`,
    });
}

const TYPE_BITS = 0o170000;
const DIRECTORY_BITS = 0o040000;
